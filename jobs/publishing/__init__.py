"""Stage flow: the prompt flow, put into the Foundry project.

Not in it: the flow (`flow`). The stage's hook starts it; its spec is read by `infra`.
"""
