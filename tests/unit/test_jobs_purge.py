"""Purging, through azure-core's real pipeline down to where it would open a connection."""

from __future__ import annotations

from typing import Any

import pytest

from cloud.errors import StageError
from cloud.removal.purge import purge, remainders
from tests.unit.arm_fake import ArmFake, install

ARM = "https://management.azure.com"
GROUP = "/subscriptions/s/resourceGroups/rg/providers"
WORKSPACE = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/ws"
VAULT = "/subscriptions/s/providers/Microsoft.KeyVault/locations/eastus2/deletedVaults/kv"
ACCOUNT = (
    "/subscriptions/s/providers/Microsoft.CognitiveServices/locations/eastus2/resourceGroups/rg/deletedAccounts/ai"
)
LOGS = f"{GROUP}/Microsoft.OperationalInsights/workspaces/log"
DELETED_LOGS = "/subscriptions/s/providers/Microsoft.OperationalInsights/deletedWorkspaces"
STATUS = f"{ARM}/subscriptions/s/operationstatus/1"


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    return install(monkeypatch)


def _refused(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def test_each_kind_has_its_request(arm: ArmFake) -> None:
    arm.then("DELETE", WORKSPACE, (200, {}, None))
    arm.then("DELETE", ACCOUNT, (204, {}, None))
    arm.then("POST", f"{VAULT}/purge", (202, {"Azure-AsyncOperation": STATUS, "Location": STATUS}, None))
    arm.then("GET", STATUS, (200, {}, {"status": "InProgress"}), (200, {}, {"status": "Succeeded"}))
    lines = purge("s", "eastus2", "rg", {"vaults": ["kv"], "workspaces": ["ws"], "accounts": ["ai"]}, print)
    assert lines == ["workspace ws: purged", "account ai: purged", "vault kv: purged"]
    assert [sent for sent in arm.sent if sent[0] != "GET"] == [
        ("DELETE", f"{ARM}{WORKSPACE}?api-version=2025-12-01&forceToPurge=true"),
        ("DELETE", f"{ARM}{ACCOUNT}?api-version=2025-06-01"),
        ("POST", f"{ARM}{VAULT}/purge?api-version=2024-11-01"),
    ]


@pytest.mark.parametrize(
    "answer", [(204, {}, None), (404, {}, _refused("UserError", "Unable to find workspace"))], ids=["204", "404"]
)
def test_a_workspace_of_which_azure_says_nothing_is_not_called_purged(arm: ArmFake, answer: Any) -> None:
    arm.then("DELETE", WORKSPACE, answer)
    (line,) = purge("s", "eastus2", "rg", {"workspaces": ["ws"]}, print)
    assert line.startswith("workspace ws: asked Azure to purge it, which Azure does not confirm") and "`suffix`" in line
    arm.then("DELETE", WORKSPACE, (202, {"Azure-AsyncOperation": STATUS}, None))
    arm.then("GET", STATUS, (200, {}, {"status": "InProgress"}), (200, {}, {"status": "Succeeded"}))
    assert purge("s", "eastus2", "rg", {"workspaces": ["ws"]}, print) == ["workspace ws: purged"]


def test_a_live_workspace_is_left_alone(arm: ArmFake) -> None:
    """The call that purges a soft-deleted one would delete it: purgeOnDestroy can be switched off in a live stack."""
    arm.get(WORKSPACE, {"id": WORKSPACE})
    assert purge("s", "eastus2", "rg", {"workspaces": ["ws"]}, print) == ["workspace ws: is in use, left alone"]
    assert [method for method, _ in arm.sent] == ["GET"]


def test_nothing_soft_deleted_is_fine(arm: ArmFake) -> None:
    assert purge("s", "eastus2", "rg", {"vaults": ["kv"]}, print) == ["vault kv: nothing to purge"]


def test_purge_protection_is_said(arm: ArmFake) -> None:
    arm.refuse("POST", f"{VAULT}/purge", 405, "MethodNotAllowed", "Operation 'DeletedVaultPurge' is not allowed.")
    (line,) = purge("s", "eastus2", "rg", {"vaults": ["kv"]}, print)
    assert "stays soft-deleted" in line and "MethodNotAllowed" in line


def test_throttling_is_waited_out(arm: ArmFake) -> None:
    later = (429, {"Retry-After": "9"}, _refused("TooManyRequests", "later"))
    arm.then("DELETE", WORKSPACE, later, (200, {}, None))
    assert purge("s", "eastus2", "rg", {"workspaces": ["ws"]}, print) == ["workspace ws: purged"]


def test_a_refusal_names_the_resource(arm: ArmFake) -> None:
    arm.refuse("POST", f"{VAULT}/purge", 403, "AuthorizationFailed", "The client 'x' does not have authorization")
    with pytest.raises(StageError, match=r"vault kv.*AuthorizationFailed.*Contributor"):
        purge("s", "eastus2", "rg", {"vaults": ["kv"]}, print)


def test_a_purge_that_fails_later_is_noticed(arm: ArmFake) -> None:
    arm.then("DELETE", ACCOUNT, (202, {"Azure-AsyncOperation": STATUS}, None))
    arm.then("GET", STATUS, (200, {}, {"status": "Failed", "error": {"code": "Conflict", "message": "in use"}}))
    with pytest.raises(StageError, match="could not be purged"):
        purge("s", "eastus2", "rg", {"accounts": ["ai"]}, print)


def test_unknown_kinds_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="can purge"):
        purge("s", "eastus2", "rg", {"vault": ["kv"]}, print)


