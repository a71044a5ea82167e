"""How a review is put together: what it asks for early, what it writes, and how it is held against the approved one."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from review_steps import preview, step

from cloud.errors import StageError
from cloud.services.activity import Write
from cloud.services.prices import Meter
from review import judging
from review.drift import found as found_module
from review.drift.found import GONE, HAND, PROGRAM, Drift, drift
from review.drift.hands import Log, named
from review.engine import Recording, command
from review.events import State, Step
from review.verdict import Verdict

STORAGE = "azure-native:storage:StorageAccount"
ENDPOINT = "azure-native:machinelearningservices:OnlineEndpoint"
ID = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st"


def test_the_command_line_of_a_preview() -> None:
    plain = ["pulumi", "preview", "--json", "--stack", "dev"]
    assert command("dev", None, Path("c"), refresh=False) == plain
    assert command("dev", None, None, refresh=True) == [*plain, "--refresh"]
    assert command("dev", Path("p"), None, refresh=False) == [*plain, "--policy-pack", "p"]
    both = ["--policy-pack", "p", "--policy-pack-config", "c"]
    assert command("dev", Path("p"), Path("c"), refresh=True) == [*plain, *both, "--refresh"]
    gone = ["pulumi", "destroy", "--preview-only", "--json", "--stack", "dev"]
    assert command("dev", Path("p"), Path("c"), refresh=True, destroy=True) == gone


def test_a_complaint_counts_where_nothing_else_was_said() -> None:
    said = {"diagnosticEvent": {"severity": "error", "message": "x"}}
    assert Recording(complaint="no backend").preview().errors == ["no backend"]
    assert Recording(events=[said], complaint="no backend").preview().errors == ["x"]
    violated = {"policyEvent": {"policyName": "p", "enforcementLevel": "mandatory"}}
    assert Recording(events=[violated], complaint="no backend").preview().errors == []


def test_prices_are_asked_for_as_soon_as_the_region_is_told() -> None:
    wanted: list[Meter] = []
    ask = judging._Prefetch(SimpleNamespace(want=wanted.append))  # type: ignore[arg-type]

    def told(type_: str, **inputs: Any) -> None:
        new = {"inputs": inputs}
        ask({"resourcePreEvent": {"metadata": {"urn": f"u::{type_}", "type": type_, "op": "create", "new": new}}})

    told("azure-native:containerregistry:Registry", sku={"name": "Premium"})
    ask({"summaryEvent": {}})
    assert wanted == []
    told(STORAGE, location="East US 2")
    assert wanted == [Meter("Container Registry", "eastus2", "Premium")]
    told("azure-native:containerregistry:Registry", sku={"name": "Basic"}, location="elsewhere")
    assert wanted[1:] == [Meter("Container Registry", "eastus2", "Basic")]


@pytest.mark.parametrize("recorded", [True, False])
def test_what_a_review_writes(recorded: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "markdown", lambda report: "md")
    monkeypatch.setattr(judging, "page", lambda report: "html")
    monkeypatch.setattr(judging, "sarif", lambda report, place: {"where": str(place), "ü": 1})
    report: Any = SimpleNamespace(to_json=lambda: {"a": "ö"})
    recording = Recording(events=[{"b": 1}, {"credentials": {"keys": {"k": "plain"}}}])
    out = tmp_path / "a" / "b"
    texts = judging._written(report, recording, out, recorded)
    place = {"where": str(Path.cwd()), "ü": 1}
    assert texts == {
        "md": "md",
        "html": "html",
        "json": '{\n  "a": "ö"\n}\n',
        "sarif": json.dumps(place, indent=2, ensure_ascii=False) + "\n",
    }
    assert {file.name: file.read_text() for file in out.iterdir() if "report" in file.name} == {
        f"report.{suffix}": text for suffix, text in texts.items()
    }
    assert (out / "events.jsonl").exists() is recorded
    if recorded:
        secret = '{"credentials": {"keys": {"k": "(secret)"}}}'
        assert (out / "events.jsonl").read_text() == f'{{"b": 1}}\n{secret}\n'


def options(**given: Any) -> argparse.Namespace:
    base = {"events": None, "state": None, "stack": "dev", "base": None, "destroy": False, "refresh": True}
    return argparse.Namespace(**{**base, **given})


@pytest.mark.parametrize("events", [None, Path("events.jsonl")])
@pytest.mark.parametrize("base", [None, Path("base")])
def test_a_report_is_made_of_everything_that_was_asked(
    events: Path | None, base: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Any] = []
    asked: list[Any] = []
    policies: Any = SimpleNamespace(pack="pack", config="config", disabled=lambda: ["off"])
    own: Any = SimpleNamespace(pack="own", config="conf")
    monkeypatch.setattr(judging, "build", lambda *args: built.append(args))
    monkeypatch.setattr(judging.provenance, "of", lambda *args: ("made", *args))
    monkeypatch.setattr(judging, "_elsewhere", lambda options: ("cost",))
    monkeypatch.setattr(judging, "_own", lambda options: own)
    monkeypatch.setattr(judging, "changed", lambda *args: args == (policies, own) and ["file"])
    monkeypatch.setattr(judging, "weighed", lambda *args: ("weighed", *args))

    def record(line: list[str], stack: str, seen: Any) -> Any:
        asked.append((line, stack, seen({})))
        return SimpleNamespace(preview=lambda: SimpleNamespace(policies="theirs"))

    monkeypatch.setattr(judging, "record", record)
    recording: Any = SimpleNamespace(preview=lambda: SimpleNamespace(policies="ours"), past="past", cli="v3")
    book: Any = "book"
    thresholds: Any = "thresholds"
    judging._report(options(events=events, base=base, refresh=True), recording, book, thresholds, policies)
    made = None if events else ("made", judging.ROOT, "dev", "pack", "config", "v3")
    change = ("weighed", ["file"], "ours", "theirs") if base and not events else None
    since = None if events else judging._written_since
    (args,) = built
    assert (args[0], *args[2:]) == ("dev", "past", "book", "thresholds", True, ("cost",), made, ["off"], change, since)
    line = ["pulumi", "preview", "--json", "--stack", "dev", "--policy-pack", "own", "--policy-pack-config", "conf"]
    assert asked == ([(line, "dev", None)] if change else [])


def test_the_activity_log_is_asked_until_now(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("cloud.arm.Arm", lambda retries: f"arm {retries}")
    monkeypatch.setattr(judging, "writes", lambda *args: asked.append(args))
    since = datetime(2026, 11, 1, tzinfo=UTC)
    judging._written_since("/g", since)
    ((arm, group, begin, until),) = asked
    assert (arm, group, begin, until.tzinfo) == ("arm 2", "/g", since, UTC)


def test_tags_of_somebody_else_are_those_of_the_stacks_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SimpleNamespace(tags_from_elsewhere=("cost",))
    monkeypatch.setattr("settings.stack.load", lambda stack: settings if stack == "dev" else None)
    assert judging._elsewhere(options()) == ("cost",)
    assert judging._elsewhere(options(refresh=False)) == judging._elsewhere(options(events=Path("x"))) == ()


def report(steps: list[str], verdict: Verdict = Verdict.PERSON) -> Any:
    return SimpleNamespace(
        verdict=verdict, exit_code=5, stack="dev", digest="0123456789abcdef0123", content={"steps": steps}
    )


def test_what_is_held_against_what_was_approved(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(judging, "is_left", lambda before, now: len(now["steps"]) < len(before["steps"]))
    monkeypatch.setattr(judging, "differences", lambda before, now: before["told"])
    before: Any = {"steps": ["a", "b"], "told": []}
    assert judging._compared(report([], Verdict.FAILED), before, Path("f")) == 5
    assert capsys.readouterr() == ("", "")
    assert judging._compared(report(["a"]), before, Path("f")) == 5
    assert capsys.readouterr().out == "As approved, and some of it is done already: 1 of 2 lines of its steps.\n"
    assert judging._compared(report(["a", "b"]), before, Path("f")) == 5
    assert capsys.readouterr().out == "As approved: 0123456789abcdef.\n"
    before["told"] = ["one\x1b[2J", "two"]
    assert judging._compared(report(["a", "b"]), before, Path("f")) == 3
    assert capsys.readouterr().err == (
        "error: stack dev would not be updated as approved in f; nothing was changed.\none\ntwo\n"
        "Review and approve what is now: make review STACK=dev, make approve STACK=dev.\n"
    )


def refreshed(was: Any, now: Any, *paths: str, type_: str = STORAGE) -> Step:
    states = [State({}, {"id": ID, **each}) if each is not None else None for each in (was, now)]
    return Step("urn:pulumi:dev::p::x::st", type_, "refresh", *states, "", paths)


@pytest.mark.parametrize(
    ("planned", "winner"),
    [
        (None, HAND),
        (step("same", "x", {}, {}), HAND),
        (step("update", "x", {"sku": "a"}, {"sku": "b"}), PROGRAM),
        (step("update", "x", {"sku": [1]}, {"sku": [2]}), PROGRAM),
        (step("update", "x", {"kind": "a"}, {"kind": "b"}), HAND),
        (step("create", "x", None, {}), PROGRAM),
        (step("replace", "x", {}, {}), PROGRAM),
        (step("delete", "x", {"sku": "a"}, None), HAND),
    ],
)
def test_who_wins_over_a_drift(planned: Step | None, winner: str) -> None:
    one = refreshed({"sku": "a"}, {"sku": "c"}, "sku")
    steps = [Step(one.urn, STORAGE, planned.op, planned.old, planned.new, "")] if planned else []
    found = drift(preview(*steps, refreshed=[one]))
    assert found == [Drift("storage account st", "sku", "a", "c", winner, one.urn, ID)]
    assert found_module._planned(None) == []


@pytest.mark.parametrize(("op", "told"), [("create", "the program makes it again"), ("same", "it stays away")])
def test_what_was_deleted_by_hand(op: str, told: str) -> None:
    one = refreshed({}, None)
    back = Step(one.urn, STORAGE, op, None, State({}, {}), "")
    assert drift(preview(back, refreshed=[one])) == [Drift("storage account st", "", "there", GONE, told, one.urn, ID)]
    assert drift(preview(refreshed=[refreshed(None, {})])) == []


def test_traffic_that_the_release_has_left_is_nobodys_hand() -> None:
    release = step("same", "release", {"input": {"fingerprint": "f"}}, {}, "pulumi:index:Stash")
    one = refreshed(
        {"properties": {"traffic": {}}}, {"properties": {"traffic": {"mf": 100}}}, "properties.traffic", type_=ENDPOINT
    )
    assert drift(preview(release, refreshed=[one])) == []
    assert len(drift(preview(refreshed=[one]))) == 1


SINCE = datetime(2026, 11, 28, 12, tzinfo=UTC)


def write(who: str, minute: int, *, hour: int = 12, by_azure: bool = False, resource: str = ID) -> Write:
    begun = datetime(2026, 11, 28, hour, minute, tzinfo=UTC)
    return Write(resource=resource.lower(), who=who, begun=begun, operation="write", by_azure=by_azure)


ONE = Drift("st", "sku", "a", "b", HAND, "urn", ID)


@pytest.mark.parametrize(
    ("writes", "who", "by_hand"),
    [
        ([], "nobody since 2026-11-28 12:00 UTC, by the log", True),
        (
            [write("ada", 1), write("ada", 5), write("bob", 3)],
            "ada (2026-11-28 12:05 UTC), bob (2026-11-28 12:03 UTC)",
            True,
        ),
        ([write("ada", 0)], "nobody since 2026-11-28 12:00 UTC, by the log", True),
        ([write("ada", 1, resource="/other")], "nobody since 2026-11-28 12:00 UTC, by the log", True),
        ([write("policy", 30, hour=11, by_azure=True)], "policy (2026-11-28 11:30 UTC)", False),
        ([write("policy", 0, hour=11, by_azure=True)], "nobody since 2026-11-28 12:00 UTC, by the log", True),
        ([write("policy", 9, by_azure=True), write("ada", 1)], "ada (2026-11-28 12:01 UTC)", True),
        (
            [write(name, at) for at, name in enumerate("abcde", 1)],
            "e (2026-11-28 12:05 UTC), d (2026-11-28 12:04 UTC), c (2026-11-28 12:03 UTC), and 2 more",
            True,
        ),
    ],
)
def test_whose_doing_it_is(writes: list[Write], who: str, by_hand: bool) -> None:
    asked: list[Any] = []
    (one,) = named([ONE], {"urn": SINCE}, lambda *args: asked.append(args) or writes).drift
    assert (one.who, one.by_hand) == (who, by_hand)
    assert asked == [("/subscriptions/s/resourceGroups/rg", datetime(2026, 11, 28, 11, tzinfo=UTC))]


def test_where_nobody_can_tell() -> None:
    def refused(*_: object) -> list[Write]:
        raise StageError("x", on="", why="no role.", todo="y")

    assert named([ONE], {}, None) == Log([ONE]) and named([], {}, refused) == Log([])
    assert named([ONE], {}, refused) == Log([ONE], "Azure's activity log could not be read (no role)")
    elsewhere = Drift("st", "sku", "a", "b", HAND, "urn", "/providers/x")
    assert named([elsewhere], {}, refused) == Log([elsewhere])
    (one,) = named([ONE], {}, lambda *_: []).drift
    assert one.who == "nobody since two weeks ago, by the log"
