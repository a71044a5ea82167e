"""The flow as prompt flow runs it, and the terminal chat around it."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from rich.console import Console

from flow import __main__ as cli
from flow import chat, project
from flow.chat import ChatRequest, Turn
from jobs import outputs

CONNECTION = {
    "type": "CustomConnection",
    "module": "promptflow.connections",
    "secret_keys": ["key"],
    "value": {"endpoint": "https://phi.eastus2.inference.ml.azure.com/score", "key": "canary-key"},
}


def test_the_flow_is_the_tutorials() -> None:
    flow = yaml.safe_load((project.FLOW_DIRECTORY / "flow.dag.yaml").read_text())
    assert flow["inputs"]["input_data"] == {
        "type": "string",
        "default": "Who founded Microsoft?",
        "is_chat_input": True,
    }
    assert flow["outputs"]["answer"]["reference"] == "${integrate_with_promptflow.output}"
    (node,) = flow["nodes"]
    assert (node["name"], node["type"], node["source"]["path"]) == (
        "integrate_with_promptflow",
        "python",
        "integrate_with_promptflow.py",
    )


def test_prompt_flow_runs_it_with_the_projects_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []

    class Response:
        status_code, headers, url = 200, {}, CONNECTION["value"]["endpoint"]  # type: ignore[index, var-annotated]

        def __enter__(self) -> Response:
            return self

        def __exit__(self, *_: object) -> None: ...

        def iter_content(self, size: int) -> list[bytes]:
            return [b'{"output": "Bill Gates and Paul Allen."}']

    def post(url: str, **given: Any) -> Response:
        sent.append({"url": url, **given})
        return Response()

    monkeypatch.setattr(project, "_connection", lambda *_: CONNECTION)
    flow = project.ProjectFlow("sub", "rg", "project", "phi-connection-1")
    monkeypatch.setattr(chat.requests, "post", post)

    request = ChatRequest("Who founded Microsoft?", (Turn("Hi", "Hello."),), "base", 0.1, 32)
    assert flow(request) == "Bill Gates and Paul Allen."
    assert sent[0]["url"] == "https://phi.eastus2.inference.ml.azure.com/score"
    assert sent[0]["json"] == request.payload()
    assert sent[0]["headers"] == {"azureml-model-deployment": "base"}

    def refuse(url: str, **given: Any) -> Response:
        raise chat.requests.exceptions.ConnectionError

    monkeypatch.setattr(chat.requests, "post", refuse)
    with pytest.raises(chat.Unreachable, match="could not be reached"):
        flow(request)
    assert not [name for name in sys.modules if name.startswith("promptflow._sdk")], "the devkit leaves files"


class Flow:
    """Answers like the two models."""

    def __init__(self) -> None:
        self.asked: list[ChatRequest] = []
        self.error: chat.ChatError | None = None

    def __call__(self, request: ChatRequest) -> str:
        self.asked.append(request)
        if self.error:
            error, self.error = self.error, None
            raise error
        return "wrong" if request.deployment == "base" else "Bill Gates and\n Paul Allen."


def _chat(flow: Flow, *, compare: bool, base: str = "base") -> cli.Chat:
    chosen = argparse.Namespace(compare=compare, temperature=0.1, max_new_tokens=128)
    return cli.Chat(flow, {"baseDeployment": base}, chosen, Console(soft_wrap=True))  # type: ignore[arg-type]


def test_asking_once_with_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    _chat(Flow(), compare=True).ask("Who founded Microsoft?")
    question, base, tuned = capsys.readouterr().out.splitlines()
    assert question.split(maxsplit=1) == ["Question", "Who founded Microsoft?"]
    assert base.startswith("Base model") and "wrong" in base
    assert tuned.startswith("Fine-tuned") and "Bill Gates and Paul Allen." in tuned and "s)" in tuned


def test_comparison_without_a_base_model_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    flow = Flow()
    _chat(flow, compare=True, base="").ask("Who?")
    assert [request.deployment for request in flow.asked] == [""]
    assert "compareWithBase" in capsys.readouterr().err


def test_a_conversation(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    flow = Flow()
    typed = iter(["Who?", "", "And [when]?", "/help", "/reset", "Again", "broken", "Still here"])

    def read_line(*_: object, **__: object) -> str:
        line = next(typed, None)
        if line is None:
            raise EOFError
        if line == "broken":
            flow.error = chat.Busy("too many requests")
        return line

    monkeypatch.setattr(Console, "input", read_line)
    _chat(flow, compare=False).converse()
    assert [(request.question, len(request.history)) for request in flow.asked] == [
        ("Who?", 0),
        ("And [when]?", 1),
        ("Again", 0),
        ("broken", 1),
        ("Still here", 1),
    ]
    assert "error: too many requests" in capsys.readouterr().out


def _pulumi(monkeypatch: pytest.MonkeyPatch, code: int, stdout: str = "", stderr: str = "") -> None:
    monkeypatch.setattr(outputs.shutil, "which", lambda _: "/usr/bin/pulumi")
    done = SimpleNamespace(returncode=code, stdout=stdout, stderr=stderr)
    monkeypatch.setattr(outputs.subprocess, "run", lambda *_, **__: done)


@pytest.mark.parametrize(
    ("code", "stdout", "stderr", "message"),
    [
        (255, "", "error: no stack named 'dev' found\n", "There is no stack dev yet. Run `make up STACK=dev`"),
        (255, "", "warning: x\nerror: passphrase must be set\n", "passphrase must be set"),
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
    _pulumi(monkeypatch, 255, stderr="error: no stack named 'local' found")
    monkeypatch.setattr(project, "load", lambda: None)
    with pytest.raises(SystemExit) as caught:
        cli.main(["--ask", "Hi"])
    assert str(caught.value) == "error: There is no stack local yet. Run `make up STACK=local` first."
