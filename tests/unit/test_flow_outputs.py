"""What the chat is told where the stack's outputs cannot be had."""

from __future__ import annotations

import json
import subprocess
from types import SimpleNamespace

import pytest

from chat import __main__ as cli
from chat import front_ends
from settings import outputs


def _pulumi(monkeypatch: pytest.MonkeyPatch, code: int, stdout: str = "", stderr: str = "") -> None:
    monkeypatch.setattr(outputs.shutil, "which", lambda _: "/usr/bin/pulumi")
    done = SimpleNamespace(returncode=code, stdout=stdout, stderr=stderr)
    monkeypatch.setattr(outputs.subprocess, "run", lambda *_, **__: done)


@pytest.mark.parametrize(
    ("code", "stdout", "stderr", "message"),
    [
        (255, "", "error: no stack named 'dev' found\n", "There is no stack dev yet. Run `make up STACK=dev`"),
        (255, "", "warning: x\nerror: passphrase must be set\n", "passphrase must be set"),
        (255, "", "error: PULUMI_ACCESS_TOKEN must be set for login\n", "Run `pulumi login --local`"),
        (0, "{}", "", "not up yet.*make up STACK=dev"),
        (0, '{"deployment": ""}', "", "it has no deployment"),
        (0, "oops", "", "not JSON"),
    ],
)
def test_outputs_that_are_not_there(
    monkeypatch: pytest.MonkeyPatch, code: int, stdout: str, stderr: str, message: str
) -> None:
    _pulumi(monkeypatch, code, stdout, stderr)
    with pytest.raises(outputs.OutputsError, match=message):
        outputs.read("dev", "deployment")


def test_outputs_leave_secrets_out(monkeypatch: pytest.MonkeyPatch) -> None:
    _pulumi(monkeypatch, 0, json.dumps({"endpoint": "phi", "key": "[secret]"}))
    assert outputs.read("dev", "endpoint") == {"endpoint": "phi"}


def test_no_pulumi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs.shutil, "which", lambda _: None)
    with pytest.raises(outputs.OutputsError, match="make setup"):
        outputs.read("dev")


def test_pulumi_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(command: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(command, 60)

    _pulumi(monkeypatch, 0)
    monkeypatch.setattr(outputs.subprocess, "run", hang)
    with pytest.raises(outputs.OutputsError, match="within 60 s"):
        outputs.read("dev")


def test_chat_before_up_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    _pulumi(monkeypatch, 255, stderr="error: no stack named 'dev' found")
    monkeypatch.setattr(front_ends, "load", lambda _: None)
    with pytest.raises(SystemExit) as caught:
        cli.main(["--stack", "dev", "--ask", "Hi"])
    assert str(caught.value) == (
        "error: There is no stack dev yet. Run `make up STACK=dev` first; on Azure, `pulumi stack init dev` comes "
        "before it."
    )
