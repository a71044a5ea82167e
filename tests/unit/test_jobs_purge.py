"""Purging, through azure-core's real pipeline down to where it would open a connection."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest._requests_basic import RestRequestsTransportResponse

from jobs import client as azure
from jobs.errors import StageError
from jobs.purge import purge


class Arm:
    """Answers by path; a list is given out one by one."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.answers: list[tuple[int, dict[str, str], Any]] = []

    def __call__(self, transport: RequestsTransport, request: Any, **_: Any) -> RestRequestsTransportResponse:
        self.sent.append((request.method, request.url))
        status, headers, body = self.answers.pop(0)
        response = requests.Response()
        response.status_code, response.url = status, request.url
        response.raw = io.BytesIO(json.dumps(body).encode() if body is not None else b"")
        response.headers.update({"Content-Type": "application/json", **headers})
        answer = RestRequestsTransportResponse(internal_response=response, request=request)
        answer.read()
        return answer


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Arm]:
    arm = Arm()
    monkeypatch.setattr(RequestsTransport, "send", lambda self, request, **more: arm(self, request, **more))
    monkeypatch.setattr(RequestsTransport, "sleep", lambda self, seconds: None)
    token = SimpleNamespace(token="t", expires_on=2**40, refresh_on=None)
    credential = SimpleNamespace(get_token=lambda *_, **__: token, get_token_info=lambda *_, **__: token)
    monkeypatch.setattr(azure, "credential", lambda: credential)
    yield arm
    assert arm.answers == []


def _refused(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def test_each_kind_has_its_request(arm: Arm) -> None:
    status = "https://management.azure.com/subscriptions/s/operationstatus/1?api-version=x"
    arm.answers = [
        (200, {}, None),
        (204, {}, None),
        (202, {"Azure-AsyncOperation": status, "Location": status}, None),
        (200, {}, {"status": "InProgress"}),
        (200, {}, {"status": "Succeeded"}),
        (200, {}, None),
    ]
    lines = purge("s", "eastus2", "rg", {"vaults": ["kv"], "workspaces": ["ws"], "accounts": ["ai"]})
    providers = "https://management.azure.com/subscriptions/s/providers"
    assert arm.sent[:3] == [
        (
            "DELETE",
            "https://management.azure.com/subscriptions/s/resourceGroups/rg/providers"
            "/Microsoft.MachineLearningServices/workspaces/ws?api-version=2025-12-01&forceToPurge=true",
        ),
        (
            "DELETE",
            f"{providers}/Microsoft.CognitiveServices/locations/eastus2/resourceGroups/rg/deletedAccounts/ai"
            "?api-version=2025-06-01",
        ),
        (
            "POST",
            f"{providers}/Microsoft.KeyVault/locations/eastus2/deletedVaults/kv/purge?api-version=2024-11-01",
        ),
    ]
    assert lines == ["workspace ws: purged", "account ai: purged", "vault kv: purged"]


def test_nothing_soft_deleted_is_fine(arm: Arm) -> None:
    arm.answers = [(404, {}, _refused("ResourceNotFound", "not there"))]
    assert purge("s", "eastus2", "rg", {"vaults": ["kv"]}) == ["vault kv: nothing to purge"]


def test_purge_protection_is_said(arm: Arm) -> None:
    arm.answers = [(405, {}, _refused("MethodNotAllowed", "Operation 'DeletedVaultPurge' is not allowed."))]
    (line,) = purge("s", "eastus2", "rg", {"vaults": ["kv"]})
    assert "stays soft-deleted" in line and "MethodNotAllowed" in line


def test_throttling_is_waited_out(arm: Arm) -> None:
    arm.answers = [(429, {"Retry-After": "9"}, _refused("TooManyRequests", "later")), (200, {}, None)]
    assert purge("s", "eastus2", "rg", {"workspaces": ["ws"]}) == ["workspace ws: purged"]


def test_a_refusal_names_the_resource(arm: Arm) -> None:
    arm.answers = [(403, {}, _refused("AuthorizationFailed", "The client 'x' does not have authorization"))]
    with pytest.raises(StageError, match=r"vault kv.*AuthorizationFailed.*Contributor"):
        purge("s", "eastus2", "rg", {"vaults": ["kv"]})


def test_a_purge_that_fails_later_is_noticed(arm: Arm) -> None:
    status = "https://management.azure.com/subscriptions/s/operationstatus/1?api-version=x"
    arm.answers = [
        (202, {"Azure-AsyncOperation": status}, None),
        (200, {}, {"status": "Failed", "error": {"code": "Conflict", "message": "in use"}}),
    ]
    with pytest.raises(StageError, match="could not be purged"):
        purge("s", "eastus2", "rg", {"accounts": ["ai"]})


def test_unknown_kinds_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="can purge"):
        purge("s", "eastus2", "rg", {"vault": ["kv"]})
