"""Chatting with the fine-tuned model: the client that asks the endpoint, and its front ends: terminal, page, agent.

`phi_client` asks the endpoint, `phi_messages` says what is asked and answered. `front_ends` carries a question there,
through `prompt_flow` or `agent`; before it are `terminal`, the page in `web` and, for programs, `lines`.
Not in it: the prompt flow (`flow`), which is published with the client.
`flow`, `jobs` and `infra` may import it; of ours it imports `settings` and `cloud`.
"""
