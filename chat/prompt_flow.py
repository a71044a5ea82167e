"""The flow as the Foundry project would run it: prompt flow executes it, with the project's own connection.

Only promptflow-core is used: it keeps no home directory, no trace database and sends no telemetry, all of
which promptflow-devkit does. The flow is read once, as prompt flow's own server does it: `Flow.invoke` reads it again
for each question, which is most of what a question would cost.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from promptflow.exceptions import PromptflowException
from promptflow.executor import FlowExecutor

from chat.connection import Connection
from chat.phi_key import ENTRA
from chat.phi_messages import ChatError, ChatRequest

FLOW_DIRECTORY = Path(__file__).resolve().parent.parent / "flow"
_BOUND = "phi-connection"
"""The name flow.dag.yaml binds its connection input to; here the stack's connection goes by it."""


class PromptFlow:
    """The flow as a front end."""

    def __init__(self, connection: Connection) -> None:
        value = {
            "endpoint": connection.endpoint,
            "key": connection.key if isinstance(connection.key, str) else "none",
            "auth": "key" if isinstance(connection.key, str) else ENTRA,
            "request_timeout_seconds": str(connection.timeout),
            "system_prompt": connection.system,
        }
        bound = {
            "type": "CustomConnection",
            "module": "promptflow.connections",
            "secret_keys": ["key"],
            "value": value,
        }
        with _own_signals():
            self._flow = FlowExecutor.create(
                FLOW_DIRECTORY / "flow.dag.yaml",
                {_BOUND: bound},
                FLOW_DIRECTORY,
                raise_ex=True,
                env_exporter_setup=False,
            )

    def __call__(self, request: ChatRequest) -> Iterator[str]:
        """The pieces of the flow's ``answer``. Raises ChatError, as the node raised it."""
        inputs = {
            "input_data": request.question,
            "chat_history": [
                {"inputs": {"input_data": turn.question}, "outputs": {"answer": turn.answer}}
                for turn in request.history
            ],
            "deployment": request.deployment,
            "temperature": request.temperature,
            "max_new_tokens": request.max_new_tokens,
        }
        try:
            with _own_signals():
                result = self._flow.exec_line(inputs, allow_generator_output=True)
        except PromptflowException as error:
            if isinstance(error.inner_exception, ChatError):
                raise error.inner_exception from None
            raise ChatError(f"Prompt flow could not run {FLOW_DIRECTORY.name}: {error}") from error
        pieces: Iterator[str] = result.output["answer"]
        return pieces


@contextmanager
def _own_signals() -> Iterator[None]:
    """prompt flow leaves handlers of its own behind, for which Ctrl-C is the end of the process."""
    if threading.current_thread() is not threading.main_thread():
        yield  # there it can set none
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
