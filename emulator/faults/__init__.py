"""Azure on a bad day: the rules that make requests, operations, tokens, roles, jobs and deployments fail on purpose.

Not in it: where a rule strikes; each room asks the book itself, and for requests `front` does. All rooms may import it.
"""
