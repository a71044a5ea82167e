"""The base model beside the tuned one, and which version of the model is deployed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from azure.core.exceptions import HttpResponseError
from jobs_fake import FakeMl, Stop
from rollout_runs import BASE, COMPARING, NEW, OLD, run
from scoring_fake import Scoring
from test_jobs_specs import RELEASE

from chat.phi_messages import (
    ModelFailed,
)
from cloud.errors import StageError
from jobs.release import rollout
from tests.changing import changed


def test_a_base_model_begun_for_nothing_goes(ml: FakeMl, scoring: Scoring) -> None:
    scoring.errors = [ModelFailed("424")] * 2
    with pytest.raises(StageError, match="smoke test"):
        run(COMPARING)
    assert ml.online_endpoints.deployments == {} and ml.online_endpoints.deleted == [NEW, BASE]


def test_a_base_model_beside_one_in_service_stays_and_is_told_of(in_service: FakeMl, scoring: Scoring) -> None:
    scoring.errors = [ModelFailed("424")] * 2
    said: list[str] = []
    with pytest.raises(StageError, match="smoke test"):
        rollout.run(COMPARING, said.append, Stop())
    assert set(in_service.online_endpoints.deployments) == {OLD, BASE}
    assert f"warning: deployment {BASE} stays beside the model in service, and bills" in said


def test_the_base_model_is_kept_beside(in_service: FakeMl, scoring: Scoring) -> None:
    run(COMPARING)
    endpoints = in_service.online_endpoints
    assert set(endpoints.deployments) == {NEW, BASE}
    assert endpoints.traffic == {NEW: 100}
    assert endpoints.deployments[BASE].tags["model"] == RELEASE.base_model.model_uri
    there = endpoints.deployments[BASE]
    run(COMPARING)
    assert endpoints.deployments[BASE] is there


def test_another_base_model_replaces_it(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.deployment(BASE, tags={"model": "azureml://another"})
    run(COMPARING)
    assert BASE in in_service.online_endpoints.deleted
    assert in_service.online_endpoints.deployments[BASE].tags["model"] == RELEASE.base_model.model_uri


def test_it_goes_when_it_is_not_wanted(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.deployment(BASE)
    run()
    assert sorted(in_service.online_endpoints.deleted) == [BASE, OLD]


def test_its_failure_does_not_harm_the_release(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.outcomes[BASE] = HttpResponseError("Not enough quota available")
    with pytest.raises(StageError, match="Ask for quota"):
        run(COMPARING)
    assert in_service.online_endpoints.traffic == {NEW: 100}
    assert OLD not in in_service.online_endpoints.deployments


def test_shares_are_whole_and_sum_to_100() -> None:
    before = {"a": 33, "b": 33, "c": 34}
    for percent in range(1, 101):
        assert sum(rollout._shared(before, NEW, percent).values()) == 100


def test_what_is_deployed_is_the_version_that_the_fine_tuning_made(
    ml: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    create = ml.online_endpoints._create
    monkeypatch.setattr(ml.online_endpoints, "_create", lambda made: asked.append(made.model) or create(made))
    job = {"job": "finetune-931b65c3d64e-2"}  # a version that is a fingerprint, of the time before numbers
    ml.models.there["phi-ultrachat", "931b65c3d64e"] = SimpleNamespace(version="931b65c3d64e", tags=job)
    run()
    assert asked == ["azureml:phi-ultrachat:931b65c3d64e"]
    assert ml.online_endpoints.deployments["mdaf3f651c37a"].tags["model"] == "phi-ultrachat:931b65c3d64e"


def test_a_version_that_is_another_models_is_not_deployed(in_service: FakeMl, scoring: Scoring) -> None:
    tags = {"fingerprint": "ffffffffffff"}
    in_service.models.there["phi-ultrachat", "1707408517"] = SimpleNamespace(version="1707408517", tags=tags)
    with pytest.raises(StageError, match="taken by another model"):
        run()
    assert in_service.online_endpoints.traffic == {OLD: 100} and list(in_service.online_endpoints.deployments) == [OLD]


def test_a_version_of_other_origin_is_deployed_under_its_number(ml: FakeMl, scoring: Scoring) -> None:
    spec = changed(RELEASE, model_version="3", model_fingerprint="")
    ml.models.there["phi-ultrachat", "3"] = SimpleNamespace(version="3", tags=None)
    run(spec)
    assert ml.online_endpoints.deployments[spec.deployment_name].tags["model"] == "phi-ultrachat:3"
