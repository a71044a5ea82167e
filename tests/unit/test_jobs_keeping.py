"""The deployment before a release is kept, gone back to at once, and gone when its time is over."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import scoring_fake
from endpoints_fake import tags_written
from jobs_fake import FakeMl, Stop, install
from test_jobs_specs import RELEASE

from chat.phi_messages import ModelFailed
from cloud.errors import StageError
from jobs.release import keeping, rollout, unfinished
from jobs.release.deployments import Endpoint
from jobs.release.judging import evidence
from jobs.release.spec import ReleaseSpec

OLD = "mold"
SERVING = RELEASE.serving.model_copy(update={"keep_previous_hours": 4, "soak_seconds": 0, "drain_seconds": 0})


def of(version: str) -> ReleaseSpec:
    return dataclasses.replace(RELEASE, model_version=version, model_fingerprint="", serving=SERVING)


ONE, TWO = of("1").deployment_name, of("2").deployment_name


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeMl:
    """With a deployment in service, and Azure where it is asked by plain REST: for tags of a deployment."""
    ml = install(monkeypatch)
    monkeypatch.setattr(evidence, "FOLDER", tmp_path / "releases")

    monkeypatch.setattr(unfinished, "Arm", lambda: tags_written(ml.online_endpoints))
    ml.online_endpoints.deployment(OLD, tags={"model": "phi-ultrachat:0"})
    ml.online_endpoints.traffic = {OLD: 100}
    scoring_fake.install(monkeypatch, ml)
    return ml


def release(version: str) -> list[str]:
    said: list[str] = []
    rollout.run(of(version), said.append, Stop())
    return said


def there(ml: FakeMl) -> set[str]:
    return set(ml.online_endpoints.deployments)


def tags(ml: FakeMl) -> dict[str, dict[str, str]]:
    return {name: its.tags for name, its in ml.online_endpoints.deployments.items()}


def endpoint(ml: FakeMl, said: list[str] | None = None) -> Endpoint:
    report = said.append if said is not None else lambda _: None
    return Endpoint(client=ml, spec=of("1"), report=report, stop=Stop())  # type: ignore[arg-type]


def test_the_deployment_before_is_kept_at_its_price_and_no_release_is_half_way(ml: FakeMl) -> None:
    said = release("1")
    assert there(ml) == {OLD, ONE} and ml.online_endpoints.traffic == {ONE: 100}
    assert f"deployment {OLD} stays without traffic until" in said[-1]
    assert "and bills, about 15 USD in all: `python -m jobs rollback --now`" in said[-1]  # 4 hours of 3.67 USD
    assert unfinished.release(tags(ml), {ONE: 100}) is None
    release("1")
    assert there(ml) == {OLD, ONE}


def test_the_next_release_takes_its_machines_and_keeps_the_one_before(ml: FakeMl) -> None:
    release("1")
    release("2")
    assert there(ml) == {ONE, TWO} and ml.online_endpoints.deleted == [OLD]


def test_back_at_once_and_forth(ml: FakeMl) -> None:
    release("1")
    history = len(ml.online_endpoints.history)
    assert keeping.back_now(endpoint(ml)) == OLD
    assert ml.online_endpoints.history[history:] == [{OLD: 100}] and there(ml) == {OLD, ONE}
    assert unfinished.release(tags(ml), {OLD: 100}) is None
    assert keeping.back_now(endpoint(ml)) == ONE
    assert ml.online_endpoints.traffic == {ONE: 100}


def test_what_was_left_can_be_released_again_and_an_interruption_is_seen(ml: FakeMl) -> None:
    release("1")
    keeping.back_now(endpoint(ml))
    release("1")
    assert ml.online_endpoints.traffic == {ONE: 100} and there(ml) == {OLD, ONE}
    # Begun once more and not yet at its end, it is half way, though an earlier release of it was done.
    ml.online_endpoints.deployments[ONE].tags |= unfinished.begun_again({OLD: 100})
    found = unfinished.release(tags(ml), {OLD: 90, ONE: 10})
    assert found and found.deployment == ONE


def test_what_is_kept_may_once_have_come_after_the_one_in_service() -> None:
    earlier = {unfinished.BEFORE: '{"mtwo": 100}', unfinished.BEGUN: "2026-11-01T09:00:00+00:00"}
    later = {**unfinished.tags({"mone": 100}), **unfinished.done(4, datetime.now(UTC))}
    there = {"mone": earlier, "mtwo": later}
    assert unfinished.release(there, {"mtwo": 100}) is None
    found = unfinished.kept(there, {"mtwo": 100})
    assert found and found.deployment == "mone"
    # Begun once more, it is half way, before it has any traffic too.
    begun = {unfinished.BEFORE: '{"mtwo": 100}', unfinished.BEGUN: "2999-11-01T09:00:00+00:00"}
    half = unfinished.release({**there, "mone": begun}, {"mtwo": 100})
    assert half and half.deployment == "mone"


def test_back_at_once_from_a_release_that_is_half_way(ml: FakeMl) -> None:
    ml.online_endpoints.deployment(ONE, tags={"model": "phi-ultrachat:1", **unfinished.tags({OLD: 100})})
    ml.online_endpoints.traffic = {OLD: 50, ONE: 50}
    assert keeping.back_now(endpoint(ml)) == OLD
    assert ml.online_endpoints.traffic == {OLD: 100}


def test_without_one_that_is_kept_and_well_nothing_is_gone_back_to(ml: FakeMl) -> None:
    with pytest.raises(StageError, match=r"no deployment of before is there.*keepPreviousHours"):
        keeping.back_now(endpoint(ml))
    release("1")
    ml.online_endpoints.deployments[OLD].provisioning_state = "Failed"
    with pytest.raises(StageError, match="deployment mold is not healthy"):
        keeping.back_now(endpoint(ml))
    assert ml.online_endpoints.traffic == {ONE: 100}


@pytest.mark.parametrize(("hours", "gone"), [(3, False), (5, True)])
def test_what_is_kept_goes_when_its_time_is_over(hours: float, gone: bool, ml: FakeMl) -> None:
    release("1")
    keeping.over(endpoint(ml), datetime.now(UTC) + timedelta(hours=hours))
    assert (OLD not in there(ml)) is gone and ONE in there(ml)


def test_a_model_that_fails_leaves_what_is_in_service_alone(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    release("1")
    scoring, _ = scoring_fake.install(monkeypatch, ml)
    scoring.errors = [ModelFailed("424")] * 2
    with pytest.raises(StageError, match="smoke test"):
        release("2")
    assert there(ml) == {ONE} and ml.online_endpoints.traffic == {ONE: 100}


def test_without_the_setting_nothing_is_kept_and_nothing_is_written(ml: FakeMl) -> None:
    rollout.run(dataclasses.replace(RELEASE, model_version="1"), lambda _: None, Stop())
    assert OLD not in there(ml)
    assert not any(unfinished.DONE in its for its in tags(ml).values())
