"""Roles, quota and sizes by themselves, and the table of refusals."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.access import rbac
from emulator.access.rbac import Delay, Rbac, action_of
from emulator.front.admin import SETTINGS
from emulator.machine.home import CLIENT_OBJECT_ID, SUBSCRIPTION_ID, EmulatorError
from emulator.machine.store import Resource, Store
from emulator.refusals import REFUSALS
from emulator.subscription import skus
from emulator.subscription.quota import DEPLOYMENTS, Quota

SCOPE = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg"
VAULT = f"{SCOPE}/providers/Microsoft.KeyVault/vaults/kv"
PULL = "Microsoft.ContainerRegistry/registries/pull/read"
READ_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
A100 = "Standard_NC24ads_A100_v4"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "state.sqlite")
    yield store
    store.close()


def assign(store: Store, principal: str, role: str, scope: str, name: str = "a") -> None:
    found = rbac.find(role)
    assert found is not None
    path = f"{scope}/providers/{rbac.ASSIGNMENT}/{name}"
    properties = {"principalId": principal, "roleDefinitionId": f"/definitions/{found.guid}", "scope": scope}
    body = {"id": path, "name": name, "type": rbac.ASSIGNMENT, "properties": properties}
    store.put(Resource(body, {"since": time.time()}))


def test_the_service_principal_owns_the_subscription_until_it_is_told_otherwise(store: Store) -> None:
    assert Rbac(store).allowed(CLIENT_OBJECT_ID, "Microsoft.KeyVault/vaults/write", VAULT)
    store.set_setting(rbac.ROLES, [])
    assert not Rbac(store).allowed(CLIENT_OBJECT_ID, "Microsoft.KeyVault/vaults/write", VAULT)


def test_a_role_reaches_down_and_neither_up_nor_sideways(store: Store) -> None:
    assign(store, "p", "Contributor", SCOPE)
    write = "Microsoft.KeyVault/vaults/write"
    assert Rbac(store).allowed("p", write, VAULT)
    assert Rbac(store).allowed("p", write, VAULT.upper())
    assert not Rbac(store).allowed("p", write, f"{SCOPE}-2/providers/Microsoft.KeyVault/vaults/kv")
    assert not Rbac(store).allowed("p", write, f"/subscriptions/{SUBSCRIPTION_ID}")
    assert not Rbac(store).allowed("q", write, VAULT)


def test_contributor_pulls_images_but_reads_no_blobs_and_gives_no_roles() -> None:
    """As on Azure: beside Contributor on the registry's group, AcrPull on the registry adds nothing."""
    contributor = rbac.find("Contributor")
    assert contributor is not None
    assert contributor.allows(PULL, data=False)
    assert not contributor.allows(READ_BLOBS, data=True)
    assert not contributor.allows(f"{rbac.ASSIGNMENT}/write", data=False)


def test_a_new_role_is_not_known_at_once(store: Store) -> None:
    assign(store, "p", "AcrPull", SCOPE)
    store.set_setting(rbac.DELAY, "60")
    assert not Rbac(store).allowed("p", PULL, VAULT)
    store.set_setting(rbac.DELAY, "reads:2")
    assert [Rbac(store).allowed("p", PULL, VAULT) for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize("text", ["soon", "reads:", "reads:x"])
def test_a_delay_that_is_none_is_explained(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMULATOR_RBAC_DELAY", text)
    with pytest.raises(EmulatorError, match="seconds or reads:N"):
        rbac.delay_from_environment()
    assert Delay.parse("1.5") == Delay(seconds=1.5)


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("PUT", SCOPE, "Microsoft.Resources/subscriptions/resourceGroups/write"),
        ("DELETE", VAULT, "Microsoft.KeyVault/vaults/delete"),
        ("GET", f"{SCOPE}/providers/Microsoft.KeyVault/vaults", "Microsoft.KeyVault/vaults/read"),
        ("POST", f"{VAULT}/purge", "Microsoft.KeyVault/vaults/purge/action"),
        ("GET", f"/subscriptions/{SUBSCRIPTION_ID}", "Microsoft.Resources/subscriptions/read"),
    ],
)
def test_a_request_is_an_action(method: str, path: str, action: str) -> None:
    asked = action_of(method, path)
    assert asked is not None and asked[0] == action


def deployment(name: str, size: str, instances: int) -> Resource:
    path = f"{SCOPE}/providers/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/e/deployments/{name}"
    sku = {"name": "Default", "capacity": instances}
    properties = {"instanceType": size}
    return Resource(
        {"id": path, "name": name, "type": DEPLOYMENTS, "location": "East US 2", "sku": sku, "properties": properties}
    )


def test_deployments_use_quota_with_what_azure_reserves(store: Store) -> None:
    store.put(deployment("a100", A100, 2))
    store.put(deployment("t4", "Standard_NC4as_T4_v3", 1))
    used = {row.family.name: row.used for row in Quota(store).rows("eastus2") if row.used}
    assert used == {"StandardNCADSA100v4Family": 48, "Standard NCASv3_T4 Family": 8}
    assert not any(row.used for row in Quota(store).rows("westeurope"))


def test_a_limit_of_a_region_goes_before_that_of_all(store: Store) -> None:
    quota = Quota(store)
    quota.set_limit(skus.A100, 0)
    quota.set_limit(skus.A100, 24, "eastus2")
    assert (quota.limit(skus.A100, "eastus2"), quota.limit(skus.A100, "westus3")) == (24, 0)


@pytest.mark.parametrize(("size", "instances", "reserved"), [(A100, 5, 5), ("Standard_NC4as_T4_v3", 5, 6)])
def test_a_fifth_is_reserved_but_not_of_the_large_ones(size: str, instances: int, reserved: int) -> None:
    sku = skus.find(size)
    assert sku is not None and sku.reserved(instances) == reserved


@pytest.mark.parametrize(
    "spelling",
    ["standardNCADSA100v4Family", "Standard NCADSA100v4 Family", "Standard NCADSA100v4 Family Cluster Dedicated vCPUs"],
)
def test_a_family_has_many_spellings(spelling: str) -> None:
    assert skus.family(spelling) is skus.A100


def test_a_retired_size_is_known_and_offered_nowhere() -> None:
    retired = skus.find("standard_nc6s_v3")
    assert retired is not None and retired.family.retired
    assert retired not in skus.offered("eastus2")


@pytest.mark.parametrize(
    ("setting", "value"), [("quota", {"NoFamily": 1}), ("quota", {"Standard NCSv3 Family": -1}), ("roles", [{}])]
)
def test_a_bad_admin_setting_is_refused(setting: str, value: Any) -> None:
    with pytest.raises(ValueError):
        SETTINGS[setting](value)


def test_every_refusal_has_a_name_of_its_own() -> None:
    assert max(Counter((row.area, row.name) for row in REFUSALS).values()) == 1
