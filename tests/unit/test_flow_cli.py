"""The flow as prompt flow runs it, and the terminal chat around it."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from rich.console import Console

from chat import __main__ as cli
from chat import connection, front_ends, phi_client
from chat.connection import Connection, connection_id
from chat.lines import answer_lines
from chat.phi_messages import Answer, AnswerCutOff, Busy, ChatError, ChatRequest, Ending, Turn, Unreachable
from chat.prompt_flow import FLOW_DIRECTORY
from chat.terminal import Models, Terminal
from cloud import credentials
from settings import outputs

ROOT = Path(__file__).resolve().parents[2]
SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
ID = connection_id(SUBSCRIPTION, "rg", "project", "phi-connection-1")
CONNECTION = Connection(ID, "https://phi.eastus2.inference.ml.azure.com/score", "canary-key", timeout=150.0)


def test_the_flow_is_the_tutorials() -> None:
    flow = yaml.safe_load((FLOW_DIRECTORY / "flow.dag.yaml").read_text())
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
    sent: list[tuple[Any, ...]] = []

    def stream(*given: Any, timeout: float) -> Iterator[str]:
        sent.append((*given, timeout))
        return iter(["Bill Gates", Ending(Answer("Bill Gates", "base", 0.1))])

    monkeypatch.setattr(phi_client, "stream", stream)  # before the flow imports it
    flow = front_ends.front_end(front_ends.PROMPT_FLOW, CONNECTION)
    request = ChatRequest("Who founded Microsoft?", (Turn("Hi", "Hello."),), "base", 0.1, 32)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    first, ending = flow(request)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers, "Ctrl-C stays ours"
    assert first == "Bill Gates" and isinstance(ending, Ending) and ending.answer.deployment == "base"
    assert sent == [(CONNECTION.endpoint, CONNECTION.key, request, 150.0)]

    def refuse(*_: Any, **__: Any) -> Iterator[str]:
        raise Unreachable("could not be reached")

    monkeypatch.setattr(phi_client, "stream", refuse)
    with pytest.raises(Unreachable, match="could not be reached"):
        front_ends.front_end(front_ends.PROMPT_FLOW, CONNECTION)(request)
    assert not [name for name in sys.modules if name.startswith("promptflow._sdk")], "the devkit leaves files"


class Flow:
    """Answers like the two models."""

    def __init__(self) -> None:
        self.asked: list[ChatRequest] = []
        self.error: ChatError | None = None

    def __call__(self, request: ChatRequest) -> Iterator[str]:
        self.asked.append(request)
        if self.error:
            error, self.error = self.error, None
            raise error
        text = "wrong" if request.deployment == "base" else "Bill Gates and\n Paul Allen."
        yield from text.partition(" ")
        yield Ending(Answer(text, request.deployment or "m1", 0.1, 7, request.max_new_tokens < 5))


def _terminal(flow: Flow, *, compare: str = "", base: str = "base") -> Terminal:
    settings = ChatRequest("", temperature=0.1, max_new_tokens=128)
    return Terminal(flow, Models("m1", base), settings, Console(soft_wrap=True), compare=compare)


def test_asking_once_with_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    _terminal(Flow(), compare="base").ask("Who founded Microsoft?")
    question, base, tuned = capsys.readouterr().out.splitlines()
    assert question.split(maxsplit=1) == ["Question", "Who founded Microsoft?"]
    assert base.startswith("Base model") and "wrong" in base
    assert tuned.startswith("Fine-tuned") and "Bill Gates and Paul Allen." in tuned and "s, 7 tokens)" in tuned


def test_comparison_without_a_base_model_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    flow = Flow()
    _terminal(flow, compare="base", base="").ask("Who?")
    assert [request.deployment for request in flow.asked] == [""]
    assert "compareWithBase" in capsys.readouterr().err


def _typed(monkeypatch: pytest.MonkeyPatch, flow: Flow, *lines: str) -> None:
    rest = iter(lines)

    def read_line(*_: object, **__: object) -> str:
        line = next(rest, None)
        if line is None:
            raise EOFError
        if line == "^C":
            raise KeyboardInterrupt
        if line == "broken":
            flow.error = Busy("too many [requests]")
        if line == "half":
            flow.error = AnswerCutOff("cut off")
            flow.error.text = "Bill"
        return line

    monkeypatch.setattr(Console, "input", read_line)


def test_a_conversation(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    flow = Flow()
    _typed(monkeypatch, flow, "Who?", "", "And [when]?", "/help", "/reset", "Again", "broken", "half", "Still here")
    _terminal(flow).converse()
    assert [(request.question, len(request.history)) for request in flow.asked] == [
        ("Who?", 0),
        ("And [when]?", 1),
        ("Again", 0),
        ("broken", 1),
        ("half", 1),
        ("Still here", 2),
    ]
    assert flow.asked[-1].history[-1] == Turn("half", "Bill")
    out = capsys.readouterr().out
    assert "error: too many [requests]" in out and "Bill Gates and\n Paul Allen." in out and "7 tokens" in out


def test_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    flow = Flow()
    commands = ("/compare base", "A", "/compare tuned", "B", "/compare off", "/length 4", "/temperature 0", "C", "/x y")
    _typed(monkeypatch, flow, *commands, "/quit", "never")
    _terminal(flow).converse()
    assert [(request.question, request.deployment) for request in flow.asked] == [
        ("A", "base"),
        ("A", ""),
        ("B", "m1"),
        ("B", ""),
        ("C", ""),
    ]
    assert flow.asked[-1].history == tuple(Turn(question, "Bill Gates and\n Paul Allen.") for question in "AB")
    assert (flow.asked[-1].max_new_tokens, flow.asked[-1].temperature) == (4, 0.0)
    out = capsys.readouterr().out
    assert "/length 8 allows more" in out and "There is no /x y" in out


@pytest.mark.parametrize("command", ["/compare", "/compare me", "/length", "/length 0", "/length x", "/temperature 9"])
def test_commands_with_nonsense_change_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    flow = Flow()
    _typed(monkeypatch, flow, command, "Who?", "^C")
    _terminal(flow).converse()
    assert flow.asked == [ChatRequest("Who?", (), "", 0.1, 128)]
    assert f"There is no {command}" in capsys.readouterr().out


def test_questions_in_lines_of_json() -> None:
    flow, out = Flow(), io.StringIO()
    flow_lines = ['{"question": "A"}', "", '{"question": "B", "deployment": "base", "max_new_tokens": 4}', "{", "[]"]
    flow_lines += ['{"question": "C", "temperature": "hot"}', '{"question": "D", "reset": true}']
    assert not answer_lines(flow, ChatRequest(""), flow_lines, out)
    said = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [each.get("answer", each.get("error", {}).get("kind")) for each in said] == [
        "Bill Gates and\n Paul Allen.",
        "wrong",
        "InvalidInput",
        "InvalidInput",
        "InvalidInput",
        "Bill Gates and\n Paul Allen.",
    ]
    assert (said[0]["tokens"], said[0]["cut_off"], said[1]["cut_off"], said[0]["pieces"]) == (7, False, True, 3)
    assert [len(request.history) for request in flow.asked] == [0, 1, 0]


def test_what_has_arrived_is_in_the_error_of_a_line() -> None:
    flow, out = Flow(), io.StringIO()
    flow.error = AnswerCutOff("cut off")
    flow.error.text = "Bill"
    assert not answer_lines(flow, ChatRequest(""), ['{"question": "A"}'], out)
    error = json.loads(out.getvalue())["error"]
    assert error == {"kind": "AnswerCutOff", "message": "cut off", "retry_after": None, "text": "Bill"}


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


class Azure:
    """Stands where requests would reach Azure Resource Manager."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, status: int, properties: object) -> None:
        self.url = ""
        self._answer = SimpleNamespace(status_code=status, json=lambda: {"properties": properties})
        token = SimpleNamespace(get_token=lambda _: SimpleNamespace(token="t"))
        monkeypatch.setattr(connection, "credential", lambda: token)
        monkeypatch.setattr(credentials, "_environment", {})
        monkeypatch.setattr(connection.requests, "post", self)

    def __call__(self, url: str, **_: object) -> SimpleNamespace:
        self.url = url
        return self._answer


