"""Azure's bad days during a release and a pause, a hundred times as fast: what takes it ten minutes takes six seconds.

Two operators at once and a killed holder are in test_lease.py; autoscale during a shift, in releases/test_load.py;
clocks that go back, in test_office_hours.py.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cloud import client as azure
from cloud.arm import Arm as Asked
from cloud.errors import ModelFault, NotFinished, StageError
from cloud.report import WARNING
from emulator.front import admin
from emulator.machine.home import Home
from emulator.runs import models
from jobs.pausing import by_hours, pause
from jobs.pausing.resume import resume
from jobs.release import operations
from jobs.release.deployments import Endpoint
from jobs.release.judging import smoke, watching
from jobs.status import usage
from settings.sections.evaluation import EvaluationSettings
from settings.sections.serving import HealthSettings
from tests.contract.arm import Arm
from tests.contract.asking import asking
from tests.contract.faulty import fault, hits
from tests.contract.site import Site, make_site

ONE, TWO = "1", "2"
FASTER, LESS_FAST = 100, 25
"""Times as fast as Azure; LESS_FAST where answers are timed, as a busy machine's tenth of a second would be ten."""
AZURE, METRICS, SCORING = "management.azure.com", "*/providers/Microsoft.Insights/metrics", "*.inference.ml.azure.com"


@pytest.fixture(scope="module")
def bad(arm: Arm) -> Iterator[Site]:
    """With version ONE in service; both versions know nothing, as nobody asks what they know."""
    with pytest.MonkeyPatch.context() as patch:
        quick = {"retry_backoff_factor": 2 / FASTER, "retry_backoff_max": 30 / FASTER, "read_timeout": 1.0}
        patch.setattr(azure, "RETRIES", {**azure.RETRIES, **quick})
        patch.setattr(azure, "POLLING_SECONDS", azure.POLLING_SECONDS / FASTER)
        for module, names in (
            (operations, ("_POLL_SECONDS", "_SILENCE_SECONDS", "_AWAY_SECONDS")),
            (watching, ("_LOOK_SECONDS", "_SAID_SECONDS")),
            (smoke, ("_PAUSE",)),
        ):
            for name in names:
                patch.setattr(module, name, getattr(module, name) / FASTER)
        azure.ml_client.cache_clear()
        folder = models.made("Phi-4-mini-instruct", "1")
        evaluation = EvaluationSettings.model_construct(questions="", latency_seconds=60)
        site = make_site(arm, "bad", {ONE: folder, TWO: folder}, {"traffic_steps": (50, 100)}, evaluation)
        site.release(ONE)
        yield site
        azure.ml_client.cache_clear()
    arm.delete(site.endpoint, "2025-12-01")


@dataclass(frozen=True)
class Day:
    """The site with version ``old`` in service and ``new`` to come, whichever of the two that is."""

    site: Site
    old: str
    new: str

    def release(self, **others: object) -> list[str]:
        return self.site.release(self.new, **others)

    def at_old(self, said: Callable[[str], None] = print, **others: object) -> Endpoint:
        return self.site.at(self.old, said, **others)

    @property
    def names(self) -> tuple[str, str]:
        """Of the two deployments."""
        return self.site.name(self.old), self.site.name(self.new)

    def ends_well(self) -> None:
        self.site.serves(self.new)

    def goes_on(self) -> None:
        """The next `up` finds the deployment and ends the release."""
        assert f"deployment {self.names[1]} is there already and healthy" in self.release()
        self.ends_well()


@pytest.fixture
def day(bad: Site, home: Home) -> Day:
    admin.call(home, "DELETE", "faults")
    live = bad.at(ONE).traffic()
    if live not in ({bad.name(ONE): 100}, {bad.name(TWO): 100}):  # a test before has failed
        bad.release(ONE)
        live = {bad.name(ONE): 100}
    return Day(bad, *((ONE, TWO) if bad.name(ONE) in live else (TWO, ONE)))


@contextlib.contextmanager
def down(home: Home, seconds: float) -> Iterator[None]:
    """Azure's control plane answers 503 to everything, from the moment a deployment is begun, for so long."""
    begin, rules = Endpoint.begin, list[str]()

    def up() -> None:
        while rules:
            admin.call(home, "DELETE", f"faults/{rules.pop()}")

    def begun(*what: Any) -> Any:
        poller = begin(*what)
        (rule,) = admin.call(home, "POST", "faults", {"kind": "unavailable", "host": AZURE, "retry_after": 0})
        rules.append(rule["id"])
        timer.start()
        return poller

    timer = threading.Timer(seconds, up)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Endpoint, "begin", begun)
        try:
            yield
        finally:
            timer.cancel()
            up()


