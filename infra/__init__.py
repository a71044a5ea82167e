"""What Pulumi declares: one component a file, the stages as resources, and what becomes of them (`lifecycle`).

Not in it: what a stage does (`jobs`), what settings mean (`settings`), names and types (`settings`, `cloud`).
`__main__` alone imports it; it may import all below, and alone of them pulumi.
"""
