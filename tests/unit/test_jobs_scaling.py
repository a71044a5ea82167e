"""Azure Monitor's autoscale: made with a deployment, in Azure's shape, and gone with it."""

from __future__ import annotations

from typing import Any

import pytest
import scoring_fake
from azure.core.exceptions import HttpResponseError
from endpoints_fake import MACHINE
from jobs_fake import FakeMl, Stop, install
from test_jobs_specs import RELEASE

from cloud.errors import StageError
from jobs.release import rollout, scaling
from settings.sections.serving import ScaleSettings
from tests.changing import changed

SCALE = ScaleSettings(min=1, max=3, target=60)
SPEC = changed(RELEASE, scale=SCALE, vm_size=MACHINE, soak_seconds=0, drain_seconds=0, questions="")
NAME = SPEC.deployment_name
PATH = f"{SPEC.target.group_path}/providers/Microsoft.Insights/autoscaleSettings/{SPEC.endpoint}-{NAME}"


class Settings:
    """``Arm`` as far as settings of autoscale go."""

    def __init__(self) -> None:
        self.there: dict[str, Any] = {}
        self.asked: list[str] = []
        self.refused: str = ""

    def get(self, path: str, version: str) -> dict[str, Any]:
        assert (path, version) == (SPEC.endpoint_path, "2025-12-01")
        return {"location": "eastus2"}

    def find(self, path: str, version: str) -> Any:
        assert path.rpartition("-")[0] == PATH.rpartition("-")[0] and version == "2022-10-01"
        return self.there.get(path)

    def run(self, method: str, path: str, query: dict[str, str], body: Any = None) -> None:
        assert query == {"api-version": "2022-10-01"}
        self.asked.append(method)
        if self.refused:
            raise HttpResponseError(self.refused)
        if method == "DELETE":
            self.there.pop(path, None)
        else:
            self.there[path] = body


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    ml = install(monkeypatch)
    scoring_fake.install(monkeypatch, ml)
    return ml


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> Settings:
    arm = Settings()
    monkeypatch.setattr(scaling, "Arm", lambda: arm)
    return arm


def release(spec: object = SPEC) -> list[str]:
    said: list[str] = []
    rollout.run(spec, said.append, Stop())  # type: ignore[arg-type]
    return said


def test_a_deployment_is_made_with_its_setting(ml: FakeMl, arm: Settings) -> None:
    said = release()
    assert list(arm.there) == [PATH]
    said_at = said.index(f"deployment {NAME} has 1 to 3 instances, by a GPU utilisation of 60 %")
    assert said_at < next(at for at, line in enumerate(said) if line.startswith("traffic: "))
    assert ml.online_endpoints.deployments[NAME].tags["scaled"] == "1 to 3 instances, by a GPU utilisation of 60 %"


def test_it_is_azures_shape() -> None:
    of = f"{SPEC.endpoint_path}/deployments/{NAME}"
    found = scaling.body(SCALE, of, 5, "eastus2")
    properties = found["properties"]
    assert (found["location"], properties["enabled"], properties["targetResourceUri"]) == ("eastus2", True, of)
    (profile,) = properties["profiles"]
    assert profile["capacity"] == {"minimum": "1", "maximum": "3", "default": "3"}
    grow, shrink = profile["rules"]
    for rule in (grow, shrink):
        assert rule["metricTrigger"]["metricName"] == "GpuUtilizationPercentage"
        assert rule["metricTrigger"]["metricResourceUri"] == of
        assert (rule["scaleAction"]["type"], rule["scaleAction"]["value"]) == ("ChangeCount", "1")
    assert [rule["scaleAction"]["direction"] for rule in (grow, shrink)] == ["Increase", "Decrease"]
    assert [rule["metricTrigger"]["threshold"] for rule in (grow, shrink)] == [60, 30]


@pytest.mark.parametrize(("has", "left"), [(1, 1), (2, 2), (5, 3)])
def test_how_many_there_are_is_azure_monitors_as_far_as_it_is_allowed(
    ml: FakeMl, arm: Settings, has: int, left: int
) -> None:
    release()
    ml.online_endpoints.deployments[NAME].instance_count = has
    said = release()
    assert ml.online_endpoints.deployments[NAME].instance_count == left
    assert any("updating in place" in line for line in said) is (has != left)
    assert arm.asked == ["PUT"]  # the setting is as it was


def test_one_that_somebody_has_changed_or_deleted_is_made_again(ml: FakeMl, arm: Settings) -> None:
    release()
    arm.there[PATH]["properties"]["profiles"][0]["capacity"]["maximum"] = "9"
    release()
    assert arm.there[PATH]["properties"]["profiles"][0]["capacity"]["maximum"] == "3"
    arm.there.clear()
    release()
    assert arm.asked == ["PUT"] * 3


def test_without_scaling_it_goes_and_there_are_as_many_as_the_settings_say(ml: FakeMl, arm: Settings) -> None:
    release()
    ml.online_endpoints.deployments[NAME].instance_count = 3
    said = release(changed(SPEC, scale=ScaleSettings()))
    assert arm.there == {} and ml.online_endpoints.deployments[NAME].instance_count == 1
    assert "scaled" not in ml.online_endpoints.deployments[NAME].tags
    assert any("instances 3 -> 1" in line and "-> none" in line for line in said)


def test_it_goes_with_its_deployment(ml: FakeMl, arm: Settings) -> None:
    release()
    other = changed(SPEC, model_version="other", model_fingerprint="")
    release(other)
    assert [path.rsplit("-", 1)[1] for path in arm.there] == [other.deployment_name]


@pytest.mark.parametrize(("refused", "stays"), [("(AuthorizationFailed) no", True), ("(Conflict) no", False)])
def test_who_may_not_write_settings_releases_all_the_same(ml: FakeMl, arm: Settings, refused: str, stays: bool) -> None:
    arm.refused = refused
    if stays:
        assert any("is not scaled by load" in line and "autoscaleSettings/write" in line for line in release())
        assert ml.online_endpoints.traffic == {NAME: 100}
    else:
        with pytest.raises(StageError, match="how the deployment is scaled could not be set"):
            release()


def test_it_is_recorded_where_it_is_set_and_names_no_other_deployment() -> None:
    assert "scale" not in RELEASE.to_inputs()
    assert SPEC.to_inputs()["scale"] == {"max": 3, "target": 60}
    assert type(SPEC).from_inputs(SPEC.to_inputs()) == SPEC
    assert changed(SPEC, scale=ScaleSettings()).deployment_name == NAME
