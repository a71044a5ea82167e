"""The flow's only node: asks the endpoint that the project's connection names.

No ``from __future__ import annotations`` here: prompt flow hands over the connection itself, and not just its
name, only where the annotation is the class and not a string.
"""

from collections.abc import Callable

from promptflow.connections import CustomConnection
from promptflow.core import tool

from chat.phi_client import stream, timeout_of
from chat.phi_key import CALLER, ENTRA, Key
from chat.phi_messages import ChatError, ChatRequest, turns

_AUDIENCE = "https://ml.azure.com/.default"


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
    return stream(connection.endpoint, _key(connection), request, timeout=timeout)  # type: ignore[return-value]


def _key(connection: CustomConnection) -> Key:
    """The endpoint's key or, where it has none, what gets tokens of whoever the flow runs as."""
    if connection.configs.get("auth") != ENTRA:
        return str(connection.key)
    CALLER.token = CALLER.token or _tokens()
    return CALLER.token


def _tokens() -> Callable[[], str]:
    from azure.core.exceptions import AzureError, ClientAuthenticationError
    from azure.identity import DefaultAzureCredential

    credential = DefaultAzureCredential()  # it keeps its tokens, and asks for another before one ends

    def token() -> str:
        try:
            return credential.get_token(_AUDIENCE).token
        except ClientAuthenticationError as error:
            raise ChatError(
                "The endpoint takes tokens of Entra ID, and nobody is signed in here. "
                "Run `az login`, or give the compute that runs the flow an identity with a role on the endpoint."
            ) from error
        except AzureError as error:
            raise ChatError("Entra ID gave no token for the endpoint. Check the network, then ask again.") from error

    return token
