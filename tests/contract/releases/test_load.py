"""Releases under load: instances, copies, pauses, metrics and many questions at once."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from cloud.errors import StageError
from emulator.machine.home import SUBSCRIPTION_ID
from jobs.paused import BY_HAND
from jobs.pausing import pause
from jobs.pausing.resume import resume
from jobs.release import unfinished
from jobs.release.deployments import Endpoint
from jobs.release.judging import health
from settings.sections.serving import ScaleSettings
from settings.sections.tags import SERVED
from tests.contract.arm import Arm, Refusal
from tests.contract.asking import QUESTION, asking
from tests.contract.bodies import endpoint_body
from tests.contract.releases.running import ONE, TWO
from tests.contract.site import MODEL, VERSION, Site

TOGETHER = 10
"""Questions at once that one instance has to hold, with the settings that a stack has by itself."""


def test_instances_follow_the_load_on_both_sides_of_a_release_and_go_with_their_deployment(site: Site) -> None:
    """Azure Monitor changes a deployment's `sku.capacity` by PATCH, also while the traffic is shifted."""
    group = site.workspace.partition("/providers/")[0]
    settings = f"{group}/providers/Microsoft.Insights/autoscaleSettings"

    def targets() -> dict[str, str]:
        rows = site.arm.get(settings, "2022-10-01")["value"]
        return {each["name"]: each["properties"]["targetResourceUri"].rsplit("/", 1)[1] for each in rows}

    site.release(ONE)
    by_load = {"scale": ScaleSettings(min=1, max=2, target=60)}
    said = site.release(ONE, **by_load)
    assert f"deployment {site.name(ONE)} has 1 to 2 instances, by a GPU utilisation of 60 %" in said
    assert targets() == {f"{site.spec.endpoint}-{site.name(ONE)}": site.name(ONE)}
    (profile,) = site.arm.get(f"{settings}/{site.spec.endpoint}-{site.name(ONE)}", "2022-10-01")["properties"][
        "profiles"
    ]
    assert profile["capacity"] == {"minimum": "1", "maximum": "2", "default": "1"}

    shift, during = Endpoint.set_traffic, list[dict[str, str]]()

    def scaled_meanwhile(endpoint: Endpoint, traffic: dict[str, int], **more: Any) -> None:
        shift(endpoint, traffic, **more)
        if len(traffic) == 2:
            during.append(targets())
            path = f"{site.endpoint}/deployments/{site.name(TWO)}"
            site.arm.run("PATCH", path, VERSION, {"sku": {"name": "Default", "capacity": 2}})

    with pytest.MonkeyPatch.context() as patch, asking(*site.scoring(), clients=2) as tally:
        patch.setattr(Endpoint, "set_traffic", scaled_meanwhile)
        site.release(TWO, **by_load)
    assert tally.failures == []
    assert set(during[0].values()) == {site.name(ONE), site.name(TWO)}
    assert targets() == {f"{site.spec.endpoint}-{site.name(TWO)}": site.name(TWO)}
    deployment = site.arm.get(f"{site.endpoint}/deployments/{site.name(TWO)}", VERSION)
    assert deployment["sku"]["capacity"] == 2 and deployment["tags"]["scaled"].startswith("1 to 2 instances")
    # What Azure Monitor has decided stays, and without the setting there are as many as the stack says.
    assert site.release(TWO, **by_load) == [f"deployment {site.name(TWO)} has 100 % of the traffic already"]
    said = site.release(TWO)
    told = "instances 2 -> 1, scale 1 to 2 instances, by a GPU utilisation of 60 % -> none"
    assert any(told in line for line in said)
    assert targets() == {}
    site.serves(TWO)


