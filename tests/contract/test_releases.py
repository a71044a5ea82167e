"""Releases with Azure's clients and real inference servers: from every state they may begin in, and under load."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from cloud.errors import StageError
from emulator.front import admin
from emulator.machine.home import SUBSCRIPTION_ID, Home
from emulator.subscription.quota import LIMITS
from jobs import keys
from jobs.paused import BY_HAND
from jobs.pausing import pause
from jobs.pausing.resume import resume
from jobs.release import keeping, rollback, unfinished
from jobs.release.deployments import Endpoint
from jobs.release.judging import health
from settings.sections.evaluation import EvaluationSettings
from settings.sections.serving import HealthSettings, ScaleSettings
from settings.sections.tags import PAUSED, SERVED
from tests.contract.arm import Arm, Refusal
from tests.contract.asking import QUESTION, Tally, asking
from tests.contract.lab import endpoint_body
from tests.contract.site import MODEL, VERSION, Site, make_site
from tests.contract.tuning import FACTS

DEMANDING = HealthSettings.model_construct(minimum_requests=100_000, no_data="fail")
"""More requests than anybody asks here: a limit that the model in service exceeds too is held against neither."""
FAMILY = "StandardNCADSA100v4Family"
CLIENTS = 3
TOGETHER = 10
"""Questions at once that one instance has to hold, with the settings that a stack has by itself."""
ONE, TWO, UNTUNED, BROKEN = "1", "2", "3", "4"
"""Versions of the model: two that know the facts, one that knows nothing, one that is no model."""


@pytest.fixture(scope="module")
def site(arm: Arm, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With version ONE in service."""
    here = tmp_path_factory.mktemp("releases")
    (here / "broken").mkdir()
    (here / "broken" / "MLmodel").write_text("not a model\n")
    rows = [{"question": question, "answers": [answer]} for question, answer in FACTS.items()]
    (here / "golden.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    folders = {ONE: models / "tuned", TWO: models / "tuned", UNTUNED: models / "base", BROKEN: here / "broken"}
    evaluation = EvaluationSettings.model_construct(
        questions=str(here / "golden.jsonl"), minimum_score=0.7, latency_seconds=60
    )
    site = make_site(arm, "facts", folders, {"traffic_steps": (10, 50, 100), "soak_seconds": 1}, evaluation)
    site.release(ONE)
    yield site
    arm.delete(site.endpoint, VERSION)


def test_the_first_release_is_in_service(site: Site) -> None:
    site.serves(ONE)
    assert site.release(ONE) == [f"deployment {site.name(ONE)} has 100 % of the traffic already"]


def test_an_untuned_model_fails_its_golden_questions_and_everything_is_as_before(site: Site) -> None:
    with pytest.raises(StageError, match=r"minimumScore is 0\.7.*Asked '"):
        site.release(UNTUNED)
    site.serves(ONE)
    with pytest.raises(StageError, match=r"and the model in service 1\.00"):
        site.release(UNTUNED, minimum_score=0)
    site.serves(ONE)


def test_a_deployment_that_crashes_shows_its_log_and_everything_is_as_before(site: Site) -> None:
    with pytest.raises(StageError, match="crashed or terminated") as caught:
        site.release(BROKEN)
    assert "Last lines of its inference-server's log" in str(caught.value)
    site.serves(ONE)


def test_from_a_deployment_in_creation(site: Site) -> None:
    site.release(ONE)
    site.deploy(TWO, wait=False)
    said = site.release(TWO)
    site.serves(TWO)
    assert f"deployment {site.name(TWO)} is there already and healthy" in said


def test_from_a_deployment_that_failed(site: Site) -> None:
    site.release(TWO)
    with pytest.raises(Refusal, match="ResourceNotReady"):
        site.deploy(ONE, BROKEN)
    said = site.release(ONE)
    site.serves(ONE)
    assert f"deployment {site.name(ONE)} of an earlier try is Failed" in said


def test_from_half_shifted_traffic_and_an_old_deployment_that_is_still_there(site: Site) -> None:
    site.release(ONE)
    site.deploy(TWO, **unfinished.tags({site.name(ONE): 100}))
    site.share({ONE: 90, TWO: 10})
    # Its health is not good enough: too few have asked.
    with pytest.raises(StageError, match="fares badly"), asking(*site.scoring(), clients=2):
        site.release(TWO, soak_seconds=3, health=DEMANDING)
    site.serves(ONE)

    site.deploy(TWO, **unfinished.tags({site.name(ONE): 100}))
    site.share({ONE: 50, TWO: 50})
    site.release(TWO)
    site.serves(TWO)

    site.deploy(ONE)
    said = site.release(TWO)
    site.serves(TWO)
    assert said[-1] == f"deployment {site.name(ONE)} deleted"


def test_from_another_version_half_way(site: Site) -> None:
    site.release(ONE)
    site.deploy(UNTUNED, **unfinished.tags({site.name(ONE): 100}))
    site.share({ONE: 90, UNTUNED: 10})
    said = site.release(TWO)
    site.serves(TWO)
    assert f"the release of {site.name(UNTUNED)} was left half way and is taken back" in said


def test_a_release_that_was_left_half_way_is_taken_back_by_a_rollback(site: Site) -> None:
    site.release(ONE)
    site.deploy(TWO, **unfinished.tags({site.name(ONE): 100}))
    site.share({ONE: 50, TWO: 50})
    live = rollback.in_service(site.client, "facts", MODEL)
    assert (live.version, live.share, live.before) == (TWO, 50, ONE)
    site.release(rollback.choose(live, rollback.versions(site.client, MODEL), MODEL).version)
    site.serves(ONE)


def test_a_release_that_was_interrupted_at_100_is_watched_before_the_old_one_goes(site: Site) -> None:
    site.release(ONE)
    site.deploy(TWO, **unfinished.tags({site.name(ONE): 100}))
    site.share({TWO: 100})
    with pytest.raises(StageError, match="fares badly"), asking(*site.scoring(), clients=2):
        site.release(TWO, soak_seconds=3, health=DEMANDING)
    site.serves(ONE)


def test_back_at_once_to_what_was_kept(site: Site) -> None:
    site.release(ONE)
    site.release(TWO, keep_previous_hours=1)
    names = {each["name"] for each in site.arm.get(f"{site.endpoint}/deployments", VERSION)["value"]}
    assert names == {site.name(ONE), site.name(TWO)}
    endpoint = Endpoint(client=site.client, spec=site.spec, report=print, stop=threading.Event())
    with asking(*site.scoring(), clients=2) as tally:
        began = time.monotonic()
        assert keeping.back_now(endpoint) == site.name(ONE)
        print(f"back after {time.monotonic() - began:.1f} s")
    assert tally.failures == []
    assert site.arm.get(site.endpoint, VERSION)["properties"]["traffic"] == {site.name(ONE): 100}
    deployment = site.arm.get(f"{site.endpoint}/deployments/{site.name(ONE)}", VERSION)
    assert deployment["tags"]["release_done"] and deployment["tags"]["model"] == f"{MODEL}:{ONE}"
    site.release(ONE)
    site.serves(ONE)


def test_one_machine_is_enough_for_one_model_after_the_other(site: Site, home: Home) -> None:
    """The family has 24 cores beside those that others use, all of them held by the deployment in service."""
    site.release(ONE)
    region = site.arm.get(site.endpoint, VERSION)["location"]
    subscription = site.workspace.partition("/resourceGroups/")[0]
    where = f"{subscription}/providers/Microsoft.MachineLearningServices/locations/{region}/usages"
    rows = {each["name"]["value"]: each["currentValue"] for each in site.arm.get(where, VERSION)["value"]}
    in_place = {"strategy": "recreate", "traffic_steps": (100,)}
    admin.call(home, "POST", LIMITS, {f"{FAMILY}@{region}": rows[FAMILY]})
    try:
        with pytest.raises(StageError, match="Not enough quota available"):
            site.release(TWO)
        site.serves(ONE)
        said = site.release(TWO, **in_place)
        site.serves(TWO)
        assert any("nobody is answered by endpoint facts from now on" in line for line in said)
        with pytest.raises(StageError, match="smoke test"):
            site.release(UNTUNED, **in_place)
        site.serves(TWO)
    finally:
        admin.call(home, "DELETE", LIMITS)
    assert PAUSED not in site.arm.get(site.endpoint, VERSION)["tags"]
    deployment = site.arm.get(f"{site.endpoint}/deployments/{site.name(TWO)}", VERSION)
    assert deployment["tags"]["previous"] == f"{MODEL}:{ONE}"


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
    assert targets() == {f"facts-{site.name(ONE)}": site.name(ONE)}
    (profile,) = site.arm.get(f"{settings}/facts-{site.name(ONE)}", "2022-10-01")["properties"]["profiles"]
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
    assert targets() == {f"facts-{site.name(TWO)}": site.name(TWO)}
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


def _set() -> threading.Event:
    stop = threading.Event()
    stop.set()
    return stop


@pytest.fixture(scope="module")
def ring(site: Site, arm: Arm) -> keys.Keyring:
    """The endpoint with a connection to it, which also holds something that is none of its keys."""
    primary = arm.post(f"{site.endpoint}/listKeys", VERSION)["primaryKey"]
    properties = {
        "category": "CustomKeys",
        "authType": "CustomKeys",
        "target": arm.get(site.endpoint, VERSION)["properties"]["scoringUri"],
        "metadata": {"azureml.flow.connection_type": "Custom"},
        "credentials": {"keys": {"key": primary, "other": "stays"}},
    }
    arm.put(f"{site.workspace}/connections/facts", VERSION, {"properties": properties})
    return keys.Keyring(target=site.spec.target, endpoint="facts", project="mlw-facts", connection="facts", pause=3)


def _held(arm: Arm, ring: keys.Keyring) -> dict[str, str]:
    found = arm.post(f"{ring.connection_path}/listsecrets", VERSION)
    held: dict[str, str] = found["properties"]["credentials"]["keys"]
    return held


PHASES = (
    *("create", "mirror", "shift", "delete", "scale", "failed release", "rotation", "rollback", "rollback --now"),
    "pause refused",
)
LEAST, ENOUGH = 20, 1_000
"""Questions in each phase, and in all of them."""
SOON = 20
"""Seconds in which going back at once has to be done, with operations of Azure's that take ten."""


@contextmanager
def _steps(tally: Tally) -> Iterator[None]:
    """The phase is the step that a release has begun last."""
    named = {"begin": "create", "mirror": "mirror", "set_traffic": "shift", "remove": "delete"}
    with pytest.MonkeyPatch.context() as patch:
        for name, phase in named.items():
            patch.setattr(Endpoint, name, _telling(tally, phase, getattr(Endpoint, name)))
        yield


def _telling(tally: Tally, phase: str, step: Callable[..., Any]) -> Callable[..., Any]:
    def told(*arguments: Any, **named: Any) -> Any:
        tally.phase = phase
        done = step(*arguments, **named)
        if phase == "mirror":
            tally.until(lambda: tally.phases[phase] >= LEAST)
        return done

    return told


def test_no_answer_is_lost_through_all_that_is_done_to_an_endpoint(site: Site, ring: keys.Keyring, arm: Arm) -> None:
    """What is counted was asked before the last of these has ended."""
    # Metrics come by the minute: in this one the tests before have asked the same deployments too much and wrongly.
    time.sleep(60 - time.time() % 60)
    site.release(TWO)
    with asking(site.scoring()[0], lambda: _held(arm, ring)["key"], clients=CLIENTS) as tally:

        def ends(phase: str) -> None:
            tally.until(lambda: tally.phases[phase] >= LEAST)

        with _steps(tally):
            site.release(ONE, mirror_percent=20)
            ends("delete")
        tally.phase = "scale"
        site.release(ONE, instances=2)
        site.release(ONE)
        ends("scale")
        tally.phase = "failed release"
        with pytest.raises(StageError, match="smoke test"):
            site.release(UNTUNED)
        ends("failed release")
        tally.phase = "rotation"
        keys.rotate(ring, print, threading.Event())
        ends("rotation")
        tally.phase, there, back = "rollback", ONE, TWO
        while there == ONE or tally.asked < ENOUGH:
            live = rollback.in_service(site.client, "facts", MODEL)
            chosen = rollback.choose(live, rollback.versions(site.client, MODEL), MODEL)
            assert (live.version, chosen.version) == (there, back)
            site.release(back)
            there, back = back, there
        site.release(back, keep_previous_hours=1)
        tally.phase, began = "rollback --now", time.monotonic()
        endpoint = Endpoint(client=site.client, spec=site.of(there), report=print, stop=threading.Event())
        assert keeping.back_now(endpoint) == site.name(there)
        took = time.monotonic() - began
        ends("rollback --now")
        tally.phase = "pause refused"
        with pytest.raises(StageError, match="requests in the last 15 minutes"):
            pause.refuse_while_asked(endpoint, datetime.now(UTC) + timedelta(minutes=1))
        ends("pause refused")
        site.release(there)
        asked, phases = tally.asked, dict(tally.phases)
    site.serves(there)
    assert tally.failures == []
    assert asked >= ENOUGH
    assert {phase: phases.get(phase, 0) for phase in PHASES if phases.get(phase, 0) < LEAST} == {}
    assert tally.answers[site.name(ONE)] > 50 and tally.answers[site.name(TWO)] > 50
    assert len(tally.keys) == 3
    told = ", ".join(f"{phase} {phases[phase]}" for phase in PHASES)
    print(f"{asked} requests, {len(tally.failures)} failed ({told})")
    print(f"rollback --now: all traffic is back after {took:.1f} s")
    assert took < SOON


@pytest.mark.parametrize("interrupted", ["nowhere", "at the secondary key", "by somebody else"])
def test_a_rotation_is_finished_from_wherever_it_was_interrupted(
    site: Site, ring: keys.Keyring, arm: Arm, interrupted: str
) -> None:
    ring = dataclasses.replace(ring, pause=0.1)
    before = arm.post(f"{site.endpoint}/listKeys", VERSION)
    if interrupted == "at the secondary key":
        with pytest.raises(StageError, match="the connection has the new secondary key"):
            keys.rotate(ring, print, _set())
        between = arm.post(f"{site.endpoint}/listKeys", VERSION)
        assert _held(arm, ring)["key"] == between["secondaryKey"] != before["secondaryKey"]
        assert between["primaryKey"] == before["primaryKey"]
    elif interrupted == "by somebody else":
        arm.run("POST", f"{site.endpoint}/regenerateKeys", VERSION, {"keyType": "Primary"})
    said: list[str] = []
    keys.rotate(ring, said.append, threading.Event())
    after = arm.post(f"{site.endpoint}/listKeys", VERSION)
    assert not set(after.values()) & set(before.values())
    assert _held(arm, ring) == {"key": after["primaryKey"], "other": "stays"}
    assert not any(key in line for line in said for key in [*after.values(), *before.values()])


def test_versions_to_go_back_to(site: Site) -> None:
    site.release(TWO)
    live = rollback.in_service(site.client, "facts", MODEL)
    known = rollback.versions(site.client, MODEL)
    assert [each.version for each in known] == [BROKEN, UNTUNED, TWO, ONE]
    assert live.version == TWO and live.share == 100
    assert all(each.created.startswith("20") for each in known)
    assert rollback.choose(live, known, MODEL, UNTUNED).version == UNTUNED
