"""Workspace, cluster, hub and project of somebody else's: what has to go with them, and what the preflight asks."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from cloud.arm import Arm
from cloud.target import RegistryAsset
from jobs.preflight import checks, existing
from jobs.preflight.findings import State
from jobs.preflight.spec import CLUSTER, Machines, PreflightSpec
from settings.estate.existing import not_made
from settings.problems import SettingsError
from settings.stack import parse
from tests.unit.arm_fake import ArmFake, install

SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-ml"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stml"
REGISTRY = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/crmlteam"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-ml"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw"
CLUSTER_ID = f"{WORKSPACE}/computes/a100"
HUB, PROJECT = (f"{WORKSPACE.rsplit('/', 1)[0]}/{name}" for name in ("hub", "proj"))
FULL = {
    "group": GROUP,
    "storage": STORAGE,
    "vault": f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-ml",
    "registry": REGISTRY,
    "insights": f"{GROUP}/providers/Microsoft.Insights/components/appi",
    "identity": IDENTITY,
    "workspace": WORKSPACE,
    "cluster": CLUSTER_ID,
    "hub": HUB,
    "project": PROJECT,
}


def refused(ids: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Rule and remedy of each key that is refused."""
    with pytest.raises(SettingsError) as error:
        parse({"finetune-phi:purgeOnDestroy": False, "finetune-phi:existing": ids}, "test")
    return {each.key.rsplit(".", 1)[1]: (each.rule, each.remedy) for each in error.value.problems}


def test_all_of_it_goes_together() -> None:
    settings = parse({"finetune-phi:purgeOnDestroy": False, "finetune-phi:existing": FULL}, "test")
    assert settings.existing.ids() == FULL
    assert settings.existing.names()["cluster"] == "a100" and settings.existing.names()["project"] == "proj"


def test_a_workspace_goes_with_its_group_and_with_what_it_stands_on() -> None:
    told = refused({"group": f"{GROUP}-of-ours", "workspace": WORKSPACE, "storage": STORAGE})
    assert set(told) == {"workspace"}
    told = refused({"workspace": WORKSPACE})
    assert (
        "existing.storage, existing.vault, existing.registry, existing.insights would be made" in told["workspace"][0]
    )
    told = refused({**FULL, "group": f"{GROUP}-of-ours"})
    assert told["project"] == (
        "is in a group that is not existing.group, and the stack works in one",
        f"set existing.group to {GROUP.lower()}",
    )
    assert refused({"project": PROJECT}).keys() == {"project"}
    # A hub may be anywhere: a platform's is in a group of its own.
    parse({"finetune-phi:purgeOnDestroy": False, "finetune-phi:existing": {"hub": HUB}}, "test")


def test_a_cluster_goes_with_its_workspace_and_its_identity() -> None:
    other = CLUSTER_ID.replace("/mlw/", "/mlw2/")
    rule, remedy = refused({**FULL, "cluster": other})["cluster"]
    assert (rule, remedy) == (
        "is in a workspace that is not existing.workspace",
        f"set existing.workspace to {WORKSPACE}2",
    )
    without = {key: id_ for key, id_ in FULL.items() if key != "identity"}
    assert refused(without)["cluster"][0] == "does not act as the identity that the stack would make"
    rule, remedy = refused({**FULL, "cluster": WORKSPACE})["cluster"]
    assert rule == "must be the id of a cluster"
    assert "/workspaces/<name>/computes/<name>" in remedy


def test_what_comes_with_a_hub_is_not_made_beside_it() -> None:
    assert not_made(["hub"]) == {"hub", "ai_services", "ai_services_connection"}
    assert not_made(["project"]) == {"project", "hub", "ai_services", "ai_services_connection"}
    assert not_made(["cluster", "vault"]) == {"cluster", "key_vault"}


