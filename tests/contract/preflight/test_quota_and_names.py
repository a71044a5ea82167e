"""Quota and names against the emulator: what is short is asked for, what is soft-deleted is purged."""

from __future__ import annotations

import dataclasses
import threading

import pytest

from cloud.arm import Arm as Client
from cloud.errors import StageError
from cloud.removal import purge as purging
from cloud.removal.deletion import delete_for_good
from cloud.target import RegistryAsset
from emulator.machine.home import SUBSCRIPTION_ID
from emulator.subscription import quota, quota_requests
from jobs.preflight import quota as asking
from jobs.preflight.findings import State
from jobs.preflight.spec import PreflightSpec
from settings.naming import Names
from tests.contract.arm import Arm, Refusal
from tests.contract.preflight.finding import A100, ACCOUNTS, GROUP, SCOPE, VAULTS, Setting, found, only


def test_quota_that_is_short_is_found_and_asked_for(spec: PreflightSpec, setting: Setting) -> None:
    setting(quota.LIMITS, {A100: 24})
    assert "needed 72 (cluster 24, endpoint 24, base model 24), limit 24" in only(spec).found
    (need,) = asking.needs(Client(), spec)
    # Other tests may have deployed something in the same subscription.
    cores = need.limit_needed + need.peak
    lines = asking.request(spec, {asking.resource_name(need): cores}, lambda line: None, threading.Event())
    assert lines == [f"{A100}: {cores} cores granted in eastus2"]
    assert found(spec) == []


@pytest.mark.parametrize("code", ["QuotaNotAvailableForResource", "ContactSupport"])
def test_quota_that_is_not_given(spec: PreflightSpec, setting: Setting, code: str) -> None:
    setting(quota.LIMITS, {A100: 0})
    setting(quota_requests.DECISION, code)
    with pytest.raises(StageError, match=code):
        asking.request(spec, {A100: 96}, lambda line: None, threading.Event())
    assert only(spec).state is State.REFUSED


def test_quota_requests_are_read_back(arm: Arm, spec: PreflightSpec, setting: Setting) -> None:
    setting(quota.LIMITS, {A100: 24})
    asking.request(spec, {A100: 48}, lambda line: None, threading.Event())
    where = f"{SCOPE}/providers/Microsoft.MachineLearningServices/locations/eastus2/providers/Microsoft.Quota"
    limit = arm.get(f"{where}/quotas/{A100}", "2025-09-01")["properties"]["limit"]
    assert (limit["limitObjectType"], limit["value"]) == ("LimitValue", 48)
    latest = arm.get(f"{where}/quotaRequests", "2025-09-01")["value"][-1]
    assert latest["properties"]["provisioningState"] == "Succeeded"
    with pytest.raises(Refusal, match="InvalidRequestContent"):
        arm.put(f"{where}/quotas/{A100}", "2025-09-01", {"properties": {"limit": {"value": "many"}}})
    with pytest.raises(Refusal, match="InvalidResourceName"):
        arm.put(f"{where}/quotas/NoFamily", "2025-09-01", asking.body("NoFamily", 1))


def test_a_region_without_the_machines(spec: PreflightSpec) -> None:
    elsewhere = dataclasses.replace(spec, location="westindia")
    checks = {finding.check for finding in found(elsewhere) if finding.state is State.REFUSED}
    assert checks == {"quota", "VM sizes"}


def test_an_archived_model_and_assets_that_are_not_there(spec: PreflightSpec) -> None:
    phi3 = RegistryAsset("azureml", "Phi-3-mini-4k-instruct", "15")
    archived = only(dataclasses.replace(spec, base_model=phi3, base_model_successor="Phi-4-mini-instruct"))
    assert "archived" in archived.found and "Phi-4-mini-instruct" in archived.fix
    small = only(dataclasses.replace(spec, base_model=RegistryAsset("azureml", "phi-4-mini-instruct", "1")))
    assert small.state is State.REFUSED and "of type custom_model" in small.found
    missing = only(dataclasses.replace(spec, base_model=RegistryAsset("azureml", "Phi-4-mini-instruct", "99")))
    assert "no version 99" in missing.found
    component = only(dataclasses.replace(spec, component=RegistryAsset("azureml", "chat_completion_pipeline", "9")))
    assert "no version 9" in component.found
    assert "no registry ours" in only(dataclasses.replace(spec, component=RegistryAsset("ours", "c", "1"))).found


def test_soft_deleted_names_are_found_and_purged(
    local: tuple[PreflightSpec, Names], arm: Arm, group: str, workspace: str
) -> None:
    spec, names = local
    vault, account = f"{group}/{VAULTS}/{names.key_vault}", f"{group}/{ACCOUNTS}/{names.ai_services}"
    sku = {"family": "A", "name": "standard"}
    tenant = "00000000-0000-4000-8000-0000000000b2"
    access = {"tenantId": tenant, "sku": sku, "enableRbacAuthorization": True}
    arm.put(vault, "2024-11-01", {"location": "eastus2", "properties": access})
    made = {"location": "eastus2", "kind": "AIServices", "sku": {"name": "S0"}}
    arm.put(account, "2025-06-01", {**made, "properties": {"customSubDomainName": names.ai_services}})
    where = (SUBSCRIPTION_ID, "eastus2", GROUP)
    wanted = {"vaults": [names.key_vault], "accounts": [names.ai_services]}
    assert {each.state for each in purging.remainders(*where, wanted)} == {"live"}
    arm.delete(vault, "2024-11-01")
    arm.delete(account, "2025-06-01")
    in_the_way = found(spec)
    assert {finding.check for finding in in_the_way} == {"soft-deleted vault", "soft-deleted AI Services"}
    assert all("python -m jobs purge --stack local" in finding.fix for finding in in_the_way)
    assert {each.state for each in purging.remainders(*where, wanted)} == {"soft-deleted"}
    assert all(line.endswith(": purged") for line in purging.purge(*where, wanted, print))
    assert found(spec) == []
    group_of, live = workspace.split("/")[4], workspace.rsplit("/", 1)[1]
    lines = purging.purge(SUBSCRIPTION_ID, "eastus2", group_of, {"workspaces": [live]}, print)
    assert lines == [f"workspace {live}: is in use, left alone"]
    assert arm.get(workspace, "2025-12-01")["name"] == live


