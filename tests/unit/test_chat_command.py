"""`python -m chat`: whom it asks, through what, and with which settings. Pulumi, Azure and the model are functions."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chat import __main__ as command
from chat import deployments, front_ends
from chat.connection import Connection
from chat.phi_messages import Answer, ChatError, ChatRequest, Ending
from settings.outputs import OutputsError

OUTPUTS = {
    "subscriptionId": "sub",
    "resourceGroup": "rg-phi",
    "project": "proj-phi",
    "connection": "phi-connection",
    "deployment": "m1",
    "workspace": "mlw-phi",
    "endpoint": "phi",
    "baseDeployment": "base",
    "frontEnd": "plain",
}
ML = "/subscriptions/sub/resourceGroups/rg-phi/providers/Microsoft.MachineLearningServices/workspaces"
CONNECTION = f"{ML}/proj-phi/connections/phi-connection"
ENDPOINT = f"{ML}/mlw-phi/onlineEndpoints/phi"


class World:
    """What there is to chat with, and what has been asked."""

    def __init__(self) -> None:
        self.outputs: dict[str, Any] = dict(OUTPUTS)
        self.connection = Connection(CONNECTION, "https://e/score", "k")
        self.contracts: dict[str, str] = {}
        self.fails: Exception | None = None
        self.requests: list[ChatRequest] = []
        self.read: list[str] = []
        self.used: list[str] = []

    def front_end(self, name: str, connection: Connection) -> Any:
        assert connection is self.connection
        self.used.append(name)
        return self.answer

    def answer(self, request: ChatRequest) -> Iterator[str]:
        self.requests.append(request)
        if self.fails:
            raise self.fails
        yield "By Gates."
        yield Ending(Answer("By Gates.", request.deployment, 0.1, 3))

    def connected(self, connection: str) -> Connection:
        self.read.append(connection)
        return self.connection


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    here = World()
    monkeypatch.setattr(command, "check_stack", lambda stack, what: None)
    monkeypatch.setattr(command, "read", lambda stack, *needed: here.outputs)
    monkeypatch.setattr(command, "read_connection", here.connected)
    monkeypatch.setattr(deployments, "learn", lambda address, endpoint: here.contracts)
    monkeypatch.setattr(front_ends, "load", lambda name: None)
    monkeypatch.setattr(front_ends, "front_end", here.front_end)
    monkeypatch.setattr(front_ends, "interpreter", lambda name: Path(sys.executable))
    return here


def test_once_asked_and_answered(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    command.main(["--stack", "dev", "--ask", "Who founded Microsoft?"])
    assert "By Gates." in capsys.readouterr().out
    assert world.read == [CONNECTION]
    assert world.used == ["plain"]
    (asked,) = world.requests
    assert (asked.question, asked.deployment, asked.history) == ("Who founded Microsoft?", "", ())
    assert (asked.temperature, asked.max_new_tokens, asked.system) == (0.0, 128, "")


def test_what_the_command_line_sets_is_what_the_model_gets(world: World) -> None:
    world.connection = Connection(CONNECTION, "https://e/score", "k", system="Answer in rhymes.")
    command.main(["--ask", "Who?", "--temperature", "0.5", "--max-new-tokens", "7", "--front-end", "agent"])
    (asked,) = world.requests
    assert (asked.temperature, asked.max_new_tokens, asked.system) == (0.5, 7, "Answer in rhymes.")
    assert world.used == ["agent"]


def test_both_models_are_asked_with_compare(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    command.main(["--ask", "Who?", "--compare"])
    assert [each.deployment for each in world.requests] == ["base", ""]
    assert "Base model" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "models"),
    [([], ("m1", "base")), (["--tuned", "m2"], ("m2", "base")), (["--base", "b2"], ("m1", "b2"))],
)
def test_deployments_may_be_given(world: World, given: list[str], models: tuple[str, str]) -> None:
    found = command._target(command._parser().parse_args(given))
    assert (found.models.tuned, found.models.base) == models
    assert (found.connection, found.endpoint, found.front_end) == (CONNECTION, ENDPOINT, "plain")


def test_a_stack_without_a_base_model_or_a_front_end(world: World) -> None:
    del world.outputs["baseDeployment"], world.outputs["frontEnd"]
    found = command._target(command._parser().parse_args([]))
    assert (found.models.base, found.front_end) == ("", "promptflow")


def test_a_connection_given_by_its_id_needs_no_stack(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "read", lambda *_: pytest.fail("the stack was read"))
    found = command._target(
        command._parser().parse_args(["--connection", CONNECTION, "--endpoint", ENDPOINT, "--tuned", "m"])
    )
    assert (found.connection, found.endpoint, found.front_end) == (CONNECTION, ENDPOINT, "promptflow")
    assert (found.models.tuned, found.models.base) == ("m", "")


def test_programs_ask_by_lines_of_json(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command.main(["--ask", "Who?", "--json"])
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["answer"] == "By Gates."
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"question": "When?"}\n{"question": "Where?"}\n'))
    command.main(["--json"])
    assert [each.question for each in world.requests] == ["Who?", "When?", "Where?"]


def test_an_answer_that_fails_is_an_exit_code_for_programs(world: World) -> None:
    world.fails = ChatError("The model is not there.")
    with pytest.raises(SystemExit) as caught:
        command.main(["--ask", "Who?", "--json"])
    assert caught.value.code == 1


@pytest.mark.parametrize("error", [ChatError("no answer"), OutputsError("no stack")])
def test_what_goes_wrong_is_one_line(world: World, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(command, "read", fail)
    with pytest.raises(SystemExit) as caught:
        command.main(["--ask", "Who?"])
    assert caught.value.code == f"error: {error}"


def test_ctrl_c_ends_it_as_shells_expect(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "read", stopped)
    with pytest.raises(SystemExit) as caught:
        command.main(["--ask", "Who?"])
    assert caught.value.code == 130


def test_the_page_is_told_what_the_terminal_would_be(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[tuple[Any, ...]] = []
    monkeypatch.setattr("chat.web.server.serve", lambda *given: served.append(given))
    monkeypatch.setattr(deployments, "differ", lambda contracts, tuned, base: (tuned, base) == ("m1", "base"))
    world.connection = Connection(CONNECTION, "https://e/score", "k", system="Be short.")
    command.main(["--web", "--port", "0", "--note", "Both are stand-ins."])
    ((front_end, about, port),) = served
    assert front_end == world.answer
    assert port == 0
    assert (about.models.tuned, about.models.base, about.front_end) == ("m1", "base", "plain")
    assert about.note == f"Both are stand-ins. {deployments.NOT_ALIKE} System prompt: Be short."


def test_a_front_end_with_an_environment_of_its_own_goes_on_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Replaced(Exception):
        """The process is another one from here on."""

    went: list[Any] = []

    def execv(python: str, arguments: list[str]) -> None:
        went.append((python, arguments))
        raise Replaced

    monkeypatch.setattr(front_ends, "interpreter", lambda name: Path("/agent/bin/python"))
    monkeypatch.setattr("os.execv", execv)
    with pytest.raises(Replaced):
        command.main(["--stack", "dev", "--compare", "--web", "--port", "0", "--note", "n", "--front-end", "agent"])
    ((python, (again, *line)),) = went
    assert python == again == "/agent/bin/python"
    assert line == [
        "-m",
        "chat",
        "--stack=dev",
        "--temperature=0.0",
        "--max-new-tokens=128",
        "--front-end=agent",
        f"--connection={CONNECTION}",
        f"--endpoint={ENDPOINT}",
        "--tuned=m1",
        "--base=base",
        "--port=0",
        "--note=n",
        "--compare",
        "--web",
    ]
    assert not world.requests


def test_each_front_end_is_one_of_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = Connection(CONNECTION, "https://e/score", "k")
    monkeypatch.setitem(sys.modules, "agent_framework", None)
    monkeypatch.delitem(sys.modules, "chat.agent", raising=False)
    with pytest.raises(ChatError, match=r"The front end agent is not installed here .*`make setup`"):
        front_ends.front_end("agent", connection)


def test_the_terminal_wraps_lines_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []
    real = command.plain_text.console
    monkeypatch.setattr(command.plain_text, "console", lambda **how: made.append(how) or real(**how))
    command.main(["--ask", "Who?"])
    assert made == [{"soft_wrap": True, "highlight": False}]
