"""What a chat asks Azure before the first question, and what it says where nobody answers that."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from chat import connection, deployments, entra, front_ends
from chat.connection import Connection, ConnectionUnreadable, connection_id, read_connection
from chat.deployments import differ, endpoint_id, learn
from chat.phi_client import ROUTES
from chat.phi_key import CALLER, Opener
from chat.phi_messages import ChatRequest, InvalidInput, KeyRefused, Unreachable
from cloud.credentials import CredentialError

SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
WORKSPACES = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces"
ID, ENDPOINT = f"{WORKSPACES}/proj/connections/phi", f"{WORKSPACES}/mlw/onlineEndpoints/phi"
WHERE = "connection phi of project proj"
SIGN_IN = (
    "Sign in with `az login`, or set ARM_CLIENT_ID, ARM_TENANT_ID and ARM_CLIENT_SECRET of a service principal (or "
    "ARM_USE_OIDC=true, ARM_USE_MSI=true)."
)
NOBODY = CredentialError("the certificate is gone", "Bring it back.")
URL = "https://phi.eastus2.inference.ml.azure.com/score"


class Azure:
    """Where requests would reach Azure: takes one whole request after the other, as it has to be."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[Any] = []
        self.answers: list[Any] = []
        self.scopes: list[Any] = []
        self.refusal: Exception | None = None
        self.worked_in: list[str] = []
        for module in (connection, deployments, entra):
            monkeypatch.setattr(module, "credential", lambda: SimpleNamespace(get_token=self.token))
        monkeypatch.setattr(connection, "work_in", self.worked_in.append)
        monkeypatch.setattr(requests, "get", self.of("GET"))
        monkeypatch.setattr(requests, "post", self.of("POST"))
        monkeypatch.setattr(CALLER, "token", None)

    def token(self, *scopes: str) -> Any:
        self.scopes.append(scopes)
        if self.refusal:
            raise self.refusal
        return SimpleNamespace(token="t")

    def of(self, method: str) -> Callable[..., Any]:
        def send(url: str, *, auth: Any, **how: Any) -> Any:
            sent = requests.Request(method, url, auth=auth).prepare()
            assert sent.headers["Authorization"] == "Bearer t"
            self.asked.append((method, url, how))
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            status, body = answer if isinstance(answer, tuple) else (200, answer)
            response = requests.Response()
            response.status_code = status
            response.json = lambda **_: body  # type: ignore[method-assign]
            return response

        return send


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Azure:
    return Azure(monkeypatch)


def test_ids() -> None:
    assert connection_id(SUBSCRIPTION, "rg", "proj", "phi") == ID
    assert endpoint_id(SUBSCRIPTION, "rg", "mlw", "phi") == ENDPOINT


def test_a_connection_is_read_in_its_own_subscription(azure: Azure) -> None:
    metadata = {"endpoint": "https://e/score", "request_timeout_seconds": "30", "system_prompt": "s", "key": "old"}
    azure.answers = [{"properties": {"metadata": metadata, "credentials": {"keys": {"key": "k"}}}}]
    assert read_connection(ID) == Connection(ID, "https://e/score", "k", 30.0, "s")
    url = f"https://management.azure.com{ID}/listsecrets?api-version=2024-04-01-preview"
    assert azure.asked == [("POST", url, {"timeout": 60, "allow_redirects": False})]
    assert (azure.scopes, azure.worked_in) == ([("https://management.azure.com/.default",)], [SUBSCRIPTION])
    assert CALLER.token is None


def test_the_connection_of_an_endpoint_without_a_key(azure: Azure) -> None:
    azure.answers = [{"properties": {"metadata": {"endpoint": URL, "auth": "entra"}, "credentials": {"keys": None}}}]
    assert read_connection(ID) == Connection(ID, URL, entra.token, 90.0, "")
    assert CALLER.token is entra.token


EXAMPLE = "/subscriptions/.../resourceGroups/.../providers/Microsoft.MachineLearningServices/workspaces/{}"


