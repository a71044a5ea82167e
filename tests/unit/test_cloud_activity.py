"""What Azure's activity log says of who wrote to what."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cloud.services.activity import read

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
