"""Every front end holds the same conversations with the same endpoint, and fails in the same words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chat import front_ends
from tests.contract import scripted
from tests.contract.arm import Arm
from tests.contract.lab import Lab

ROOT = Path(__file__).resolve().parents[2]
Told = dict[str, Any]


def put_connection(arm: Arm, workspace: str, name: str, endpoint: str, key: str, timeout: int = 90) -> str:
    """A Custom keys connection as the program writes it; returns its id."""
    path = f"{workspace}/connections/{name}"
    properties = {
        "authType": "CustomKeys",
        "category": "CustomKeys",
        "target": endpoint,
        "metadata": {
            "endpoint": endpoint,
            "request_timeout_seconds": str(timeout),
            "azureml.flow.connection_type": "Custom",
            "azureml.flow.module": "promptflow.connections",
        },
        "credentials": {"keys": {"key": key}},
    }
    arm.put(path, "2025-12-01", {"properties": properties})
    return path


class FrontEnd:
    """`python -m chat --json` with one front end: questions in, answers out, in a process of its own."""

    def __init__(self, name: str, connection: str) -> None:
        command = [sys.executable, "-m", "chat", "--json", "--front-end", name, "--connection", connection]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, question: str, **more: Any) -> Told:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"question": question, **more}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"it ended with {self._process.wait()}"
        told: Told = json.loads(line)
        return told

    def end(self) -> int:
        self._process.communicate(timeout=30)
        return self._process.returncode


@pytest.fixture(scope="module")
def endpoint() -> Iterator[scripted.Endpoint]:
    with scripted.serving() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def everyone(arm: Arm, workspace: str, endpoint: scripted.Endpoint) -> Iterator[dict[str, FrontEnd]]:
    """All front ends, started side by side."""
    connection = put_connection(arm, workspace, "scripted", endpoint.url, scripted.KEY)
    started = {name: FrontEnd(name, connection) for name in front_ends.NAMES}
    yield started
    codes = {name: each.end() for name, each in started.items()}
    assert set(codes.values()) == {1}, f"{codes}: some questions had no answer"


@pytest.fixture(params=front_ends.NAMES)
def front_end(request: pytest.FixtureRequest, everyone: dict[str, FrontEnd]) -> FrontEnd:
    return everyone[request.param]


def test_a_conversation_in_pieces(front_end: FrontEnd, endpoint: scripted.Endpoint) -> None:
    first = front_end.ask("one", reset=True, temperature=0.3, max_new_tokens=9)
    assert first["answer"] == "You asked 'one'"
    assert (first["tokens"], first["cut_off"], first["deployment"], first["pieces"]) == (7, False, "new", 3)
    asked = endpoint.asked[-1]
    assert (asked["body"]["temperature"], asked["body"]["max_tokens"]) == (0.3, 9)
    assert front_end.ask("two")["answer"] == "You asked 'two' after one; You asked 'one'"
    assert front_end.ask("three", reset=True)["answer"] == "You asked 'three'"


def test_an_answer_that_reached_its_length(front_end: FrontEnd) -> None:
    assert front_end.ask("long", reset=True)["cut_off"] is True


def test_a_deployment_that_cannot_stream(front_end: FrontEnd, endpoint: scripted.Endpoint) -> None:
    for _ in range(2):
        answer = front_end.ask("whole", reset=True, deployment=scripted.OLD)
        assert (answer["answer"], answer["pieces"], answer["tokens"]) == ("You asked 'whole'", 1, None)
    assert [each["path"] for each in endpoint.asked[-2:]] == ["/score", "/score"]
    assert endpoint.asked[-1]["deployment"] == scripted.OLD


@pytest.mark.parametrize(
    ("question", "kind", "says"),
    [
        ("key", "KeyRefused", "refused the key (401)"),
        ("busy", "Busy", "Ask again in 1 s"),
        ("broken", "ServerFailed", "failed (500)"),
        ("gone", "ServerFailed", "failed (503)"),
        ("model", "ModelFailed", "raised an error (424)"),
        ("shape", "UnknownAnswer", "shape nobody here knows"),
        ("hang up", "Unreachable", "could not be reached"),
        ("half", "AnswerCutOff", "was cut off"),
        (" ", "InvalidInput", "is empty"),
    ],
)
def test_failures(front_end: FrontEnd, question: str, kind: str, says: str) -> None:
    front_end.ask("before", reset=True)
    told = front_end.ask(question)
    error = told["error"]
    assert error["kind"] == kind and says in error["message"], error
    assert error["retry_after"] == (1.0 if question in ("busy", "broken", "gone") else None)
    assert error["text"] == ("You" if question == "half" else "")
    assert scripted.KEY not in json.dumps(told)
    assert front_end.ask("after")["answer"] == "You asked 'after' after before; You asked 'before'"


def test_the_connection_says_how_long_to_wait(arm: Arm, workspace: str, endpoint: scripted.Endpoint) -> None:
    connection = put_connection(arm, workspace, "hasty", endpoint.url, scripted.KEY, timeout=1)
    talks = {name: FrontEnd(name, connection) for name in front_ends.NAMES}
    said = {name: talk.ask("silent")["error"]["message"] for name, talk in talks.items()}
    assert {name: "no answer within 1 s" in text for name, text in said.items()} == dict.fromkeys(talks, True), said
    assert {talk.end() for talk in talks.values()} == {1}


def _real_connection(lab: Lab) -> str:
    keys = lab.arm.post(f"{lab.live}/listKeys", "2025-12-01")
    url = lab.get(lab.live)["properties"]["scoringUri"]
    return put_connection(lab.arm, lab.workspace, "live", url, keys["primaryKey"])


def test_the_same_words_from_an_endpoint_of_the_emulator(lab: Lab) -> None:
    """Its deployment streams from Azure ML's own inference server."""
    connection = _real_connection(lab)
    talks = {name: FrontEnd(name, connection) for name in front_ends.NAMES}
    said = set()
    for talk in talks.values():
        first, second = talk.ask("Who are you?", max_new_tokens=9), talk.ask("Who?", max_new_tokens=9)
        assert first["pieces"] > 1 and first["tokens"] == 9 and first["cut_off"]
        said.add((first["answer"], second["answer"]))
        assert talk.ask("Who?", deployment="nosuch")["error"]["kind"] == "NoDeployment"
    assert len(said) == 1
    assert {talk.end() for talk in talks.values()} == {1}