SPEC = PreflightSpec(
    stack="dev",
    subscription_id=SUBSCRIPTION,
    location="eastus2",
    resource_group="rg-ml",
    workspace="mlw",
    cluster_name="a100",
    data_cluster_name="cpu",
    endpoint="e",
    vault="kv-ml",
    ai_services="ai",
    machines=(Machines(use=CLUSTER, vm_size="Standard_NC24ads_A100_v4", family="A", cores=24, count=2),),
    releasing=1,
    base_model=RegistryAsset("azureml", "Phi-4-mini-instruct", "1"),
    base_model_successor="",
    component=RegistryAsset("azureml", "chat_completion_pipeline", "latest"),
    existing={key: FULL[key] for key in ("storage", "registry", "identity", "workspace", "cluster", "hub", "project")},
    shared_access=True,
)
GOOD: dict[str, dict[str, Any]] = {
    STORAGE: {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {}},
    REGISTRY: {"properties": {}},
    IDENTITY: {"properties": {"principalId": "p"}},
    WORKSPACE: {
        "name": "mlw",
        "id": WORKSPACE,
        "location": "eastus2",
        "kind": "Default",
        "properties": {"storageAccount": STORAGE.lower(), "containerRegistry": REGISTRY},
    },
    # As the portal spells a size, and Azure the identities.
    CLUSTER_ID: {
        "location": "eastus2",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY.lower(): {}}},
        "properties": {
            "computeType": "AmlCompute",
            "properties": {"vmSize": "STANDARD_NC24ADS_A100_V4", "scaleSettings": {"maxNodeCount": 2}},
        },
    },
    HUB: {"location": "East US 2", "kind": "Hub", "properties": {"storageAccount": STORAGE}},
    PROJECT: {
        "location": "eastus2",
        "kind": "Project",
        "properties": {"storageAccount": STORAGE, "hubResourceId": HUB.upper()},
    },
}


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> Iterator[ArmFake]:
    fake = install(monkeypatch)
    for id_, there in GOOD.items():
        fake.get(id_, there)
    yield fake
    assert {method for method, _ in fake.sent} <= {"GET"}, "it only reads"


