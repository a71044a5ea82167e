"""Chatting with the fine-tuned model: the client that asks the endpoint, and its front ends: terminal, page, agent.

Not in it: the prompt flow (`flow`), which is published with the client.
`flow`, `jobs` and `infra` may import it; of ours it imports `settings` and `cloud`.
"""