@pytest.mark.parametrize(
    "properties",
    [
        {"metadata": {"endpoint": "https://e/score"}, "credentials": {"keys": {"key": "k"}}},
        {"metadata": None, "credentials": {"keys": {"endpoint": "https://e/score", "key": "k"}}},
    ],
)
def test_the_connection_as_the_program_and_as_the_portal_write_it(
    monkeypatch: pytest.MonkeyPatch, properties: object
) -> None:
    azure = Azure(monkeypatch, 200, properties)
    found = connection.read_connection(ID)
    assert (found.endpoint, found.key) == ("https://e/score", "k")
    assert azure.url.startswith(f"https://management.azure.com{ID}/listsecrets?api-version=")
    assert "'k'" not in repr(found)


def test_who_has_several_tenants_is_asked_in_that_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    Azure(monkeypatch, 200, {"metadata": {"endpoint": "https://e/score"}, "credentials": {"keys": {"key": "k"}}})
    monkeypatch.setenv("ARM_SUBSCRIPTION_ID", "default-of-az")
    connection.read_connection(ID)
    assert credentials.subscription_id() == SUBSCRIPTION


@pytest.mark.parametrize(
    ("written", "timeout"), [("150", 150.0), (None, 90.0), ("soon", 90.0), ("-1", 90.0), ("nan", 90.0)]
)
def test_the_connection_says_how_long_an_answer_may_take(
    monkeypatch: pytest.MonkeyPatch, written: str | None, timeout: float
) -> None:
    metadata = {"endpoint": "https://e/score"} | ({"request_timeout_seconds": written} if written else {})
    Azure(monkeypatch, 200, {"metadata": metadata, "credentials": {"keys": {"key": "k"}}})
    assert connection.read_connection(ID).timeout == timeout


