"""The table of resource types, as its readers see it; tests/program compares it with what the program registers."""

from __future__ import annotations

import re
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from cloud import catalogue
from cloud.catalogue import AZURES, CATALOGUE, PURGEABLE, Priced, canonical, find
from infra.lifecycle.protection import STATEFUL
from infra.purge import PURGED_AFTERWARDS
from jobs.preflight.subscription import NAMESPACES
from settings.naming import Names, patterns

ML = "azure-native:machinelearningservices"
WRITTEN = Path(__file__).parents[1] / "fixtures" / "catalogue.txt"
"""Each row, without what is empty in it."""


def test_every_name_belongs_to_one_type() -> None:
    named = [name for row in CATALOGUE for name in row.names]
    # The flow is a name in AI Foundry, not of a resource.
    assert sorted(named) == sorted({each.name for each in fields(Names)} - {"flow"})


def test_what_is_protected_from_deletion() -> None:
    assert {
        "azure-native:operationalinsights:Workspace",
        "azure-native:storage:StorageAccount",
        "azure-native:keyvault:Vault",
        "azure-native:containerregistry:Registry",
        f"{ML}:Workspace",
        f"{ML}:OnlineEndpoint",
        f"{ML}:Registry",
    } == STATEFUL


def test_what_can_be_purged_in_which_order_and_how() -> None:
    """States hold the words, and a workspace still refers to its vault."""
    assert list(PURGEABLE) == ["workspaces", "accounts", "vaults", "logs"]
    assert PURGED_AFTERWARDS == ["accounts", "vaults"]
    freed = {row.arm_type: row.soft_delete.for_good for row in AZURES if row.soft_delete and row.soft_delete.for_good}
    assert freed == {
        "Microsoft.MachineLearningServices/workspaces": "forceToPurge",
        "Microsoft.OperationalInsights/workspaces": "force",
    }


def test_names_that_azure_keeps_are_called_as_in_the_table() -> None:
    kept = {each.name: each.metadata["soft_deleted_as"] for each in fields(Names) if each.metadata["soft_deleted_as"]}
    assert kept == {name: row.soft_delete.word for row in CATALOGUE if row.soft_delete for name in row.names}
    names = Names.of("phi", "dev", "00000000-0000-0000-0000-000000000001")
    assert names.soft_deleted() == {
        "logs": ["log-phi-dev"],
        "vaults": ["kvphidev37m3eg"],
        # A hub with projects cannot be deleted.
        "workspaces": ["mlw-phi-dev-37m3eg", "proj-phi-dev-37m3eg", "hub-phi-dev-37m3eg"],
        "accounts": ["ais-phi-dev-37m3eg"],
    }


def test_the_preflight_asks_for_every_provider() -> None:
    assert NAMESPACES == (
        "Microsoft.Authorization",
        "Microsoft.CognitiveServices",
        "Microsoft.ContainerRegistry",
        "Microsoft.Insights",
        "Microsoft.KeyVault",
        "Microsoft.MachineLearningServices",
        "Microsoft.ManagedIdentity",
        "Microsoft.OperationalInsights",
        "Microsoft.Resources",
        "Microsoft.Storage",
        "Microsoft.Cdn",
        "Microsoft.PolicyInsights",
    )


def test_how_azure_calls_a_type() -> None:
    assert catalogue.ENDPOINT.arm_type == "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
    assert catalogue.ROLE_ASSIGNMENT.arm_type == "Microsoft.Authorization/roleAssignments"
    assert catalogue.RESOURCE_GROUP.arm_type == "Microsoft.Resources/resourceGroups"
    assert catalogue.STAGE.arm_type == ""


def test_a_workspace_is_told_by_its_kind() -> None:
    kinds = ("Default", "Hub", "Project", "")
    rows = [find(f"{ML}:Workspace", {"kind": kind}) for kind in kinds]
    assert rows == [catalogue.WORKSPACE, catalogue.HUB, catalogue.PROJECT, catalogue.WORKSPACE]
    assert find("azure-native:storage/v20230101:StorageAccount", {"kind": "StorageV2"}) is catalogue.STORAGE
    assert find("azure-native:redhatopenshift:OpenShiftCluster") is None
    assert canonical("pulumi:index:Stash") == "pulumi:index:Stash"


