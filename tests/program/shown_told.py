"""What a person reads of what the program asks others for, where the answer holds a secret (see shown.py)."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import pulumi
import pytest
from urllib3 import HTTPResponse

from tests.program.shown import CANARY, LINE


def no_outputs(outputs: ModuleType) -> str:
    """The Pulumi CLI that gives no outputs."""
    return str(outputs._explained("local", f"error: {LINE}"))


def no_state(outputs: ModuleType) -> str:
    """The Pulumi CLI that does not give a stack's state to a command."""
    failed = SimpleNamespace(returncode=1, stdout="", stderr=f"error: {LINE}")
    with (
        patch.object(outputs.shutil, "which", lambda _: "pulumi"),
        patch.object(outputs.subprocess, "run", lambda *_, **__: failed),
        redirect_stderr(io.StringIO()) as shown,
    ):
        outputs.origin("local")
    return shown.getvalue()


def no_own_state(origin: ModuleType) -> str:
    """A program that may not read its own state."""

    def refused(*_: object) -> object:
        raise ValueError(LINE)

    with patch.object(origin, "invoke", refused), patch.object(origin, "pulumi", _Named):
        try:
            origin.OwnState.read()
        except pulumi.RunError as error:
            return str(error)
    raise AssertionError("it was read")


class _Named:
    """What of pulumi says which stack it is."""

    RunError = pulumi.RunError
    get_organization = get_project = get_stack = staticmethod(lambda: "local")


def not_asked(github: ModuleType) -> str:
    """GitHub's own command line that fails, and says with what."""
    failed = SimpleNamespace(returncode=1, stdout="", stderr=f"error: {LINE}")
    with patch.object(github.subprocess, "run", lambda *_, **__: failed):
        try:
            github._by_gh("repos/o/r")
        except Exception as error:  # noqa: BLE001 - whichever class the module has now
            return str(error)
    raise AssertionError("it was asked")


def no_settings(stack_file: ModuleType) -> str:
    """The Pulumi CLI that gives no settings, and says why."""
    failed = SimpleNamespace(returncode=1, stdout="", stderr=f"error: {LINE}")
    with patch.multiple(
        stack_file,
        subprocess=SimpleNamespace(
            run=lambda *_, **__: failed, DEVNULL=None, TimeoutExpired=stack_file.subprocess.TimeoutExpired
        ),
        shutil=SimpleNamespace(which=lambda _: "pulumi"),
    ):
        try:
            stack_file._from_pulumi("dev", "dev", Path("Pulumi.dev.yaml"), "")
        except Exception as error:  # noqa: BLE001 - whichever class the module has now
            return str(error)
    raise AssertionError("it was read")


def misplaced(problems: ModuleType) -> str:
    """A setting that is none, and called a secret."""
    return str(problems.unknown_key(("hfToken",), CANARY, ["data"]))


def echoed(chat: ModuleType) -> str:
    """An endpoint that repeats the key it was sent, in a refusal and in an answer."""
    return _echo(chat.ask, chat, 424, f"no such key: {CANARY}") + _echo(
        chat.ask, chat, 200, json.dumps({"output": f"your key is {CANARY}"})
    )


def streamed(chat: ModuleType) -> str:
    """The same in the middle of an answer that comes in pieces."""
    pieces = f'data: {{"choices": [{{"delta": {{"content": "{CANARY}"}}}}]}}\n\nevent: error\ndata: no {CANARY}\n\n'
    return _echo(chat.stream, chat, 200, pieces)


def _echo(ask: Callable[..., Any], chat: ModuleType, status: int, body: str) -> str:
    from chat.phi_messages import ChatError, ChatRequest

    class Response:
        status_code, url = status, "https://phi.example.com/score"
        headers = {"content-type": "text/event-stream"} if body.startswith("data:") else {}
        raw = HTTPResponse(io.BytesIO(body.encode()), preload_content=False)

        def __enter__(self) -> Response:
            return self

        def __exit__(self, *_: object) -> None:
            return

    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chat.requests, "post", lambda *_, **__: Response())
        try:
            answer = ask("https://phi.example.com/score", CANARY, ChatRequest("hi"))
            said += [answer.text] if hasattr(answer, "text") else answer
        except ChatError as error:
            said.append(str(error))
    return "\n".join(said)


def unreadable(module: ModuleType) -> str:
    """A download that fails, by its signed address."""
    return str(module.first_line(ValueError(LINE)))
