"""Requests that ARM refuses whoever the resource belongs to: tokens, roles, paths, throttling."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import requests

from emulator.access.entra import Tokens
from emulator.machine.home import CLIENT_OBJECT_ID, SUBSCRIPTION_ID
from tests.contract.arm import ARM, Refusal
from tests.contract.grants_cases import CASES
from tests.contract.lab import SCOPE, Lab


@pytest.mark.parametrize("name", CASES.rows)
def test_refused(name: str, lab: Lab) -> None:
    CASES.check_refused(name, lab)


@pytest.mark.parametrize("name", CASES.rows)
def test_way_through(name: str, lab: Lab) -> None:
    CASES.check_passes(name, lab)


SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"
READER = {"principal": CLIENT_OBJECT_ID, "role": "Reader"}


def with_token(token: str | None, path: str = SCOPE) -> dict[str, Any]:
    """A GET with a token of the test's choice."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.get(f"{ARM}{path}", params={"api-version": "2024-03-01"}, headers=headers, timeout=30)
    body: dict[str, Any] = answer.json()
    if answer.status_code >= 400:
        assert "invalid_token" in answer.headers["WWW-Authenticate"]
        raise Refusal(answer.status_code, body["error"]["code"], body["error"]["message"], body)
    return body


def tokens(lab: Lab) -> Tokens:
    """The session's Entra, asked in process."""
    return Tokens(lab.home, lab.store)


@CASES.refused("token-missing")
def _(lab: Lab) -> None:
    with_token(None)


@CASES.refused("token-expired")
def _(lab: Lab) -> None:
    with_token(tokens(lab).sign(ARM, lifetime=-10))


@CASES.refused("token-audience")
def _(lab: Lab) -> None:
    with_token(tokens(lab).sign("https://vault.azure.net"))


@CASES.refused("token-forged")
def _(lab: Lab) -> None:
    with_token(tokens(lab).sign(ARM)[:-3] + "abc")


@CASES.passes("token-missing")
@CASES.passes("token-expired")
@CASES.passes("token-audience")
@CASES.passes("token-forged")
def _(lab: Lab) -> None:
    assert with_token(tokens(lab).sign(ARM))["id"] == SCOPE


@CASES.refused("permission")
def _(lab: Lab) -> None:
    with lab.setting("roles", [READER]):
        lab.get(lab.workspace)
        lab.make_storage("stpermission")


@CASES.passes("permission")
def _(lab: Lab) -> None:
    """Contributor on the group reaches what lies in it."""
    with lab.setting("roles", [READER, {"principal": CLIENT_OBJECT_ID, "role": "Contributor", "scope": SCOPE}]):
        lab.make_storage("stpermission")


@CASES.refused("permission-data")
def _(lab: Lab) -> None:
    with lab.setting("roles", [{"principal": CLIENT_OBJECT_ID, "role": "Contributor"}]):
        lab.assign("Reader", str(uuid.uuid4()), SCOPE)


@CASES.passes("permission-data")
def _(lab: Lab) -> None:
    with lab.setting("roles", [{"principal": CLIENT_OBJECT_ID, "role": "User Access Administrator"}]):
        lab.assign("Reader", str(uuid.uuid4()), SCOPE)


@CASES.refused("permission-delay")
def _(lab: Lab) -> None:
    group = lab.group("rg-refusals-delay")
    assignment = lab.assign("Contributor", CLIENT_OBJECT_ID, group)
    try:
        with lab.setting("roles", []), lab.setting("rbac-delay", "reads:1"):
            lab.make_storage("stdelay", group)
    finally:
        lab.delete(assignment)


@CASES.passes("permission-delay")
def _(lab: Lab) -> None:
    group = lab.group("rg-refusals-delay")
    assignment = lab.assign("Contributor", CLIENT_OBJECT_ID, group)
    with lab.setting("roles", []), lab.setting("rbac-delay", "reads:1"):
        with pytest.raises(Refusal, match="AuthorizationFailed"):
            lab.make_storage("stdelay", group)
        lab.make_storage("stdelay", group)
    lab.delete(assignment)