def test_an_id_needs_all_that_names_it() -> None:
    inputs = {"resourceGroupName": "rg", "workspaceName": "ws"}
    assert catalogue.CLUSTER.id("s", inputs) is None
    assert catalogue.CLUSTER.id("s", {**inputs, "computeName": "gpu"}) == (
        "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws/computes/gpu"
    )
    scoped = {"scope": "/subscriptions/s/resourceGroups/rg", "roleAssignmentName": "1"}
    assert catalogue.ROLE_ASSIGNMENT.id("other", scoped) == (
        "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Authorization/roleAssignments/1"
    )
    assert catalogue.STAGE.id("s", {}) is None


def test_what_is_paid_by_machine_and_by_tier() -> None:
    assert [row.label for row in CATALOGUE if row.priced is Priced.BY_MACHINE] == ["cluster", "deployment"]
    by_tier = {row.label: row.service for row in CATALOGUE if row.priced is Priced.BY_TIER}
    assert by_tier == {"container registry": "Container Registry"}
    assert [row.label for row in CATALOGUE if row.priced is Priced.BY_USE] == [
        "log workspace",
        "application insights",
        "storage account",
        "key vault",
        "AI Services account",
        "model registry",
        "alert",
        "private DNS zone",
    ]
    assert [(row.label, row.service, row.meter) for row in CATALOGUE if row.priced is Priced.BY_HOUR] == [
        ("private endpoint", "Virtual Network", "Standard Private Endpoint")
    ]
    assert [row.label for row in CATALOGUE if row.priced is Priced.UNKNOWN] == []


def test_names_that_tell_their_stack() -> None:
    assert patterns()["key_vault"] == "kv[a-z][a-z0-9]{1,7}[a-z0-9]{1,8}[a-z0-9]{3,6}"
    assert patterns()["identity"] == "id-[a-z][a-z0-9]{1,7}-[a-z0-9]{1,8}(-github|-key)?"
    assert not {"cluster", "data_cluster", "connection", "flow"} & patterns().keys()
    names = Names.of("phi", "dev", "00000000-0000-0000-0000-000000000001")
    for attribute, pattern in patterns().items():
        assert re.fullmatch(pattern, getattr(names, attribute)), attribute


def rows() -> list[str]:
    return [str({key: value for key, value in asdict(row).items() if value}) for row in CATALOGUE]


def test_the_table_is_what_is_written_down() -> None:
    """Names, words and versions that nothing else compares stand in states, in reviews and in requests."""
    assert rows() == WRITTEN.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("azure-native:storage/v20230101:StorageAccount", "azure-native:storage:StorageAccount"),
        ("azure-native_storage_v20230101:storage:StorageAccount", "azure-native:storage:StorageAccount"),
        ("azure-native:storage:StorageAccount", "azure-native:storage:StorageAccount"),
        ("pulumi:pulumi:Stack", "pulumi:pulumi:Stack"),
    ],
)
def test_a_type_is_the_same_in_each_version_of_its_api(given: str, name: str) -> None:
    assert canonical(given) == name


def test_where_a_soft_deleted_one_is() -> None:
    vault, account = catalogue.VAULT.soft_delete, catalogue.AI_SERVICES.soft_delete
    assert vault is not None and account is not None
    assert vault.place("s s", "east us", "g", "k v") == (
        "/subscriptions/s%20s/providers/Microsoft.KeyVault/locations/east%20us/deletedVaults/k%20v"
    )
    assert account.place("s", "l", "g g", "n") == (
        "/subscriptions/s/providers/Microsoft.CognitiveServices/locations/l/resourceGroups/g%20g/deletedAccounts/n"
    )
    assert catalogue.STORAGE.namespace == "Microsoft.Storage" and catalogue.ROLE_ASSIGNMENT.name_input == ""
    assert catalogue.STORAGE.id("s", {"resourceGroupName": "/rg/", "accountName": 3}) is None
    assert catalogue.types_of(catalogue.WORKSPACE, catalogue.HUB) == (f"{ML}:Workspace",)
