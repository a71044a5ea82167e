"""From one stack to another: a version that is in service is shared to a registry, checked, and deployed from there."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cloud import client as azure
from cloud.arm import ML_SCOPE
from cloud.arm import Arm as Rest
from cloud.errors import StageError
from cloud.place import Place
from cloud.services import modelfiles, registry
from cloud.target import RegistryAsset, Target
from emulator.front import admin
from emulator.machine.home import CLIENT_OBJECT_ID, SUBSCRIPTION_ID, Home
from jobs.card import fetch
from jobs.promotion import evidence, share, take
from jobs.promotion.found import proved
from jobs.promotion.spec import PromotionSpec, ShareSpec
from jobs.release import rollback, rollout
from jobs.release.rollback import Version
from jobs.release.spec import ReleaseSpec
from jobs.training.spec import model_version
from settings.sections.evaluation import EvaluationSettings
from settings.sections.model import PromoteSettings
from settings.sections.serving import ServingSettings
from settings.stack import Settings
from tests.contract.arm import Arm
from tests.contract.bodies import A100, endpoint_body
from tests.contract.conftest import LOCATION, make_workspace
from tests.contract.tuning import FACTS

GROUP = "rg-promotion"
MODEL, REGISTRY = "phi-facts", "mlr-promotion"
FINGERPRINT = "0123456789ab"
NUMBER = model_version(FINGERPRINT)
VERSION = "2025-12-01"
BASE = RegistryAsset("azureml", "Phi-4-mini-instruct", "1")
TAGS = {
    "fingerprint": FINGERPRINT,
    "job": f"finetune-{FINGERPRINT}-1",
    "dataset": "facts",
    "dataset_fingerprint": "ba9876543210",
    "base_model": BASE.model_uri,
    "recipe": "seed=1",
}


@dataclass
class Two:
    """Two stacks, each with a workspace and an endpoint, and a registry between them."""

    arm: Arm
    dev: ReleaseSpec
    prod: ReleaseSpec
    share: ShareSpec
    settings: Settings

    def proved(self, **changed: Any) -> PromotionSpec:
        """What the second stack finds."""
        model = self.settings.model
        promote = model.promote.model_copy(update=changed)
        settings = self.settings.model_copy(update={"model": model.model_copy(update={"promote": promote})})
        found = proved(settings, Place.of(settings, "prod", SUBSCRIPTION_ID))
        assert found is not None
        return dataclasses.replace(found, target=self.prod.target)


def run(work: Any, spec: Any) -> list[str]:
    said: list[str] = []
    work.run(spec, said.append, threading.Event())
    return said


@pytest.fixture(scope="module")
def two(arm: Arm, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    from azure.ai.ml.entities import Model

    rows = [{"question": question, "answers": [answer]} for question, answer in FACTS.items()]
    golden = tmp_path_factory.mktemp("promotion") / "golden.jsonl"
    golden.write_text("".join(json.dumps(row) + "\n" for row in rows))
    specs = []
    for stem in ("proving", "taking"):
        workspace = make_workspace(arm, GROUP, stem)
        arm.put(f"{workspace}/onlineEndpoints/{stem}", VERSION, endpoint_body())
        specs.append(
            ReleaseSpec(
                target=Target(SUBSCRIPTION_ID, GROUP, f"mlw-{stem}"),
                endpoint=stem,
                model_name=MODEL,
                model_version=NUMBER,
                model_fingerprint=FINGERPRINT,
                base_model=BASE,
                serving=ServingSettings.model_construct(
                    vm_size=A100, instances=1, request_timeout_seconds=60, traffic_steps=(100,), drain_seconds=0
                ),
                evaluation=EvaluationSettings.model_construct(
                    questions=str(golden), minimum_score=0.9, maximum_drop=0.0, latency_seconds=30.0
                ),
                registry="" if stem == "proving" else REGISTRY,
            )
        )
    dev, prod = specs
    azure.ml_client(dev.target).models.create_or_update(
        Model(name=MODEL, version=NUMBER, path=str(models / "tuned"), type="mlflow_model", tags=TAGS)
    )
    settings = Settings.model_validate(
        {
            "purgeOnDestroy": True,
            "finetune": {"modelName": MODEL},
            "model": {"promote": {"stack": "dev", "registry": REGISTRY}},
            "evaluation": {"minimumScore": 0.9},
        }
    )
    yield Two(arm, dev, prod, ShareSpec.of(dev, "dev", REGISTRY), settings)
    for each in specs:
        arm.delete(each.endpoint_path, VERSION)


def make_registry(arm: Arm) -> None:
    body = {
        "location": LOCATION,
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "regionDetails": [
                {
                    "location": LOCATION,
                    "acrDetails": [{"systemCreatedAcrAccount": {"acrAccountSku": "Premium"}}],
                    "storageAccountDetails": [
                        {"systemCreatedStorageAccount": {"storageAccountType": "Standard_LRS"}},
                    ],
                }
            ]
        },
    }
    scope = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{GROUP}"
    arm.put(f"{scope}/providers/Microsoft.MachineLearningServices/registries/{REGISTRY}", VERSION, body)


@pytest.fixture(scope="module")
def shared(two: Two) -> list[str]:
    """What is told while the first stack releases and shares."""
    make_registry(two.arm)
    run(rollout, two.dev)
    return run(share, two.share)


def test_without_a_registry_nothing_is_shared_or_taken(two: Two) -> None:
    for refused in (lambda: run(share, two.share), two.proved):
        with pytest.raises(StageError, match="there is no such registry"):
            refused()


def test_what_is_not_in_service_is_not_shared(two: Two) -> None:
    make_registry(two.arm)
    with pytest.raises(StageError, match="so nothing has proved it"):
        run(share, two.share)
    with pytest.raises(StageError, match="no version that dev has proved"):
        two.proved()


def test_a_version_in_service_goes_to_the_registry_with_its_evidence(two: Two, shared: list[str]) -> None:
    assert any("is shared, for other stacks to take" in line for line in shared)
    asset = RegistryAsset(REGISTRY, MODEL, NUMBER)
    found = registry.tags(asset, Rest(ML_SCOPE))
    assert {key: found[key] for key in TAGS} == TAGS
    assert (found["proved_by"], found["proved_deployment"]) == ("dev", two.dev.deployment_name)
    assert (found["proved_score"], found["proved_questions"]) == ("1.0000", "4")
    assert "at least 0.9 wanted" in found["proved_gate"]
    assert run(share, two.share) == [f"{asset.model_uri} is there already"]


def test_another_stack_deploys_the_same_bytes_and_runs_no_job(two: Two, shared: list[str]) -> None:
    spec = two.proved()
    assert (spec.model_version, spec.model_fingerprint, spec.evidence["job"]) == (NUMBER, FINGERPRINT, TAGS["job"])
    said = run(take, spec)
    assert any("taken from stack dev, and nothing is trained" in line for line in said)
    assert any(TAGS["job"] in line and BASE.model_uri in line for line in said)
    rest = Rest(ML_SCOPE)
    with (
        modelfiles.of_workspace(Rest(), two.dev.target, MODEL, NUMBER) as here,
        modelfiles.of_registry(rest, spec.asset) as there,
    ):
        files = here.files()
        assert files == there.files() and len(files) > 3
        contents = [[b"".join(folder.chunks(file)) for file in files] for folder in (here, there)]
    assert contents[0] == contents[1] and all(contents[0])
    run(rollout, two.prod)
    path = f"{two.prod.endpoint_path}/deployments/{two.prod.deployment_name}"
    deployed = two.arm.get(path, VERSION)
    assert deployed["properties"]["model"] == spec.asset.model_uri
    assert deployed["tags"]["model"] == f"{MODEL}:{NUMBER}"
    assert deployed["tags"]["contract"], "how it is served was found in the registry's tags"
    assert two.arm.get(two.prod.endpoint_path, VERSION)["properties"]["traffic"] == {two.prod.deployment_name: 100}
    for kind in ("jobs", "models", "data"):
        assert two.arm.get(f"{two.prod.target.path}/{kind}", VERSION)["value"] == [], kind


def test_the_model_comes_home_from_the_workspace_and_from_the_registry(
    two: Two, shared: list[str], tmp_path: Path
) -> None:
    own = two.settings.model_copy(
        update={"model": two.settings.model.model_copy(update={"promote": PromoteSettings()})}
    )
    version = Version(version=NUMBER, created="", job="", recipe="")
    sums = []
    for settings, target in ((own, two.dev.target), (two.settings, two.prod.target)):
        here: Any = SimpleNamespace(model=MODEL, settings=settings, target=target)
        folder = tmp_path / target.workspace
        fetch.fetch(here, version, folder, lambda _: None, threading.Event())
        sums.append((folder / fetch.SUMS).read_text())
        checked = subprocess.run(["sha256sum", "-c", fetch.SUMS], cwd=folder, capture_output=True, check=False)
        assert checked.returncode == 0, checked.stdout
    assert sums[0] == sums[1] and "MLmodel" in sums[0]


def test_to_go_back_the_registrys_versions_are_listed(two: Two, shared: list[str]) -> None:
    (found,) = rollback.versions(azure.registry_client(REGISTRY), MODEL)
    assert (found.version, found.fingerprint, found.job) == (NUMBER, FINGERPRINT, TAGS["job"])


def test_what_changes_after_it_was_planned_is_not_released(two: Two, shared: list[str]) -> None:
    spec = two.proved()
    planned = dataclasses.replace(spec, evidence={**spec.evidence, evidence.SCORE: "0.5000"})
    with pytest.raises(StageError, match="what is written on it has changed since: proved_score"):
        run(take, planned)
    gone = dataclasses.replace(spec, model_version="7")
    with pytest.raises(StageError, match="it is no longer there"):
        run(take, gone)


def test_a_version_that_is_named_has_to_be_there_and_to_be_of_that_stack(two: Two, shared: list[str]) -> None:
    assert two.proved(version=NUMBER) == two.proved()
    with pytest.raises(StageError, match="no version 7 of model"):
        two.proved(version="7")
    with pytest.raises(StageError, match="proved by dev, not by staging"):
        two.proved(version=NUMBER, stack="staging")


def test_who_has_no_role_on_the_registry_is_told(two: Two, shared: list[str], home: Home) -> None:
    workspace = two.dev.target.path
    roles = [{"principal": CLIENT_OBJECT_ID, "role": "Owner", "scope": workspace}]
    admin.call(home, "POST", "roles", roles)
    try:
        with pytest.raises(StageError, match="AuthorizationFailed"):
            two.proved()
        roles.append({"principal": CLIENT_OBJECT_ID, "role": "AzureML Registry User"})
        admin.call(home, "POST", "roles", roles)
        assert two.proved().model_version == NUMBER
    finally:
        admin.call(home, "DELETE", "roles")
