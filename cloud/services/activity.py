"""Who wrote to which resource, and when, by Azure's activity log.

It holds what went through Azure Resource Manager in the last 90 days, some minutes after it happened; who may read a
resource group may read it. Names of fields and operations are those of its REST API (2015-04-01) and of "Azure activity
log event schema".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloud.arm import Arm

_VERSION = "2015-04-01"
_SELECT = (
    "authorization,caller,claims,correlationId,eventTimestamp,operationId,operationName,properties,resourceId,status"
)
KEPT = timedelta(days=89)
"""How far back it is asked, a day less than Azure keeps: an older time is refused."""
_MOST_PAGES = 20
_BY_POLICY = re.compile(r"microsoft\.authorization/policies/(modify|append|deployifnotexists)/action", re.IGNORECASE)
_MACHINE_LEARNING = "0736f41a-0425-4b46-bdb5-1563eff02385"
"""The application that Azure Machine Learning itself acts as, in every tenant."""
_NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"


@dataclass(frozen=True, kw_only=True)
class Write:
    """One write to one resource, or its deletion, that Azure took; ``begun`` is when it was asked for.

    ``resource`` is the id in lower case. ``by_azure`` is whether Azure or one of its policies did it of itself.
    """

    resource: str
    who: str
    begun: datetime
    operation: str
    by_azure: bool = False


def writes(arm: Arm, group: str, since: datetime, until: datetime) -> list[Write]:
    """Those below the resource group with this id, the oldest first. Raises what azure-core raises."""
    return read(asked(arm, group, since, until))


def asked(arm: Arm, group: str, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """The events behind them, as Azure answers. Raises what azure-core raises."""
    _, _, subscription, _, name, *_ = group.split("/")
    span = f"eventTimestamp ge '{_text(max(since, until - KEPT))}' and eventTimestamp le '{_text(until)}'"
    wanted = f"{span} and resourceGroupName eq '{name}'"
    path = f"/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values"
    query = {"$filter": wanted, "$select": _SELECT}
    return arm.items(path, _VERSION, _MOST_PAGES, **query)


def read(events: Iterable[Mapping[str, Any]]) -> list[Write]:
    """The writes behind the events: of each operation Azure tells its beginning, its end, and what came between."""
    together: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for event in events:
        operation, resource = _value(event.get("operationName")), str(event.get("resourceId") or "").lower()
        if not resource or not (_BY_POLICY.fullmatch(operation) or operation.lower().endswith(("/write", "/delete"))):
            continue
        one = str(event.get("operationId") or event.get("correlationId") or len(together))
        together.setdefault((resource, one, operation.lower()), []).append(event)
    found = (_write(resource, told) for (resource, _, _), told in together.items() if not _refused(told))
    return sorted((write for write in found if write), key=lambda write: write.begun)


def _refused(told: list[Mapping[str, Any]]) -> bool:
    states = {_value(event.get("status")).lower() for event in told}
    return "failed" in states and not states & {"succeeded", "accepted"}


def _write(resource: str, told: list[Mapping[str, Any]]) -> Write | None:
    first = min(told, key=lambda event: str(event.get("eventTimestamp")))
    begun = moment(first.get("eventTimestamp"))
    if begun is None:
        return None
    operation = _value(first.get("operationName"))
    policy = _policy(told) if _BY_POLICY.fullmatch(operation) else ""
    claims: Mapping[str, Any] = next((event["claims"] for event in told if _is_map(event.get("claims"))), {})
    itself = str(claims.get("appid", "")).lower() == _MACHINE_LEARNING
    who = policy or ("Azure Machine Learning itself" if itself else _caller(first, claims))
    return Write(
        resource=resource,
        who=who,
        begun=begun,
        operation=operation,
        by_azure=bool(policy) or itself,
    )


def _caller(event: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """A person by the name they sign in with; a program by its application, of which the caller is a bare id."""
    caller = str(event.get("caller") or claims.get(_NAME) or "")
    if "@" in caller:
        return caller
    if application := str(claims.get("appid") or ""):
        return f"application {application}"
    return caller or "somebody whom the log does not name"


def _policy(told: list[Mapping[str, Any]]) -> str:
    """`Azure Policy (inherit-tags)`: the assignments whose effect it was, as far as the events name them."""
    names: list[str] = []
    for event in told:
        properties = event.get("properties")
        text = properties.get("policies") if isinstance(properties, Mapping) else None
        try:
            policies = json.loads(text) if isinstance(text, str) else ()
        except (ValueError, RecursionError):
            policies = ()
        listed = (one for one in policies if _is_map(one)) if isinstance(policies, list) else ()
        names += [str(name) for one in listed if (name := one.get("policyAssignmentName"))]
    return f"Azure Policy ({', '.join(dict.fromkeys(names))})" if names else "Azure Policy"


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


def _value(named: Any) -> str:
    """Of a name that Azure also gives in the reader's language."""
    return str(named.get("value") or "") if isinstance(named, Mapping) else str(named or "")


def moment(text: Any) -> datetime | None:
    """A time in UTC: Azure writes seven digits of a second, Go nine; Python reads six. None for what is no time."""
    head, _, fraction = str(text or "").rstrip("Z").partition(".")
    try:
        return datetime.fromisoformat(f"{head}.{(fraction or '0')[:6].ljust(6, '0')}+00:00")
    except ValueError:
        return None


def _text(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
