"""What Azure's activity log says of who wrote to what."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from cloud.services.activity import Write, moment, read, writes

VAULT = "/subscriptions/S/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"


def event(**changes: Any) -> dict[str, Any]:
    return {
        "resourceId": VAULT,
        "operationId": "one",
        "operationName": {"value": "Microsoft.KeyVault/vaults/write", "localizedValue": "Update Key Vault"},
        "status": {"value": "Succeeded"},
        "eventTimestamp": "2026-11-28T14:02:03.1234567Z",
        "caller": "ada@example.org",
        "claims": {"appid": "04b07795-8ddb-461a-bbee-02f9e1bf7b46"},
        **changes,
    }


MODIFIED = {
    "operationName": {"value": "MICROSOFT.AUTHORIZATION/policies/modify/action"},
    "properties": {"policies": json.dumps([{"policyAssignmentName": "inherit-tags"}, {"policyDefinitionName": "x"}])},
}


@pytest.mark.parametrize(
    ("changes", "who", "by_azure"),
    [
        ({}, "ada@example.org", False),
        ({"caller": "11111111-0000-4000-8000-000000000001"}, "application 04b07795-8ddb-461a-bbee-02f9e1bf7b46", False),
        (
            {"caller": "11111111-0000-4000-8000-000000000001", "claims": {}},
            "11111111-0000-4000-8000-000000000001",
            False,
        ),
        ({"caller": None, "claims": None}, "somebody whom the log does not name", False),
        (
            {"caller": "x", "claims": {"appid": "0736F41A-0425-4b46-bdb5-1563eff02385"}},
            "Azure Machine Learning itself",
            True,
        ),
        (MODIFIED, "Azure Policy (inherit-tags)", True),
        ({**MODIFIED, "properties": {"policies": "[[["}}, "Azure Policy", True),
    ],
    ids=["a person", "a program", "an id", "nobody", "Azure ML", "a policy", "a policy of no name"],
)
def test_who_it_was(changes: dict[str, Any], who: str, by_azure: bool) -> None:
    (write,) = read([event(**changes)])
    assert (write.who, write.by_azure, write.resource) == (who, by_azure, VAULT.lower())


def test_an_operation_is_one_write_from_its_beginning_on() -> None:
    begin = event(status={"value": "Started"}, eventTimestamp="2026-11-28T14:02:01Z")
    (write,) = read([event(), begin])
    assert write.begun.isoformat() == "2026-11-28T14:02:01+00:00"


@pytest.mark.parametrize(
    "events",
    [
        [event(operationName={"value": "Microsoft.KeyVault/vaults/deploy/action"})],
        [event(operationName={"value": "Microsoft.Authorization/policies/audit/action"})],
        [event(status={"value": "Started"}), event(status={"value": "Failed"})],
        [event(resourceId=None)],
        [event(eventTimestamp="yesterday")],
        [{}],
    ],
    ids=["an action", "an audit", "a refusal", "of nothing", "at no time", "nothing"],
)
def test_what_has_written_nothing_is_left_out(events: list[dict[str, Any]]) -> None:
    assert read(events) == []


def test_what_is_asked_of_the_log() -> None:
    """Its rows are read by twenty pages at most, and no longer back than Azure keeps them."""
    asked: list[Any] = []
    arm: Any = SimpleNamespace(items=lambda *args, **query: asked.append((args, query)) or [event()])
    until = datetime(2026, 11, 29, 12, 0, 0, 5, timezone(timedelta(hours=2)))
    for since in (until - timedelta(days=2), until - timedelta(days=400)):
        (write,) = writes(arm, "/subscriptions/S/resourceGroups/rg/providers/x", since, until)
    assert write == Write(
        resource=VAULT.lower(),
        who="ada@example.org",
        begun=datetime(2026, 11, 28, 14, 2, 3, 123456, UTC),
        operation="Microsoft.KeyVault/vaults/write",
        by_azure=False,
    )
    args = ("/subscriptions/S/providers/Microsoft.Insights/eventtypes/management/values", "2015-04-01", 20)
    select = "authorization,caller,claims,correlationId,eventTimestamp,operationId,operationName,properties,resourceId"
    filters = [
        f"eventTimestamp ge '{since}T10:00:00.000005Z' and eventTimestamp le '2026-11-29T10:00:00.000005Z' "
        "and resourceGroupName eq 'rg'"
        for since in ("2026-11-27", "2026-09-01")
    ]
    assert asked == [(args, {"$filter": each, "$select": f"{select},status"}) for each in filters]


NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (
            [event(caller="", claims={NAME: "bob@example.org"})],
            [("bob@example.org", "Microsoft.KeyVault/vaults/write")],
        ),
        (
            [event(claims=None, caller="x"), event(claims={"appid": "a"})],
            [("application a", "Microsoft.KeyVault/vaults/write")],
        ),
        (
            [event(operationName="Microsoft.KeyVault/vaults/DELETE")],
            [("ada@example.org", "Microsoft.KeyVault/vaults/DELETE")],
        ),
        ([event(operationName={"localizedValue": "Update"})], []),
        # Two operations, or one that has no id but the correlation's.
        ([event(), event(operationId="two")], [("ada@example.org", "Microsoft.KeyVault/vaults/write")] * 2),
        (
            [event(operationId=None, correlationId="c"), event(operationId=None, correlationId="c")],
            [("ada@example.org", "Microsoft.KeyVault/vaults/write")],
        ),
        (
            [event(operationId=None), event(operationId=None)],
            [("ada@example.org", "Microsoft.KeyVault/vaults/write")] * 2,
        ),
        (
            [event(), event(operationName={"value": "MICROSOFT.KEYVAULT/vaults/write"})],
            [("ada@example.org", "Microsoft.KeyVault/vaults/write")],
        ),
        # What failed at first and was taken later is a write, and so is what says neither.
        (
            [event(status={"value": "Failed"}), event(status={"value": "Accepted"})],
            [("ada@example.org", "Microsoft.KeyVault/vaults/write")],
        ),
        ([event(status={"value": "FAILED"})], []),
        ([event(status=None)], [("ada@example.org", "Microsoft.KeyVault/vaults/write")]),
    ],
)
def test_which_writes_there_are(events: list[dict[str, Any]], told: list[tuple[str, str]]) -> None:
    assert [(write.who, write.operation) for write in read(events)] == told


@pytest.mark.parametrize("effect", ["modify", "append", "deployIfNotExists"])
def test_a_policy_is_called_by_all_its_assignments_once(effect: str) -> None:
    policies = [{"policyAssignmentName": name} for name in ("one", "two", "one", "")]
    operation = {"value": f"Microsoft.Authorization/policies/{effect}/action"}
    told = [
        event(operationName=operation, properties=None),
        event(operationName=operation, properties={"policies": 3}),
        event(operationName=operation, properties={"policies": '{"policyAssignmentName": "no list"}'}),
        event(operationName=operation, properties={"policies": json.dumps([*policies, "no map"])}),
    ]
    (write,) = read(told)
    assert (write.who, write.by_azure) == ("Azure Policy (one, two)", True)


def test_writes_come_in_the_order_of_their_times() -> None:
    times = [f"2026-11-28T14:0{minute}:00Z" for minute in (3, 1, 2)]
    found = read([event(eventTimestamp=each, operationId=each) for each in times])
    assert [write.begun.minute for write in found] == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [("2026-11-28T14:02:03Z", 0), ("2026-11-28T14:02:03.5Z", 500000), ("2026-11-28T14:02:03.123456789Z", 123456)],
)
def test_a_moment_of_azures_or_of_gos(text: str, microsecond: int) -> None:
    assert moment(text) == datetime(2026, 11, 28, 14, 2, 3, microsecond, UTC)
    assert moment(None) is None
