"""How a deployment fares, in figures: beside another one's, in words, and what Azure Monitor is asked for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from test_jobs_specs import RELEASE

from cloud import arm
from cloud.services.monitor import Series
from jobs.release.judging import health
from jobs.release.judging.health import Health

NOON = datetime(2026, 11, 29, 12, 0, 40, 7, tzinfo=UTC)


def figures(requests: int, failed: int, p95: float | None = None, busy: int = 0, refused: int = 0) -> Health:
    return Health(requests=requests, failed=failed, p95_seconds=p95, busy=busy, refused=refused)


@pytest.mark.parametrize(
    ("mine", "its", "more"),
    [
        # By hand: shares of (failed + 1) / (judged + 2), and 1.96 times their standard error.
        ((10, 5), (10, 1), False),  # 0.500 - 0.167 = 0.333 < 0.350
        ((10, 6), (10, 1), True),  # 0.583 - 0.167 = 0.417 > 0.350
        ((100, 9), (100, 1), True),  # 0.098 - 0.020 = 0.078 > 0.064
        ((100, 8), (100, 2), False),  # 0.088 - 0.029 = 0.059 < 0.064
        ((20, 3), (1000, 1), True),  # 0.182 - 0.002 = 0.180 > 0.161
        ((5, 0), (5, 5), False),
        ((2, 2), (2, 0), False),  # 0.750 - 0.250 = 0.5 < 0.600
        ((4, 4), (4, 0), True),  # 0.833 - 0.167 = 0.667 > 0.422
    ],
)
def test_one_fails_more_than_the_other_by_more_than_chance(
    mine: tuple[int, int], its: tuple[int, int], more: bool
) -> None:
    assert figures(*mine).fails_more(figures(*its)) is more


def test_one_is_later_than_the_other_by_more_than_a_fifth() -> None:
    assert not figures(9, 0, 1.2).later(figures(9, 0, 1.0))
    assert figures(9, 0, 1.21).later(figures(9, 0, 1.0))
    assert figures(9, 0, 0.5).later(figures(9, 0, None)) and not figures(9, 0, None).later(figures(9, 0, 0.1))
    assert not figures(9, 0, None).later(figures(9, 0, None))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (figures(0, 0), "no requests measured yet"),
        (figures(1, 0), "1 request, 0 failed (0.0 %)"),
        (figures(10, 2, 1.25), "10 requests, 2 failed (20.0 %), 95 % within 1.2 s"),
        (
            figures(10, 2, 1.5, busy=4, refused=2),
            "10 requests, 2 failed (50.0 %), 4 too many at once (429), 2 wrongly asked (4xx), 95 % within 1.5 s",
        ),
        (figures(4, 0, busy=4), "4 requests, 0 failed (0.0 %), 4 too many at once (429)"),
    ],
)
def test_figures_in_words(found: Health, said: str) -> None:
    assert str(found) == said


def test_what_azure_monitor_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []
    minute = {NOON: 2.0}
    answers = {
        "RequestsPerMinute": [Series({"statuscode": "200"}, {NOON: 5.0}), Series({"statuscode": "424"}, minute)],
        "RequestLatency_P95": [Series({}, {NOON: 1500.0, NOON + timedelta(minutes=1): 2500.0})],
    }

    def series(given: object, path: str, metric: str, of: str, span: Any) -> list[Series]:
        asked.append((given, path, metric, of, span))
        if "modelStatusCode" in of:
            return [Series({"modelstatuscode": "500"}, {NOON: 1.0})]
        return answers[metric]

    monkeypatch.setattr(arm, "Arm", lambda: "arm")
    monkeypatch.setattr(health, "series", series)
    path = (
        "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws/onlineEndpoints/"
        "phi"
    )
    begin = datetime(2026, 11, 29, 12, tzinfo=UTC)
    found = health.read(RELEASE, NOON, NOON + timedelta(minutes=3))
    assert (found.requests, found.failed, found.p95_seconds) == (7, 2, 2.0)
    span = (begin, NOON + timedelta(minutes=3))
    of = f"deployment eq '{RELEASE.deployment_name}'"
    assert asked == [
        ("arm", path, "RequestsPerMinute", f"{of} and statusCode eq '*'", span),
        ("arm", path, "RequestsPerMinute", f"{of} and statusCode eq '424' and modelStatusCode eq '*'", span),
        ("arm", path, "RequestLatency_P95", of, span),
    ]
    asked.clear()
    health.read(RELEASE, NOON, NOON + timedelta(seconds=1), deployment="m1")
    assert asked[0][3:] == ("deployment eq 'm1' and statusCode eq '*'", (begin, begin + timedelta(minutes=1)))
