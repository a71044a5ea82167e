"""The flow's only node: asks the endpoint that the project's connection names.

No ``from __future__ import annotations`` here: prompt flow hands over the connection itself, and not just its
name, only where the annotation is the class and not a string.
"""

from promptflow.connections import CustomConnection
from promptflow.core import tool

from chat.phi_client import stream, timeout_of
from chat.phi_messages import ChatRequest, turns


@tool  # type: ignore[untyped-decorator]
def my_python_tool(
    input_data: str,
    connection: CustomConnection,
    chat_history: list,  # type: ignore[type-arg]
    deployment: str = "",
    temperature: float = 0.7,
    max_new_tokens: int = 128,
) -> str:
    """The answer to ``input_data``; ``deployment`` asks one deployment whatever the traffic rules say.

    A stream of texts where prompt flow is asked to stream (the portal's chat, `make chat`); it joins them elsewhere.
    """
    told, seconds = (connection.configs.get(name) for name in ("system_prompt", "request_timeout_seconds"))
    request = ChatRequest(input_data, turns(chat_history), deployment, temperature, max_new_tokens, told or "")
    timeout = timeout_of(seconds)
    return stream(connection.endpoint, connection.key, request, timeout=timeout)  # type: ignore[return-value]
