"""What a person reads at each place that keeps a secret out of it, by the module it is asked of.

Every function returns all that is shown there when something holds a secret: ``CANARY``, alone or in ``LINE``.
"""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import patch

import pulumi
import pytest
from pulumi.runtime import rpc

from cloud.errors import ModelFault
from cloud.report import WARNING
from tests.program.conftest import run_program

CANARY = "Canary0q9xPqkT7vN2rB8sLw5dHf3jYz"  # pragma: allowlist secret
LINE = f"https://st.blob.core.windows.net/c/f?sv=2026&sig={CANARY}"


def state(_: ModuleType) -> str:
    """What the engine writes into its state in clear, if Azure's answers repeat what they were sent."""
    lines = []
    for each in run_program.__wrapped__("local").resources.values():
        hidden = set(each.request.additionalSecretOutputs)
        inputs = {key: _clear(value) for key, value in each.inputs.items()}
        answers = {key: _sent(value) for key, value in each.inputs.items() if key not in hidden}
        # The engine itself marks what an answer repeats of a secret input; where that is nested, it is the program.
        lines.append(json.dumps([each.name, inputs, answers if each.name == "endpoint-connection" else {}]))
    return "\n".join(lines)


def _clear(value: Any) -> Any:
    if rpc.is_rpc_secret(value):
        return "[secret]"
    if isinstance(value, dict):
        return {key: _clear(inner) for key, inner in value.items()}
    return [_clear(inner) for inner in value] if isinstance(value, list) else value


def _sent(value: Any) -> Any:
    value = rpc.unwrap_rpc_secret(value) if rpc.is_rpc_secret(value) else value
    if isinstance(value, dict):
        return {key: _sent(inner) for key, inner in value.items()}
    return [_sent(inner) for inner in value] if isinstance(value, list) else value


def marked(difference: ModuleType) -> str:
    """A review of a property that the engine marks as a secret and shows all the same."""
    secret = {difference._SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "plaintext": CANARY}
    return "".join(map(str, difference.difference({}, {"properties": {"value": secret}})))


def named(difference: ModuleType) -> str:
    """A review of a secret that nobody marked, as a refresh finds them."""
    return "".join(map(str, difference.difference({}, {"credentials": {"keys": {"key": CANARY}}})))


def failed(errors: ModuleType) -> str:
    """A stage whose failure repeats secrets wherever it can."""
    return str(errors.StageError(LINE, on=LINE, why=LINE, todo=LINE))


def refused(errors: ModuleType) -> str:
    """Azure's own words, as commands show those that are no failure."""
    from azure.core.exceptions import HttpResponseError

    return str(errors.refusal(HttpResponseError(LINE)))


def stage(run: Callable[..., None]) -> Callable[[ModuleType], str]:
    """All that a stage's hook says while it runs."""

    def shown(stages: ModuleType) -> str:
        said: list[str] = []
        spec = SimpleNamespace(from_inputs=lambda _: None)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stages, "_run", run)
            for level in ("debug", "info", "warn"):
                patch.setattr(stages.pulumi.log, level, lambda text, **_: said.append(text))
            try:
                asyncio.run(stages.working(spec, "")(SimpleNamespace(name="finetune", new_inputs={"input": {}})))
            except RuntimeError as error:
                # The text of the exception alone is the other case.
                said += [] if run is traced else [str(error)]
        return "\n".join(said)

    return shown


def unexpected(*_: Any) -> None:
    """Fails as nobody foresaw."""
    raise ValueError(LINE)


def traced(*_: Any) -> None:
    """The same, for what the debug log says of it."""
    raise ValueError(LINE)


def reported(_module: str, _spec: object, report: Callable[[str], None], _stop: object) -> None:
    """Reports lines of a job's log."""
    report(f"job finetune-1: {LINE}")
    report(f"{WARNING}{LINE}")


def not_read(lifetime: ModuleType) -> str:
    """A read of what is there that fails, in Pulumi's log."""
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifetime.pulumi.log, "warn", said.append)
        lifetime.not_read("endpoint phi", ValueError(LINE))
    return "\n".join(said)


def not_told(recorded: ModuleType) -> str:
    """The end of an update that lacks an identity's id, and is refused it."""

    def refused() -> object:
        raise ValueError(LINE)

    try:
        asyncio.run(recorded.told(refused, "principal_id", "identity"))
    except pulumi.RunError as error:
        return str(error)
    raise AssertionError("it was told")


