"""The branch a change goes to judges it: its pack and configuration, and what the change does to them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from review.approval.policies import Policies, PolicyChange, changed, weighed
from review.durations import Past
from review.errors import ReviewError
from review.events import PolicyResult, Preview
from review.pages.markdown import markdown
from review.pages.page import page
from review.report import Report, build
from review.verdict import Thresholds, Verdict
from tests.reviews.examples import price_book

ROOT = Path(__file__).resolve().parents[2]


def _pack(folder: Path, config: dict[str, object], rules: str = "a") -> Policies:
    folder.mkdir()
    (folder / "PulumiPolicy.yaml").write_text("runtime: python", encoding="utf-8")
    (folder / "rules.py").write_text(rules, encoding="utf-8")
    (folder / "dev.json").write_text(json.dumps(config), encoding="utf-8")
    return Policies.of(folder, "acme/phi/dev")


def _found(policy: str, level: str = "mandatory", message: str = "No.") -> PolicyResult:
    return PolicyResult(policy, "finetune-phi", level, "high", "urn::cluster", message)


def test_a_stack_is_judged_by_its_own_configuration_or_not_at_all(tmp_path: Path) -> None:
    assert _pack(tmp_path / "a", {}).config == tmp_path / "a" / "dev.json"
    with pytest.raises(ReviewError, match=r"there is no policy configuration .*prod.json: copy that of the stack"):
        Policies.of(tmp_path / "a", "prod")
    with pytest.raises(ReviewError, match="there is no policy pack in"):
        Policies.of(tmp_path, "dev")
    assert Policies.of(ROOT / "policy", "prod").disabled() == [
        name for name, level in json.loads((ROOT / "policy/prod.json").read_text()).items() if level == "disabled"
    ]


def test_what_a_change_does_to_the_policies_is_told_setting_by_setting(tmp_path: Path) -> None:
    base = _pack(tmp_path / "base", {"all": "mandatory", "cluster-max-nodes": {"maximum": 4}, "x": "mandatory"})
    own = _pack(tmp_path / "own", {"all": "mandatory", "cluster-max-nodes": {"maximum": 100}}, rules="b")
    (tmp_path / "own" / "prod.json").write_text("{}", encoding="utf-8")
    assert changed(base, own) == [
        "policy/rules.py is another one",
        "dev.json: cluster-max-nodes.maximum: 4 → 100",
        "dev.json: x: mandatory → (not set)",
    ]
    assert changed(base, base) == []
    assert changed(base, Policies(None, None))[:2] == ["policy/PulumiPolicy.yaml is gone", "policy/rules.py is gone"]


def test_what_they_would_no_longer_find_is_not_a_matter_of_words() -> None:
    base = [_found("cluster-max-nodes"), _found("vm-size-allowed"), _found("tags-true", message="one")]
    own = [_found("vm-size-allowed", "advisory"), _found("tags-true", message="other"), _found("new")]
    change = weighed(["dev.json: a"], base, own)
    assert [one.policy for one in change.hidden] == ["cluster-max-nodes", "vm-size-allowed"]
    assert [(one.policy, one.level) for one in change.found] == [("vm-size-allowed", "advisory"), ("new", "mandatory")]


def _report(folder: Path, policies: list[PolicyResult], change: PolicyChange) -> Report:
    preview = Preview(policies=policies, finished=True)
    book = price_book(folder / "prices.json")
    return build("dev", preview, Past(), book, Thresholds(), policy_change=change)


def test_a_change_of_the_policies_needs_a_person_though_nothing_else_changes(tmp_path: Path) -> None:
    hidden = [_found("cluster-max-nodes", "advisory", "100 nodes | too many")]
    report = _report(tmp_path, hidden, PolicyChange(["dev.json: maximum: 4 → 100"], hidden))
    assert report.verdict is Verdict.PERSON
    told = "the policies themselves change in 1 place, and would no longer find 1 violation of this change"
    assert report.reasons[0] == told
    text = markdown(report)
    assert "### The policies themselves change\n" in text and "- dev.json: maximum: 4 → 100\n" in text
    assert "| advisory | cluster-max-nodes | cluster | 100 nodes \\| too many |" in text
    assert "no longer find" in page(report)


def test_what_the_other_branch_forbids_stays_forbidden(tmp_path: Path) -> None:
    hidden = [_found("cluster-max-nodes")]
    report = _report(tmp_path, hidden, PolicyChange(["dev.json: maximum: 4 → 100"], hidden))
    assert (report.verdict, report.exit_code) == (Verdict.REFUSED, 1)


def test_owners_have_to_look_at_what_decides_over_the_rest() -> None:
    lines = (ROOT / ".github" / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    owned = {line.split()[0] for line in lines if line and not line.startswith("#")}
    assert {"/policy/", "/review/", "/.github/", "/Pulumi.prod.yaml"} <= owned
    assert not {place for place in owned if not any(ROOT.glob(place.strip("/")))}
