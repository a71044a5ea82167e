"""What Azure Monitor's figures say of a deployment: whose fault is what is no answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from arm_fake import ArmFake, install
from test_jobs_specs import RELEASE

from cloud.errors import StageError
from cloud.services.monitor import Blame, blame
from jobs.release.judging import health
from jobs.release.judging.health import Health

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
PATH = f"{RELEASE.target.path}/onlineEndpoints/phi/providers/Microsoft.Insights/metrics"


@pytest.mark.parametrize(
    ("code", "own", "whose"),
    [
        ("200", "", None),
        ("500", "", Blame.MODEL),
        ("503", "", Blame.MODEL),
        ("408", "", Blame.MODEL),
        ("424", "500", Blame.MODEL),
        ("424", "408", Blame.MODEL),
        ("424", "", Blame.MODEL),
        ("424", "400", Blame.CALLER),
        ("424", "404", Blame.CALLER),
        ("424", "429", Blame.LOAD),
        ("429", "", Blame.LOAD),
        ("401", "", Blame.CALLER),
        ("404", "", Blame.CALLER),
    ],
)
def test_whose_fault_it_is(code: str, own: str, whose: Blame | None) -> None:
    assert blame(code, own) is whose


def given(*counted: tuple[dict[str, str], float]) -> tuple[int, dict[str, str], Any]:
    """An answer of the metrics API with one minute of each series."""
    series = [
        {
            "metadatavalues": [{"name": {"value": key}, "value": value} for key, value in labels.items()],
            "data": [{"timeStamp": "2026-11-28T12:00:00Z", "average": number}],
        }
        for labels, number in counted
    ]
    return 200, {}, {"value": [{"timeseries": series}]}


def asked(azure: ArmFake) -> list[dict[str, str]]:
    return [{key: value[0] for key, value in parse_qs(urlsplit(url).query).items()} for _, url in azure.sent]


def test_a_bad_prompt_and_load_are_told_from_the_models_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    azure = install(monkeypatch)
    azure.then(
        "GET",
        PATH,
        given(({"statuscode": "200"}, 80), ({"statuscode": "424"}, 12), ({"statuscode": "429"}, 8)),
        given(({"modelstatuscode": "400"}, 7), ({"modelstatuscode": "500"}, 4)),
        given(({}, 1500.0)),
    )
    # One of the 424 has no status of its own: it counts as the model's.
    assert health.read(RELEASE, NOON, NOON) == Health(requests=100, failed=5, p95_seconds=1.5, busy=8, refused=7)
    first, second, third = asked(azure)
    of = f"deployment eq '{RELEASE.deployment_name}'"
    assert first["$filter"] == f"{of} and statusCode eq '*'"
    assert second["$filter"] == f"{of} and statusCode eq '424' and modelStatusCode eq '*'"
    assert third["metricnames"] == "RequestLatency_P95"
    # Azure answers 10 series where nothing is said.
    assert [query["top"] for query in (first, second, third)] == ["100", "100", "100"]


def test_without_a_424_nothing_more_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    azure = install(monkeypatch)
    azure.then("GET", PATH, given(({"statuscode": "200"}, 3)), given())
    assert health.read(RELEASE, NOON, NOON) == Health(requests=3, failed=0, p95_seconds=None)
    assert len(azure.sent) == 2


def test_the_share_of_failures_is_of_what_the_model_was_asked() -> None:
    found = Health(requests=100, failed=5, p95_seconds=None, busy=40, refused=10)
    assert (found.judged, found.failed_percent) == (50, 10.0)
    assert str(found) == "100 requests, 5 failed (10.0 %), 40 too many at once (429), 10 wrongly asked (4xx)"
    assert Health(requests=8, failed=0, p95_seconds=None, busy=8).failed_percent == 0.0


PAGE = b"<html><body>Please accept the terms of use.</body></html>"
MINUTE = "2026-11-28T12:00:00Z"


def point(**has: object) -> dict[str, Any]:
    return {"value": [{"timeseries": [{"data": [{"timeStamp": MINUTE, **has}]}]}]}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({}, "Azure Monitor says nothing of RequestsPerMinute"),
        ({"value": []}, "Azure Monitor says nothing of RequestsPerMinute"),
        (PAGE, "not Azure's, but perhaps a proxy's"),
        (point(average="many"), "is not understood: ValueError"),
        (point(average=-3), "is not understood: ValueError"),
        (point(average=float("nan")), "is not understood: ValueError"),
        (point(average=float("inf")), "is not understood: ValueError"),
        (point(average=[1]), "is not understood: TypeError"),
        (point(average=1, timeStamp="noon"), "is not understood: ValueError"),
        ({"value": [{"timeseries": [{"data": [{"average": 1}]}]}]}, "is not understood: KeyError"),
        ({"value": [{"timeseries": [{"data": "none"}]}]}, "is not understood: AttributeError"),
        ({"value": ["RequestsPerMinute"]}, "is not understood: AttributeError"),
    ],
)
def test_figures_that_are_none_are_not_taken_for_nobody_having_asked(
    answer: object, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    azure = install(monkeypatch)
    azure.then("GET", PATH, (200, {}, answer))
    with pytest.raises(StageError, match=rf"the endpoint's metrics could not be read \(endpoint phi\): .*{why}"):
        health.read(RELEASE, NOON, NOON)


def test_nobody_having_asked_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    azure = install(monkeypatch)
    azure.then("GET", PATH, (200, {}, {"value": [{"timeseries": []}]}))
    assert health.read(RELEASE, NOON, NOON) == Health(requests=0, failed=0, p95_seconds=None)
    azure.then("GET", PATH, (200, {}, point()))
    assert health.read(RELEASE, NOON, NOON) == Health(requests=0, failed=0, p95_seconds=None)
