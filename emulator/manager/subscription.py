"""What a subscription tells about itself: its offer, its providers, its permissions, its quota, what it has deleted.

Computed at each question, so nothing of it is a resource in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from emulator.access.rbac import ASSIGNMENT, ROLES, Role, find
from emulator.arm.paths import ArmPath, parse
from emulator.cloud.parts import Cloud
from emulator.machine.home import CLIENT_OBJECT_ID, SUBSCRIPTION_ID, TENANT_ID
from emulator.resources.cognitive import CognitiveAccount
from emulator.resources.foundation import DeletedVault, LogAnalytics, Vault
from emulator.subscription import availability, skus
from emulator.subscription.policy.engine import restrictions
from emulator.subscription.quota import COMPUTES, Quota, Usage
from emulator.subscription.quota_requests import QuotaRequests, Reply, ok
from emulator.subscription.regions import REGIONS
from emulator.subscription.registrations import (
    NAMESPACES,
    OFFER,
    PROVIDERS,
    SCOPE,
    check_registered,
    registration,
    states,
)

ML = "Microsoft.MachineLearningServices"


class Subscription:
    """Answers the calls that are about the subscription; every other is none of its business."""

    def __init__(self, cloud: Cloud) -> None:
        self._store = cloud.store
        self._quota = Quota(cloud.store)
        self._requests = QuotaRequests(cloud)
        self._vaults = DeletedVault(cloud)
        self._lists: dict[str, Callable[[ArmPath], list[dict[str, Any]]]] = {
            f"{ML}/locations/usages": self._usages,
            f"{ML}/locations/quotas": self._quotas,
            f"{ML}/locations/vmSizes": self._sizes,
            "Microsoft.Authorization/permissions": self._permissions,
            "Microsoft.KeyVault/deletedVaults": self._deleted_vaults,
            "Microsoft.OperationalInsights/deletedWorkspaces": self._deleted_logs,
            "Microsoft.CognitiveServices/deletedAccounts": self._deleted_accounts,
            "Microsoft.Quota/quotas": self._requests.limits,
            "Microsoft.Quota/quotaRequests": self._requests.all,
        }
        self._by_type = {name.lower(): each for name, each in self._lists.items()}

    def answer(self, method: str, path: str, body: dict[str, Any] | None) -> Reply | None:
        """The answer to a call on this subscription, or None.

        Raises:
            AzureError: a namespace that is not registered; a quota family that does not exist.
        """
        segments = [segment for segment in path.split("/") if segment]
        if len(segments) < 2 or segments[0].lower() != "subscriptions" or segments[1].lower() != SUBSCRIPTION_ID:
            return None
        below = [segment.lower() for segment in segments[2:]]
        if not below:
            return ok(self._subscription()) if method == "GET" else None
        if below == ["locations"] and method == "GET":
            return ok({"value": [_location(name) for name in sorted(REGIONS)]})
        if below[-2:] == ["microsoft.policyinsights", "checkpolicyrestrictions"] and method == "POST":
            return ok(restrictions(self._store, path.rpartition("/providers/")[0], body or {}))
        if below[0] == "providers" and len(below) <= 3:
            found = self._provider(method, segments[2:], body or {})
            if found is not None:
                return found
        parsed = parse(path)
        if parsed is None:
            return None
        if method == "PUT":
            check_registered(self._store, parsed)
        if method == "GET" and parsed.tail and (listed := self._by_type.get(parsed.collection_type.lower())):
            return ok({"value": listed(parsed)})
        if parsed.type.lower() == "microsoft.quota/quotas" and not parsed.tail:
            return self._requests.limit(parsed) if method == "GET" else self._requests.put(parsed, body or {})
        if parsed.type.lower() == "microsoft.quota/quotarequests" and method == "GET":
            return self._requests.one(parsed)
        return None

    # --- the subscription and its providers

    def _subscription(self) -> dict[str, Any]:
        chosen = self._store.setting(OFFER, {})
        return {
            "id": SCOPE,
            "subscriptionId": SUBSCRIPTION_ID,
            "tenantId": TENANT_ID,
            "displayName": "emulator",
            "state": chosen.get("state", "Enabled"),
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": chosen.get("quotaId", "PayAsYouGo_2014-09-01"),
                "spendingLimit": chosen.get("spendingLimit", "Off"),
            },
        }

    def _provider(self, method: str, below: list[str], body: dict[str, Any]) -> Reply | None:
        """``/providers``, ``/providers/NS``, ``/providers/NS/register`` and whether a name is free."""
        if len(below) == 1 and method == "GET":
            return ok({"value": [registration(self._store, name) for name in NAMESPACES]})
        name = next((each for each in NAMESPACES if len(below) > 1 and each.lower() == below[1].lower()), None)
        if name is None:
            return None
        if len(below) == 2 and method == "GET":
            return ok(registration(self._store, name))
        if len(below) == 3 and method == "POST" and below[2].lower() == "register":
            others = {key: state for key, state in states(self._store).items() if key != name.lower()}
            self._store.set_setting(PROVIDERS, others)
            return ok(registration(self._store, name))
        if len(below) == 3 and method == "POST":
            said = availability.answer(self._store, name, below[2], body)
            return ok(said) if said is not None else None
        return None

    def _permissions(self, path: ArmPath) -> list[dict[str, Any]]:
        scope = path.id.lower()
        given = self._store.setting(ROLES, [{"principal": CLIENT_OBJECT_ID, "role": "Owner"}])
        held = [(each.get("scope", SCOPE), find(str(each["role"]))) for each in given if _is_caller(each["principal"])]
        for assignment in self._store.of_type(ASSIGNMENT):
            properties = assignment.properties
            if _is_caller(properties.get("principalId")):
                held.append((properties["scope"], find(str(properties["roleDefinitionId"]).rsplit("/", 1)[-1])))
        return [_permission(role) for above, role in held if role and f"{scope}/".startswith(f"{above.lower()}/")]

    # --- quota and sizes

    def _usages(self, path: ArmPath) -> list[dict[str, Any]]:
        """The clusters' own shares too, spelled as in the specification's example; in any order, so they come first."""
        rows = self._quota.rows(path.name.lower())
        whole = sum(row.used for row in rows), sum(row.limit for row in rows)
        total = _usage(path.id, "TotalDedicatedCores", "Total Cluster Dedicated Regional vCPUs", *whole)
        usages = [*self._shares(rows, path.name.lower()), total, *(_family_usage(path, row) for row in rows)]
        if not self._store.setting(OFFER, {}).get("counted", True):
            for usage in usages:
                usage["currentValue"] = None
        return usages

    def _shares(self, rows: list[Usage], place: str) -> Iterator[dict[str, Any]]:
        families = {row.family.name: row for row in rows}
        for cluster in self._store.of_type(COMPUTES):
            sku = skus.find(str((cluster.properties.get("properties") or {}).get("vmSize", "")))
            row = families.get(sku.family.name) if sku else None
            if row is not None and cluster.region == place:
                yield {
                    **_usage(cluster.id, row.family.name, _name(row)["localizedValue"], 0, 0),
                    "type": f"{ML}/workspace/computes/usages",
                }

    def _quotas(self, path: ArmPath) -> list[dict[str, Any]]:
        return [
            {
                "id": f"{path.id}/quotas/{row.family.name.replace(' ', '')}_Cluster_Dedicated_vCPUs",
                "type": f"{ML}/dedicatedCores/quotas",
                "limit": row.limit,
                "unit": "Count",
                "name": _name(row),
            }
            for row in self._quota.rows(path.name.lower())
        ]

    def _sizes(self, path: ArmPath) -> list[dict[str, Any]]:
        """Each with what it may be used for: MIR is managed inference."""
        return [
            {
                "name": sku.name,
                "family": sku.family.name,
                "vCPUs": sku.cores,
                "gpus": sku.gpus,
                "memoryGB": sku.memory,
                "lowPriorityCapable": sku.family.low_priority,
                "premiumIO": True,
                "supportedComputeTypes": [
                    *(["AmlCompute"] if sku.family.cluster else []),
                    "ComputeInstance",
                    *(["MIR"] if sku.endpoint else []),
                ],
            }
            for sku in skus.offered(path.name.lower())
        ]

    # --- what is soft-deleted

    def _deleted_vaults(self, path: ArmPath) -> list[dict[str, Any]]:
        del path
        return [self._vaults.view(vault) for vault in self._store.deleted(Vault.type)]

    def _deleted_logs(self, path: ArmPath) -> list[dict[str, Any]]:
        del path
        return [logs.body for logs in self._store.deleted(LogAnalytics.type)]

    def _deleted_accounts(self, path: ArmPath) -> list[dict[str, Any]]:
        found = []
        for account in self._store.deleted(CognitiveAccount.type):
            group = account.id.split("/")[4]
            where = f"{path.id}/providers/Microsoft.CognitiveServices/locations/{account.body['location']}"
            shown = {key: value for key, value in account.body.items() if key not in ("id", "type")}
            id_ = f"{where}/resourceGroups/{group}/deletedAccounts/{account.name}"
            found.append({"id": id_, "type": "Microsoft.CognitiveServices/deletedAccounts", **shown})
        return found


def _location(name: str) -> dict[str, Any]:
    return {
        "id": f"{SCOPE}/locations/{name}",
        "name": name,
        "type": "Region",
        "displayName": name,
        "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
    }


def _is_caller(principal: Any) -> bool:
    return bool(principal == CLIENT_OBJECT_ID)


def _permission(role: Role) -> dict[str, Any]:
    return {
        "actions": list(role.actions),
        "notActions": list(role.not_actions),
        "dataActions": list(role.data_actions),
        "notDataActions": [],
    }


def _name(row: Usage) -> dict[str, str]:
    return {"value": row.family.name, "localizedValue": f"{row.family.label} Cluster Dedicated vCPUs"}


def _usage(scope: str, value: str, label: str, used: int, limit: int) -> dict[str, Any]:
    return {
        "id": f"{scope}/usages/{value.replace(' ', '')}",
        "type": f"{ML}/dedicatedCores/usages",
        "unit": "Count",
        "currentValue": used,
        "limit": limit,
        "name": {"value": value, "localizedValue": label},
    }


def _family_usage(path: ArmPath, row: Usage) -> dict[str, Any]:
    name = _name(row)
    return _usage(path.id, name["value"], name["localizedValue"], row.used, row.limit)
