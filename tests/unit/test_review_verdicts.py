"""Verdict and reasons, word for word, and thresholds at their edges."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from review_steps import STORAGE, preview, step

from review.approval.policies import PolicyChange
from review.cost import Amount, Cost
from review.errors import ReviewError
from review.events import PolicyResult, Preview, State, Step
from review.known.judge import Level
from review.risks import Risk
from review.verdict import Thresholds, Verdict, judge

SAME = Step("urn:pulumi:dev::p::x::same", STORAGE, "same", State({}, {}), State({}, {}), "")


def cost(before: float | None, after: float | None, finetune: Amount = Amount(0, 0), **more: Any) -> Cost:  # noqa: B008
    nothing = Amount(0, 0)
    return Cost(nothing, nothing, finetune, Amount(before, after), **more)


def policy(
    name: str, level: str = "mandatory", severity: str = "medium", message: str = "bad\n\nWhy: x"
) -> PolicyResult:
    return PolicyResult(name, "pack", level, severity, "urn", message)


DRIFT: Any = [SimpleNamespace(), SimpleNamespace()]
OPEN = Risk(Level.MEDIUM, "vault v", "is open.")
TRACE = "Traceback:\n  File x\nValueError: no\n  pulumi.RunError: it   ends\nsee above"


@pytest.mark.parametrize(
    ("given", "risks", "costs", "drift", "verdict", "reasons"),
    [
        (preview(finished=False), [], None, [], Verdict.FAILED, ["the engine did not come to an end"]),
        (
            preview(errors=[TRACE, "", "\n a  b\nc", "d", "e"]),
            [],
            None,
            [],
            Verdict.FAILED,
            ["pulumi.RunError: it ends", "a b", "d"],
        ),
        (
            preview(
                policies=[policy("p"), policy("p"), policy("q", message="one\n two\nthree"), policy("a", "advisory")]
            ),
            [OPEN],
            None,
            [],
            Verdict.REFUSED,
            ["policy p: bad  (and 1 more)", "policy q: one two"],
        ),
        (preview(SAME), [], None, [], Verdict.UNCHANGED, []),
        (preview(SAME), [], None, DRIFT, Verdict.PERSON, ["2 properties were changed by hand"]),
        (preview(SAME), [], None, DRIFT[:1], Verdict.PERSON, ["1 property was changed by hand"]),
        (
            preview(SAME, policies=[policy("a", "advisory", "high", "\n first\nsecond")]),
            [Risk(Level.HIGH, "b", "is lost"), OPEN, Risk(Level.LOW, "c", "is small")],
            cost(100, 121, Amount(10, 13), trains=1),
            DRIFT[:1],
            Verdict.PERSON,
            ["b is lost", "1 property was changed by hand", "a month costs 100 → 121 USD (+21 %)"],
        ),
        (
            preview(SAME, policies=[policy("a", "advisory", "critical", "\n first\nsecond")]),
            [OPEN],
            cost(100, 120, Amount(10, 13), trains=1),
            [],
            Verdict.PERSON,
            ["a fine-tune costs 10.00 → 13.00 USD (+30 %)", "policy a: first", "vault v is open"],
        ),
        (
            preview(SAME, policies=[policy("a", "advisory", "medium")]),
            [Risk(Level.LOW, "c", "is small")],
            cost(0, 1500, Amount(10, None), trains=2, recipes={"a": Amount(1, 1)}),
            [],
            Verdict.PERSON,
            [
                "a month costs 1,500 USD, where there was nothing to pay",
                "what the fine-tune costs is unknown: nobody can tell how much data there is, or how fast it is there",
            ],
        ),
        (
            preview(SAME),
            [Risk(Level.LOW, "c", "is small")],
            cost(
                1,
                None,
                Amount(10, 30),
                trains=1,
                recipes={"a": Amount(1, 1), "b": Amount(1, 1)},
                quantities_change=True,
            ),
            [],
            Verdict.PERSON,
            ["what it costs is unknown, and machines change", "2 fine-tunes cost 10.00 → 30.00 USD (+200 %)"],
        ),
        (
            preview(SAME),
            [Risk(Level.HIGH, name, f"is lost, {name}.", data=True) for name in "abcd"] + [OPEN],
            None,
            [],
            Verdict.PERSON,
            ["4 resources lose what they hold: a, b, c and 1 more", "vault v is open"],
        ),
        (
            preview(SAME),
            [Risk(Level.HIGH, "a", "is lost.", data=True)],
            None,
            [],
            Verdict.PERSON,
            ["a is lost"],
        ),
        # Nothing that a person would have to look at.
        (
            preview(step("update", old={"tags": {"a": "1"}}, new={"tags": {"a": "2"}})),
            [Risk(Level.LOW, "c", "is small")],
            cost(100, 120, Amount(10, 12), trains=1),
            [],
            Verdict.APPROVE,
            [
                "the 1 property that changes is known to this review, and opens, loses and redirects nothing",
                "none of the 1 resources that hold data is replaced or deleted",
                "a month becomes dearer by 20 % only",
            ],
        ),
        (
            preview(
                step("update", old={"tags": {"a": "1", "b": "1"}}, new={"tags": {"a": "2", "b": "2"}}),
                step("create", "s2", new={}),
                step("import", "s3", new={}),
            ),
            [],
            cost(100, 90, Amount(0, 30), trains=1),
            [],
            Verdict.APPROVE,
            [
                "2 resources are created, each of a type and with properties that this review knows, and none is open",
                "the 2 properties that change are all known to this review, and none opens, loses or redirects "
                "anything",
                "a month becomes cheaper by 10 %",
            ],
        ),
        (
            preview(
                step("create", new={}, type_="azure-native:resources:ResourceGroup"),
                step("create", "finetune", new={}, type_="pulumi:index:Stash"),
            ),
            [],
            cost(None, 1, Amount(10, 30)),
            [],
            Verdict.APPROVE,
            [
                "1 resource is created, each of a type and with properties that this review knows, and none is open",
                "none of the 1 resources that hold data is replaced or deleted",
                "no machine is added or changed, so the bill stays as it is",
            ],
        ),
        (
            preview(step("update", type_="x:y:Z")),
            [],
            cost(7, 7),
            [],
            Verdict.APPROVE,
            ["no machine and no tier is added or changed, so the monthly cost stays the same"],
        ),
    ],
)
def test_the_verdict_and_its_reasons(
    given: Preview, risks: list[Risk], costs: Cost | None, drift: Any, verdict: Verdict, reasons: list[str]
) -> None:
    assert judge(given, risks, costs, drift) == (verdict, reasons)


@pytest.mark.parametrize(
    ("files", "hidden", "told"),
    [
        (1, 0, "the policies themselves change in 1 place"),
        (2, 1, "the policies themselves change in 2 places, and would no longer find 1 violation of this change"),
        (2, 2, "the policies themselves change in 2 places, and would no longer find 2 violations of this change"),
    ],
)
def test_policies_that_change_come_first(files: int, hidden: int, told: str) -> None:
    change: Any = SimpleNamespace(files=["f"] * files, hidden=["h"] * hidden)
    assert judge(preview(SAME), [OPEN], None, [], change) == (Verdict.PERSON, [told, "vault v is open"])
    assert PolicyChange is not None


@pytest.mark.parametrize(
    ("text", "thresholds"),
    [
        ("risk=HIGH, policy = mandatory", Thresholds(Level.HIGH, None, None)),
        ("risk=low,cost=+20%", Thresholds(Level.LOW, None, 20.0)),
        ("policy=advisory,cost=2.5,drift=any", Thresholds(None, "advisory", 2.5, drift=True)),
        ("", Thresholds(None, None, None)),
    ],
)
def test_thresholds_are_read(text: str, thresholds: Thresholds) -> None:
    if " = " in text:
        with pytest.raises(ReviewError) as raised:
            Thresholds.parse(text)
        assert str(raised.value) == (
            "--fail-on does not know 'policy = mandatory'; write for example risk=high,policy=mandatory,cost=+20% "
            "(risk: low, medium, high; policy: advisory, mandatory; drift=any)"
        )
        return
    assert Thresholds.parse(text) == thresholds
    assert Thresholds() == Thresholds(None, "mandatory", None, drift=False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("risk=medium", ["risk is medium"]),
        ("risk=high", []),
        ("policy=mandatory", ["1 violated policy"]),
        ("policy=advisory", ["2 violated policies"]),
        ("cost=20", ["the monthly cost rises by more than 20 %, or by what nobody can tell"]),
        ("cost=21%", []),
        ("drift=any", ["2 properties were changed by hand"]),
    ],
)
def test_which_thresholds_are_crossed(text: str, told: list[str]) -> None:
    given = preview(policies=[policy("a"), policy("b", "advisory"), policy("c", "remediated")])
    assert Thresholds.parse(text).crossed(given, [OPEN], cost(100, 121), DRIFT) == told
    assert Thresholds.parse("risk=low,cost=1,drift=any").crossed(preview(), [], None, []) == []