def test_ten_minutes_without_a_control_plane_cost_a_deployment_in_creation_nothing(day: Day, home: Home) -> None:
    with down(home, 600 / FASTER):
        since = time.monotonic()
        said = day.release()
        assert time.monotonic() - since > 600 / FASTER
    day.ends_well()
    name = day.names[1]
    assert any(f"deployment {name}: ServiceUnavailable" in line and "asked for again" in line for line in said)
    assert any(f"deployment {name}: not known" in line for line in said), "it is told each minute"


def test_more_than_a_quarter_of_an_hour_ends_the_update_and_the_next_one_goes_on(
    day: Day, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "_AWAY_SECONDS", 1.0)
    with down(home, 300), pytest.raises(StageError, match="ServiceUnavailable") as refused:
        day.release()
    assert not isinstance(refused.value, ModelFault | NotFinished)
    assert "may have part of the traffic, and bills" in str(refused.value)
    day.goes_on()


def test_a_login_that_expires_in_mid_release_leaves_it_where_it_is(day: Day, home: Home) -> None:
    told = r"ExpiredAuthenticationToken.*Nothing was put back.*has 50 % of the traffic, and bills.*az login"
    with (
        fault(home, "token-expired", path=day.site.endpoint, method="PUT", count=1, after=1),
        pytest.raises(StageError, match=told) as refused,
    ):
        day.release()
    assert not isinstance(refused.value, ModelFault)
    assert day.at_old().traffic() == dict.fromkeys(day.names, 50)
    day.goes_on()


