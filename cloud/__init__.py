"""How Azure is spoken to: who asks, the clients, the catalogue of resource types and roles, what a refusal means.

Not in it: the stages and commands that ask (`jobs`), what Pulumi declares (`infra`).
All above may import it, policies and reviews too; of ours it imports `settings` alone.
"""
