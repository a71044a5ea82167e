"""Events, differences and secrets, and what a preview that did not end well says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cloud.services.prices import PriceBook
from review.__main__ import main
from review.difference import LATER, MASK, difference, without_secrets
from review.durations import Past
from review.events import lines, read
from review.report import build
from review.verdict import Thresholds, Verdict

URN = "urn:pulumi:dev::finetune-phi::azure-native:storage:StorageAccount::storage"


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


@pytest.mark.parametrize(
    "name", ["adminPassword", "apiKey", "clientSecret", "accessKey", "authToken", "sasTokenUri", "passphrase"]
)
def test_a_property_is_masked_by_a_part_of_its_name(name: str) -> None:
    (change,) = difference({"properties": {name: "hunter1"}}, {"properties": {name: "hunter2"}})
    assert MASK in str(change) and "hunter" not in str(change)
    assert "hunter" not in json.dumps(without_secrets({name: "hunter1"}))


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


def test_the_command_line_reads_a_recorded_stream(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stream = tmp_path / "events.jsonl"
    stream.write_text(json.dumps(SUMMARY))
    assert main(["--stack", "dev", "--events", str(stream), "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out == "Stack dev: no changes; it is as the program says.\n"
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        *("report.html", "report.json", "report.md", "report.sarif")
    ]
    assert main(["--stack", "dev", "--events", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2


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
