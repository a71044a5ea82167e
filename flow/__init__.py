"""The prompt flow of the tutorial: flow.dag.yaml, its node, and what it needs.

Not in it: putting the question to the endpoint (`chat`), putting the flow into the project (`jobs.publishing`).
Pulumi's stage reads its files; of ours its node imports the chat's client alone.
"""
