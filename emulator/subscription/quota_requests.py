"""Microsoft.Quota for Azure ML: limits, and requests to raise them, decided at once as an admin setting says."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.arm.errors import AzureError, now
from emulator.arm.paths import ArmPath
from emulator.cloud.parts import Cloud
from emulator.subscription import skus
from emulator.subscription.quota import Quota, Usage
from emulator.validation.refusal import check_put

ARM = "https://management.azure.com"
DECISION, REQUESTS = "quota-decision", "quota-requests"
DECISIONS = {
    "grant": "",
    "QuotaNotAvailableForResource": "The requested quota is not available for this resource in this region.",
    "ContactSupport": "The request could not be decided automatically. Please file a support ticket.",
}
QUOTA_ID = re.compile(
    r"(?P<scope>.*/Microsoft\.MachineLearningServices/locations/(?P<region>[^/]+))/providers/Microsoft\.Quota",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reply:
    status: int
    body: dict[str, Any] | None
    headers: Mapping[str, str]


class QuotaRequests:
    """The calls below ``…/locations/{region}/providers/Microsoft.Quota``."""

    def __init__(self, cloud: Cloud) -> None:
        self._store = cloud.store
        self._quota = Quota(cloud.store)

    def limits(self, path: ArmPath) -> list[dict[str, Any]]:
        region = _region(path)
        return [_quota_limit(path.id, row) for row in self._quota.rows(region)]

    def limit(self, path: ArmPath) -> Reply:
        return ok(_quota_limit(path.id.rpartition("/providers/")[0], self._row(path)))

    def _row(self, path: ArmPath) -> Usage:
        family, region = skus.family(path.name), _region(path)
        if family is None or region not in family.regions:
            message = f"The resource name '{path.name}' is not valid for the scope '{_scope(path)}'."
            raise AzureError(400, "InvalidResourceName", message)
        return self._quota.usage(family, region)

    def put(self, path: ArmPath, body: dict[str, Any]) -> Reply:
        row = self._row(path)
        limit = (body.get("properties") or {}).get("limit") or {}
        if limit.get("limitObjectType") != "LimitValue" or not isinstance(limit.get("value"), int):
            message = "The request content was invalid: properties.limit has to be a LimitValue with a whole number."
            raise AzureError(400, "InvalidRequestContent", message)
        check_put("Microsoft.Quota/quotas", body)
        decision = self._store.setting(DECISION, "grant")
        properties: dict[str, Any] = {"requestSubmitTime": now(), "provisioningState": "Succeeded"}
        if decision == "grant":
            self._quota.set_limit(row.family, limit["value"], _region(path))
        else:
            properties |= {"provisioningState": "Failed", "message": DECISIONS[decision]}
            properties["error"] = {"code": decision, "message": DECISIONS[decision]}
        properties["value"] = [{"name": {"value": path.name}, "limit": limit}]
        request = str(uuid.uuid4())
        where = f"{_scope(path)}/providers/Microsoft.Quota/quotaRequests/{request}"
        made = {"id": where, "name": request, "type": "Microsoft.Quota/quotaRequests", "properties": properties}
        self._store.set_setting(REQUESTS, [*self._store.setting(REQUESTS, []), made])
        headers = {"Location": f"{ARM}{where}?api-version=2025-09-01", "x-ms-retry-after-ms": "50"}
        return Reply(202, None, headers)

    def all(self, path: ArmPath) -> list[dict[str, Any]]:
        return [each for each in self._store.setting(REQUESTS, []) if each["id"].lower().startswith(path.id.lower())]

    def one(self, path: ArmPath) -> Reply:
        for each in self._store.setting(REQUESTS, []):
            if each["name"] == path.name:
                return ok(each)
        raise AzureError(404, "NotFound", f"The quota request '{path.name}' was not found.")


def decision(value: Any) -> Any:
    """What becomes of quota requests: ``grant`` or the code of a refusal."""
    if value not in DECISIONS:
        raise ValueError(f"{value!r} is none of {', '.join(DECISIONS)}")
    return value


def ok(body: dict[str, Any]) -> Reply:
    return Reply(200, body, {})


def _scope(path: ArmPath) -> str:
    found = QUOTA_ID.match(f"{path.id}/providers/Microsoft.Quota")
    if found is None:
        raise AzureError(400, "InvalidScope", f"The scope of '{path.id}' has no quota this emulator knows.")
    return found["scope"]


def _region(path: ArmPath) -> str:
    return _scope(path).rpartition("/")[2].lower()


def _quota_limit(scope: str, row: Usage) -> dict[str, Any]:
    name = row.family.name.replace(" ", "")
    return {
        "id": f"{scope}/providers/Microsoft.Quota/quotas/{name}",
        "name": name,
        "type": "Microsoft.Quota/quotas",
        "properties": {
            "limit": {"limitObjectType": "LimitValue", "value": row.limit, "limitType": "Independent"},
            "unit": "Count",
            "name": {"value": name, "localizedValue": row.family.label},
            "resourceType": "dedicated",
            "isQuotaApplicable": True,
            "properties": {},
        },
    }
