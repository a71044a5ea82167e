"""Which credential an environment gets: azure-native's order, and its refusals of half a configuration."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from azure import identity

from cloud import credentials
from cloud.credentials import CredentialError, build, refuse_short_login
from cloud.tokens import FirstSignedIn

PRINCIPAL = {"ARM_TENANT_ID": "tenant", "ARM_CLIENT_ID": "client"}
SECRET = {**PRINCIPAL, "ARM_CLIENT_SECRET": "secret"}  # pragma: allowlist secret
OIDC = {**PRINCIPAL, "ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN": "federated"}
MSI = {"ARM_USE_MSI": "true"}


@pytest.fixture(autouse=True)
def nobody_s_subscription() -> Iterator[None]:
    """The process keeps the subscription of the command that ran last, whichever test that was in."""
    credentials.work_in(None)
    yield
    credentials.work_in(None)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[tuple[Any, ...], dict[str, Any]]]:
    """What azure-identity was asked to build, with what, instead of building it."""
    asked: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}

    def stand_in(name: str) -> Any:
        def build_(*args: Any, **kwargs: Any) -> str:
            asked[name] = (args, kwargs)
            return name

        return build_

    for name in dir(identity):
        if name.endswith("Credential"):
            monkeypatch.setattr(identity, name, stand_in(name))
    return asked


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({"ARM_USE_DEFAULT_AZURE_CREDENTIAL": "true", **SECRET}, "DefaultAzureCredential"),
        ({**SECRET, **OIDC, **MSI, "ARM_CLIENT_CERTIFICATE_PATH": "c.pfx"}, "CertificateCredential"),
        ({**SECRET, **OIDC, **MSI}, "ClientSecretCredential"),
        ({**OIDC, **MSI}, "ClientAssertionCredential"),
        ({**PRINCIPAL, **MSI}, "ManagedIdentityCredential"),
    ],
)
def test_the_order_is_azure_natives(made: dict[str, Any], environment: dict[str, str], kind: str) -> None:
    assert build(environment) == kind


@pytest.mark.parametrize(
    "environment",
    [
        PRINCIPAL,
        {"AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s", "AZURE_TENANT_ID": "t"},
        {"ARM_USE_OIDC": "1", "ARM_USE_MSI": "True"},
    ],
)
def test_az_login_is_asked_before_the_azure_variables(made: dict[str, Any], environment: dict[str, str]) -> None:
    """As azure-native does; the other way round, hooks would act as somebody else than Pulumi."""
    chosen = build(environment)
    assert isinstance(chosen, FirstSignedIn)
    assert chosen._ways == ("AzureCliCredential", "DefaultAzureCredential")
    assert made["AzureCliCredential"][1]["process_timeout"] == 60
    assert made["DefaultAzureCredential"][1]["process_timeout"] == 60


def test_what_is_configured_is_handed_on(made: dict[str, Any]) -> None:
    build(SECRET)
    assert made["ClientSecretCredential"] == (("tenant", "client", "secret"), {})
    build({**PRINCIPAL, **MSI})
    assert made["ManagedIdentityCredential"] == ((), {"client_id": "client"})
    build({**PRINCIPAL, "ARM_CLIENT_CERTIFICATE_PATH": "c.pfx", "ARM_CLIENT_CERTIFICATE_PASSWORD": "p"})
    assert made["CertificateCredential"] == (("tenant", "client", "c.pfx"), {"password": "p"})
    build({"ARM_SUBSCRIPTION_ID": "subscription"})
    assert made["AzureCliCredential"][1]["subscription"] == "subscription"


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"ARM_CLIENT_SECRET": "s"}, "ARM_CLIENT_SECRET is set, but not ARM_TENANT_ID and ARM_CLIENT_ID"),
        ({"ARM_CLIENT_SECRET": "s", "ARM_TENANT_ID": "t"}, "but not ARM_CLIENT_ID"),
        ({"ARM_CLIENT_CERTIFICATE_PATH": "c", "ARM_CLIENT_ID": "c"}, "but not ARM_TENANT_ID"),
        ({"ARM_USE_OIDC": "true"}, "ARM_USE_OIDC is set, but not"),
        ({**PRINCIPAL, "ARM_USE_OIDC": "true"}, "there is no token"),
        ({**PRINCIPAL, "ARM_USE_OIDC": "true", "ACTIONS_ID_TOKEN_REQUEST_URL": "https://u"}, "id-token: write"),
        ({**PRINCIPAL, "ARM_CLIENT_CERTIFICATE_PATH": "/no/such.pfx"}, "could not be read"),
    ],
)
def test_half_a_configuration_is_refused(environment: dict[str, str], says: str) -> None:
    with pytest.raises(CredentialError, match="no way to sign in") as raised:
        build(environment)
    assert says in str(raised.value)


def assertion(made: dict[str, Any], environment: dict[str, str]) -> str:
    """The federated token, as Entra's client would ask for it."""
    build({**PRINCIPAL, "ARM_USE_OIDC": "true", **environment})
    (tenant, client, ask), _ = made["ClientAssertionCredential"]
    assert (tenant, client) == ("tenant", "client")
    return str(ask())


