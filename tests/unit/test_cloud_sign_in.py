"""Who asks Azure: what each way to sign in is made of, and every message where one cannot be."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from azure import identity
from azure.core.credentials import AccessTokenInfo

from cloud import credentials
from cloud.credentials import CredentialError, build, refuse_short_login
from cloud.tokens import CachedCredential, FirstSignedIn

PRINCIPAL = {"ARM_TENANT_ID": "tenant", "ARM_CLIENT_ID": "client"}
NO_WAY = "there is no way to sign in to Azure: "


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What azure-identity was asked to build."""
    asked: list[Any] = []
    for name in dir(identity):
        if name.endswith("Credential"):
            monkeypatch.setattr(
                identity, name, lambda *args, name=name, **more: asked.append((name, args, more)) or name
            )
    return asked


def test_each_way_is_made_of_what_the_environment_says(made: list[Any]) -> None:
    build({"ARM_USE_DEFAULT_AZURE_CREDENTIAL": "true"})
    build({**PRINCIPAL, "ARM_CLIENT_CERTIFICATE_PATH": "c.pem", "ARM_CLIENT_CERTIFICATE_PASSWORD": ""})
    build({**PRINCIPAL, "ARM_CLIENT_SECRET": "s"})
    build({"ARM_USE_MSI": "true"})
    found = build({"ARM_SUBSCRIPTION_ID": "sub"})
    assert isinstance(found, FirstSignedIn) and found._ways == ("AzureCliCredential", "DefaultAzureCredential")
    build({})
    browser = {"exclude_interactive_browser_credential": True, "process_timeout": 60}
    rest = ("DefaultAzureCredential", (), {**browser, "exclude_cli_credential": True})
    assert made == [
        ("DefaultAzureCredential", (), browser),
        ("CertificateCredential", ("tenant", "client", "c.pem"), {"password": None}),
        ("ClientSecretCredential", ("tenant", "client", "s"), {}),
        ("ManagedIdentityCredential", (), {"client_id": None}),
        ("AzureCliCredential", (), {"subscription": "sub", "process_timeout": 60}),
        rest,
        ("AzureCliCredential", (), {"subscription": None, "process_timeout": 60}),
        rest,
    ]


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        (
            {"ARM_CLIENT_SECRET": "s"},
            "ARM_CLIENT_SECRET is set, but not ARM_TENANT_ID and ARM_CLIENT_ID. Set ARM_TENANT_ID and ARM_CLIENT_ID, "
            "or unset ARM_CLIENT_SECRET and use `az login`.",
        ),
        (
            {"ARM_CLIENT_CERTIFICATE_PATH": "c", "ARM_TENANT_ID": "t"},
            "ARM_CLIENT_CERTIFICATE_PATH is set, but not ARM_CLIENT_ID. Set ARM_CLIENT_ID, or unset "
            "ARM_CLIENT_CERTIFICATE_PATH and use `az login`.",
        ),
        (
            {"ARM_USE_OIDC": "true", "ARM_CLIENT_ID": "c"},
            "ARM_USE_OIDC is set, but not ARM_TENANT_ID. Set ARM_TENANT_ID, or unset ARM_USE_OIDC and use `az login`.",
        ),
        (
            {**PRINCIPAL, "ARM_USE_OIDC": "true", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"},
            "ARM_USE_OIDC is true, but there is no token. Set ARM_OIDC_TOKEN or ARM_OIDC_TOKEN_FILE_PATH; a job in "
            "GitHub Actions needs `permissions: id-token: write`.",
        ),
    ],
)
def test_half_a_configuration(environment: dict[str, str], told: str) -> None:
    with pytest.raises(CredentialError) as raised:
        build(environment)
    assert str(raised.value) == NO_WAY + told


def test_a_certificate_that_cannot_be_read() -> None:
    with pytest.raises(CredentialError) as raised:
        build({**PRINCIPAL, "ARM_CLIENT_CERTIFICATE_PATH": "/no/such.pem"})
    assert str(raised.value) == (
        f"{NO_WAY}the certificate of ARM_CLIENT_CERTIFICATE_PATH, /no/such.pem, could not be read: [Errno 2] No such "
        "file or directory: '/no/such.pem'. Give the path of a PEM or PFX file that holds certificate and key."
    )


def asking(made: list[Any], **environment: str) -> Any:
    build({**PRINCIPAL, "ARM_USE_OIDC": "true", **environment})
    _, (_, _, ask), _ = made[-1]
    return ask


def test_a_token_in_a_file(made: list[Any], tmp_path: Path) -> None:
    ask = asking(made, ARM_OIDC_TOKEN_FILE_PATH=str(tmp_path / "t"))
    with pytest.raises(CredentialError) as raised:
        ask()
    told = str(raised.value)
    assert told.startswith(
        f"{NO_WAY}the token of ARM_OIDC_TOKEN_FILE_PATH, {tmp_path / 't'}, could not be read: [Errno 2]"
    )
    assert told.endswith(". Give the path of a file that holds the token.")
    (tmp_path / "t").write_text(" token\n")
    assert ask() == "token"
    (tmp_path / "t").write_bytes(b"\xff")
    with pytest.raises(CredentialError, match="could not be read"):
        ask()


