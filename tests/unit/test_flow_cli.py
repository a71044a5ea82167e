"""The flow as prompt flow runs it, and the terminal that chats with it."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from flow_fake import CONNECTION
from rich.console import Console

from chat import front_ends, phi_client
from chat.lines import answer_lines
from chat.phi_messages import Answer, AnswerCutOff, Busy, ChatError, ChatRequest, Ending, Turn, Unreachable
from chat.prompt_flow import FLOW_DIRECTORY
from chat.terminal import Models, Terminal

ROOT = Path(__file__).resolve().parents[2]


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