@CASES.refused("version-missing")
def _(lab: Lab) -> None:
    answer = lab.arm.call("GET", SCOPE, None)
    raise Refusal(answer.status_code, answer.json()["error"]["code"], "", answer.json())


@CASES.passes("version-missing")
@CASES.passes("group")
@CASES.passes("subscription")
def _(lab: Lab) -> None:
    lab.arm.get(SCOPE, "2024-03-01")


@CASES.refused("subscription")
def _(lab: Lab) -> None:
    lab.arm.get(f"/subscriptions/{uuid.uuid4()}/resourceGroups/rg", "2024-03-01")


@CASES.refused("group")
def _(lab: Lab) -> None:
    lab.arm.get(f"{SUBSCRIPTION}/resourceGroups/rg-nowhere", "2024-03-01")


@CASES.refused("resource")
def _(lab: Lab) -> None:
    lab.get(f"{lab.storage}x")


@CASES.passes("resource")
def _(lab: Lab) -> None:
    assert lab.get(lab.storage.upper())["id"] == lab.storage


@CASES.refused("location")
def _(lab: Lab) -> None:
    lab.put(lab.storage, {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}})


@CASES.passes("location")
def _(lab: Lab) -> None:
    lab.put(lab.storage, {"location": "East US 2", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}})


def patch(lab: Lab, body: dict[str, Any]) -> None:
    answer = lab.arm.call("PATCH", lab.idle, "2025-12-01", body)
    if answer.status_code >= 400:
        error = answer.json()["error"]
        raise Refusal(answer.status_code, error["code"], error["message"], answer.json())


@CASES.refused("patch")
def _(lab: Lab) -> None:
    patch(lab, {"properties": {"traffic": {}}})


@CASES.passes("patch")
def _(lab: Lab) -> None:
    patch(lab, {"tags": {"stage": "test"}})
    assert lab.get(lab.idle)["tags"] == {"stage": "test"}


@CASES.refused("throttled")
def _(lab: Lab) -> None:
    with lab.setting("throttle", {"requests": 1, "retryAfter": 7, "kind": "read"}):
        answer = lab.arm.call("GET", SCOPE, "2024-03-01")
        assert answer.headers["Retry-After"] == "7"
        lab.arm.get(SCOPE, "2024-03-01")
        raise Refusal(answer.status_code, answer.json()["error"]["code"], "", answer.json())


@CASES.passes("throttled")
def _(lab: Lab) -> None:
    """Azure's own client waits as long as it is told to and tries again."""
    from azure.ai.ml import MLClient
    from azure.identity import DefaultAzureCredential

    group, name = lab.workspace.split("/")[4], lab.workspace.rsplit("/", 1)[1]
    with lab.setting("throttle", {"requests": 1, "retryAfter": 0, "kind": "read"}):
        client = MLClient(DefaultAzureCredential(), SUBSCRIPTION_ID, group, name, enable_telemetry=False)
        assert client.workspaces.get(name).name == name


def test_more_requests_a_second_than_the_rate_are_throttled(lab: Lab) -> None:
    with lab.setting("throttle", {"rate": 2, "kind": "read"}):
        statuses = [lab.arm.call("GET", SCOPE, "2024-03-01").status_code for _ in range(4)]
    assert statuses.count(429) >= 1 and statuses[0] == 200


def test_one_name_for_two_assignments_is_refused_whatever_their_scopes(lab: Lab) -> None:
    path = lab.assign("Reader", str(uuid.uuid4()), lab.storage)
    properties = lab.get(path)["properties"]
    wanted = {key: properties[key] for key in ("roleDefinitionId", "principalId", "principalType")}
    other = f"{lab.storage.rpartition('/providers/')[0]}/providers{path.rpartition('/providers')[2]}"
    with pytest.raises(Refusal, match="RoleAssignmentUpdateNotPermitted"):
        lab.put(other, {"properties": wanted})