@pytest.mark.parametrize(("written", "system"), [("Answer in rhymes.", "Answer in rhymes."), (None, "")])
def test_the_connection_says_what_the_model_is_told_first(
    monkeypatch: pytest.MonkeyPatch, written: str | None, system: str
) -> None:
    metadata = {"endpoint": "https://e/score"} | ({"system_prompt": written} if written else {})
    Azure(monkeypatch, 200, {"metadata": metadata, "credentials": {"keys": {"key": "k"}}})
    assert connection.read_connection(ID).system == system


def test_the_plain_front_end_waits_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(front_ends, "stream", lambda *_, timeout: waited.append(timeout))
    front_ends.front_end(front_ends.PLAIN, CONNECTION)(ChatRequest("Who?"))
    assert waited == [150.0]


@pytest.mark.parametrize(
    ("status", "properties", "says"),
    [
        (403, {}, "Ask for the role"),
        (404, {}, "There is no connection phi-connection-1 of project project"),
        (500, {}, "answered 500"),
        (200, {"metadata": {"endpoint": "https://e/score"}, "credentials": None}, "lacks key"),
        (200, [], "lacks endpoint, key"),
    ],
)
def test_a_connection_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, status: int, properties: object, says: str
) -> None:
    Azure(monkeypatch, status, properties)
    with pytest.raises(connection.ConnectionUnreadable, match=says):
        connection.read_connection(ID)


def test_an_id_that_is_no_connections() -> None:
    with pytest.raises(connection.ConnectionUnreadable, match="not a connection's id"):
        connection.read_connection("phi-connection")


def test_two_questions_at_once_print_no_progress() -> None:
    """In a process of its own: promptflow reads its level when it is imported."""
    script = """
import threading, time
from chat import front_ends, phi_client
from chat.connection import Connection, connection_id
from chat.phi_messages import Answer, ChatRequest, Ending

ends = {"quick": threading.Event(), "slow": threading.Event()}

def stream(endpoint, key, request, timeout):
    started.wait()  # both calls are under way
    if request.question == "slow":
        ends["quick"].wait()
    return iter([Ending(Answer(request.question, "", 0.1))])

started = threading.Barrier(2)
phi_client.stream = stream
talk = front_ends.front_end("promptflow", Connection(connection_id("s", "g", "p", "c"), "https://e/score", "k"))

def ask(question):
    list(talk(ChatRequest(question)))
    ends[question].set()

threads = [threading.Thread(target=ask, args=(question,)) for question in ends]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("both answered" if all(end.is_set() for end in ends.values()) else "not all answered")
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("both answered\n", "")
