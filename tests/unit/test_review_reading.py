"""Events, differences, prices and thresholds."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud.services.prices import Meter, PriceBook, choose
from review import cost
from review.__main__ import main
from review.cost import Amount, Cost
from review.difference import LATER, MASK, difference, without_secrets
from review.durations import Past, finetune_seconds, in_words, past
from review.errors import ReviewError
from review.events import Preview, State, Step, lines, read
from review.happening import sentences
from review.known.judge import NEW, UNHEARD, Level
from review.known.stages import STAGES
from review.report import build
from review.risks import Risk, risks
from review.settled import Sources, settled
from review.training import finetunes
from review.verdict import Thresholds, Verdict

URN = "urn:pulumi:dev::finetune-phi::azure-native:storage:StorageAccount::storage"
METER = Meter("Virtual Machines", "eastus2", "Standard_NC24ads_A100_v4")
SUMMARY = {"summaryEvent": {"durationSeconds": 1}}
EVENTS = Path(__file__).resolve().parents[2] / "docs/examples/reviews/adapters/events.jsonl"


def _event(op: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    states = {side: {"inputs": inputs} for side, inputs in (("old", old), ("new", new)) if inputs is not None}
    return {
        "resourcePreEvent": {
            "metadata": {"op": op, "urn": URN, "type": "azure-native:storage:StorageAccount", **states}
        }
    }


def _book(folder: Path) -> PriceBook:
    return PriceBook(folder / "prices.json", fetch=lambda meter: [])


def test_lines_that_are_no_events_are_passed_over() -> None:
    assert list(lines(["warning: something\n", "{broken\n", "[1]\n", '{"summaryEvent": {}}\n'])) == [
        {"summaryEvent": {}}
    ]


def test_a_replacement_is_one_step() -> None:
    preview = read(
        [
            _event("create-replacement", {"a": 1}, {"a": 2}),
            _event("replace", {"a": 1}, {"a": 2}),
            _event("delete-replaced", {"a": 1}, None),
            SUMMARY,
        ]
    )
    (step,) = preview.steps
    assert step.op == "replace"
    assert step.old and step.new and (step.old.inputs, step.new.inputs) == ({"a": 1}, {"a": 2})


@pytest.mark.parametrize(
    "events",
    [
        [],
        [_event("update", {}, {})],
        [{"diagnosticEvent": {"severity": "error", "message": "error: no stack"}}, SUMMARY],
    ],
    ids=["nothing", "no summary", "an error"],
)
def test_what_did_not_end_well_has_failed(events: list[dict[str, Any]], tmp_path: Path) -> None:
    report = build("dev", read(events), Past(), _book(tmp_path), Thresholds())
    assert (report.verdict, report.exit_code) == (Verdict.FAILED, 2)


def test_a_mandatory_policy_refuses_even_what_changes_nothing(tmp_path: Path) -> None:
    violated = {"policyEvent": {"policyName": "no-owner", "enforcementLevel": "mandatory", "message": "No."}}
    report = build("dev", read([violated, SUMMARY]), Past(), _book(tmp_path), Thresholds())
    assert (report.verdict, report.exit_code) == (Verdict.REFUSED, 1)
    assert report.reasons == ["policy no-owner: No."]


def test_secrets_are_masked_wherever_they_are(tmp_path: Path) -> None:
    signed = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": "hunter2"}
    old = {"properties": {"credentials": {"keys": {"key": "hunter1"}}}, "a": "[secret]", "b": signed}
    new = {
        "properties": {"credentials": {"keys": {"key": "hunter3"}}},
        "a": "x",
        "b": {**signed, "plaintext": "hunter4"},
    }
    texts = [str(change) for change in difference(old, new)]
    assert len(texts) == 3 and all(MASK in text for text in texts)
    report = build("dev", read([_event("update", old, new), SUMMARY]), Past(), _book(tmp_path), Thresholds())
    assert "hunter" not in json.dumps(report.to_json())


def test_a_tree_without_its_secrets_has_all_the_rest() -> None:
    tree = {
        "password": "hunter1",  # pragma: allowlist secret
        "keys": [{"key": "hunter2", "port": 443}, "https://x?sig=hunter3"],
        "count": 3,
        "on": False,
        "none": None,
        "unknown": "[secret]",
    }
    assert without_secrets(tree) == {
        "password": MASK,
        "keys": [{"key": MASK, "port": 443}, without_secrets("https://x?sig=hunter3", "keys")],
        "count": 3,
        "on": False,
        "none": None,
        "unknown": "[secret]",
    }
    assert "hunter" not in json.dumps(without_secrets(tree))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ([1, 2], [1, 3], "[1, 2] → [1, 3]"),
        ([{"a": 1}], [{"a": 2}], "1 → 2"),
        (True, False, "true → false"),
        (0.1234567, 2.0, "0.123457 → 2"),
        ("x" * 200, "", "… →"),
    ],
)
def test_a_value_is_shown_as_a_person_would_write_it(old: Any, new: Any, told: str) -> None:
    (change,) = difference({"value": old}, {"value": new})
    assert told in str(change)


def test_what_is_not_known_yet_says_so_and_noise_is_marked() -> None:
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    known, noise = difference(
        {"id": "a", "systemData": {"createdAt": 1}}, {"id": unknown, "systemData": {"createdAt": 2}}
    )
    assert (known.after, known.noise) == (LATER, False)
    assert noise.noise


def test_markup_from_a_program_stays_text(tmp_path: Path) -> None:
    from review.pages.page import page

    event = _event("update", {"tags": {"a": "b"}}, {"tags": {"a": "<script>alert(1)</script>"}})
    report = build("dev", read([event, SUMMARY]), Past(), _book(tmp_path), Thresholds())
    assert "<script>" not in page(report)


def _row(price: float, **other: Any) -> dict[str, Any]:
    return {"retailPrice": price, "unitOfMeasure": "1 Hour", "productName": "NC", "meterName": "NC24", **other}


def test_the_price_is_that_of_a_linux_machine_at_the_normal_rate() -> None:
    rows = [
        _row(9, productName="NC Windows"),
        _row(1, skuName="NC24 Spot"),
        _row(2, unitOfMeasure="1 GB"),
        _row(0.5, type="Reservation"),
        _row(3.5),
        _row(3.67),
    ]
    assert choose(rows) == (3.67, "NC, NC24")
    assert choose([]) is None
    assert choose([_row(2.4, unitOfMeasure="1/Day")]) == (pytest.approx(0.1), "NC, NC24")


def test_prices_are_asked_once_a_week_and_outlive_an_outage(tmp_path: Path) -> None:
    asked = []

    def fetch(meter: Meter) -> list[dict[str, Any]]:
        asked.append(meter)
        return [_row(4)]

    def refuse(meter: Meter) -> list[dict[str, Any]]:
        raise OSError("no way out")

    file, day = tmp_path / "prices.json", date(2026, 11, 22)
    for _ in range(2):
        book = PriceBook(file, day, fetch)
        price = book.price(METER)
        assert price and (price.hourly, price.asked) == (4, "2026-11-22")
        book.close()
    assert len(asked) == 1
    later = PriceBook(file, day + timedelta(days=30), refuse)
    old = later.price(METER)
    assert old and old.asked == "2026-11-22", "with the day it was asked"
    assert later.failures
    assert PriceBook(tmp_path / "none.json", day, refuse).price(METER) is None


def test_a_broken_cache_is_none(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text('{"a": {"asked": 3}}')
    price = PriceBook(file, fetch=lambda meter: [_row(4)]).price(METER)
    assert price and price.hourly == 4


def test_office_hours_are_what_a_month_of_serving_costs(tmp_path: Path) -> None:
    def release(**more: str) -> State:
        return State({"input": {"instance_type": "Standard_NC24ads_A100_v4", "instance_count": 2, **more}}, {})

    book = PriceBook(tmp_path / "prices.json", fetch=lambda meter: [_row(4)])
    urn = "urn:pulumi:dev::p::pulumi:index:Stash::release"
    hours = {"hours": "Mon-Fri 07:00-19:00 Europe/Berlin"}
    step = Step(urn, "pulumi:index:Stash", "update", release(), release(**hours), "")
    found = cost.cost(Preview(steps=[step]), Past(), book)
    assert (found.serving.before, found.serving.after) == (8, 8)
    assert found.month.before == 8 * 730 and found.month.after == pytest.approx(8 * 730 * 60 / 168)
    assert found.quantities_change
    same = Step(urn, "pulumi:index:Stash", "update", release(**hours), release(**hours), "")
    assert not cost.cost(Preview(steps=[same]), Past(), book).quantities_change


@pytest.mark.parametrize(
    ("was", "will", "level", "why"),
    [
        (NEW, "", Level.NONE, ""),
        (NEW, "Mon-Fri 07:00-19:00 UTC", Level.MEDIUM, "no answer outside of Mon-Fri 07:00-19:00 UTC"),
        ("Mon-Fri 07:00-19:00 UTC", "Mon-Fri 08:00-18:00 UTC", Level.MEDIUM, "no answer outside of"),
        ("Mon-Fri 07:00-19:00 UTC", "", Level.MEDIUM, "more machine hours are paid for: around the clock"),
        ("Mon-Fri 07:00-19:00 UTC", None, Level.MEDIUM, "more machine hours are paid for: around the clock"),
        ("Mon-Fri 07:00-19:00 UTC", "Mon-Fri 08:00-20:00 UTC", Level.LOW, "at other hours"),
        ("", "/subscriptions/somebody", UNHEARD[0], UNHEARD[1]),
    ],
)
def test_other_office_hours(was: object, will: object, level: Level, why: str) -> None:
    (row,) = [row for row in STAGES["release"] if row.matches("input.hours")]
    found = row.judge(was, will)
    assert found[0] == level and why in found[1]


def test_a_release_in_the_place_of_the_old_one_leaves_callers_without_an_answer() -> None:
    urn = "urn:pulumi:dev::finetune-phi::pulumi:index:Stash::release"
    sentence = "leaves callers without an answer for some twenty minutes (strategy: recreate)."

    def said(was: dict[str, Any] | None, **will: str) -> list[tuple[Level, str]]:
        states = (State({"input": was}, {}) if was else None, State({"input": will}, {}))
        step = Step(urn, "pulumi:index:Stash", "update" if was else "create", *states, "")
        return [(each.level, each.sentence) for each in risks(Preview(steps=[step]))]

    recreate = {"strategy": "recreate"}
    model = {"model_fingerprint": "a", "fingerprint": "a"}
    assert (Level.MEDIUM, sentence) in said({**model, **recreate}, **{**model, "model_fingerprint": "b", **recreate})
    # Other instances are a change in place.
    assert sentence not in str(said({**model, **recreate}, **{**model, "fingerprint": "b", **recreate}))
    assert sentence not in str(said(model, **{**model, "model_fingerprint": "b"}))
    assert sentence not in str(said(None, **model, **recreate))
    for was in ({"fingerprint": "a"}, None):
        found = said(was, fingerprint="a", **recreate)
        assert any(level == Level.MEDIUM and "nobody is answered for some twenty minutes" in it for level, it in found)


def _cost(before: float | None, after: float | None, change: bool = True) -> Cost:
    amount = Amount(before, after)
    return Cost(amount, amount, amount, amount, quantities_change=change)


@pytest.mark.parametrize(
    ("text", "crossed"),
    [
        ("risk=high", 0),
        ("risk=medium", 1),
        ("cost=+20%", 1),
        ("cost=50", 0),
        ("risk=low,cost=10%,policy=mandatory", 2),
        ("", 0),
    ],
)
def test_thresholds(text: str, crossed: int) -> None:
    risks = [Risk(Level.MEDIUM, "a", "b")]
    assert len(Thresholds.parse(text).crossed(Preview(), risks, _cost(100, 130), [])) == crossed


def test_an_unknown_price_crosses_only_where_machines_change() -> None:
    threshold = Thresholds.parse("cost=+20%")
    assert threshold.crossed(Preview(), [], _cost(None, None), [])
    assert not threshold.crossed(Preview(), [], _cost(None, None, change=False), [])


@pytest.mark.parametrize("text", ["risk=huge", "cost=cheap", "colour=red", "policy"])
def test_a_threshold_nobody_knows_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ReviewError, match="risk=high,policy=mandatory"):
        Thresholds.parse(text)
    assert main(["--stack", "dev", "--fail-on", text]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_durations_come_from_the_last_run() -> None:
    prefix = "urn:pulumi:dev::finetune-phi::finetune-phi:infra:Stages$pulumi:index:Stash::"
    state = {
        "deployment": {
            "resources": [
                {"urn": prefix + "dataset", "modified": "2026-11-22T10:00:30.123456789Z"},
                {
                    "urn": prefix + "finetune",
                    "modified": "2026-11-22T10:40:30.123456789Z",
                    "dependencies": [prefix + "dataset"],
                },
            ]
        }
    }
    update = {"kind": "update", "startTime": "2026-11-22T10:00:00.000Z", "endTime": "2026-11-22T10:50:00.000Z"}
    assert past(state, [update]).seconds == {"dataset": pytest.approx(30, abs=1), "finetune": 2400}
    assert past(state, []).seconds == {}
    assert past({}, []).dependencies == {}
    assert finetune_seconds(2400, {"num_train_epochs": 1}, {"num_train_epochs": 2}) == 2 * 1980 + 420
    assert finetune_seconds(100, {"num_train_epochs": 1}, {"num_train_epochs": 2}) == 200
    assert finetune_seconds(None, {}, {}) is None
    assert finetune_seconds(2400, {}, {}, 100) == 420 + 198_000
    assert finetune_seconds(2400, {"num_train_epochs": 1}, {"num_train_epochs": 1}, None) is None
    assert finetune_seconds(2400, {"max_steps": 10}, {"max_steps": 20}, None) == 420 + 2 * 1980
    assert finetune_seconds(2400, {"max_steps": 10}, {"num_train_epochs": 1}) is None
    assert finetune_seconds(2400, {}, {"num_nodes_finetune": 2}) is None
    seconds = (0.2, 33, 89.4, 90, 2400, 7140, 7200, 7500)
    words = ["1 s", "33 s", "89 s", "2 min", "40 min", "119 min", "2 h", "2 h 5 min"]
    assert [in_words(each) for each in seconds] == words


def test_a_fine_tune_costs_all_the_nodes_it_trains_on() -> None:
    old, new = ({"input": {"recipe": {"num_train_epochs": 1, **more}}} for more in ({}, {"num_nodes_finetune": 3}))
    preview = Preview([_step("pulumi:index:Stash", "finetune", "update", old, new)])
    assert [one.nodes for one in finetunes.of(preview, Past())] == [(1, 3)]


@pytest.mark.parametrize(
    ("cards", "grows", "told"),
    [
        (
            ({"fingerprint": "a", "tokens": 10}, {"fingerprint": "b", "tokens": 1000}),
            100,
            "0.20 → 20.00 USD (+9,900 %)",
        ),
        (({"fingerprint": "a", "rows": 10}, {"fingerprint": "b", "rows": 20}), 2, "0.20 → 0.40 USD (+100 %)"),
        (({}, {}), None, "what the fine-tune costs is unknown"),
        (({"fingerprint": "other", "tokens": 10}, {"fingerprint": "b", "tokens": 20}), None, "is unknown"),
    ],
    ids=["tokens", "rows", "no card", "a card of other data"],
)
def test_more_data_cost_more_and_data_of_unknown_size_an_unknown_amount(
    cards: tuple[dict[str, Any], ...], grows: float | None, told: str, tmp_path: Path
) -> None:
    stash, compute = "pulumi:index:Stash", "azure-native:machinelearningservices:Compute"
    machine = {"properties": {"properties": {"vmSize": "Standard_NC24ads_A100_v4"}}, "location": "eastus2"}
    learns = [{"input": {"dataset_fingerprint": each, "fingerprint": each}} for each in "ab"]
    preview = Preview(
        [
            _step(compute, "cluster", "same", machine, machine),
            _step(stash, "finetune", "update", *learns),
        ],
        outputs=tuple({"trainingData": card} for card in cards),  # type: ignore[arg-type]
        finished=True,
    )
    book = PriceBook(tmp_path / "p.json", fetch=lambda meter: [_row(7.2)])
    report = build("dev", preview, Past({"finetune": 100}), book, Thresholds())
    assert finetunes.data_grows(preview, *(each["input"] for each in learns)) == grows
    assert report.verdict is Verdict.PERSON
    assert any(told in reason for reason in report.reasons), report.reasons


def test_without_azures_price_list_the_dearest_price_seen_counts_with_its_day(tmp_path: Path) -> None:
    price = cost.price_of(METER, _book(tmp_path))
    assert price and (price.hourly, price.asked) == (3.67, "2026-11-28")
    assert cost.price_of(Meter("Virtual Machines", "eastus2", "Standard_Unheard"), _book(tmp_path)) is None


def test_the_command_line_reads_a_recorded_stream(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stream = tmp_path / "events.jsonl"
    stream.write_text(json.dumps(SUMMARY))
    assert main(["--stack", "dev", "--events", str(stream), "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out == "Stack dev: no changes; it is as the program says.\n"
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        *("report.html", "report.json", "report.md", "report.sarif")
    ]
    assert main(["--stack", "dev", "--events", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2


UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
ROLE = "azure-native:authorization:RoleAssignment"
IDENTITY = "azure-native:managedidentity:UserAssignedIdentity"


def _step(type_: str, name: str, op: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> Step:
    states = [State(inputs, {}) if inputs is not None else None for inputs in (old, new)]
    return Step(f"urn::{type_}::{name}", type_, op, *states, "")


def _granted(before: str, after: str) -> tuple[Step, dict[str, Any], dict[str, Any]]:
    """A role assignment whose principal is unknown, and what it is taken from, before and after."""
    step = _step(
        ROLE, "contributor", "replace", {"principalId": "p", "scope": "/g"}, {"principalId": UNKNOWN, "scope": "/g"}
    )
    old, new = ({step.urn: {"principalId": (f"urn::{IDENTITY}::{name}",)}} for name in (before, after))
    return step, old, new


@pytest.mark.parametrize(
    ("op", "before", "after", "stays"),
    [
        ("update", "identity", "identity", True),
        ("replace", "identity", "identity", False),
        ("update", "identity", "auditor", False),
        ("update", "nobody", "identity", False),
    ],
)
def test_what_is_unknown_stays_only_where_it_comes_from_the_same_and_that_is_not_made_anew(
    op: str, before: str, after: str, stays: bool
) -> None:
    tagged = _step(IDENTITY, "identity", op, {"tags": {}}, {"tags": {"a": "b"}})
    auditor = _step(IDENTITY, "auditor", "create", None, {"resourceName": "id-auditor"})
    granted, old, new = _granted(before, after)
    preview = Preview([tagged, auditor, granted], needs=new)
    found, feared = settled(preview, Sources.of(preview, old))
    assert (found.steps[2].op, feared) == (("same", [granted]) if stays else ("replace", []))
    # Without a plan nobody can tell what comes from where.
    blind = Preview([tagged, auditor, granted])
    assert settled(blind, Sources.of(blind, old))[1] == []


def test_a_role_that_somebody_else_gets_is_one_sentence_with_names(tmp_path: Path) -> None:
    identity = _step(IDENTITY, "identity", "update", {"resourceName": "id-phi"}, {"resourceName": "id-phi", "tags": {}})
    auditor = _step(IDENTITY, "auditor", "create", None, {"resourceName": "id-auditor"})
    granted, old, new = _granted("identity", "auditor")
    preview = Preview([identity, auditor, granted], needs=new, finished=True)
    report = build("dev", preview, Past(needs=old), _book(tmp_path), Thresholds())
    told = [risk.sentence for risk in report.risks if "contributor" in risk.resource]
    assert told == ["takes role  on /g from identity id-phi and gives it to identity id-auditor."]
    assert report.verdict is Verdict.PERSON


def test_an_unknown_account_is_judged_as_the_one_the_program_takes_it_from(tmp_path: Path) -> None:
    storage, type_ = "azure-native:storage:StorageAccount", "azure-native:machinelearningservices:Workspace"
    other = _step(storage, "other", "create", None, {"accountName": "stother"})
    workspace = _step(type_, "workspace", "update", {"storageAccount": "/old"}, {"storageAccount": UNKNOWN})
    needs = [{workspace.urn: {"storageAccount": (f"urn::{storage}::{name}",)}} for name in ("storage", "other")]
    preview = Preview([other, workspace], needs=needs[1], finished=True)
    report = build("dev", preview, Past(needs=needs[0]), _book(tmp_path), Thresholds())
    (risk,) = [risk for risk in report.risks if risk.resource == "workspace workspace"]
    assert risk.sentence == (
        "storageAccount: /old → of storage account stother: its data, job outputs and models are in another account."
    )


def test_only_the_unknown_part_of_a_change_is_taken_back() -> None:
    identity = _step(IDENTITY, "identity", "update", {}, {"tags": {}})
    step = _step(
        ROLE, "r", "update", {"principalId": "p", "condition": "a"}, {"principalId": UNKNOWN, "condition": "b"}
    )
    needs = {step.urn: {"principalId": (identity.urn,)}}
    preview = Preview([identity, step], needs=needs)
    found, feared = settled(preview, Sources.of(preview, needs))
    assert feared == []
    assert found.steps[1].new and found.steps[1].new.inputs == {"principalId": "p", "condition": "b"}


def test_the_engines_own_tally_of_a_violated_policy_is_no_failure() -> None:
    violated = {"policyEvent": {"policyName": "no-owner", "enforcementLevel": "mandatory", "message": "No."}}
    tally = {"diagnosticEvent": {"severity": "error", "message": "preview failed"}}
    other = {"diagnosticEvent": {"severity": "error", "message": "error: 403"}}
    assert not read([violated, tally, SUMMARY]).failed
    assert read([violated, tally, other, SUMMARY]).failed
    assert read([tally, SUMMARY]).failed


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--events", "{garbage}"], "garbage is no event stream of a preview"),
        (["--events", "{events}", "--state", "{garbage}"], "garbage is no state"),
        (["--events", "{events}", "--out", "{garbage}/out"], "cannot be written: Not a directory"),
    ],
)
def test_files_that_cannot_be_used_are_one_message(
    options: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_text("garbage")
    out = [] if "--out" in options else ["--out", str(tmp_path / "out")]
    assert main([option.format(events=EVENTS, garbage=garbage) for option in [*options, *out]]) == 2
    assert told in capsys.readouterr().err


LATER_VALUE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@pytest.mark.parametrize(
    ("stage", "op", "old", "new", "told"),
    [
        ("dataset", "update", {"workspace_id": "a"}, {"workspace_id": LATER_VALUE}, "again, to the new workspace"),
        ("finetune", "update", {"workspace_id": "a"}, {"workspace_id": LATER_VALUE}, "again, in the new workspace"),
        ("release", "update", {"endpoint_created": "a"}, {"endpoint_created": "b"}, "behind the new endpoint"),
        ("flow", "update", {"workspace_id": "a"}, {"workspace_id": "b"}, "to the new Foundry project"),
        ("dataset", "update", {}, {"workspace_id": "a"}, "looks at the uploaded data again"),
        ("finetune", "update", {}, {"workspace_id": "a"}, "starts no fine-tune"),
        ("release", "update", {}, {"endpoint_created": "a"}, "looks at the release again"),
        ("finetune", "replace", {}, {}, "runs a job only if there is none"),
        ("release", "replace", {}, {}, "looks at the release again"),
    ],
)
def test_a_stage_that_runs_again_says_why(
    stage: str, op: str, old: dict[str, Any], new: dict[str, Any], told: str
) -> None:
    """Anew where workspace or endpoint is another one; only a look where that was not recorded yet, or is asked for."""
    states = [State({"input": {"name": "it", "fingerprint": "f", **one}}, {}) for one in (old, new)]
    step = Step(f"urn::{stage}", "pulumi:index:Stash", op, *states, "")
    (sentence,) = sentences(Preview([step]), Past())
    assert told in sentence
