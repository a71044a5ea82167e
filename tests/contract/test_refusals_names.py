"""Names that are malformed, taken, or held by what was deleted."""

from __future__ import annotations

import pytest

from emulator.machine.home import SUBSCRIPTION_ID
from tests.contract.cases import Cases
from tests.contract.conftest import LOCATION
from tests.contract.lab import Lab

CASES = Cases("names")


@pytest.mark.parametrize("name", CASES.rows)
def test_refused(name: str, lab: Lab) -> None:
    CASES.check_refused(name, lab)


@pytest.mark.parametrize("name", CASES.rows)
def test_way_through(name: str, lab: Lab) -> None:
    CASES.check_passes(name, lab)


PLACE = f"/subscriptions/{SUBSCRIPTION_ID}/providers"


def other(lab: Lab) -> str:
    """A second resource group."""
    return lab.group("rg-refusals-names")


@CASES.refused("storage-name")
def _(lab: Lab) -> None:
    lab.make_storage("st-with-hyphens")


@CASES.refused("storage-taken")
def _(lab: Lab) -> None:
    lab.make_storage("stnames")
    lab.make_storage("stnames", other(lab))


@CASES.passes("storage-name")
@CASES.passes("storage-taken")
def _(lab: Lab) -> None:
    lab.make_storage("stnames")
    lab.make_storage("stnames2", other(lab))


@CASES.refused("vault-name")
def _(lab: Lab) -> None:
    lab.make_vault("1-begins-with-a-digit")


@CASES.refused("vault-taken")
def _(lab: Lab) -> None:
    lab.make_vault("kv-names")
    lab.make_vault("KV-names", other(lab))


@CASES.passes("vault-name")
@CASES.passes("vault-taken")
def _(lab: Lab) -> None:
    lab.make_vault("kv-names")
    lab.make_vault("kv-names-2", other(lab))


@CASES.refused("registry-name")
def _(lab: Lab) -> None:
    lab.make_registry("cr-names")


@CASES.refused("registry-taken")
def _(lab: Lab) -> None:
    lab.make_registry("crnames")
    lab.make_registry("crNames", other(lab))


@CASES.passes("registry-name")
@CASES.passes("registry-taken")
def _(lab: Lab) -> None:
    lab.make_registry("crnames")
    lab.make_registry("crnames2", other(lab))


@CASES.refused("subdomain-taken")
def _(lab: Lab) -> None:
    lab.make_account("ais-one", customSubDomainName="ais-shared")
    lab.make_account("ais-two", customSubDomainName="ais-shared")


@CASES.passes("subdomain-taken")
def _(lab: Lab) -> None:
    lab.make_account("ais-one", customSubDomainName="ais-shared")
    lab.make_account("ais-two", customSubDomainName="ais-own")


@CASES.refused("endpoint-name")
def _(lab: Lab) -> None:
    lab.make_endpoint("ends-with-a-hyphen-")


@CASES.refused("endpoint-taken")
def _(lab: Lab) -> None:
    lab.make_endpoint(lab.idle.rsplit("/", 1)[1], workspace=lab.make_workspace("mlw-names"))


@CASES.passes("endpoint-name")
@CASES.passes("endpoint-taken")
def _(lab: Lab) -> None:
    lab.make_endpoint("refusals-names", workspace=lab.make_workspace("mlw-names"))


@CASES.refused("vault-deleted")
def _(lab: Lab) -> None:
    lab.delete(lab.make_vault("kv-deleted"))
    try:
        lab.make_vault("kv-deleted")
    finally:
        lab.make_vault("kv-deleted", createMode="recover")


@CASES.passes("vault-deleted")
def _(lab: Lab) -> None:
    """Recovered it is what it was; purged, its name is free."""
    path = lab.make_vault("kv-gone", softDeleteRetentionInDays=7)
    lab.delete(path)
    lab.make_vault("kv-gone", createMode="recover")
    assert lab.get(path)["properties"]["softDeleteRetentionInDays"] == 7
    lab.delete(path)
    purge(lab, "kv-gone")
    lab.make_vault("kv-gone")


def purge(lab: Lab, vault: str) -> None:
    deleted = f"{PLACE}/Microsoft.KeyVault/locations/{LOCATION}/deletedVaults/{vault}"
    lab.arm.post(f"{deleted}/purge", "2024-11-01")


@CASES.refused("vault-purge")
def _(lab: Lab) -> None:
    lab.delete(lab.make_vault("kv-protected", enablePurgeProtection=True))
    purge(lab, "kv-protected")


@CASES.passes("vault-purge")
def _(lab: Lab) -> None:
    lab.delete(lab.make_vault("kv-unprotected"))
    purge(lab, "kv-unprotected")


@CASES.refused("vault-protection")
def _(lab: Lab) -> None:
    lab.make_vault("kv-protection", enablePurgeProtection=False)