def listed(logs: ModuleType) -> str:
    """`python -m jobs logs` of a job that printed a secret."""
    with redirect_stdout(io.StringIO()) as shown:
        logs._print_all(_Log(), [])
    return shown.getvalue()


def followed(logs: ModuleType) -> str:
    """The same with `--follow`."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as shown:
        patch.setattr(logs, "_job", lambda *_: {"properties": {"status": "Completed"}})
        logs._follow(None, None, _Log(), [], threading.Event())
    return shown.getvalue()


def follows(following: ModuleType) -> str:
    """A stage that tells what its job has written."""
    said: list[str] = []
    job = SimpleNamespace(status="Completed", name="finetune-1")
    client = SimpleNamespace(jobs=SimpleNamespace(get=lambda _: job))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, "JobLog", lambda **_: SimpleNamespace(new_lines=lambda: [LINE]))
        following.Following(client=client, work="").to_end("finetune-1", said.append, threading.Event())
    return "\n".join(said)


class _Log:
    """The log of a job whose one line is a secret, which is also what the job died of."""

    job_name = "finetune-1"
    refused: ClassVar[dict[str, str]] = {}

    def children(self) -> list[Any]:
        return []

    def news(self) -> list[tuple[str, list[str]]]:
        return [("finetune-1", [LINE])]

    def tail(self, *_: Any) -> list[str]:
        return []

    def error(self, *_: Any) -> Any:
        return SimpleNamespace(codes=(), message=LINE)


def unmeasured(usage: ModuleType) -> str:
    """Azure Monitor without an answer, as the status tells it."""
    from azure.core.exceptions import AzureError

    def fail(*_: Any) -> None:
        raise AzureError(LINE)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(usage, "_recent", fail)
        now = datetime.now(UTC)
        return str(usage.read(None, "phi", now, now))


def unchecked(findings: ModuleType) -> str:
    """A check before the first resource that gets no answer."""
    from azure.core.exceptions import AzureError

    def fail(*_: Any) -> None:
        raise AzureError(LINE)

    return "".join(map(str, findings.as_far_as_read("quota", fail)))


def complained(engine: ModuleType) -> str:
    """What the engine says when it comes to no end."""
    return "".join(engine.Recording(complaint=LINE).preview().errors)


def diagnosed(events: ModuleType) -> str:
    """An error of the program in a review."""
    return "".join(events.read([{"diagnosticEvent": {"severity": "error", "message": LINE}}]).errors)


def recorded(main: ModuleType) -> str:
    """The events of a preview, as a review keeps them: a key nobody marked, and one in a text."""
    from review.engine import Recording

    step = {"metadata": {"new": {"outputs": {"credentials": {"keys": {"key": CANARY}}}, "text": LINE}}}
    return "".join(main._lines(Recording([{"resOutputsEvent": step}])))


def masked(part: str) -> Callable[[ModuleType], str]:
    """The same, by what tells the secret."""
    tree = {"named": {"credentials": {"keys": {"other": CANARY}}}, "formed": {"text": LINE}}[part]
    return lambda difference: json.dumps(difference.without_secrets(tree))


def formed(difference: ModuleType) -> str:
    """A review of a text that holds one."""
    return "".join(map(str, difference.difference({}, {"description": LINE})))


def explained(failures: ModuleType) -> str:
    """Why a job failed, below its log."""
    return str(failures.explained(_Log(), "Failed"))


def unanswered(golden: ModuleType) -> str:
    """A golden question without an answer, in the files of an evaluation."""
    from chat.phi_messages import ChatError

    return str(golden._unanswered(ChatError(LINE)))


def kept(evidence: ModuleType) -> str:
    """What stays of a release that is taken back: the log of its container, and what was answered."""
    spec = SimpleNamespace(deployment_name="m1", model_name="phi", model_version="1", endpoint="e")
    endpoint = SimpleNamespace(client=None, spec=spec, report=lambda _: None)
    cause = ModelFault("it failed", on="deployment m1", why="it did", todo="Look.", evidence={"answer": LINE})
    with TemporaryDirectory() as place, patch.multiple(evidence, FOLDER=Path(place), log=lambda *_: LINE):
        return "\n".join(file.read_text() for file in evidence.keep(endpoint, cause).iterdir())
