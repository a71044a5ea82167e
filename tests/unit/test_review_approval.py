"""What is approved is what runs: a review that shows anything else stops the update and says what differs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from review.__main__ import main
from review.approval import provenance
from review.approval.content import Content, differences, digest, is_left

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples" / "reviews"


def _review(events: Path, out: Path, *options: str) -> int:
    return main(["--stack", "dev", "--events", str(events), "--out", str(out), *options])


def _events(folder: Path, before: str = "", after: str = "") -> Path:
    """The recorded change of a learning rate, itself changed."""
    text = (EXAMPLES / "learning-rate" / "events.jsonl").read_text(encoding="utf-8")
    assert before in text
    file = folder / "events.jsonl"
    file.write_text(text.replace(before, after) if before else text, encoding="utf-8")
    return file


def test_what_was_approved_is_done_and_one_other_character_stops_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _review(_events(tmp_path), tmp_path) == 0
    assert main(["--stack", "dev", "--out", str(tmp_path), "--approve"]) == 0
    assert _review(_events(tmp_path), tmp_path, "--check") == 0
    assert "As approved: " in capsys.readouterr().out
    assert _review(_events(tmp_path, "0.00175", "0.00176"), tmp_path, "--check") == 3
    told = capsys.readouterr().err
    assert "error: stack dev would not be updated as approved" in told
    assert "  -update stage finetune (finetune) input.recipe.learning_rate: 0.003 → 0.00175" in told
    assert "  +update stage finetune (finetune) input.recipe.learning_rate: 0.003 → 0.00176" in told
    assert "make approve STACK=dev" in told


def test_the_order_of_the_events_is_no_difference(tmp_path: Path) -> None:
    events = _events(tmp_path)
    assert _review(events, tmp_path) == 0
    assert main(["--stack", "dev", "--out", str(tmp_path), "--approve"]) == 0
    lines = events.read_text(encoding="utf-8").splitlines()
    events.write_text("\n".join([*reversed(lines[:-1]), lines[-1]]) + "\n", encoding="utf-8")
    assert _review(events, tmp_path, "--check") == 0


def test_nothing_approved_asks_nobody_anything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stack", "dev", "--out", str(tmp_path), "--check"]) == 0
    assert "No review of stack dev was approved" in capsys.readouterr().out


def test_an_approval_that_is_named_has_to_be_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = tmp_path / "gone.json"
    assert _review(_events(tmp_path), tmp_path, "--check", "--approved", str(gone)) == 2
    assert f"{gone} cannot be read" in capsys.readouterr().err


def test_what_was_written_into_an_approval_by_hand_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _review(_events(tmp_path), tmp_path) == 0
    report = tmp_path / "report.json"
    # The workflow hands the whole report on, which the review then writes over.
    other = _events(tmp_path, "0.00175", "0.00176")
    assert _review(other, tmp_path, "--check", "--approved", str(report)) == 3
    assert _review(other, tmp_path, "--check", "--approved", str(report)) == 0
    text = report.read_text(encoding="utf-8")
    report.write_text(text.replace("0.00176", "0.00175"), encoding="utf-8")
    assert main(["--stack", "dev", "--out", str(tmp_path), "--approve"]) == 2
    assert "is not as the review wrote it" in capsys.readouterr().err


def test_a_refused_or_failed_review_cannot_be_approved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("owner-role", "broken-program"):
        assert _review(EXAMPLES / name / "events.jsonl", tmp_path) in (1, 2)
        assert main(["--stack", "dev", "--out", str(tmp_path), "--approve"]) == 2
        assert "cannot be approved" in capsys.readouterr().err


def test_a_stack_without_a_policy_configuration_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pulumi.staging.yaml").write_text("config: {}\n", encoding="utf-8")
    for options in ((), ("--check",)):
        assert main(["--stack", "acme/phi/staging", *options]) == 2
        assert f"there is no policy configuration {ROOT / 'policy' / 'staging.json'}" in capsys.readouterr().err


def test_differences_stand_under_what_they_are_of() -> None:
    approved = {"steps": ["create a", "create b"], "policies": []}
    now = {"steps": ["create a", "create c"], "policies": ["advisory x on y: z"]}
    assert differences(approved, now) == [
        "steps:",
        "  -create b",
        "  +create c",
        "policies:",
        "  +advisory x on y: z",
    ]
    assert differences(approved, approved) == []
    assert digest(approved) != digest(now)


HALF = {
    "made of": ["program 1"],
    "steps": ["create a", "create b", "create b x: 1"],
    "data, components and models": ["finetune base_model: phi"],
    "cost in USD": ["a month: 0.00 → 50.00", "A100: 4 an hour"],
    "policies": ["advisory x on y: z"],
    "risks": ["medium b"],
}


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"steps": ["create b", "create b x: 1"]}, True),
        ({"steps": [], "cost in USD": [], "policies": [], "risks": []}, True),
        ({"steps": ["create b"], "cost in USD": ["a month: 50.00 → 50.00", "A100: 4 an hour"]}, True),
        ({}, False),
        ({"steps": ["create b", "create c"]}, False),
        ({"steps": ["create b", "create b x: 2"]}, False),
        ({"steps": ["create b"], "made of": ["program 2"]}, False),
        ({"steps": ["create b"], "data, components and models": []}, False),
        ({"steps": ["create b"], "cost in USD": ["a month: 50.00 → 60.00"]}, False),
        ({"steps": ["create b"], "cost in USD": ["A100: 5 an hour"]}, False),
        ({"steps": ["create b"], "risks": ["high b"]}, False),
        ({"steps": ["create b"], "policies": ["mandatory x on y: z"]}, False),
    ],
)
def test_an_update_that_ended_half_way_goes_on_under_its_approval_with_the_rest_alone(
    changes: Content, left: bool
) -> None:
    assert is_left(HALF, {**HALF, **changes}) is left


def test_what_is_left_is_done_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _review(_events(tmp_path), tmp_path) == 0
    assert main(["--stack", "dev", "--out", str(tmp_path), "--approve"]) == 0
    approved = tmp_path / "approved.json"
    found = json.loads(approved.read_text(encoding="utf-8"))
    found["content"]["steps"].append("create cluster one-more (one-more)")
    approved.write_text(json.dumps({**found, "digest": digest(found["content"])}), encoding="utf-8")
    capsys.readouterr()
    assert _review(_events(tmp_path), tmp_path, "--check") == 0
    assert "As approved, and some of it is done already: 1 of " in capsys.readouterr().out


def test_what_a_review_is_made_of_changes_with_the_content_alone(tmp_path: Path) -> None:
    pack = tmp_path / "policy"
    pack.mkdir()
    for name in ("Pulumi.dev.yaml", "policy/rule.py", "policy/dev.json", "requirements.txt"):
        (tmp_path / name).write_text("a", encoding="utf-8")

    def lines() -> list[str]:
        return provenance.of(tmp_path, "acme/phi/dev", pack, pack / "dev.json", "v3.259.0").lines()

    before = lines()
    assert before[0] == "Pulumi v3.259.0"
    (tmp_path / "Pulumi.dev.yaml").touch()
    assert lines() == before
    for name, place in {"Pulumi.dev.yaml": "stack file", "policy/rule.py": "policy pack"}.items():
        (tmp_path / name).write_text("b", encoding="utf-8")
        changed = [line for line in lines() if line not in before]
        assert len(changed) == 1 and changed[0].startswith(place)
        (tmp_path / name).write_text("a", encoding="utf-8")
    (tmp_path / "policy" / "dev.json").write_text("b", encoding="utf-8")
    assert [line.split()[:2] for line in lines() if line not in before] == [
        ["policy", "pack"],
        ["policy", "configuration"],
    ]


def test_how_many_policies_ran_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = {"policyAnalyzeSummaryEvent": {"passed": ["a", "b"], "failed": ["c"]}}
    stack = {"policyAnalyzeStackSummaryEvent": {"passed": ["d"]}}
    found = {"policyEvent": {"policyName": "c", "enforcementLevel": "advisory", "message": "No."}}
    events = tmp_path / "e.jsonl"
    lines = (EXAMPLES / "owner-tag" / "events.jsonl").read_text(encoding="utf-8")
    events.write_text("".join(json.dumps(each) + "\n" for each in (ran, stack, found)) + lines, encoding="utf-8")
    assert _review(events, tmp_path) == 0
    assert "\n4 of 4 policies ran, 3 passed.\n" in capsys.readouterr().out