def test_a_token_of_githubs(made: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def get(url: str, **how: Any) -> Any:
        asked.append((url, {key: value for key, value in how.items() if key != "auth"}))
        return SimpleNamespace(raise_for_status=lambda: None, json=lambda: answers[-1])

    monkeypatch.setattr(requests, "get", get)
    answers: list[Any] = [{"value": 7}]
    given = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://gh/t", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "b"}
    ask = asking(made, **given)
    assert ask() == "7"
    how = {"headers": {"Accept": "application/json"}, "timeout": 30, "allow_redirects": False}
    assert asked == [("https://gh/t", {"params": {"audience": "api://AzureADTokenExchange"}, **how})]
    todo = "Check the job's `permissions: id-token: write`, then run it again."
    for answer, why in (({}, "KeyError: 'value'"), (3, "TypeError: 'int' object is not subscriptable")):
        answers.append(answer)
        with pytest.raises(CredentialError) as raised:
            ask()
        assert str(raised.value) == f"{NO_WAY}GitHub gave no OIDC token ({why}). {todo}"
    with pytest.raises(CredentialError) as raised:
        asking(made, **{**given, "ACTIONS_ID_TOKEN_REQUEST_URL": "http://gh"})()
    told = "GitHub gave no OIDC token (its address does not begin with https://)"
    assert str(raised.value) == f"{NO_WAY}{told}. {todo}"


CHOOSE = "Set ARM_SUBSCRIPTION_ID, or choose one with `az account set --subscription ...`."


@pytest.mark.parametrize(
    ("az", "answer", "told"),
    [
        (None, None, "no subscription is chosen, and the Azure CLI is not installed"),
        ("/az", subprocess.TimeoutExpired("az", 30), "`az account show` gave no answer within 30 s"),
        ("/az", (1, "sub"), "no subscription is chosen, and `az account show` names none"),
        ("/az", (0, " \n"), "no subscription is chosen, and `az account show` names none"),
        ("/az", (0, " sub\n"), ""),
    ],
)
def test_the_subscription_of_the_azure_cli(az: Any, answer: Any, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARM_SUBSCRIPTION_ID", "AZURE_SUBSCRIPTION_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(credentials, "_environment", {})
    monkeypatch.setattr(credentials.shutil, "which", lambda name: name == "az" and az)
    asked: list[Any] = []

    def run(command: list[str], **how: Any) -> Any:
        asked.append((command, how))
        if isinstance(answer, Exception):
            raise answer
        return subprocess.CompletedProcess(command, answer[0], answer[1], "")

    monkeypatch.setattr(credentials.subprocess, "run", run)
    if told:
        with pytest.raises(CredentialError) as raised:
            credentials.subscription_id()
        assert str(raised.value) == f"{NO_WAY}{told}. {CHOOSE}"
    else:
        assert credentials.subscription_id() == "sub"
    command = ["/az", "account", "show", "--query", "id", "--output", "tsv"]
    how = {"capture_output": True, "text": True, "timeout": 30, "check": False}
    assert asked == ([(command, how)] if az else [])


def test_a_login_that_would_end_too_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "https://gh/t")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "azblob://state")
    monkeypatch.delenv("FINETUNE_PHI_LOGIN_RENEWED", raising=False)
    with pytest.raises(CredentialError) as raised:
        refuse_short_login(True)
    assert str(raised.value) == (
        f"{NO_WAY}the login of a job of GitHub's lasts an hour, and Pulumi's state in a storage account is written "
        "with it: an update that waits for a fine-tune would lose its state. Run .github/scripts/up, which renews the "
        "login, or set finetune.wait to false."
    )


def test_a_token_is_asked_for_with_what_azure_says_of_it() -> None:
    asked: list[Any] = []

    class Way:
        def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
            asked.append((scopes, options))
            return AccessTokenInfo(f"t{len(asked)}", 2**40)

    kept = CachedCredential(Way())
    assert kept.get_token("s", claims="c", tenant_id="t", enable_cae=True, more=1).token == "t1"
    assert kept.get_token("s", tenant_id="t", enable_cae=True).token == "t1"
    assert kept.get_token("s", tenant_id="u", enable_cae=True).token == "t2"
    assert kept.get_token("s").token == "t3"
    assert kept.get_token("s", claims="c").token == "t4" and kept.get_token("s").token == "t4"
    assert asked == [
        (("s",), {"enable_cae": True, "claims": "c", "tenant_id": "t"}),
        (("s",), {"enable_cae": True, "tenant_id": "u"}),
        (("s",), {"enable_cae": False}),
        (("s",), {"enable_cae": False, "claims": "c"}),
    ]