def test_copies_go_to_one_deployment_and_answer_nobody(site: Site) -> None:
    site.release(ONE)
    site.deploy(TWO, **unfinished.tags({site.name(ONE): 100}))
    endpoint = Endpoint(client=site.client, spec=site.of(TWO), report=print, stop=threading.Event())
    since = datetime.now(UTC)
    before = _health(site, TWO, since).requests
    assert endpoint.mirror(50)
    with asking(*site.scoring(), clients=2) as tally:
        tally.until(lambda: tally.asked >= 40)
    assert tally.failures == [] and set(tally.answers) == {site.name(ONE)}
    copied = _health(site, TWO, since)
    # Of 40 and more, half by chance: fewer than five come once in a hundred million times.
    assert copied.requests - before >= 5 and copied.failed == 0
    body = endpoint_body()
    for mirrored, why in (
        ({site.name(TWO): 51}, "at most 50"),
        ({site.name(TWO): 10, site.name(ONE): 10}, "one deployment only"),
        ({site.name(ONE): 10}, "not both"),
        ({"nobody": 10}, "does not exist"),
    ):
        properties = {**body["properties"], "traffic": {site.name(ONE): 100}, "mirrorTraffic": mirrored}
        with pytest.raises(Refusal, match=why):
            site.arm.put(site.endpoint, VERSION, {**body, "properties": properties})
    with pytest.raises(Refusal, match="mirrored traffic"):
        site.arm.run("DELETE", f"{site.endpoint}/deployments/{site.name(TWO)}", VERSION)
    said = site.release(TWO, mirror_percent=50)
    assert any(line.startswith("mirror: copies of 50 %") for line in said)
    assert not site.arm.get(site.endpoint, VERSION)["properties"]["mirrorTraffic"]
    site.serves(TWO)


def test_a_pause_leaves_address_and_key_and_the_model_comes_back(site: Site) -> None:
    site.release(ONE)
    url, key = site.scoring()
    said: list[str] = []
    endpoint = Endpoint(client=site.client, spec=site.spec, report=said.append, stop=threading.Event())
    with asking(url, key, clients=1) as tally:
        tally.until(lambda: tally.asked >= 3)
    with pytest.raises(StageError, match="requests in the last 15 minutes"):
        pause.refuse_while_asked(endpoint, datetime.now(UTC) + timedelta(minutes=1))
    pause.pause(endpoint, BY_HAND)
    assert site.arm.get(f"{site.endpoint}/deployments", VERSION)["value"] == []
    body = {"input_data": {"input_string": [{"role": "user", "content": "Who are you?"}]}}
    answer = requests.post(url, json=body, headers={"Authorization": f"Bearer {key()}"}, timeout=60)
    assert answer.status_code == 404 and "No valid deployments to route to" in answer.text
    # A release in the pause waits for its end.
    assert "is paused since" in site.release(TWO)[0]
    assert site.arm.get(f"{site.endpoint}/deployments", VERSION)["value"] == []

    assert resume(endpoint, site.of) == TWO
    site.serves(TWO)
    assert site.scoring()[0] == url and site.scoring()[1]() == key()
    tags = site.arm.get(site.endpoint, VERSION)["tags"]
    assert list(tags) == [SERVED]
    deployment = site.arm.get(f"{site.endpoint}/deployments/{site.name(TWO)}", VERSION)
    assert deployment["tags"]["previous"] == f"{MODEL}:{ONE}"


