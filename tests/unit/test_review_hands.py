"""Whose doing a drift is, and that what Azure does of itself is nobody's hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud.errors import StageError
from cloud.services.activity import Write
from review.drift.found import HAND, Drift
from review.drift.hands import named
from review.durations import Past
from review.events import Preview, State, Step
from review.pages.markdown import markdown
from review.pages.page import page
from review.report import Report, build
from review.verdict import Thresholds, Verdict
from tests.reviews.examples import price_book

GROUP = "/subscriptions/s/resourceGroups/rg"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
RECORDED = datetime(2026, 11, 28, 14, 0, tzinfo=UTC)
URN = "urn::vault"


def write(who: str, minutes: float, *, by_azure: bool = False, resource: str = VAULT) -> Write:
    begun = RECORDED + timedelta(minutes=minutes)
    return Write(resource=resource.lower(), who=who, begun=begun, operation="x/write", by_azure=by_azure)


def drifted(resource: str = VAULT) -> Drift:
    return Drift("key vault kv", "tags.costCenter", "(not set)", "7", HAND, URN, resource)


@pytest.mark.parametrize(
    ("writes", "who", "by_hand"),
    [
        ([write("ada", 5)], "ada (2026-11-28 14:05 UTC)", True),
        ([write("ada", 5), write("bob", 9), write("ada", 7)], "bob (2026-11-28 14:09 UTC), "
         "ada (2026-11-28 14:07 UTC)", True),
        ([write("ourselves", -2)], "nobody since 2026-11-28 14:00 UTC, by the log", True),
        ([write("ada", 5, resource=f"{VAULT}2")], "nobody since 2026-11-28 14:00 UTC, by the log", True),
        ([write("a policy", -1, by_azure=True), write("us", -1)], "a policy (2026-11-28 13:59 UTC)", False),
        ([write("a policy", -120, by_azure=True)], "nobody since 2026-11-28 14:00 UTC, by the log", True),
        ([write("a policy", 5, by_azure=True), write("ada", 5)], "ada (2026-11-28 14:05 UTC)", True),
        ([write(name, 5) for name in "abcde"], "a (2026-11-28 14:05 UTC), b (2026-11-28 14:05 UTC), "
         "c (2026-11-28 14:05 UTC), and 2 more", True),
    ],
    ids=["one", "two", "the update itself", "of another", "a policy", "long ago", "a policy and one", "many"],
)  # fmt: skip
def test_who_wrote_since_it_was_recorded(writes: list[Write], who: str, by_hand: bool) -> None:
    (found,) = named([drifted()], {URN: RECORDED}, lambda group, since: writes).drift
    assert (found.who, found.by_hand) == (who, by_hand)


def test_it_asks_once_for_each_group_and_for_nothing_where_nothing_drifted() -> None:
    asked: list[tuple[str, datetime]] = []

    def ask(group: str, since: datetime) -> list[Write]:
        asked.append((group, since))
        return []

    named([drifted(), drifted(f"{VAULT}2"), drifted("")], {URN: RECORDED}, ask)
    assert asked == [(GROUP, RECORDED - timedelta(hours=1))]
    assert named([], {}, ask).drift == [] and len(asked) == 1


def _report(ask_says: list[Write] | StageError, tmp_path: Path, *, fail_on: str = "drift=any") -> Report:
    kind = "azure-native:keyvault:Vault"
    old, new = ({"id": VAULT, "tags": tags} for tags in ({}, {"costCenter": "7"}))
    step = Step(URN, kind, "refresh", State({}, old), State({}, new), "", ("tags.costCenter",))

    def ask(group: str, since: datetime) -> list[Write]:
        del group, since
        if isinstance(ask_says, StageError):
            raise ask_says
        return ask_says

    past = Past(recorded={URN: RECORDED})
    preview = Preview(refreshed=[step], finished=True)
    book = price_book(tmp_path / "prices.json")
    return build("dev", preview, past, book, Thresholds.parse(fail_on), refreshed=True, ask=ask)


def test_a_night_in_which_a_policy_wrote_is_green(tmp_path: Path) -> None:
    report = _report([write("Azure Policy (inherit-tags)", 1, by_azure=True)], tmp_path)
    assert (report.verdict, report.exit_code) == (Verdict.UNCHANGED, 0)
    for text in (markdown(report), page(report)):
        assert "Azure by itself: Azure Policy" in text and "tags.costCenter" in text


def test_a_night_in_which_a_person_wrote_is_not(tmp_path: Path) -> None:
    report = _report([write("ada@example.org", 1)], tmp_path)
    assert (report.verdict, report.exit_code) == (Verdict.PERSON, 1)
    assert "ada@" in page(report)


def test_a_log_that_cannot_be_read_is_told_and_the_drift_counts(tmp_path: Path) -> None:
    refused = StageError("the activity log could not be read", on=GROUP, why="AuthorizationFailed: no role.", todo="x")
    report = _report(refused, tmp_path)
    assert report.exit_code == 1
    for text in (markdown(report), page(report)):
        assert "activity log could not be read (AuthorizationFailed: no role)" in text
