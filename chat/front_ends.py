"""Who carries a question to the endpoint. All front ends ask through `chat.phi_client`, with the same connection."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from chat.connection import Connection
from chat.phi_client import stream
from chat.phi_messages import ChatError, ChatRequest

FrontEnd = Callable[[ChatRequest], Iterator[str]]
"""A question → its answer's pieces, the last one an `Ending`. Raises ChatError, before or between the pieces."""

PROMPT_FLOW, AGENT, PLAIN = "promptflow", "agent", "plain"
NAMES = (PROMPT_FLOW, AGENT, PLAIN)


def load(name: str) -> None:
    """Imports what the front end needs (promptflow: 2 s), which can go on while something else is waited for.

    Where it is not installed, `front_end` says so, to whoever asks for it.
    """
    if name == PROMPT_FLOW:
        _without_progress()
        with contextlib.suppress(ImportError):
            import promptflow.core  # noqa: F401


def front_end(name: str, connection: Connection) -> FrontEnd:
    """The front end of a name. Raises ChatError where its libraries are not installed."""
    if name == PLAIN:
        return lambda request: stream(connection.endpoint, connection.key, request, timeout=connection.timeout)
    try:
        if name == AGENT:
            from chat.agent import AgentChat

            return AgentChat(connection)
        _without_progress()
        from chat.prompt_flow import PromptFlow

        return PromptFlow(connection)
    except ImportError as error:
        raise ChatError(f"The front end {name} is not installed here ({error}). Run `make setup`.") from error


def _without_progress() -> None:
    """Before promptflow is imported, which reads this then.

    It silences its log during a call, but for all threads at once: of two calls side by side the first to end
    switches it on again for the other. What goes wrong comes as an exception.
    """
    os.environ.setdefault("PF_LOGGING_LEVEL", "CRITICAL")


def interpreter(name: str) -> Path:
    """The Python that has the front end's libraries.

    Agent Framework has an environment of its own: it needs a newer opentelemetry than promptflow allows.
    """
    own = Path(sys.prefix) / "agent" / "bin" / "python"
    return own if name == AGENT and own.exists() else Path(sys.executable)