def test_the_federated_token_is_given_or_read_each_time(made: dict[str, Any], tmp_path: Path) -> None:
    assert assertion(made, {"ARM_OIDC_TOKEN": "federated"}) == "federated"
    file = tmp_path / "token"
    file.write_text("first\n")
    build({**PRINCIPAL, "ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN_FILE_PATH": str(file)})
    ask = made["ClientAssertionCredential"][0][2]
    assert ask() == "first"
    file.write_text("second\n")  # a runner replaces it before it expires
    assert ask() == "second"
    file.unlink()
    with pytest.raises(CredentialError, match="ARM_OIDC_TOKEN_FILE_PATH"):
        ask()


def test_github_is_asked_for_the_federated_token(made: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def get(url: str, **more: Any) -> Any:
        seen.update(url=url, **more)
        return SimpleNamespace(raise_for_status=lambda: None, json=lambda: {"value": "from github"})

    monkeypatch.setattr(requests, "get", get)
    github = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://github/token?x=1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "bearer"}
    assert assertion(made, github) == "from github"
    assert seen["params"] == {"audience": "api://AzureADTokenExchange"}
    asked = requests.Request("GET", seen["url"], auth=seen["auth"]).prepare()
    assert asked.headers["Authorization"] == "Bearer bearer"
    assert seen["allow_redirects"] is False
    assertion(made, {**github, "ARM_OIDC_AUDIENCE": "ours"})
    assert seen["params"] == {"audience": "ours"}


def test_github_s_refusal_is_one_message_without_the_bearer(
    made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def get(*_: Any, **__: Any) -> Any:
        raise requests.ConnectionError("no route, Bearer abcdef")

    monkeypatch.setattr(requests, "get", get)
    with pytest.raises(CredentialError, match="GitHub gave no OIDC token") as raised:
        assertion(made, {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://u", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "abcdef"})
    assert "abcdef" not in str(raised.value)


def test_the_subscription_is_the_environment_s_or_the_cli_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARM_SUBSCRIPTION_ID", "from-arm")
    assert credentials.subscription_id() == "from-arm"
    monkeypatch.delenv("ARM_SUBSCRIPTION_ID")
    monkeypatch.delenv("AZURE_SUBSCRIPTION_ID", raising=False)
    monkeypatch.setattr(credentials.shutil, "which", lambda name: "/usr/bin/az")

    def az(code: int, said: str) -> Any:
        return lambda command, **_: subprocess.CompletedProcess(command, code, said, "")

    monkeypatch.setattr(credentials.subprocess, "run", az(0, "from-az\n"))
    assert credentials.subscription_id() == "from-az"
    monkeypatch.setattr(credentials.subprocess, "run", az(1, ""))
    with pytest.raises(CredentialError, match="az account show"):
        credentials.subscription_id()
    monkeypatch.setattr(credentials.shutil, "which", lambda name: None)
    with pytest.raises(CredentialError, match="ARM_SUBSCRIPTION_ID"):
        credentials.subscription_id()


def test_a_stack_files_subscription_comes_first_and_decides_whose_tokens_the_cli_gives(
    made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "_environment", {})
    monkeypatch.setenv("ARM_SUBSCRIPTION_ID", "from-arm")
    for name in ("ARM_CLIENT_SECRET", "ARM_USE_OIDC", "ARM_USE_MSI", "ARM_CLIENT_CERTIFICATE_PATH"):
        monkeypatch.delenv(name, raising=False)
    credentials.work_in("from-the-file")
    assert credentials.subscription_id() == "from-the-file"
    mine = credentials.credential()
    assert credentials.credential() is mine
    assert made["AzureCliCredential"][1]["subscription"] == "from-the-file"
    credentials.work_in(None)
    assert credentials.subscription_id() == "from-arm"
    assert credentials.credential() is not mine
    assert made["AzureCliCredential"][1]["subscription"] == "from-arm"
    credentials.credential.cache_clear()


def test_what_azure_native_does_not_read_is_only_for_where_it_would_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARM_SUBSCRIPTION_ID", raising=False)
    monkeypatch.setenv("AZURE_SUBSCRIPTION_ID", "from-azure")
    monkeypatch.setattr(credentials.shutil, "which", lambda name: "/usr/bin/az")
    done = subprocess.CompletedProcess([], 0, "from-az\n", "")
    monkeypatch.setattr(credentials.subprocess, "run", lambda command, **_: done)
    assert credentials.subscription_id() == "from-az"
    monkeypatch.setattr(credentials.shutil, "which", lambda name: None)
    assert credentials.subscription_id() == "from-azure"


@pytest.mark.parametrize(
    ("changed", "waits", "refused"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"FINETUNE_PHI_LOGIN_RENEWED": "true"}, True, False),
        ({"PULUMI_BACKEND_URL": "https://api.pulumi.com"}, True, False),
        ({"ACTIONS_ID_TOKEN_REQUEST_URL": ""}, True, False),
    ],
    ids=["an hour", "not waited for", "renewed", "another backend", "no job of GitHub's"],
)
def test_an_update_that_would_outlive_its_login_is_refused(
    changed: dict[str, str], waits: bool, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    github = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://x.example/", "PULUMI_BACKEND_URL": "azblob://state-dev"}
    monkeypatch.delenv("FINETUNE_PHI_LOGIN_RENEWED", raising=False)
    for name, value in {**github, **changed}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CredentialError, match=r"finetune\.wait to false") if refused else contextlib.nullcontext():
        refuse_short_login(waits)
