"""The activity log: who wrote to what, each as Azure tells it, by its beginning and its end.

Shape and filter are those of Microsoft.Insights 2015-04-01. Unproven: the wording of its refusals, that a reader of a
group alone may ask for that group, and that what a policy with the effect `modify` adds is told beside the write.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from emulator.access.rbac import SUBSCRIPTION, Rbac, action_of
from emulator.arm.errors import AzureError
from emulator.arm.paths import parse
from emulator.machine.home import CLIENT_ID, SUBSCRIPTION_ID, TENANT_ID
from emulator.machine.store import Store
from emulator.manager.calls import Answer, Call
from emulator.resources.filled import POLICY_TAGS

_PATH = f"{SUBSCRIPTION}/providers/microsoft.insights/eventtypes/management/values"
_FILTER = re.compile(
    r"eventTimestamp ge '(?P<since>[^']+)'(?: and eventTimestamp le '(?P<until>[^']+)')?"
    r"(?: and (?P<by>resourceGroupName|resourceUri|resourceProvider|correlationId) eq '(?P<value>[^']+)')?"
)
_FIELDS = {
    "resourceGroupName": "resourceGroupName",
    "resourceUri": "resourceId",
    "resourceProvider": "resourceProviderName",
    "correlationId": "correlationId",
}
_WRITES = {"PUT", "PATCH", "DELETE"}
_DAYS = 90
_PAGE = 200


class ActivityLog:
    """Keeps what is written, and answers whoever may read it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def asked(self, call: Call) -> bool:
        """Whether a call is about the log."""
        return call.method == "GET" and call.path.rstrip("/").lower() == _PATH.lower()

    def note(self, call: Call, caller: str, begun: float, refused: AzureError | None) -> None:
        """Keeps a write that was answered, or refused; of reads and actions Azure keeps others, or none."""
        parsed = parse(call.path)
        if call.method not in _WRITES or parsed is None or parsed.resource_group is None:
            return
        asked = action_of(call.method, call.path)
        operation = asked[0] if asked else f"{parsed.type}/write"
        shared = {
            "authorization": {"action": operation, "scope": parsed.id},
            "caller": caller,
            "claims": {"appid": CLIENT_ID, "oid": caller, "idtyp": "app", "ver": "1.0"},
            "category": _named("Administrative"),
            "correlationId": str(uuid.uuid4()),
            "operationId": str(uuid.uuid4()),
            "operationName": _named(operation),
            "resourceGroupName": parsed.resource_group,
            "resourceId": parsed.id,
            "resourceProviderName": _named(operation.partition("/")[0]),
            "subscriptionId": SUBSCRIPTION_ID,
            "tenantId": TENANT_ID,
            "level": "Error" if refused else "Informational",
        }
        self._keep(shared, begun, "Started", "BeginRequest")
        self._keep(shared, time.time(), "Failed" if refused else "Succeeded", "EndRequest")
        tags = self._store.setting(POLICY_TAGS, {})
        if tags and not refused and (call.body or {}).get("location"):
            policy = {"policyAssignmentName": "policy-tags", "policyDefinitionEffect": "modify"}
            modified = {
                **shared,
                "operationName": _named("Microsoft.Authorization/policies/modify/action"),
                "category": _named("Policy"),
                "properties": {"isComplianceCheck": "False", "policies": json.dumps([policy])},
            }
            self._keep(modified, begun, "Succeeded", "EndRequest")

    def _keep(self, shared: dict[str, Any], seconds: float, status: str, name: str) -> None:
        event = {
            **shared,
            "eventDataId": str(uuid.uuid4()),
            "eventName": _named(name),
            "eventTimestamp": _text(seconds),
            "submissionTimestamp": _text(seconds),
            "status": _named(status),
            "properties": shared.get("properties", {}),
        }
        self._store.add_activity(seconds, event)

    def answer(self, call: Call, caller: str) -> Answer:
        """Raises AzureError: no role to read it, or a filter that Azure does not take."""
        wanted = _FILTER.fullmatch(call.query.get("$filter", "").strip())
        since, until = (_moment(wanted[end]) if wanted and wanted[end] else None for end in ("since", "until"))
        if wanted is None or since is None:
            raise AzureError(400, "BadRequest", "The $filter needs eventTimestamp ge, and takes no other syntax.")
        if since < datetime.now(UTC) - timedelta(days=_DAYS):
            raise AzureError(400, "BadRequest", f"The start time can not be more than {_DAYS} days in the past.")
        group = wanted["value"] if wanted["by"] == "resourceGroupName" else None
        scope = f"{SUBSCRIPTION}/resourceGroups/{group}" if group else SUBSCRIPTION
        action = "Microsoft.Insights/eventtypes/values/read"
        if not Rbac(self._store).allowed(caller, action, scope):
            raise AzureError(
                403,
                "AuthorizationFailed",
                f"The client '{CLIENT_ID}' with object id '{caller}' does not have authorization to perform action "
                f"'{action}' over scope '{scope}' or the scope is invalid.",
            )
        last = until.timestamp() if until else time.time()
        found = list(_matching(self._store.activity(since.timestamp(), last), wanted))
        token = call.query.get("$skipToken", "")
        skipped = int(token) if re.fullmatch(r"[0-9]{1,6}", token) else 0
        page = [_selected(event, call.query.get("$select", "")) for event in found[skipped : skipped + _PAGE]]
        body: dict[str, Any] = {"value": page}
        if skipped + _PAGE < len(found):
            more = urlencode({**call.query, "$skipToken": str(skipped + _PAGE)})
            body["nextLink"] = f"https://management.azure.com{_PATH}?{more}"
        return Answer(200, body)


def _matching(events: list[dict[str, Any]], wanted: re.Match[str]) -> Iterator[dict[str, Any]]:
    for event in events:
        if not wanted["by"]:
            yield event
            continue
        value = event[_FIELDS[wanted["by"]]]
        if str(value["value"] if isinstance(value, dict) else value).lower() == wanted["value"].lower():
            yield event


def _selected(event: dict[str, Any], select: str) -> dict[str, Any]:
    names = {name.strip() for name in select.split(",") if name.strip()}
    return {key: value for key, value in event.items() if not names or key in names}


def _named(value: str) -> dict[str, str]:
    return {"value": value, "localizedValue": value}


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def _moment(text: str) -> datetime | None:
    head, _, fraction = text.rstrip("Z").partition(".")
    try:
        return datetime.fromisoformat(f"{head}.{(fraction or '0')[:6].ljust(6, '0')}+00:00")
    except ValueError:
        return None
