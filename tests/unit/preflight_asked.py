"""The preflight of one stack, asked of a fake of Azure's Resource Manager."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from cloud.arm import Arm
from cloud.target import RegistryAsset
from jobs.preflight import run
from jobs.preflight.checks import Check
from jobs.preflight.findings import Finding, State
from jobs.preflight.spec import CLUSTER, ENDPOINT, Machines, PreflightSpec
from tests.unit.arm_fake import ArmFake

A100, T4 = "StandardNCADSA100v4Family", "Standard NCASv3_T4 Family"
NC24 = "Standard_NC24ads_A100_v4"
SPEC = PreflightSpec(
    stack="dev",
    subscription_id="s",
    location="eastus2",
    resource_group="rg",
    workspace="ws",
    cluster_name="gpu",
    data_cluster_name="cpu",
    endpoint="e",
    vault="kv",
    ai_services="ai",
    machines=(
        Machines(use=CLUSTER, vm_size=NC24, family=A100, cores=24, count=1),
        Machines(use=ENDPOINT, vm_size=NC24, family=A100, cores=24, count=1),
    ),
    releasing=1,
    base_model=RegistryAsset("azureml", "Phi-4-mini-instruct", "1"),
    base_model_successor="",
    component=RegistryAsset("azureml", "chat_completion_pipeline", "latest"),
)
NAMESPACES = tuple(
    f"Microsoft.{name}"
    for name in (
        *("Authorization", "Cdn", "CognitiveServices", "ContainerRegistry", "Insights", "KeyVault"),
        *("MachineLearningServices", "ManagedIdentity", "OperationalInsights", "PolicyInsights", "Resources"),
        "Storage",
    )
)
"""Written out, not read from the program: tests/program compares with what it registers."""
S, GROUP = "/subscriptions/s", "/subscriptions/s/resourceGroups/rg"
ML = f"{S}/providers/Microsoft.MachineLearningServices/locations/eastus2"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws"
DISCOVERY = "https://eastus.api.azureml.ms/registrymanagement/v1.0/registries/azureml/discovery"
REGISTRY = (
    "https://eastus2.api.azureml.ms/mferp/managementfrontend/subscriptions/r/resourceGroups/g/providers"
    "/Microsoft.MachineLearningServices/registries/azureml"
)
MODEL = f"{REGISTRY}/models/Phi-4-mini-instruct"
COMPONENT = f"{REGISTRY}/components/chat_completion_pipeline"
VAULT = f"{S}/providers/Microsoft.KeyVault/locations/eastus2/deletedVaults/kv"
ACCOUNTS = f"{S}/providers/Microsoft.CognitiveServices/deletedAccounts"
PERMISSIONS = "providers/Microsoft.Authorization/permissions"


def usage(name: str, used: int, limit: int, kind: str = "dedicatedCores") -> dict[str, Any]:
    return {
        "type": f"Microsoft.MachineLearningServices/{kind}/usages",
        "currentValue": used,
        "limit": limit,
        "name": {"value": name, "localizedValue": f"{name} Cluster Dedicated vCPUs"},
    }


def offer(quota_id: str, limit: str = "Off", state: str = "Enabled") -> dict[str, Any]:
    policies = {"quotaId": quota_id, "spendingLimit": limit}
    return {"displayName": "ours", "state": state, "subscriptionPolicies": policies}


def register(arm: ArmFake, states: dict[str, str], more: tuple[str, ...] = ()) -> None:
    """All are registered but those with a state of their own."""
    rows = [{"namespace": n, "registrationState": states.get(n, "Registered")} for n in NAMESPACES + more]
    arm.get(f"{S}/providers", {"value": rows})


def location(name: str, kind: str = "Physical") -> dict[str, Any]:
    return {"name": name, "metadata": {"regionType": kind}}


def found(spec: PreflightSpec = SPEC) -> list[Finding]:
    """What is not ok."""
    return [finding for finding in run.check(spec) if finding.state is not State.OK]


def only(spec: PreflightSpec = SPEC) -> Finding:
    (finding,) = found(spec)
    return finding


def told(check: str, spec: PreflightSpec = SPEC) -> str:
    return next(finding.found for finding in run.check(spec) if finding.check == check)


Answers = Callable[[ArmFake], None]
"""Has Azure answer something."""


def of(**changes: Any) -> PreflightSpec:
    return dataclasses.replace(SPEC, **changes)


def says(body: Any, *paths: str) -> Answers:
    """That at each of the paths."""

    def answers(arm: ArmFake) -> None:
        for path in paths:
            arm.get(path, body)

    return answers


def gone(path: str) -> Answers:
    return lambda arm: arm.refuse("GET", path, 404, "ResourceNotFound")


def nothing(_: ArmFake) -> None:
    """Azure answers as it does where all is well."""


def whole(check: Check, spec: PreflightSpec = SPEC) -> list[str]:
    """Each finding of a check with all that is told of it."""
    return [f"{each.state} {each}" for each in check(spec, Arm())]
