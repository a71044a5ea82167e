"""What a chat reads of the deployments' tags before the first question."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import requests

from chat import deployments
from chat.phi_client import Routes

URL = "https://phi.eastus2.inference.ml.azure.com/score"
SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
ENDPOINT = deployments.endpoint_id(SUBSCRIPTION, "rg", "mlw", "phi")


@pytest.fixture
def routes(monkeypatch: pytest.MonkeyPatch) -> Routes:
    routes = Routes()
    monkeypatch.setattr(deployments, "ROUTES", routes)
    monkeypatch.setattr(
        deployments, "credential", lambda: SimpleNamespace(get_token=lambda _: SimpleNamespace(token="token"))
    )
    return routes


def _azure(monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any]) -> None:
    def get(url: str, auth: Any, params: dict[str, str], timeout: float, **_: object) -> requests.Response:
        sent = requests.Request("GET", url, auth=auth).prepare()
        assert sent.headers["Authorization"] == "Bearer token" and params["api-version"] and timeout
        response = requests.Response()
        found = answers.get(url)
        response.status_code = 200 if found else 403
        response.json = lambda **_: found  # type: ignore[method-assign]
        return response

    monkeypatch.setattr(deployments.requests, "get", get)


def test_tags_say_how_each_is_asked(routes: Routes, monkeypatch: pytest.MonkeyPatch) -> None:
    path = (
        f"https://management.azure.com/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers"
        "/Microsoft.MachineLearningServices"
    )
    path += "/workspaces/mlw/onlineEndpoints/phi"
    found = [
        {"name": "m1", "tags": {"contract": "mlflow"}},
        {"name": "base", "tags": {"contract": "chat-completions"}},
        {"name": "by-hand", "tags": None},
    ]
    traffic = {"properties": {"traffic": {"by-hand": 10, "m1": 90, "base": 0}}}
    _azure(monkeypatch, {path: traffic, f"{path}/deployments": {"value": found}})
    contracts = deployments.learn(URL, ENDPOINT)
    assert contracts == {"m1": "mlflow", "base": "chat-completions", "by-hand": ""}
    known = [routes.contract(URL, name) for name in ("m1", "base", "by-hand", "")]
    assert known == ["mlflow", "chat-completions", "", "mlflow"]
    assert deployments.differ(contracts, "m1", "base")
    assert not deployments.differ(contracts, "by-hand", "base") and not deployments.differ(contracts, "base", "base")


def test_who_may_not_read_them_chats_all_the_same(routes: Routes, monkeypatch: pytest.MonkeyPatch) -> None:
    _azure(monkeypatch, {})
    assert deployments.learn(URL, ENDPOINT) == {}
    assert routes.contract(URL, "m1") == ""