def test_what_is_no_id(azure: Azure) -> None:
    with pytest.raises(ConnectionUnreadable) as raised:
        read_connection("phi")
    example = EXAMPLE.format("PROJECT/connections/NAME")
    assert str(raised.value) == f"phi is not a connection's id. One looks like {example}."
    with pytest.raises(InvalidInput) as refused:
        learn(URL, "phi")
    example = EXAMPLE.format("WORKSPACE/onlineEndpoints/NAME")
    assert str(refused.value) == f"phi is not an endpoint's id. One looks like {example}."


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (
            (403, {}),
            ConnectionUnreadable,
            f"You may not read {WHERE}. Ask for the role Azure Machine Learning Workspace Connection Secrets Reader on "
            "it.",
        ),
        ((404, {}), ConnectionUnreadable, f"There is no {WHERE}. Run `make up` to make it."),
        (
            (302, {}),
            ConnectionUnreadable,
            f"The {WHERE} could not be read: Azure answered 302. Try again.",
        ),
        (
            {"properties": {"metadata": {"endpoint": "e"}, "credentials": {"keys": {"key": ""}}}},
            ConnectionUnreadable,
            f"The {WHERE} lacks key. Run `make up` to write it again.",
        ),
        (
            {"properties": {"metadata": {"auth": "entra"}}},
            ConnectionUnreadable,
            f"The {WHERE} lacks endpoint. Run `make up` to write it again.",
        ),
        ({}, ConnectionUnreadable, f"The {WHERE} lacks endpoint, key. Run `make up` to write it again."),
        (
            requests.ConnectionError("t"),
            Unreachable,
            f"Azure could not be reached for {WHERE}. Check the network.",
        ),
    ],
)
def test_a_connection_that_cannot_be_read(answer: Any, kind: type[Exception], told: str, azure: Azure) -> None:
    azure.answers = [answer]
    with pytest.raises(kind) as raised:
        read_connection(ID)
    assert (type(raised.value), str(raised.value)) == (kind, told)


@pytest.mark.parametrize(
    ("refusal", "connection_told", "token_told", "token_kind"),
    [
        (
            NOBODY,
            f"Nobody is signed in to read {WHERE}: the certificate is gone. Bring it back.",
            "Nobody is signed in to ask the endpoint: the certificate is gone. Bring it back.",
            KeyRefused,
        ),
        (
            ClientAuthenticationError("x"),
            f"Nobody is signed in to read {WHERE}. {SIGN_IN}",
            f"Nobody is signed in to ask the endpoint. {SIGN_IN}",
            KeyRefused,
        ),
        (
            ServiceRequestError("x"),
            "",
            "Entra ID gave no token for the endpoint. Check the network, then ask again.",
            Unreachable,
        ),
    ],
)
def test_where_nobody_is_signed_in(
    refusal: Exception, connection_told: str, token_told: str, token_kind: type[Exception], azure: Azure
) -> None:
    azure.refusal = refusal
    if connection_told:
        with pytest.raises(ConnectionUnreadable) as raised:
            read_connection(ID)
        assert str(raised.value) == connection_told
    with pytest.raises(token_kind) as refused:
        entra.token()
    assert (type(refused.value), str(refused.value)) == (token_kind, token_told)
    assert azure.scopes[-1] == ("https://ml.azure.com/.default",)


def test_deployments_and_traffic_are_read_and_kept(azure: Azure) -> None:
    rows = [{"name": "m1", "tags": {"contract": "mlflow"}}, {"name": "base", "tags": None}, {"name": "m2", "tags": {}}]
    azure.answers = [{"value": rows}, {"properties": {"traffic": {"m2": 10, "m1": 90}}}]
    url = "https://e/learnt/score"
    assert learn(url, ENDPOINT) == {"m1": "mlflow", "base": "", "m2": ""}
    how = {"params": {"api-version": "2025-12-01"}, "timeout": 20, "allow_redirects": False}
    path = f"https://management.azure.com{ENDPOINT}"
    assert azure.asked == [("GET", f"{path}/deployments", how), ("GET", path, how)]
    assert azure.scopes == [("https://management.azure.com/.default",)]
    assert [ROUTES.contract(url, name) for name in ("", "m1", "base")] == ["mlflow", "mlflow", ""]


