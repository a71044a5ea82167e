"""Commands that ask before they act: what they say first, and that without a yes nothing is done."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from cloud import place
from cloud.errors import StageError
from cloud.removal import purge
from jobs import __main__ as cli
from jobs import in_service
from jobs.pausing import pause, resume
from jobs.release import keeping


class Remainder:
    def __init__(self, kind: str, name: str, state: str) -> None:
        self.kind, self.name, self.state = kind, name, state

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@pytest.fixture
def purged(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is asked to be purged. The stack's names have a remainder of each state."""
    asked: list[Any] = []
    found = [
        Remainder("workspaces", "mlw", "unknown"),
        Remainder("vaults", "kv", "soft-deleted"),
        Remainder("vaults", "kv2", "soft-deleted"),
        Remainder("accounts", "ai", "live"),
        Remainder("logs", "log", "gone"),
    ]
    names = SimpleNamespace(resource_group="rg")
    kept = {"vaults": ["kv", "kv2"]}
    here = SimpleNamespace(subscription_id="sub", location="eastus2", names=names, soft_deleted=kept)
    stack = SimpleNamespace(), here

    def remainders(*where: Any) -> list[Remainder]:
        assert where == ("sub", "eastus2", "rg", {"vaults": ["kv", "kv2"]})
        return found

    def purge_all(*given: Any) -> list[str]:
        asked.append(given)
        return ["vault kv: purged"]

    monkeypatch.setattr(place, "described", lambda stack_name: stack)
    monkeypatch.setattr(purge, "remainders", remainders)
    monkeypatch.setattr(purge, "purge", purge_all)
    return asked


def test_a_purge_tells_what_there_is_and_takes_what_is_not_live(
    purged: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["purge", "--stack", "dev", "--yes"])
    assert purged == [("sub", "eastus2", "rg", {"workspaces": ["mlw"], "vaults": ["kv", "kv2"]}, print)]
    assert capsys.readouterr().out.splitlines() == [
        "workspaces mlw: not live; if it is soft-deleted, which Azure does not tell, asked to purge it",
        "vaults kv: soft-deleted, to be purged",
        "vaults kv2: soft-deleted, to be purged",
        "accounts ai: live, left alone (pulumi destroy removes it)",
        "logs log: nothing left",
        "vault kv: purged",
    ]


def test_nothing_to_purge(
    purged: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(purge, "remainders", lambda *_: [Remainder("vaults", "kv", "live")])
    cli.main(["purge", "--stack", "dev"])
    assert capsys.readouterr().out.splitlines()[-1] == "Nothing to purge."
    assert purged == []


class Opened:
    """An endpoint whose lease is held, and what was done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.refuses: Exception | None = None
        self.held = False

    def doing(self, name: str, gives: Any = None) -> Callable[..., Any]:
        def do(*given: Any, **_: Any) -> Any:
            assert self.held or name == "refuse_while_asked", f"{name} without the lease"
            assert given[0] is self
            self.done.append(" ".join([name, *(each for each in given[1:] if isinstance(each, str))]))
            if name == "refuse_while_asked" and self.refuses:
                raise self.refuses
            return gives

        return do


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    here = Opened()

    @contextlib.contextmanager
    def operating(target: str, chosen: Any) -> Iterator[str]:
        assert target == "target"
        here.held = True
        yield "stop"
        here.held = False

    stack = SimpleNamespace(
        stack="dev",
        endpoint="phi",
        target="target",
        model="phi-ultrachat",
        opened=lambda report, stop: here,
        release_of_number=None,
    )
    monkeypatch.setattr(in_service.StackEndpoint, "of", lambda name: stack)
    for command in ("pause", "resume", "rollback"):
        monkeypatch.setattr(f"jobs.commands.{command}.operating", operating)
    monkeypatch.setattr(pause, "refuse_while_asked", here.doing("refuse_while_asked"))
    monkeypatch.setattr(pause, "pause", here.doing("pause"))
    monkeypatch.setattr(resume, "resume", here.doing("resume", "7"))
    monkeypatch.setattr(keeping, "back_now", here.doing("back_now", "m6"))
    return here


def test_a_pause_looks_who_asks_and_then_takes_everything(opened: Opened, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["pause", "--stack", "dev", "--yes"])
    # Before the question, and once more with the lease: somebody may have asked meanwhile.
    assert opened.done == ["refuse_while_asked", "refuse_while_asked", "pause hand"]
    out = capsys.readouterr().out
    assert "All deployments behind endpoint phi go: nobody gets an answer until it is resumed." in out
    assert "`python -m jobs resume --stack dev` ends it." in out


def test_an_endpoint_that_is_asked_is_paused_with_the_option_alone(opened: Opened) -> None:
    opened.refuses = StageError("it is asked", on="phi", why="two questions", todo="Wait.")
    with pytest.raises(SystemExit):
        cli.main(["pause", "--stack", "dev", "--yes"])
    assert opened.done == ["refuse_while_asked"]
    cli.main(["pause", "--stack", "dev", "--yes", "--while-asked"])
    assert opened.done[1:] == ["pause hand"]


def test_a_resume_says_what_is_in_service(opened: Opened, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["resume", "--stack", "dev"])
    assert opened.done == ["resume"]
    assert capsys.readouterr().out == "phi-ultrachat:7 is in service.\n"


def test_traffic_goes_back_at_once(opened: Opened, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["rollback", "--now", "--stack", "dev", "--yes"])
    assert opened.done == ["back_now"]
    assert "Deployment m6 is in service." in capsys.readouterr().out


@pytest.mark.parametrize("line", [["pause"], ["rollback", "--now"], ["purge"]], ids=" ".join)
def test_without_a_yes_nothing_is_done(
    line: list[str], opened: Opened, purged: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "no")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    with pytest.raises(SystemExit) as caught:
        cli.main([*line, "--stack", "dev"])
    assert "othing was" in str(caught.value.code)
    assert [each for each in opened.done if each != "refuse_while_asked"] == []
    assert purged == []
