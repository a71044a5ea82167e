"""No answer is lost through all that is done to an endpoint; its keys, and the versions to go back to."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloud.errors import StageError
from jobs import keys
from jobs.pausing import pause
from jobs.release import keeping, rollback
from jobs.release.deployments import Endpoint
from tests.contract.arm import Arm
from tests.contract.asking import Tally, asking
from tests.contract.releases.running import BROKEN, ONE, TWO, UNTUNED
from tests.contract.site import MODEL, VERSION, Site

CLIENTS = 3


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
    return keys.Keyring(
        target=site.spec.target,
        endpoint=site.spec.endpoint,
        project=site.spec.target.workspace,
        connection="facts",
        pause=3,
    )


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
            live = rollback.in_service(site.client, site.spec.endpoint, MODEL)
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
    live = rollback.in_service(site.client, site.spec.endpoint, MODEL)
    known = rollback.versions(site.client, MODEL)
    assert [each.version for each in known] == [BROKEN, UNTUNED, TWO, ONE]
    assert live.version == TWO and live.share == 100
    assert all(each.created.startswith("20") for each in known)
    assert rollback.choose(live, known, MODEL, UNTUNED).version == UNTUNED
