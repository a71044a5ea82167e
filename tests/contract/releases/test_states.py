"""Releases from every state they may begin in, and back."""

from __future__ import annotations

import threading
import time

import pytest

from cloud.errors import StageError
from emulator.front import admin
from emulator.machine.home import Home
from emulator.subscription.quota import LIMITS
from jobs.release import keeping, rollback, unfinished
from jobs.release.deployments import Endpoint
from settings.sections.serving import HealthSettings
from settings.sections.tags import PAUSED
from tests.contract.arm import Refusal
from tests.contract.asking import asking
from tests.contract.releases.running import BROKEN, ONE, TWO, UNTUNED
from tests.contract.site import MODEL, VERSION, Site

DEMANDING = HealthSettings.model_construct(minimum_requests=100_000, no_data="fail")
"""More requests than anybody asks here: a limit that the model in service exceeds too is held against neither."""
FAMILY = "StandardNCADSA100v4Family"


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
    live = rollback.in_service(site.client, site.spec.endpoint, MODEL)
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
        assert any(f"nobody is answered by endpoint {site.spec.endpoint} from now on" in line for line in said)
        with pytest.raises(StageError, match="smoke test"):
            site.release(UNTUNED, **in_place)
        site.serves(TWO)
    finally:
        admin.call(home, "DELETE", LIMITS)
    assert PAUSED not in site.arm.get(site.endpoint, VERSION)["tags"]
    deployment = site.arm.get(f"{site.endpoint}/deployments/{site.name(TWO)}", VERSION)
    assert deployment["tags"]["previous"] == f"{MODEL}:{ONE}"
