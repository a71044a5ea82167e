"""What somebody has made by hand, found and written down as a stack that uses it.

Not in it: taking anything into a state. Only reads Azure; writes one stack file.
"""
