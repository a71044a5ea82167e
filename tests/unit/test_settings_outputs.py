"""How the Pulumi CLI is asked for a stack's outputs and state, and every message where it does not answer."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from settings import outputs
from settings.naming import Origin
from settings.outputs import OutputsError, advice, origin, read

PREFLIGHT = "urn:pulumi:dev::p::p:infra:Preflight$pulumi:index:Stash::preflight"


class Pulumi:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[Any] = []
        self.answer: Any = (0, "{}", "")
        self.there: str | None = "/pulumi"
        monkeypatch.setattr(outputs.shutil, "which", lambda name: (name == "pulumi" and self.there) or None)
        monkeypatch.setattr(outputs.subprocess, "run", self.run)

    def run(self, command: list[str], **how: Any) -> Any:
        self.asked.append((command, how))
        if isinstance(self.answer, Exception):
            raise self.answer
        code, stdout, stderr = self.answer
        return subprocess.CompletedProcess(command, code, stdout, stderr)


@pytest.fixture
def pulumi(monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    return Pulumi(monkeypatch)


HOW = {"capture_output": True, "text": True, "timeout": 60, "check": False}
OUTPUT = ["pulumi", "stack", "output", "--json", "--non-interactive", "--stack", "dev"]
EXPORT = ["pulumi", "stack", "export", "--non-interactive", "--stack", "dev"]
NO_STACK = (
    "There is no stack dev yet. Run `make up STACK=dev` first; on Azure, `pulumi stack init dev` comes before it."
)
NO_LOGIN = (
    "Pulumi does not know where to keep its state. Run `pulumi login --local` to try, or log in to your team's "
    "(docs/environments.md)."
)


def test_outputs_are_asked_for_and_secrets_left_out(pulumi: Pulumi) -> None:
    pulumi.answer = (0, json.dumps({"a": 1, "b": "[secret]", "c": ""}), "")
    assert read("dev", "a") == {"a": 1, "c": ""}
    assert pulumi.asked == [(OUTPUT, HOW)]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (subprocess.TimeoutExpired("x", 60), f"`{' '.join(OUTPUT)}` gave no answer within 60 s."),
        ((0, "oops", ""), f"`{' '.join(OUTPUT)}` answered something that is not JSON."),
        ((0, '{"a": 1}', ""), "Stack dev is not up yet: it has no x, y. Run `make up STACK=dev` first."),
        ((1, "", "warning: w\n\n error: bad thing \nmore"), "The outputs of stack dev could not be read: bad thing"),
        ((1, "", "first\nlast"), "The outputs of stack dev could not be read: last"),
        ((1, "", " \n"), "The outputs of stack dev could not be read: it said nothing"),
        ((1, "", "error: no stack named 'dev' found"), NO_STACK),
        ((1, "", "error: PULUMI_ACCESS_TOKEN must be set for login"), NO_LOGIN),
    ],
)
def test_where_there_are_none(answer: Any, told: str, pulumi: Pulumi) -> None:
    pulumi.answer = answer
    with pytest.raises(OutputsError) as raised:
        read("dev", "x", "a", "y")
    assert str(raised.value) == told
    assert advice("dev", "anything else") == ""


def test_without_pulumi(pulumi: Pulumi) -> None:
    pulumi.there = None
    with pytest.raises(OutputsError) as raised:
        read("dev")
    assert str(raised.value) == "pulumi is not on PATH. Run `make setup`, then `. .venv/bin/activate`."
    assert origin("dev") is None and pulumi.asked == []


def state(*rows: Any) -> str:
    return json.dumps({"deployment": {"resources": list(rows)}})


RECORD = {"output": {"stack": "old", "subscription_id": "s"}}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (state({"urn": PREFLIGHT, "outputs": RECORD}), Origin("old", "s")),
        (state({"urn": "x"}, 3, {"urn": PREFLIGHT}, {"urn": PREFLIGHT, "outputs": RECORD}), Origin("old", "s")),
        (state({"urn": f"{PREFLIGHT}2", "outputs": RECORD}), None),
        (json.dumps({"deployment": {"resources": None}}), None),
    ],
)
def test_what_a_stack_was_made_as(text: str, found: Origin | None, pulumi: Pulumi, capsys: Any) -> None:
    pulumi.answer = (0, text, "a warning")
    assert origin("dev") == found
    assert pulumi.asked == [(EXPORT, HOW)]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((1, "", "error:  no\n backend"), "error: no backend"),
        ((1, state({"urn": PREFLIGHT, "outputs": RECORD}), "error: no"), "error: no"),
        (subprocess.TimeoutExpired("x", 60), "no answer within 60 s"),
        ((0, "oops", ""), "it answered something that is no state"),
        ((0, "[]", ""), "it answered something that is no state"),
        ((1, "", "error: no stack named 'dev' found"), ""),
        ((1, "", ""), ""),
    ],
)
def test_a_state_that_cannot_be_read_is_told_of(answer: Any, why: str, pulumi: Pulumi, capsys: Any) -> None:
    pulumi.answer = answer
    assert origin("dev") is None
    told = (
        f"note: the state of stack dev could not be read ({why}); its names are those of its settings. If it was "
        "renamed since it was made, they are others.\n"
    )
    assert capsys.readouterr().err == (told if why else "")