def test_metrics_are_those_of_the_requests_that_were_routed(site: Site) -> None:
    """By Azure Monitor's own client, and as a release reads them."""
    from azure.identity import DefaultAzureCredential
    from azure.mgmt.monitor import MonitorManagementClient

    site.release(TWO)
    since, name = datetime.now(UTC), site.name(TWO)
    before = _health(site, TWO, since)
    with asking(*site.scoring(), clients=1) as tally:
        tally.until(lambda: tally.asked >= 5)
    found = _health(site, TWO, since)
    assert found.requests >= before.requests + 5 and found.failed == before.failed
    assert found.p95_seconds and 0 < found.p95_seconds < 60
    client = MonitorManagementClient(DefaultAzureCredential(), SUBSCRIPTION_ID)
    span = "/".join((since + timedelta(minutes=each)).strftime("%Y-%m-%dT%H:%M:00Z") for each in (0, 3))
    answer = client.metrics.list(
        site.endpoint,
        metricnames="RequestsPerMinute,RequestLatency",
        timespan=span,
        interval="PT1M",
        aggregation="Average",
        filter=f"deployment eq '{name}'",
    )
    counts, latency = answer.value
    assert counts.unit == "Count" and latency.unit == "MilliSeconds"
    assert sum(point.average or 0 for point in counts.timeseries[0].data) >= found.requests
    for other in ({"metricnames": "Joy"}, {"filter": "colour eq '*'"}, {"filter": "deployment"}):
        query = {"metricnames": "RequestsPerMinute", "filter": "", **other}
        answer = site.arm.call(
            "GET",
            f"{site.endpoint}/providers/Microsoft.Insights/metrics?api-version=2024-02-01"
            f"&metricnames={query['metricnames']}&$filter={query['filter']}",
            None,
        )
        assert answer.status_code == 400, answer.text


def _health(site: Site, version: str, since: datetime) -> health.Health:
    """With the second that has not ended yet."""
    return health.read(site.of(version), since, datetime.now(UTC) + timedelta(minutes=1))


def _at_once(site: Site, body: dict[str, Any]) -> Counter[tuple[int, str]]:
    """Status, and the container's own beside a 424, of so many questions at the same time."""
    url, key = site.scoring()
    together = threading.Barrier(TOGETHER)

    def ask(_: int) -> tuple[int, str]:
        together.wait()
        answer = requests.post(url, json=body, headers={"Authorization": f"Bearer {key()}"}, timeout=60)
        return answer.status_code, answer.headers.get("ms-azureml-model-error-statuscode", "")

    with ThreadPoolExecutor(TOGETHER) as pool:
        return Counter(pool.map(ask, range(TOGETHER)))


def test_ten_questions_at_once_are_held_once_the_settings_are_changed_in_place(site: Site, arm: Arm) -> None:
    """As Azure makes a deployment that does not say how much it takes: two at once, everybody else gets 429."""
    site.release(ONE)
    path = f"{site.endpoint}/deployments/{site.name(ONE)}"
    body = arm.get(path, VERSION)
    plain = {**body["properties"], "requestSettings": {"requestTimeout": "PT1M"}}
    arm.put(path, VERSION, {key: body[key] for key in ("location", "sku", "tags")} | {"properties": plain})
    since = datetime.now(UTC)
    assert _at_once(site, QUESTION)[429, ""] > 0
    assert _health(site, ONE, since).busy > 0
    assert _health(site, ONE, since).failed == 0

    said = site.release(ONE)
    assert "updating in place, maxConcurrentRequests Azure's default -> 8" in said[1]
    site.serves(ONE)
    after = arm.get(path, VERSION)
    assert after["systemData"]["createdAt"] == body["systemData"]["createdAt"]
    assert after["properties"]["requestSettings"] == {
        "maxConcurrentRequestsPerInstance": 8,
        "requestTimeout": "PT1M",
    }
    assert after["tags"] == body["tags"] and after["sku"] == body["sku"]
    assert _at_once(site, QUESTION) == {(200, ""): TOGETHER}


def test_a_callers_bad_question_is_not_the_models_failure(site: Site) -> None:
    site.release(ONE)
    since = datetime.now(UTC)
    before = _health(site, ONE, since)
    found = _at_once(site, {"input_data": {"input_string": 7}})
    assert set(found) <= {(424, "400"), (424, "500")}
    now = _health(site, ONE, since)
    assert now.refused - before.refused == found[424, "400"]
    assert now.failed - before.failed == found[424, "500"]
    assert now.refused + now.failed == before.refused + before.failed + TOGETHER