def test_only_what_is_deleted_for_good_while_it_lives_frees_its_name(arm: Arm, group: str, workspace: str) -> None:
    """What a destroy did before, a purge afterwards, and what it does now."""
    path, name = f"{workspace}-gone", f"{workspace.rsplit('/', 1)[1]}-gone"
    shown = arm.get(workspace, "2025-12-01")
    names = ("storageAccount", "keyVault", "applicationInsights", "containerRegistry")
    body = {
        "location": "eastus2",
        "kind": "Hub",
        "identity": {"type": "SystemAssigned"},
        "properties": {key: shown["properties"][key] for key in names if shown["properties"].get(key)},
    }
    arm.put(path, "2025-12-01", body)
    assert delete_for_good(path, {workspace: "2025-12-01"}, print).endswith("left alone")
    assert delete_for_good(path, {}, print) == f"workspace {name}: deleted for good, its name is free"
    assert delete_for_good(path, {}, print).startswith(f"workspace {name}: is gone already")
    arm.put(path, "2025-12-01", body)
    arm.delete(path, "2025-12-01")
    where = (SUBSCRIPTION_ID, "eastus2", path.split("/")[4])
    assert [each.state for each in purging.remainders(*where, {"workspaces": [name]})] == ["soft-deleted"]
    (line,) = purging.purge(*where, {"workspaces": [name]}, print)
    assert line == f"workspace {name}: {purging.UNCONFIRMED}"
    with pytest.raises(Refusal, match="Soft-deleted workspace exists"):
        arm.put(path, "2025-12-01", body)


def test_logs_are_purged_live_and_afterwards(arm: Arm, group: str) -> None:
    path = f"{group}/Microsoft.OperationalInsights/workspaces/log-purged"
    body = {"location": "eastus2", "properties": {"sku": {"name": "PerGB2018"}}}

    def made() -> str:
        arm.put(path, "2023-09-01", body)
        return str(arm.get(path, "2023-09-01")["properties"]["customerId"])

    first = made()
    assert delete_for_good(path, {}, print) == "workspace log-purged: deleted for good, its name is free"
    second = made()
    assert second != first
    arm.delete(path, "2023-09-01")
    where = (SUBSCRIPTION_ID, "eastus2", GROUP)
    assert [each.state for each in purging.remainders(*where, {"logs": ["log-purged"]})] == ["soft-deleted"]
    assert purging.purge(*where, {"logs": ["log-purged"]}, print) == ["log log-purged: purged"]
    assert made() != second


def test_a_cluster_s_own_share_is_no_limit(arm: Arm, spec: PreflightSpec, group: str, workspace: str) -> None:
    where = f"{SCOPE}/providers/Microsoft.MachineLearningServices/locations/eastus2"
    cluster = f"{workspace}/computes/share"
    size = {"vmSize": "Standard_NC24ads_A100_v4", "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 1}}
    body = {"location": "eastus2", "properties": {"computeType": "AmlCompute", "properties": size}}
    arm.put(cluster, "2025-12-01", body)
    rows = arm.get(f"{where}/usages", "2025-12-01")["value"]
    assert [row["limit"] for row in rows if row["id"].startswith(cluster)] == [0]
    assert found(spec) == []
    arm.delete(f"{cluster}?underlyingResourceAction=Delete", "2025-12-01")


def test_names_that_are_chosen_and_what_is_given_are_asked_about(
    spec: PreflightSpec, setting: Setting, arm: Arm, group: str
) -> None:
    chosen = {"storage_account": "stchosen", "key_vault": "kv-chosen", "container_registry": "crchosen"}
    asked = dataclasses.replace(spec, unique_names={**chosen, "ai_services": "ai"})
    assert found(asked) == []
    setting("taken-names", ["KV-chosen", "ai"])
    assert [each.found.partition(":")[0] for each in found(asked)] == [
        "key vault kv-chosen",
        "AI Services account ai",
    ]
    # One that the stack has itself is its own; one of another group is not.
    arm.put(f"{SCOPE}/resourceGroups/rg-theirs", "2024-03-01", {"location": "eastus2"})
    body = {"location": "eastus2", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    theirs = f"{SCOPE}/resourceGroups/rg-theirs/providers/Microsoft.Storage/storageAccounts/stchosen"
    arm.put(theirs, "2024-01-01", body)
    setting("taken-names", [])
    assert "stchosen is already taken" in only(asked).found
    # The same one is good to be used, and one without keys where the stack counts on them is not.
    given = dataclasses.replace(spec, existing={"storage": theirs, "group": f"{SCOPE}/resourceGroups/rg-theirs"})
    assert found(dataclasses.replace(given, resource_group="rg-theirs", shared_access=True)) == []
    arm.put(theirs, "2024-01-01", {**body, "properties": {"allowSharedKeyAccess": False}})
    assert "does not take its keys" in only(dataclasses.replace(given, shared_access=True)).found
    missing = dataclasses.replace(spec, existing={"vault": f"{group}/{VAULTS}/kv-nobody"})
    assert "kv-nobody: is not there" in only(missing).found
