"""Where a token or a key may go, whatever a pasted id, an answer of Azure's or the environment says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import requests
from azure.core.exceptions import AzureError

from chat import connection, deployments
from chat.phi_client import ask
from chat.phi_messages import ChatError, ChatRequest, Unreachable
from cloud import hosts
from cloud.arm import Arm
from cloud.target import Target
from tests.unit.arm_fake import install

GUID = "00000000-0000-4000-8000-000000000001"
WORKSPACE = (
    f"/subscriptions/{GUID}/resourceGroups/rg-phi_(1).x/providers/Microsoft.MachineLearningServices/workspaces/w"
)
TAIL = f"{GUID}/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/connections/n"
PASTED = (
    "@evil.example/1/2/3/4/5/6/7/8/connections/n",
    ".evil.example/1/2/3/4/5/6/7/8/connections/n",
    f"@evil.example/subscriptions/{TAIL}",
    f":443@evil.example/subscriptions/{TAIL}",
    f"/subscriptions/{TAIL}?x=@evil.example",
    f"/subscriptions/{TAIL}#",
    f"/subscriptions/{TAIL}\n",
    f"/subscriptions/{TAIL}/../../../../x",
    f"/subscriptions/{TAIL.replace('/w/', '/../')}",
    f"//evil.example/subscriptions/{TAIL}",
    f"/subscriptions/{TAIL.replace(GUID, 'sub')}",
    f"/subscriptions/{TAIL.replace('MachineLearningServices', 'Storage')}",
    f"https://management.azure.com/subscriptions/{TAIL}",
    f"/subscriptions/{TAIL.replace('n', 'ｎ')}",
    "",
)


@pytest.fixture
def nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a token was asked for, or sent")

    for module in (connection, deployments):
        monkeypatch.setattr(module, "credential", never)
    monkeypatch.setattr(requests, "post", never)
    monkeypatch.setattr(requests, "get", never)


@pytest.mark.usefixtures("nobody_is_asked")
@pytest.mark.parametrize("pasted", PASTED)
def test_a_pasted_id_sends_no_token_anywhere(pasted: str) -> None:
    with pytest.raises(connection.ConnectionUnreadable, match="is not a connection's id"):
        connection.read_connection(pasted)
    with pytest.raises(ChatError, match="is not an endpoint's id"):
        deployments.learn(
            "https://phi.eastus2.inference.ml.azure.com/score", pasted.replace("connections", "onlineEndpoints")
        )


@pytest.mark.parametrize("name", ["phi", "Phi_1.2-x", "(x)"])
def test_an_id_as_azure_writes_it_is_one(name: str) -> None:
    assert hosts.is_id(f"{WORKSPACE}/connections/{name}", "connections")
    assert hosts.is_id(f"{WORKSPACE}/connections/{name}".upper(), "connections")
    assert not hosts.is_id(f"{WORKSPACE}/connections/{name}", "onlineEndpoints")


@pytest.mark.parametrize(
    ("status", "headers"), [(302, {"Location": "https://evil.example"}), (307, {"Location": "http://127.0.0.1:1"})]
)
def test_no_redirect_is_followed_with_a_token(
    monkeypatch: pytest.MonkeyPatch, status: int, headers: dict[str, str]
) -> None:
    sent: list[str] = []

    def send(_: object, request: requests.PreparedRequest, **__: object) -> requests.Response:
        sent.append(str(request.url))
        assert request.headers["Authorization"] == "Bearer token", "not what a .netrc says"
        response = requests.Response()
        response.status_code, response.url, response.request = status, str(request.url), request
        response.headers.update(headers)
        response._content = b""
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    monkeypatch.setattr("requests.sessions.get_netrc_auth", lambda _: ("user", "password"))
    for module in (connection, deployments):
        monkeypatch.setattr(
            module, "credential", lambda: SimpleNamespace(get_token=lambda _: SimpleNamespace(token="token"))
        )
    with pytest.raises(connection.ConnectionUnreadable, match=f"answered {status}"):
        connection.read_connection(f"{WORKSPACE}/connections/n")
    assert deployments.learn("https://e/score", f"{WORKSPACE}/onlineEndpoints/n") == {}
    assert len(sent) == 2 and all(url.startswith("https://management.azure.com/") for url in sent)


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("https://management.azure.com/x", True),
        ("https://MANAGEMENT.azure.com:443/x", True),
        ("https://eastus2.management.azure.com/x", True),
        ("https://eastus2.api.azureml.ms/x", True),
        ("https://guid.workspace.eastus2.api.azureml.ms/x", True),
        ("https://cert-eastus2.experiments.azureml.net/mferp", True),
        ("http://management.azure.com/x", False),
        ("https://management.azure.com:8443/x", False),
        ("https://management.azure.com:x/", False),
        ("https://management.azure.com.evil.example/x", False),
        ("https://evilmanagement.azure.com/x", False),
        ("https://evilapi.azureml.ms/x", False),
        ("https://management.azure.com@evil.example/x", False),
        ("https://user@management.azure.com/x", False),
        ("https://evil.example\\.management.azure.com/x", False),
        ("https://evil.example\t.management.azure.com/x", True),  # urlsplit drops a tab, as requests does
        ("https://evil.example%2f.management.azure.com/x", False),
        ("https://[::1]/x", False),
        ("https://[/x", False),
        ("//management.azure.com/x", False),
        ("", False),
    ],
)
def test_which_hosts_get_a_token(url: str, ours: bool) -> None:
    assert hosts.azures_own(url) is ours


@pytest.mark.parametrize("header", ["Azure-AsyncOperation", "Location"])
def test_an_operation_is_not_followed_to_another_host(monkeypatch: pytest.MonkeyPatch, header: str) -> None:
    arm = install(monkeypatch)
    arm.then("DELETE", "/x", (202, {header: "https://evil.example/operations/1"}, None))
    arm.get("https://evil.example/operations/1", {"status": "Succeeded"})
    with pytest.raises(AzureError, match=r"leads to another host, evil\.example, which gets no token"):
        Arm().delete("/x", "2021-04-01", print)
    assert len(arm.sent) == 1


@pytest.mark.parametrize(
    ("datastore", "right"),
    [
        ({"accountName": "stphi"}, True),
        ({"accountName": "stphi", "endpoint": "core.windows.net"}, True),
        ({"accountName": "stphi", "endpoint": "evil.example"}, False),
        ({"accountName": "evil.example/", "endpoint": ""}, False),
        ({"accountName": "stphi", "endpoint": "core.windows.net@evil.example"}, False),
        ({}, False),
    ],
)
def test_a_datastore_leads_to_azures_storage_alone(datastore: dict[str, Any], right: bool) -> None:
    if right:
        assert hosts.storage(datastore, "blob") == "https://stphi.blob.core.windows.net"
        return
    with pytest.raises(AzureError, match="a datastore leads to another host"):
        hosts.storage(datastore, "file")


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:9"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_the_key_of_an_endpoint_here_goes_to_no_proxy(
    monkeypatch: pytest.MonkeyPatch, host: str, variable: str
) -> None:
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "http://proxy.example:3128")
    used: list[object] = []

    def send(_: object, request: requests.PreparedRequest, **given: Any) -> requests.Response:
        used.append(requests.utils.select_proxy(str(request.url), given["proxies"]))
        raise requests.ConnectionError

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    for url in (f"http://{host}/score", "https://phi.example/score"):
        with pytest.raises(Unreachable):
            ask(url, "key", ChatRequest("Who?"))
    assert used[0] is None
    assert used[1] == ("http://proxy.example:3128" if variable == "ALL_PROXY" else None), "others are asked as ever"


def test_a_services_own_address_is_looked_at_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a workspace says where its tracking is."""
    from cloud.services.mlflow import RunHistory

    arm = install(monkeypatch)
    target = Target(GUID, "g", "w")
    arm.get(target.path, {"properties": {"mlFlowTrackingUri": "azureml://evil.example/mlflow"}})
    with pytest.raises(AzureError, match="leads to another host"):
        RunHistory(target, Arm()).metrics("run")
    assert len(arm.sent) == 1