@CASES.passes("vault-protection")
def _(lab: Lab) -> None:
    """Left out it stays off, and on once it is on."""
    assert "enablePurgeProtection" not in lab.get(lab.make_vault("kv-protection"))["properties"]
    lab.make_vault("kv-protection", enablePurgeProtection=True)
    assert lab.get(lab.make_vault("kv-protection"))["properties"]["enablePurgeProtection"] is True


@CASES.refused("workspace-deleted")
def _(lab: Lab) -> None:
    lab.delete(lab.make_workspace("mlw-deleted"))
    lab.make_workspace("mlw-deleted")


@CASES.passes("workspace-deleted")
def _(lab: Lab) -> None:
    path = lab.make_workspace("mlw-gone")
    before = lab.get(path)["properties"]["workspaceId"]
    lab.delete(path, "?forceToPurge=true")
    lab.make_workspace("mlw-gone")
    assert lab.get(path)["properties"]["workspaceId"] != before


@CASES.refused("workspace-late")
def _(lab: Lab) -> None:
    """204, and no name freed."""
    path = lab.make_workspace("mlw-late")
    lab.delete(path)
    late = lab.arm.call("DELETE", f"{path}?forceToPurge=true", "2025-12-01")
    assert late.status_code == 204
    lab.make_workspace("mlw-late")


@CASES.passes("workspace-late")
def _(lab: Lab) -> None:
    """In time, or as long as there is one to delete."""
    path = lab.make_workspace("mlw-in-time")
    lab.delete(path, "?forceToPurge=true")
    assert path not in [each.id for each in lab.store.deleted()]
    lab.make_workspace("mlw-in-time")
    lab.delete(path)
    lab.store.purge(path)  # as after 14 days
    lab.make_workspace("mlw-in-time")


def logs(lab: Lab, name: str, place: str = LOCATION) -> tuple[str, str]:
    """The id of a Log Analytics workspace, made or made again, and its own id."""
    path = f"{lab.group('rg-refusals-logs')}/providers/Microsoft.OperationalInsights/workspaces/{name}"
    lab.arm.put(path, "2023-09-01", {"location": place, "properties": {"sku": {"name": "PerGB2018"}}})
    return path, lab.arm.get(path, "2023-09-01")["properties"]["customerId"]


@CASES.refused("logs-deleted")
def _(lab: Lab) -> None:
    lab.arm.delete(logs(lab, "log-moved")[0], "2023-09-01")
    logs(lab, "log-moved", "westeurope")


@CASES.passes("logs-deleted")
def _(lab: Lab) -> None:
    """Made again in its place it is the old one, logs and all; deleted with `force` nothing is left of it."""
    path, first = logs(lab, "log-kept")
    lab.arm.delete(path, "2023-09-01")
    deleted = f"{PLACE}/Microsoft.OperationalInsights/deletedWorkspaces"
    assert path in [each["id"] for each in lab.arm.get(deleted, "2023-09-01")["value"]]
    assert logs(lab, "log-kept")[1] == first
    lab.arm.call("DELETE", f"{path}?force=true", "2023-09-01")
    assert path not in [each["id"] for each in lab.arm.get(deleted, "2023-09-01")["value"]]
    assert logs(lab, "log-kept", "westeurope")[1] != first


def test_the_subscriptions_list_has_deleted_workspaces_too(lab: Lab) -> None:
    path = lab.make_workspace("mlw-listed")
    lab.delete(path)
    listed = lab.arm.get(f"{PLACE}/Microsoft.MachineLearningServices/workspaces", "2025-12-01")["value"]
    assert {path, lab.workspace} <= {each["id"] for each in listed}
    assert lab.arm.call("GET", path, "2025-12-01").status_code == 404


@CASES.refused("account-deleted")
def _(lab: Lab) -> None:
    path = lab.make_account("ais-deleted")
    lab.delete(path)
    try:
        lab.make_account("ais-deleted")
    finally:
        lab.make_account("ais-deleted", restore=True)


@CASES.passes("account-deleted")
def _(lab: Lab) -> None:
    """Restored it keeps its subdomain; purged, its name is free."""
    path = lab.make_account("ais-gone", customSubDomainName="ais-gone")
    lab.delete(path)
    lab.make_account("ais-gone", restore=True)
    assert lab.get(path)["properties"]["customSubDomainName"] == "ais-gone"
    lab.delete(path)
    group = path.split("/")[4]
    deleted = (
        f"{PLACE}/Microsoft.CognitiveServices/locations/{LOCATION}/resourceGroups/{group}/deletedAccounts/ais-gone"
    )
    lab.arm.delete(deleted, "2025-06-01")
    lab.make_account("ais-gone")


def test_a_group_takes_its_vaults_into_soft_deletion(lab: Lab) -> None:
    group = lab.group("rg-refusals-gone")
    path = lab.make_vault("kv-in-a-group", group)
    lab.arm.delete(group, "2024-03-01")
    assert lab.store.find_deleted(path) is not None
    lab.group("rg-refusals-gone")
    lab.make_vault("kv-in-a-group", group, createMode="recover")
