"""What somebody made by hand after the tutorial, in the portal's shapes: found, and written as a stack that uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cloud.arm import Arm
from cloud.errors import StageError
from jobs import __main__ as cli
from jobs.adoption.found import Choice, Found, look
from jobs.adoption.stack_file import config_of, text
from settings import commandline, stack
from settings.stack import parse
from tests.unit.arm_fake import ArmFake, install

SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/phi3-rg"
ML = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces"
# The portal's "Create" makes them with names of its own, digits at the end.
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/phi3mlw1234567890"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/phi3mlw9876543210"
INSIGHTS = f"{GROUP}/providers/Microsoft.Insights/components/phi3mlw5555555555"
DEFAULTS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/DefaultResourceGroup-EUS2"
LOGS = f"{DEFAULTS}/providers/Microsoft.OperationalInsights/workspaces/DefaultWorkspace-EUS2"
REGISTRY = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/crphi3"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/finetunephi-mi"


def row(path: str, kind: str = "", identity: Any = None, **properties: Any) -> dict[str, Any]:
    found = {"id": path, "name": path.rsplit("/", 1)[-1], "location": "eastus2", "properties": properties}
    return {**found, **({"kind": kind} if kind else {}), **({"identity": identity} if identity else {})}


USER = {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {"principalId": "them"}}}
WORKSPACE = row(
    f"{ML}/phi3-mlw",
    "Default",
    {"type": "SystemAssigned"},
    storageAccount=STORAGE,
    keyVault=VAULT,
    applicationInsights=INSIGHTS,
    containerRegistry=REGISTRY,
)
HUB = row(f"{ML}/phi3-hub", "Hub", storageAccount=f"{STORAGE}hub", keyVault=f"{VAULT}hub")
PROJECT = row(f"{ML}/phi3-project", "Project", hubResourceId=f"{ML}/PHI3-HUB")
CLUSTER = row(
    f"{ML}/phi3-mlw/computes/gpu",
    identity=USER,
    computeType="AmlCompute",
    properties={"vmSize": "STANDARD_NC24ADS_A100_V4"},
)
NOTEBOOK = row(f"{ML}/phi3-mlw/computes/me", computeType="ComputeInstance", properties={"vmSize": "STANDARD_DS3_V2"})
ENDPOINT = row(f"{ML}/phi3-mlw/onlineEndpoints/phi3-ep", identity=USER, authMode="Key", traffic={"blue": 100})
DEPLOYMENT = row(f"{ENDPOINT['id']}/deployments/blue", instanceType="Standard_NC24ads_A100_v4")
CONNECTION = row(f"{ML}/phi3-project/connections/phi3-connection", category="CustomKeys")


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    """The group alone; the rest each test says."""
    fake = install(monkeypatch)
    fake.get(GROUP, {"id": GROUP, "location": "eastus2"})
    lists(fake, workspaces=[])
    return fake


def lists(arm: ArmFake, **found: list[dict[str, Any]]) -> None:
    paths = {
        "workspaces": ML,
        "accounts": f"{GROUP}/providers/Microsoft.CognitiveServices/accounts",
        "computes": f"{ML}/phi3-mlw/computes",
        "endpoints": f"{ML}/phi3-mlw/onlineEndpoints",
        "deployments": f"{ENDPOINT['id']}/deployments",
        "connections": f"{ML}/phi3-project/connections",
    }
    for key, path in paths.items():
        arm.get(path, {"value": found.get(key, [])})


def complete(arm: ArmFake) -> None:
    lists(
        arm,
        workspaces=[HUB, PROJECT, WORKSPACE],
        computes=[NOTEBOOK, CLUSTER],
        endpoints=[ENDPOINT],
        deployments=[DEPLOYMENT],
        connections=[row(f"{ML}/phi3-project/connections/ai", category="AIServices"), CONNECTION],
    )
    arm.get(INSIGHTS, row(INSIGHTS, WorkspaceResourceId=LOGS))


def found(**chosen: str) -> Found:
    return look(Arm(), GROUP, Choice(**chosen))


def test_a_tutorial_that_was_done_whole_is_found_under_any_name(arm: ArmFake) -> None:
    complete(arm)
    there = found()
    assert there.existing == {
        "group": GROUP,
        "storage": STORAGE,
        "vault": VAULT,
        "registry": REGISTRY,
        "insights": INSIGHTS,
        "logs": LOGS,
        "identity": IDENTITY,
        "workspace": WORKSPACE["id"],
        "cluster": CLUSTER["id"],
        "hub": HUB["id"],
        "project": PROJECT["id"],
    }
    # Releases own all of an endpoint's traffic, so the stack makes its own (docs/decisions/existing.md).
    assert there.beside == {"endpoint": "phi3-ep", "connection": "phi3-connection"}
    settings = parse(config_of(there, "adopted", SUBSCRIPTION), "adopted")
    assert settings.existing.ids() == there.existing and settings.names.chosen() == {}
    assert there.sizes == {"compute": "STANDARD_NC24ADS_A100_V4", "serving": "Standard_NC24ads_A100_v4"}
    assert there.lacking == ("AI Services",)
    assert [note.split(" goes on")[0] for note in there.notes] == ["deployment blue of endpoint phi3-ep"]
    assert {method for method, _ in arm.sent} == {"GET"}, "nothing on Azure is touched"


def test_one_that_was_left_half_way_is_a_stack_of_what_there_is(arm: ArmFake) -> None:
    half = row(f"{ML}/phi3-mlw", "Default", storageAccount=STORAGE, keyVault=VAULT)
    lists(arm, workspaces=[half])
    there = found()
    # As the portal makes one: without a registry, which a deployment of it has none of then.
    assert there.existing == {"group": GROUP, "storage": STORAGE, "vault": VAULT}
    assert there.beside == {"workspace": "phi3-mlw"}
    assert (
        "az ml workspace update --name phi3-mlw --resource-group phi3-rg --container-registry <id> "
        "--update-dependent-resources" in there.notes[0]
    )
    assert there.lacking == (
        "AI Foundry's project",
        "AI Foundry's hub",
        "AI Services",
        "the cluster that trains",
        "the endpoint",
    )
    assert parse(config_of(there, "adopted", SUBSCRIPTION), "adopted").existing.storage == STORAGE


def test_what_is_called_as_the_stacks_own_is_left_alone(arm: ArmFake) -> None:
    """The stack would make its cluster and its connection under their names, and Azure would refuse or change these."""
    complete(arm)
    old = {**CLUSTER, "id": f"{ML}/phi3-mlw/computes/gpu-cluster", "name": "gpu-cluster", "identity": None}
    lists(
        arm,
        workspaces=[HUB, PROJECT, WORKSPACE],
        computes=[old],
        endpoints=[ENDPOINT],
        connections=[row(f"{ML}/phi3-project/connections/Phi-Connection", category="CustomKeys")],
    )
    there = found()
    assert "cluster" not in there.existing and there.beside["cluster"] == "gpu-cluster"
    assert any("gpu-cluster acts as no user-assigned identity" in note for note in there.notes)
    settings = parse(config_of(there, "adopted", SUBSCRIPTION), "adopted")
    assert settings.names.chosen() == {"cluster": "gpu-cluster-2", "connection": "phi-connection-2"}


@pytest.mark.parametrize(("rows", "beside"), [([HUB], {}), ([], {"ai_services": "phi3-ai"})])
def test_ai_services_go_with_a_hub_that_is_used(
    arm: ArmFake, rows: list[dict[str, Any]], beside: dict[str, str]
) -> None:
    accounts = [row(f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/phi3-ai", "AIServices")]
    lists(arm, workspaces=rows, accounts=accounts)
    assert found().beside == beside


def test_a_cluster_counts_where_two_act_as_others(arm: ArmFake) -> None:
    complete(arm)
    other = {"type": "UserAssigned", "userAssignedIdentities": {f"{IDENTITY}2": {}}}
    lists(arm, workspaces=[WORKSPACE], computes=[CLUSTER], endpoints=[{**ENDPOINT, "identity": other}])
    there = found()
    assert (there.existing["identity"], there.existing["cluster"]) == (IDENTITY, CLUSTER["id"])
    assert any("phi3-ep acts as" in note and "makes its own" in note for note in there.notes)


def test_how_the_workspace_reaches_the_world_is_in_the_file(arm: ArmFake) -> None:
    complete(arm)
    closed = {**WORKSPACE["properties"], "managedNetwork": {"isolationMode": "AllowInternetOutbound"}}
    lists(arm, workspaces=[{**WORKSPACE, "properties": {**closed, "systemDatastoresAuthMode": "Identity"}}])
    settings = parse(config_of(found(), "adopted", SUBSCRIPTION), "adopted")
    assert settings.network == "managed" and not settings.storage.shared_keys


def test_a_hub_in_another_region_gets_no_project(arm: ArmFake) -> None:
    complete(arm)
    lists(arm, workspaces=[WORKSPACE, {**HUB, "location": "westeurope"}])
    there = found()
    assert "hub" not in there.existing and there.beside["hub"] == "phi3-hub"
    assert any("hub phi3-hub is in westeurope, the workspace in eastus2" in note for note in there.notes)
    # Without a workspace the stack is where the hub is.
    lists(arm, workspaces=[{**HUB, "location": "westeurope"}])
    assert found().location == "westeurope" and found().existing["hub"] == HUB["id"]


def test_an_empty_group_is_used_all_the_same(arm: ArmFake) -> None:
    del arm
    assert found().existing == {"group": GROUP} and found().location == "eastus2"


def test_several_of_one_kind_are_asked_about(arm: ArmFake) -> None:
    complete(arm)
    other = row(f"{ML}/other", "Default", storageAccount=STORAGE, keyVault=VAULT)
    arm.get(ML, {"value": [WORKSPACE, other]})
    with pytest.raises(StageError, match=r"there are 2: other, phi3-mlw.*--workspace"):
        found()
    assert found(workspace="PHI3-mlw").existing["workspace"] == WORKSPACE["id"]
    with pytest.raises(StageError, match="--workspace is third, and there are other, phi3-mlw"):
        found(workspace="third")


def test_a_group_that_is_not_there_is_said(arm: ArmFake) -> None:
    del arm.routes[f"GET {GROUP}".lower()]
    with pytest.raises(StageError, match="the resource group was not found"):
        found()


@pytest.mark.parametrize(("assigned", "granted"), [([], False), (["storage"], True)])
def test_roles_that_were_given_by_hand_are_not_given_twice(arm: ArmFake, assigned: list[str], *, granted: bool) -> None:
    complete(arm)
    arm.get(IDENTITY, row(IDENTITY, principalId="them"))
    reader = "/providers/Microsoft.Authorization/roleDefinitions/2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
    given = [{"properties": {"principalId": "them", "roleDefinitionId": reader, "scope": STORAGE}}] if assigned else []
    arm.get(f"{STORAGE}/providers/Microsoft.Authorization/roleAssignments", {"value": given})
    arm.get(f"{REGISTRY}/providers/Microsoft.Authorization/roleAssignments", {"value": []})
    config = config_of(found(), "adopted", SUBSCRIPTION)
    assert ("finetune-phi:identity" in config) is granted
    assert parse(config, "adopted").identity.assign_roles is not granted


def test_a_size_that_nobody_knows_is_left_to_its_default() -> None:
    there = Found(location="eastus2", existing={"group": GROUP}, beside={}, sizes={"compute": "Standard_ND40rs_v2"})
    assert "finetune-phi:compute" not in config_of(there, "adopted", SUBSCRIPTION)


def test_a_cluster_of_a_size_that_nobody_knows_trains_nothing(arm: ArmFake) -> None:
    complete(arm)
    properties = {"computeType": "AmlCompute", "properties": {"vmSize": "STANDARD_ND40RS_V2"}}
    lists(arm, workspaces=[WORKSPACE], computes=[{**CLUSTER, "properties": properties}])
    config = config_of(found(), "adopted", SUBSCRIPTION)
    assert "cluster" not in config["finetune-phi:existing"] and "finetune-phi:compute" not in config


def test_the_command_shows_asks_and_writes(
    arm: ArmFake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    complete(arm)
    monkeypatch.setattr(stack, "ROOT", tmp_path)
    monkeypatch.setattr(commandline, "STACKS", tmp_path)
    command = ["adopt", "--stack", "byhand", "--group", "phi3-rg", "--subscription", SUBSCRIPTION]
    with pytest.raises(SystemExit, match="nobody is there to say yes"):
        cli.main(command)
    assert list(tmp_path.iterdir()) == []
    cli.main([*command, "--yes"])
    printed = capsys.readouterr().out
    assert (
        f"uses vault: {VAULT}" in printed and "leaves alone, and makes its own beside it: endpoint phi3-ep" in printed
    )
    written = yaml.safe_load((tmp_path / "Pulumi.byhand.yaml").read_text())["config"]
    assert written["finetune-phi:existing"]["vault"] == VAULT
    assert written["finetune-phi:protect"] is True and written["finetune-phi:purgeOnDestroy"] is False
    assert {method for method, _ in arm.sent} == {"GET"}
    # The preview comes last, and needs data.
    last = [line.split("#")[0].strip() for line in printed.splitlines()[-4:]]
    assert last == [
        "pulumi stack init byhand",
        "python -m data_prep --stack byhand",
        "python -m jobs preflight --stack byhand",
        "pulumi preview --stack byhand",
    ]
    with pytest.raises(SystemExit, match=r"Pulumi.byhand.yaml is there already"):
        cli.main([*command, "--yes"])


def test_the_file_says_where_it_comes_from() -> None:
    there = Found(location="eastus2", existing={"group": GROUP}, beside={})
    assert "found in phi3-rg" in text(config_of(there, "adopted", SUBSCRIPTION)).splitlines()[0]
