"""What commands say before and after they do something, word for word."""

from __future__ import annotations

import argparse
import contextlib
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from test_jobs_specs import RELEASE

from cloud import place
from cloud.errors import StageError
from cloud.services import lease
from cloud.target import Target
from jobs import __main__ as cli
from jobs import console, in_service, keys
from jobs.commands import recover
from jobs.pausing import by_hours, pause
from jobs.release import keeping, rollback, rollout
from jobs.release.rollback import InService, Version
from settings.outputs import OutputsError
from settings.problems import SettingsError

TARGET = Target("s", "g", "w")
OUTPUTS = {"subscriptionId": "s", "resourceGroup": "g", "workspace": "w", "endpoint": "phi"}


@pytest.fixture
def leases(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Those that were asked for: of what, for which scope, by which command, and whether by force."""
    held: list[tuple[Any, ...]] = []

    @contextlib.contextmanager
    def hold(
        target: Target, scope: str, command: str, report: Any, stop: Any, *, breaking: bool = False
    ) -> Iterator[None]:
        assert report is print and not stop.is_set()
        held.append((target, scope, command, breaking))
        yield

    monkeypatch.setattr(lease, "held", hold)
    return held


def test_keys_are_rotated_with_what_the_stack_has(
    leases: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[Any] = []

    def recorded(stack: str, *needed: str) -> dict[str, str]:
        assert (stack, needed) == ("dev", (*OUTPUTS, "project", "connection"))
        return {**OUTPUTS, "project": "p", "connection": "c"}

    monkeypatch.setattr(place, "recorded", recorded)
    monkeypatch.setattr(keys, "rotate", lambda ring, report, stop: given.append((ring, report, stop.is_set())))
    cli.main(["rotate-keys", "--stack", "dev", "--yes", "--break-lease"])
    ring = keys.Keyring(target=TARGET, endpoint="phi", project="p", connection="c", pause=60)
    assert given == [(ring, print, False)]
    assert leases == [(TARGET, "endpoint", "python -m jobs rotate-keys --stack dev", True)]
    assert capsys.readouterr().out.splitlines() == [
        "Both keys of endpoint phi are made new one by one; connection c follows.",
        "Who keeps a key of its own must read it again. Between the two there are 60 s for that.",
        "The next `pulumi up` writes the same key into the connection once more, as its state has the old one.",
    ]


def endpoint(**other: Any) -> Any:
    def opened(report: Any, stop: threading.Event) -> str:
        assert report is print and isinstance(stop, threading.Event)
        return "opened"

    own: dict[str, Any] = {"stack": "dev", "endpoint": "phi", "target": TARGET, "model": "phi", "client": "client"}
    return SimpleNamespace(**{**own, "opened": opened, "release_of_number": "of number", **other})


def test_hours_are_kept_by_the_stacks_file(leases: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Any] = []
    monkeypatch.setattr(in_service.StackEndpoint, "described", lambda stack: endpoint() if stack == "dev" else None)
    monkeypatch.setattr(by_hours, "keep", lambda *given: kept.append(given))
    cli.main(["keep-hours", "--stack", "dev"])
    assert kept == [("opened", "of number")]
    assert leases == [(TARGET, "endpoint", "python -m jobs keep-hours --stack dev", False)]


def test_a_pause_says_what_goes_and_what_ends_it(
    leases: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paused: list[Any] = []
    monkeypatch.setattr(in_service.StackEndpoint, "of", lambda stack: endpoint())
    monkeypatch.setattr(pause, "refuse_while_asked", lambda *given: paused.append("looked"))
    monkeypatch.setattr(pause, "pause", lambda *given: paused.append(given))
    cli.main(["pause", "--stack", "dev", "--yes"])
    assert paused == ["looked", "looked", ("opened", "hand")]
    assert leases == [(TARGET, "endpoint", "python -m jobs pause --stack dev", False)]
    assert capsys.readouterr().out.splitlines() == [
        "All deployments behind endpoint phi go: nobody gets an answer until it is resumed.",
        "Address, key, connection, model and flow stay. `python -m jobs resume` takes about twenty minutes.",
        "Endpoint phi is paused: no deployment of a release bills any more.",
        "`python -m jobs resume --stack dev` ends it.",
    ]


@pytest.mark.parametrize(
    ("share", "live", "first"),
    [
        (100, "9", "in service: phi:9, deployment m9 with 100 %"),
        (90, "", "half way:   phi:unknown, deployment m9 with 90 %"),
    ],
)
def test_a_rollback_says_what_goes_and_what_comes(
    leases: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    share: int,
    live: str,
    first: str,
) -> None:
    released: list[Any] = []
    back = Version(version="4", created="2026-11-25 10:00", job="j", recipe="")
    there = InService(deployment="m9", share=share, version=live, before="4")

    def choose(*given: Any) -> Version:
        assert given == (there, ["versions"], "phi", "4")
        return back

    monkeypatch.setattr(
        in_service.StackEndpoint,
        "of",
        lambda stack: endpoint(versions=["versions"], release_of=lambda version: RELEASE),
    )
    monkeypatch.setattr(rollback, "in_service", lambda *given: there if given == ("client", "phi", "phi") else None)
    monkeypatch.setattr(rollback, "choose", choose)
    monkeypatch.setattr(rollout, "run", lambda spec, report, stop: released.append((spec, report)))
    cli.main(["rollback", "--stack", "dev", "--yes", "--to", "4"])
    ((spec, report),) = released
    assert report is print and spec.evaluation.maximum_drop == 1.0 and spec.model_version == RELEASE.model_version
    assert leases == [(RELEASE.target, "endpoint", "python -m jobs rollback --stack dev", False)]
    assert capsys.readouterr().out.splitlines() == [
        first,
        "back to:    phi:4, registered 2026-11-25 10:00 from job j",
        "Nothing is trained. It is tested without traffic, then gets 10 % -> 50 % -> 100 %; the one in service goes "
        "last.",
        "An unchanged stack dev keeps it: `pulumi up` has nothing to do. A change of its data, recipe or serving "
        "settings releases the version they stand for.",
        "phi:4 is in service.",
    ]


def test_traffic_that_goes_back_at_once(
    leases: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(in_service.StackEndpoint, "of", lambda stack: endpoint() if stack == "dev" else None)
    monkeypatch.setattr(keeping, "back_now", lambda opened: "m4" if opened == "opened" else None)
    cli.main(["rollback", "--now", "--stack", "dev", "--yes", "--break-lease"])
    assert leases == [(TARGET, "endpoint", "python -m jobs rollback --stack dev", True)]
    assert capsys.readouterr().out == (
        "Deployment m4 is in service. What was is kept for a while without traffic, and bills.\n"
    )


def test_recover_with_force_breaks_the_leases_of_both_workspaces_and_does_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken: list[Any] = []
    project = Target("s", "g", "project")
    here = SimpleNamespace(workspace=TARGET, project=project)
    monkeypatch.setattr(place, "described", lambda stack: (None, here) if stack == "dev" else None)
    monkeypatch.setattr(lease, "break_all", lambda *given: broken.append(given))
    monkeypatch.setenv("PATH", "/nowhere")
    cli.main(["recover", "--stack", "dev", "--break-lease"])
    assert broken == [(TARGET, print), (project, print)]


def test_recover_without_force_is_of_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []
    monkeypatch.setattr(recover, "recover", lambda *given: done.append(given))
    cli.main(["recover", "--stack", "dev"])
    assert done == [("dev", print)]


@pytest.mark.parametrize(
    ("typed", "yes"), [("y", True), (" YES ", True), ("yes", True), ("n", False), ("", False), ("yess", False)]
)
def test_a_question_is_answered_by_a_yes_alone(typed: str, yes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or typed)  # type: ignore[func-returns-value]
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    with contextlib.nullcontext() if yes else pytest.raises(StageError) as refused:
        console.ask("Sure?", False, "Nothing was done")
    assert asked == ["Sure? [y/N] "]
    if refused:
        assert str(refused.value) == "Nothing was done (command line): you did not say yes. Run it again when you like."
    console.ask("Sure?", True, "Nothing was done")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    with pytest.raises(StageError) as nobody:
        console.ask("Sure?", False, "Nothing was done")
    assert str(nobody.value) == "Nothing was done (command line): nobody is there to say yes. Add --yes."
    assert len(asked) == 1


def test_answers_are_json_for_programs_and_tables_for_people(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    console.show({"b": [1]})
    console.show([1])
    assert capsys.readouterr().out == '{\n  "b": [\n    1\n  ]\n}\n[\n  1\n]\n'
    console.show("x " * 150)
    assert [len(line.split()) for line in capsys.readouterr().out.splitlines()] == [100, 50], "as wide as a log"


@pytest.mark.parametrize(
    "error", [StageError("a", on="b", why="c", todo="d"), OutputsError("o"), SettingsError([], "")]
)
def test_an_error_is_one_message(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(stack: str) -> None:
        raise error

    monkeypatch.setattr(in_service.StackEndpoint, "of", fails)
    with pytest.raises(SystemExit) as ended:
        cli.main(["resume", "--stack", "dev"])
    assert ended.value.code == f"error: {error}"


def test_a_second_ctrl_c_ends_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(stack: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(in_service.StackEndpoint, "of", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main(["resume", "--stack", "dev"])
    assert ended.value.code == 130


def test_an_unknown_stack_is_told_before_anything_is_done() -> None:
    with pytest.raises(SystemExit, match="error: there is no stack 'nowhere': it has no file"):
        cli.main(["resume", "--stack", "nowhere"])


def test_a_command_without_the_option_takes_no_lease_by_force(leases: list[Any]) -> None:
    with console.operating(TARGET, argparse.Namespace(command="keep-hours", stack="dev")) as stop:
        assert not stop.is_set()
    assert leases == [(TARGET, "endpoint", "python -m jobs keep-hours --stack dev", False)]