def changed(row: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    new = copy.deepcopy(row)
    *way, last = path.split(".")
    inner = new
    for each in way:
        inner = inner.setdefault(each, {})
    inner[last] = value
    return new


def test_good_ones_are_used_as_they_are(arm: ArmFake) -> None:
    (found,) = existing.usable(SPEC, Arm())
    assert found.state is State.OK and "Azure ML workspace, cluster, hub, project: used as they are" in found.found


@pytest.mark.parametrize(
    ("id_", "path", "value", "state", "said", "fix"),
    [
        (WORKSPACE, "kind", "Hub", State.REFUSED, "of the kind Hub, and no Azure ML workspace", "id of one"),
        (HUB, "kind", "Project", State.REFUSED, "of the kind Project, and no hub", "id of one"),
        (WORKSPACE, "location", "westeurope", State.REFUSED, "what Azure has in its region", "location to westeurope"),
        (WORKSPACE, "properties.publicNetworkAccess", "Disabled", State.REFUSED, "answers to nobody", "reachable"),
        (WORKSPACE, "properties.v1LegacyMode", True, State.REFUSED, "v1LegacyMode", "switch it off"),
        (WORKSPACE, "properties.provisioningState", "Failed", State.REFUSED, "has failed", "mend it"),
        (WORKSPACE, "properties.storageAccount", f"{STORAGE}2", State.REFUSED, "stands on storage account", "its own"),
        (
            WORKSPACE,
            "properties.containerRegistry",
            None,
            State.REFUSED,
            "has no container registry",
            f"az ml workspace update --name mlw --resource-group rg-ml --container-registry {REGISTRY}",
        ),
        (WORKSPACE, "properties.systemDatastoresAuthMode", "Identity", State.REFUSED, "by identity", "sharedKeys to"),
        (CLUSTER_ID, "properties.computeType", "ComputeInstance", State.REFUSED, "is ComputeInstance", "AmlCompute"),
        (CLUSTER_ID, "properties.provisioningState", "Failed", State.REFUSED, "has failed", "mend it"),
        (CLUSTER_ID, "properties.properties.vmSize", "STANDARD_NC6", State.REFUSED, "STANDARD_NC6", "compute.vmSize"),
        (
            CLUSTER_ID,
            "properties.properties.scaleSettings.maxNodeCount",
            1,
            State.REFUSED,
            "grows to 1 machines, and compute.maxNodes is 2",
            "compute.maxNodes to 1",
        ),
        (
            CLUSTER_ID,
            "properties.properties.scaleSettings.minNodeCount",
            1,
            State.WARNING,
            "keeps 1 machines that bill",
            "least to 0",
        ),
        (CLUSTER_ID, "identity", None, State.REFUSED, "acts as no identity of its own", "existing.identity"),
        (PROJECT, "properties.hubResourceId", f"{HUB}2", State.REFUSED, "existing.hub is another", "its own"),
        (PROJECT, "properties.storageAccount", f"{STORAGE}2", State.WARNING, "keeps the flow on", "Privileged"),
        (HUB, "location", "westeurope", State.WARNING, "is in westeurope, the stack in eastus2", "take one"),
    ],
)
def test_one_that_is_not_good_for_it(
    arm: ArmFake, id_: str, path: str, value: object, state: State, said: str, fix: str
) -> None:
    arm.get(id_, changed(GOOD[id_], path, value))
    (found,) = existing.usable(SPEC, Arm())
    assert (found.state, found.check) == (state, "existing")
    assert id_ in found.found and said in found.found and fix in found.fix, found


def test_a_new_cluster_has_a_public_address_only_outside_of_a_managed_network(arm: ArmFake) -> None:
    arm.get(WORKSPACE, changed(GOOD[WORKSPACE], "properties.managedNetwork.isolationMode", "AllowInternetOutbound"))
    assert existing.usable(SPEC, Arm())[0].state is State.OK, "the cluster that is given has what it has"
    made = {key: id_ for key, id_ in SPEC.existing.items() if key != "cluster"}
    spec = dataclasses.replace(SPEC, existing=made, cluster_name="gpu")
    (found,) = existing.usable(spec, Arm())
    assert found.state is State.REFUSED and found.fix == "set finetune-phi:network to managed"
    assert existing.usable(dataclasses.replace(spec, isolated=True), Arm())[0].state is State.OK
    arm.get(WORKSPACE, GOOD[WORKSPACE])
    (found,) = existing.usable(dataclasses.replace(spec, isolated=True), Arm())
    assert found.state is State.REFUSED and found.fix == "set finetune-phi:network to public"


def test_what_is_to_be_made_in_it_is_not_somebody_elses_already(arm: ArmFake) -> None:
    made = {key: id_ for key, id_ in SPEC.existing.items() if key != "cluster"}
    spec = dataclasses.replace(SPEC, existing=made, cluster_name="gpu")
    arm.get(f"{WORKSPACE}/computes/gpu", {"tags": {"project": "finetune-phi", "stack": "dev"}})
    assert existing.usable(spec, Arm())[0].state is State.OK, "the stack's own, of an earlier update"
    arm.get(f"{WORKSPACE}/computes/gpu", {"tags": {"project": "finetune-phi", "stack": "prod"}})
    arm.get(f"{WORKSPACE}/onlineEndpoints/e", {"name": "e"})
    cluster, endpoint = existing.usable(spec, Arm())
    assert cluster.state is endpoint.state is State.REFUSED
    assert "has a cluster gpu already, which this stack has not made" in cluster.found
    assert (cluster.fix, endpoint.fix) == (
        "set finetune-phi:names.cluster to another name",
        "set finetune-phi:names.endpoint to another name",
    )


def test_nor_is_the_connection_in_its_project(arm: ArmFake) -> None:
    spec = dataclasses.replace(SPEC, connection="phi-connection")
    path = f"{PROJECT}/connections/phi-connection"
    arm.get(path, {"properties": {"metadata": {"finetune_phi_stack": "dev"}}})
    assert existing.usable(spec, Arm())[0].state is State.OK
    for metadata in ({"finetune_phi_stack": "prod"}, None):
        arm.get(path, {"properties": {"metadata": metadata}})
        (found,) = existing.usable(spec, Arm())
        assert "has a connection phi-connection already" in found.found
        assert (found.state, found.fix) == (State.REFUSED, "set finetune-phi:names.connection to another name")


def test_no_name_is_looked_for_of_what_is_not_made(arm: ArmFake) -> None:
    (found,) = checks.deleted_account(SPEC, Arm())
    assert found.state is State.OK and "hub of somebody else's" in found.found
    assert arm.sent == []