def test_what_is_left_is_told_apart(arm: ArmFake) -> None:
    arm.get(f"{GROUP}/Microsoft.KeyVault/vaults/live", {"id": "v"})
    arm.get(VAULT, {"id": "v"})
    listed = {"value": [{"id": f"{GROUP}/Microsoft.MachineLearningServices/workspaces/LISTED"}]}
    arm.get("/subscriptions/s/providers/Microsoft.MachineLearningServices/workspaces", listed)
    arm.get(DELETED_LOGS, {"value": [{"id": LOGS, "location": "eastus2"}]})
    names = {"vaults": ["live", "kv", "gone"], "workspaces": ["ws", "listed"], "accounts": ["ai"]}
    states = {each.name: each.state for each in remainders("s", "eastus2", "rg", {**names, "logs": ["log", "no-log"]})}
    assert states == {
        "ws": "unknown",
        "listed": "soft-deleted",
        "ai": "gone",
        "live": "live",
        "kv": "soft-deleted",
        "gone": "gone",
        "log": "soft-deleted",
        "no-log": "gone",
    }


def test_deleted_logs_are_recovered_to_be_deleted_for_good(arm: ArmFake) -> None:
    """There is no call for them: a PUT in the same place brings them back, with all that was logged."""
    arm.get(DELETED_LOGS, {"value": [{"id": LOGS.upper(), "location": "westeurope"}]})
    arm.then("PUT", LOGS, (200, {}, {"id": LOGS}))
    arm.then("DELETE", LOGS, (200, {}, None))
    assert purge("s", "eastus2", "rg", {"logs": ["log"]}, print) == ["log log: purged"]
    assert [sent for sent in arm.sent if sent[0] != "GET"] == [
        ("PUT", f"{ARM}{LOGS}?api-version=2023-09-01"),
        ("DELETE", f"{ARM}{LOGS}?api-version=2023-09-01&force=true"),
    ]
    assert arm.bodies == [{"location": "westeurope", "properties": {}}]


def test_logs_of_a_group_that_is_gone_are_said_to_stay(arm: ArmFake) -> None:
    arm.get(DELETED_LOGS, {"value": [{"id": LOGS, "location": "eastus2"}]})
    (line,) = purge("s", "eastus2", "rg", {"logs": ["log"]}, print)
    assert line.startswith("log log: kept for 14 days with its logs, and comes back with them")
    arm.get(DELETED_LOGS, {"value": []})
    assert purge("s", "eastus2", "rg", {"logs": ["log"]}, print) == ["log log: nothing to purge"]


def test_live_logs_are_left_alone(arm: ArmFake) -> None:
    arm.get(LOGS, {"id": LOGS})
    assert purge("s", "eastus2", "rg", {"logs": ["log"]}, print) == ["log log: is in use, left alone"]