@pytest.mark.parametrize(
    "answers",
    [
        [(403, {})],
        [{"value": [{}]}],
        [{"value": [3]}],
        [{"value": []}, {"properties": {"traffic": 3}}],
        [requests.ConnectionError("x")],
        [{"value": []}, (500, {})],
    ],
)
def test_who_may_not_read_deployments_finds_out_by_asking(answers: list[Any], azure: Azure) -> None:
    azure.answers = answers
    assert learn(URL, ENDPOINT) == {}
    azure.refusal = NOBODY
    assert learn(URL, ENDPOINT) == {}


def test_an_endpoint_of_nothing_yet(azure: Azure) -> None:
    azure.answers = [{"value": None}, {"properties": {"traffic": None}}]
    assert learn("https://e/nothing/score", ENDPOINT) == {}


@pytest.mark.parametrize(
    ("contracts", "other"),
    [
        ({"m": "mlflow", "b": "chat-completions"}, True),
        ({"m": "chat-completions", "b": "mlflow"}, True),
        ({"m": "mlflow", "b": "mlflow"}, False),
        ({"m": "chat-completions", "b": "chat-completions"}, False),
        ({"m": "mlflow", "b": "another"}, False),
        ({"m": "chat-completions", "b": ""}, False),
        ({"b": "chat-completions"}, False),
        ({}, False),
    ],
)
def test_whether_two_models_are_served_alike(contracts: dict[str, str], other: bool) -> None:
    assert differ(contracts, "m", "b") is other


def test_the_plain_front_end_asks_with_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(front_ends, "stream", lambda *args, **how: asked.append((args, how)))
    request = ChatRequest("hi")
    front_ends.front_end("plain", Connection(ID, URL, "k", 30.0))(request)
    assert asked == [((URL, "k", request), {"timeout": 30.0})]


def test_the_interpreter_of_the_agent_is_its_own_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(front_ends.sys, "prefix", str(tmp_path))
    own = tmp_path / "agent" / "bin" / "python"
    assert front_ends.interpreter("agent") == Path(sys.executable)
    own.parent.mkdir(parents=True)
    own.touch()
    assert front_ends.interpreter("agent") == own
    assert front_ends.interpreter("promptflow") == Path(sys.executable)
    assert front_ends.NAMES == ("promptflow", "agent", "plain")


@pytest.mark.parametrize(
    ("name", "before", "level"),
    [("promptflow", None, "CRITICAL"), ("promptflow", "INFO", "INFO"), ("agent", None, None)],
)
def test_prompt_flow_is_loaded_without_its_log(
    name: str, before: str | None, level: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "promptflow.core", None)
    environment = {} if before is None else {"PF_LOGGING_LEVEL": before}
    monkeypatch.setattr(front_ends.os, "environ", environment)
    front_ends.load(name)
    assert environment.get("PF_LOGGING_LEVEL") == level


def test_a_key_or_a_token_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    from urllib.parse import urlsplit

    key, token = Opener("k", urlsplit(URL)), Opener(lambda: "t", urlsplit(URL))
    assert (key.by_token, token.by_token) == (False, True)
    key.open()
    with pytest.raises(InvalidInput) as empty:
        Opener("", urlsplit(URL)).open()
    assert str(empty.value) == "The connection holds no key. Run `pulumi up` to write it again."
    with pytest.raises(InvalidInput) as elsewhere:
        Opener(lambda: "t", urlsplit("https://e.example/score")).open()
    assert str(elsewhere.value) == (
        "No token of Entra ID is sent to e.example, which is no endpoint of Azure ML (*.inference.ml.azure.com). "
        "Correct `endpoint` in the project's connection."
    )
    with pytest.raises(InvalidInput) as twice:
        key(requests.Request("POST", "https://other.example/score").prepare())
    assert str(twice.value) == (
        "The endpoint's address can be read in two ways, so nothing was sent to it. Correct `endpoint` in the "
        "project's connection."
    )