def test_a_release_that_runs_is_paused_by_nobody(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    shift = Endpoint.set_traffic

    def shifted(endpoint: Endpoint, traffic: dict[str, int], **more: Any) -> None:
        shift(endpoint, traffic, **more)
        if len(traffic) == 2:
            other = day.at_old(told.append, hours="Sun 02:00-02:30 UTC")
            with pytest.raises(StageError, match="has not come to its end") as refused:
                pause.pause(other, "hand")
            told.append(str(refused.value))
            by_hours.keep(other, day.site.of, lambda: datetime(2026, 11, 30, 12, tzinfo=UTC))

    monkeypatch.setattr(Endpoint, "set_traffic", shifted)
    day.release()
    day.ends_well()
    assert [f"the release of {day.names[1]} has not come to its end" in line for line in told] == [True, True]
    assert "is not paused, as the release" in told[1]


@pytest.mark.parametrize(
    ("kind", "options", "why"),
    [
        ("empty", {}, "Azure Monitor says nothing of RequestsPerMinute"),
        ("nonsense", {}, "perhaps a proxy's on the way"),
        ("error", {}, "InternalServerError"),
        ("no-answer", {}, "timed out|could not be reached"),
        ("throttled", {"retry_after": 0}, "TooManyRequests"),
    ],
)
def test_metrics_that_say_nothing_are_what_the_setting_makes_of_them(
    kind: str, options: dict[str, Any], why: str, day: Day, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step is watched, `status` looks, and somebody wants to pause."""
    few = {**azure.RETRIES, **dict.fromkeys(azure.RETRY_COUNTS, 1), "read_timeout": 0.2}
    monkeypatch.setattr(azure, "RETRIES", few)
    monkeypatch.setattr(Asked.__init__, "__defaults__", (*Asked.__init__.__defaults__[:-1], 1))  # type: ignore[index]
    since, before, name = datetime.now(UTC), {day.names[1]: 50}, day.names[0]
    with fault(home, kind, path=METRICS, **options):
        for no_data, ends in (("pass", None), ("wait", NotFinished), ("fail", ModelFault)):
            limits = HealthSettings.model_construct(no_data=no_data, wait_seconds=0.5, minimum_requests=1)
            said: list[str] = []
            watched = day.at_old(said.append, health=limits, soak_seconds=0.2)
            with pytest.raises(ends, match=why) if ends else contextlib.nullcontext():
                watching.soak(watched, since, before)
            if ends is None:
                (line,) = said
                assert line.startswith(f"{WARNING}the health of {name} is not known: ")
        found = usage.read(Asked(), day.site.endpoint, since, datetime.now(UTC))
        assert found.trouble and found.recent == {} and not found.idle(since + timedelta(days=2))
        said = []
        pause.refuse_while_asked(day.at_old(said.append), datetime.now(UTC))
        assert said[0].startswith(f"{WARNING}whether somebody asks is not known: ")


def test_metrics_that_come_late_are_waited_for(day: Day, home: Home) -> None:
    """Three minutes behind, and steps of a few seconds."""
    # Azure Monitor counts by the minute: what was asked of an earlier deployment of this name would count, too.
    time.sleep(60 - time.time() % 60)
    limits = HealthSettings.model_construct(
        no_data="wait", wait_seconds=20, minimum_requests=1, failed_percent=5.0, latency_seconds=60.0
    )
    with fault(home, "metrics-late", seconds=180 / LESS_FAST), asking(*day.site.scoring(), clients=1) as tally:
        said = day.release(health=limits, soak_seconds=0.2)
    day.ends_well()
    assert tally.failures == []
    assert any(line.startswith("waiting for requests to judge by: ") for line in said)
    assert [line.split(": ")[0] for line in said if line.startswith("health of")] == [f"health of {day.names[1]}"] * 2


def test_a_storm_of_429_from_azure_is_lived_through(day: Day, home: Home) -> None:
    with fault(home, "throttled", host=AZURE, rate=0.5, seed=17, retry_after=0) as storm:
        day.release()
        (rule,) = (each for each in admin.call(home, "GET", "faults") if each["id"] == storm)
        assert rule["hits"] > 10
    day.ends_well()


def test_a_storm_of_429_from_the_endpoint_is_no_fault_of_the_model(day: Day, home: Home) -> None:
    with (
        fault(home, "throttled", host=SCORING, retry_after=0),
        pytest.raises(NotFinished, match=r"too many ask at once \(429\), no fault of the model"),
    ):
        day.release()
    assert day.at_old().traffic() == {day.names[0]: 100}
    day.goes_on()


@pytest.mark.parametrize(
    ("kind", "timeout", "allowed", "why"),
    [
        ("no-answer", 90, 60, r"no answer within 3\.6 s.*serving\.requestTimeoutSeconds"),
        ("slow", 180, 60, r"an answer took \d\.\d s, and evaluation\.latencySeconds is 2\.4.*serving\.vmSize"),
    ],
)
def test_a_model_that_answers_in_a_hundred_seconds_is_taken_back(
    kind: str, timeout: float, allowed: float, why: str, day: Day, home: Home
) -> None:
    with fault(home, kind, host=SCORING, seconds=100 / LESS_FAST), pytest.raises(ModelFault, match=why):
        day.release(request_timeout_seconds=timeout / LESS_FAST, latency_seconds=allowed / LESS_FAST)
    day.site.serves(day.old)


def test_and_goes_into_service_where_that_is_allowed(day: Day, home: Home) -> None:
    with fault(home, "slow", host=SCORING, seconds=100 / LESS_FAST, count=2) as slow:
        day.release(latency_seconds=150 / LESS_FAST)
        assert hits(home, slow) == 2
    day.ends_well()


def sunday(month: int) -> datetime:
    """Midnight in Greenwich of the Sunday of next year's month on which Berlin changes its clocks."""
    year = datetime.now(UTC).year + 1
    return datetime(year, month, max(day for day in range(25, 32) if date(year, month, day).weekday() == 6), tzinfo=UTC)


def test_hours_that_begin_at_a_time_that_is_not_there(day: Day, home: Home) -> None:
    """Clocks go from 02:00 to 03:00, so that 02:30 is never, and half an hour is left."""
    served = {"01:00": False, "01:30": True, "02:00": False}
    endpoint, found = day.at_old(hours="Sun 02:30-04:00 Europe/Berlin"), dict[str, bool]()
    try:
        for hour in served:
            now = datetime.combine(sunday(3), datetime.strptime(hour, "%H:%M").time(), UTC)
            admin.call(home, "POST", "clock", (now - datetime.now(UTC)).total_seconds())
            by_hours.keep(endpoint, day.site.of, functools.partial(datetime.fromtimestamp, now.timestamp(), UTC))
            found[hour] = bool(endpoint.traffic())
        assert found == served
    finally:
        admin.call(home, "DELETE", "clock")
        with contextlib.suppress(StageError):
            resume(endpoint, day.site.of)
