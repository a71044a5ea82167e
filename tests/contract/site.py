"""A workspace with an endpoint and registered models, on which a test releases one version after the other."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cloud import client as azure
from cloud.target import RegistryAsset, Target
from emulator.machine.home import SUBSCRIPTION_ID
from jobs.release import rollout
from jobs.release.deployments import Endpoint
from jobs.release.spec import ReleaseSpec
from settings.sections.evaluation import EvaluationSettings
from settings.sections.serving import ServingSettings
from tests.changing import changed
from tests.contract.arm import Arm
from tests.contract.bodies import A100, deployment_body, endpoint_body
from tests.contract.conftest import make_workspace

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

MODEL = "phi-facts"
VERSION = "2025-12-01"
INSTANCES = 1


@dataclass
class Site:
    """A workspace with an endpoint and registered models."""

    arm: Arm
    client: MLClient
    workspace: str
    spec: ReleaseSpec

    @property
    def endpoint(self) -> str:
        return f"{self.workspace}/onlineEndpoints/{self.spec.endpoint}"

    def of(self, version: str) -> ReleaseSpec:
        return dataclasses.replace(self.spec, model_version=version)

    def name(self, version: str) -> str:
        return self.of(version).deployment_name

    def release(self, version: str, **others: object) -> list[str]:
        said: list[str] = []
        spec = changed(self.of(version), **others)
        rollout.run(spec, said.append, threading.Event())
        return said

    def deploy(self, version: str, model: str = "", *, wait: bool = True, **tags: str) -> None:
        """The deployment a release of ``version`` makes, as an interrupted one left it."""
        path = f"{self.endpoint}/deployments/{self.name(version)}"
        body = deployment_body(A100, INSTANCES, model=f"azureml:{MODEL}:{model or version}")
        body["tags"] = {"model": f"{MODEL}:{version}", **tags}
        if wait:
            self.arm.put(path, VERSION, body)
        else:
            assert self.arm.call("PUT", path, VERSION, body).status_code == 201

    def share(self, percent: dict[str, int]) -> None:
        body = endpoint_body()
        traffic = {self.name(version): share for version, share in percent.items()}
        self.arm.put(self.endpoint, VERSION, {**body, "properties": {**body["properties"], "traffic": traffic}})

    def at(self, version: str, said: Callable[[str], None] = print, **others: object) -> Endpoint:
        """The endpoint, for whoever works on this version."""
        spec = changed(self.of(version), **others)
        return Endpoint(client=azure.ml_client(spec.target), spec=spec, report=said, stop=threading.Event())

    def scoring(self) -> tuple[str, Callable[[], str]]:
        """URL and key."""
        url, key = self.at(self.spec.model_version).address()
        return url, lambda: key

    def serves(self, version: str) -> None:
        """Asserts that this version alone is there and has all traffic."""
        assert self.arm.get(self.endpoint, VERSION)["properties"]["traffic"] == {self.name(version): 100}
        deployments = self.arm.get(f"{self.endpoint}/deployments", VERSION)["value"]
        assert [each["name"] for each in deployments] == [self.name(version)]
        assert deployments[0]["properties"]["provisioningState"] == "Succeeded"


def make_site(
    arm: Arm, stem: str, folders: Mapping[str, Path], serving: Mapping[str, object], evaluation: EvaluationSettings
) -> Site:
    """In a group of its own, with a model of the first of ``folders`` (by version) to be released; nothing is yet."""
    from azure.ai.ml.entities import Model

    group = f"rg-{stem}"
    workspace = make_workspace(arm, group, stem)
    arm.put(f"{workspace}/onlineEndpoints/{stem}", VERSION, endpoint_body())
    target = Target(SUBSCRIPTION_ID, group, f"mlw-{stem}")
    client = azure.ml_client(target)
    for version, folder in folders.items():
        client.models.create_or_update(Model(name=MODEL, version=version, path=str(folder), type="mlflow_model"))
    spec = ReleaseSpec(
        target=target,
        endpoint=stem,
        model_name=MODEL,
        model_version=next(iter(folders)),
        base_model=RegistryAsset("azureml", "Phi-4-mini-instruct", "1"),
        serving=ServingSettings.model_construct(
            vm_size=A100, instances=INSTANCES, request_timeout_seconds=60, drain_seconds=0, **serving
        ),
        evaluation=evaluation,
    )
    return Site(arm, client, workspace, spec)
