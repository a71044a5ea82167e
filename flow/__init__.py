"""The prompt flow of the tutorial: flow.dag.yaml, its node, and what it needs."""
