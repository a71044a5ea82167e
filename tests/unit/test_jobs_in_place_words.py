"""What of a deployment is changed in place, and under which name a model stands: each difference whole."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
from endpoints_fake import MACHINE, probe
from jobs_fake import FakeMl, Stop, install
from test_jobs_specs import RELEASE

from jobs.release import settings_in_place, standing
from jobs.release.deployments import Endpoint
from jobs.release.spec import ReleaseSpec
from settings.sections.serving import LivenessSettings, ReadinessSettings, ScaleSettings
from tests.changing import changed

SCALED = changed(RELEASE, scale=ScaleSettings(min=2, max=4, target=60))
WORDS = "2 to 4 instances, by a GPU utilisation of 60 %"


def deployment(**others: Any) -> Any:
    """As a release of these settings makes it."""
    settings = SimpleNamespace(max_concurrent_requests_per_instance=8, request_timeout_ms=90_000)
    plain = {"name": "m1", "instance_count": 1, "tags": {"model": "m"}, "request_settings": settings}
    return SimpleNamespace(**{**plain, "liveness_probe": probe(600), "readiness_probe": probe(10), **others})


@pytest.mark.parametrize(
    ("found", "spec", "told"),
    [
        (deployment(), RELEASE, []),
        (deployment(instance_count=3), RELEASE, ["instances 3 -> 1"]),
        (
            deployment(request_settings=None),
            RELEASE,
            ["requestTimeout Azure's default -> 90000", "maxConcurrentRequests Azure's default -> 8"],
        ),
        (
            deployment(liveness_probe=None, readiness_probe=probe(11, timeout=2)),
            RELEASE,
            [
                "liveness initial_delay Azure's default -> 600",
                "liveness timeout Azure's default -> 20",
                "liveness period Azure's default -> 10",
                "liveness failure_threshold Azure's default -> 30",
                "readiness initial_delay 11 -> 10",
                "readiness timeout 2 -> 20",
            ],
        ),
        (deployment(), SCALED, ["instances 1 -> 2", f"scale none -> {WORDS}"]),
        (deployment(instance_count=3, tags={"scaled": WORDS}), SCALED, []),
        (deployment(instance_count=9, tags={"scaled": WORDS}), SCALED, ["instances 9 -> 4"]),
        (deployment(tags={"scaled": WORDS}), RELEASE, [f"scale {WORDS} -> none"]),
        (deployment(tags=None), RELEASE, []),
        (deployment(name="base"), SCALED, []),
    ],
)
def test_what_a_deployment_has_otherwise(found: Any, spec: ReleaseSpec, told: list[str]) -> None:
    assert settings_in_place.differences(found, spec) == told


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    return install(monkeypatch)


@pytest.mark.parametrize("given", [deployment().request_settings, None])
@pytest.mark.usefixtures("ml")
def test_what_is_written_into_it_whole(given: Any) -> None:
    spec = changed(
        SCALED,
        request_timeout_seconds=60,
        max_concurrent_requests=3,
        liveness=LivenessSettings.model_construct(
            initial_delay_seconds=1, timeout_seconds=2, period_seconds=3, failure_threshold=4
        ),
        readiness=ReadinessSettings.model_construct(
            initial_delay_seconds=5, timeout_seconds=6, period_seconds=7, failure_threshold=8
        ),
    )
    found = deployment(
        request_settings=given, tags={"model": "m", "scaled": "x"}, egress_public_network_access="Enabled"
    )
    settings_in_place.change(found, spec)
    assert {key: vars(its) if isinstance(its, SimpleNamespace) else its for key, its in vars(found).items()} == {
        "name": "m1",
        "instance_count": 2,
        "tags": {"model": "m", "scaled": WORDS},
        "request_settings": {"max_concurrent_requests_per_instance": 3, "request_timeout_ms": 60_000},
        "liveness_probe": {"initial_delay": 1, "timeout": 2, "period": 3, "failure_threshold": 4},
        "readiness_probe": {"initial_delay": 5, "timeout": 6, "period": 7, "failure_threshold": 8},
        "egress_public_network_access": None,
    }
    found = deployment(tags=None, egress_public_network_access="disabled")
    settings_in_place.change(found, RELEASE)
    assert (found.tags, found.instance_count, found.egress_public_network_access) == ({}, 1, "disabled")


OURS = f"{RELEASE.model_name}:{RELEASE.model_version}"
SPEC = changed(RELEASE, vm_size=MACHINE)


def name_of(ml: FakeMl, there: dict[str, dict[str, Any]], traffic: dict[str, int], spec: ReleaseSpec = SPEC) -> str:
    ml.online_endpoints.deployments, ml.online_endpoints.traffic = {}, traffic
    for name, its in there.items():
        ml.online_endpoints.deployment(name, its.get("state", "Succeeded"), tags=its.get("tags", {"model": OURS}))
        ml.online_endpoints.deployments[name].instance_type = its.get("size", MACHINE)
    here = Endpoint(client=ml, spec=spec, report=lambda _: None, stop=Stop())  # type: ignore[arg-type]
    return standing.under_its_name(here).spec.deployed_as


@pytest.mark.parametrize(
    ("there", "traffic", "name"),
    [
        ({}, {}, ""),
        ({"a": {}}, {}, "a"),
        ({"a": {"state": "Failed"}}, {}, ""),
        ({"a": {"state": "Failed"}}, {"a": 100}, "a"),  # it has traffic, so it is not made anew
        ({"a": {}, "b": {}}, {"a": 10, "b": 90}, "b"),
        ({"a": {}, "b": {}}, {"b": 90, "a": 10}, "b"),
        ({"a": {"size": "Standard_X"}}, {"a": 100}, ""),
        ({"a": {"tags": {"model": "phi-ultrachat:1"}}}, {"a": 100}, ""),
        ({"a": {"tags": {"model": "other:1"}}}, {"a": 100}, ""),
        ({"a": {"tags": None}}, {"a": 100}, ""),
        ({"base": {}}, {}, ""),
        ({"a": {}, SPEC.deployment_name: {}}, {"a": 100}, ""),
    ],
)
def test_under_which_name_it_stands(ml: FakeMl, there: dict[str, Any], traffic: dict[str, int], name: str) -> None:
    assert name_of(ml, there, traffic) == name


def test_its_version_is_that_of_its_fingerprint_whatever_its_number(ml: FakeMl) -> None:
    ml.models.there[RELEASE.model_name, "7"] = SimpleNamespace(version="7", tags={"fingerprint": "931b65c3d64e"})

    def version(spec: ReleaseSpec) -> str:
        return standing.version(Endpoint(client=ml, spec=spec, report=lambda _: None, stop=Stop()))  # type: ignore[arg-type]

    assert version(RELEASE) == "7"
    assert version(dataclasses.replace(RELEASE, registry="shared")) == RELEASE.model_version
    assert version(dataclasses.replace(RELEASE, model_fingerprint="")) == RELEASE.model_version
    assert version(dataclasses.replace(RELEASE, model_fingerprint="0" * 12)) == RELEASE.model_version
    named = name_of(ml, {"a": {"tags": {"model": f"{RELEASE.model_name}:7"}}}, {"a": 100})
    assert named == "a", "by the number it has"
