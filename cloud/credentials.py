"""Who asks: the one place that builds the credential of hooks, flow and command lines.

azure-native takes the first of these that is configured, and so does this module, so that what Pulumi makes and
what the stages do happens as the same principal (the order is that of its provider/pkg/provider/auth_azidentity.go):

1. ARM_USE_DEFAULT_AZURE_CREDENTIAL=true: azure-identity's own chain, with the AZURE_* variables
2. ARM_CLIENT_CERTIFICATE_PATH (and _PASSWORD) with ARM_CLIENT_ID and ARM_TENANT_ID
3. ARM_CLIENT_SECRET with ARM_CLIENT_ID and ARM_TENANT_ID
4. ARM_USE_OIDC=true with ARM_OIDC_TOKEN, ARM_OIDC_TOKEN_FILE_PATH or GitHub's ACTIONS_ID_TOKEN_REQUEST_*
5. ARM_USE_MSI=true: the machine's managed identity, ARM_CLIENT_ID choosing among several
6. `az login`

Where nobody is signed in with `az login`, azure-native gives up; command lines then still try the AZURE_* variables.
Which it is, is decided once: the first that gives a token is asked for every other (cloud/tokens.py).
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.errors import SIGN_IN, StageError
from cloud.hosts import bearer as carried

if TYPE_CHECKING:
    from cloud.tokens import CachedCredential, Way

ARM_SCOPE = "https://management.azure.com/.default"
_AUDIENCE = "api://AzureADTokenExchange"
"""What Entra expects in a federated token, unless ARM_OIDC_AUDIENCE says otherwise."""
_SECONDS = 30
_AZ_SECONDS = 60
"""azure-identity gives `az` 10: too few for the first call on a slow disk, or behind a proxy."""


class CredentialError(StageError):
    """The environment asks for a way to sign in and lacks a part of it, or nobody is signed in."""

    def __init__(self, why: str, todo: str = SIGN_IN) -> None:
        super().__init__("there is no way to sign in to Azure", on="", why=why, todo=todo)


RENEWED = "FINETUNE_PHI_LOGIN_RENEWED"
"""Variable: something beside this process renews the login of `az`."""


def refuse_short_login(waits: bool) -> None:
    """Raises CredentialError where an update ``waits`` for a fine-tune longer than it can write its state.

    A job of GitHub's signs in with what GitHub vouches for, and `az` cannot renew that; a state in a storage account
    is written by `az`'s login. Everything else asks GitHub itself.
    """
    names = ("ACTIONS_ID_TOKEN_REQUEST_URL", "PULUMI_BACKEND_URL", RENEWED)
    vouched, backend, renewed = (os.environ.get(name, "") for name in names)
    if waits and vouched and backend.startswith("azblob:") and not renewed:
        raise CredentialError(
            "the login of a job of GitHub's lasts an hour, and Pulumi's state in a storage account is written with it: "
            "an update that waits for a fine-tune would lose its state",
            "Run .github/scripts/up, which renews the login, or set finetune.wait to false.",
        )


_environment: dict[str, str] = {}
"""What a stack file says in place of the environment's variables."""


@functools.cache
def credential() -> CachedCredential:
    """The process's credential. Raises CredentialError for half a configuration."""
    from cloud.tokens import CachedCredential

    return CachedCredential(build({**os.environ, **_environment}))


def build(environment: Mapping[str, str]) -> Way:
    """The credential an environment asks for; no request is sent. Raises CredentialError."""
    from azure import identity

    from cloud.tokens import FirstSignedIn

    if _on(environment, "ARM_USE_DEFAULT_AZURE_CREDENTIAL"):
        return identity.DefaultAzureCredential(exclude_interactive_browser_credential=True, process_timeout=_AZ_SECONDS)
    if path := environment.get("ARM_CLIENT_CERTIFICATE_PATH"):
        tenant, client = _principal(environment, "ARM_CLIENT_CERTIFICATE_PATH")
        password = environment.get("ARM_CLIENT_CERTIFICATE_PASSWORD") or None
        try:
            return identity.CertificateCredential(tenant, client, path, password=password)
        except (OSError, ValueError) as error:
            why = f"the certificate of ARM_CLIENT_CERTIFICATE_PATH, {path}, could not be read: {error}"
            raise CredentialError(why, "Give the path of a PEM or PFX file that holds certificate and key.") from error
    if secret := environment.get("ARM_CLIENT_SECRET"):
        return identity.ClientSecretCredential(*_principal(environment, "ARM_CLIENT_SECRET"), secret)
    if _on(environment, "ARM_USE_OIDC"):
        tenant, client = _principal(environment, "ARM_USE_OIDC")
        return identity.ClientAssertionCredential(tenant, client, _assertion(environment))
    if _on(environment, "ARM_USE_MSI"):
        return identity.ManagedIdentityCredential(client_id=environment.get("ARM_CLIENT_ID") or None)
    az = identity.AzureCliCredential(
        subscription=environment.get("ARM_SUBSCRIPTION_ID") or None, process_timeout=_AZ_SECONDS
    )
    rest = identity.DefaultAzureCredential(
        exclude_interactive_browser_credential=True, exclude_cli_credential=True, process_timeout=_AZ_SECONDS
    )
    return FirstSignedIn(az, rest)


def work_in(subscription: str | None) -> None:
    """Makes the one that a stack file names this process's subscription; None leaves it to the environment.

    `az login` may hold several tenants, and the subscription says which is asked: by whoever asks for a credential from
    here on.
    """
    if _environment.get("ARM_SUBSCRIPTION_ID") != subscription:
        credential.cache_clear()
    _environment.clear()
    if subscription:
        _environment["ARM_SUBSCRIPTION_ID"] = subscription


def subscription_id() -> str:
    """Where azure-native would work. Raises CredentialError.

    That is the stack's own, if `work_in` was told one, else ARM_SUBSCRIPTION_ID, else the Azure CLI's; and
    AZURE_SUBSCRIPTION_ID, which azure-native does not read, only where the CLI names none and it would give up.
    """
    if found := _environment.get("ARM_SUBSCRIPTION_ID") or os.environ.get("ARM_SUBSCRIPTION_ID"):
        return found
    try:
        return _of_cli()
    except CredentialError:
        if found := os.environ.get("AZURE_SUBSCRIPTION_ID"):
            return found
        raise


def _of_cli() -> str:
    az = shutil.which("az")
    todo = "Set ARM_SUBSCRIPTION_ID, or choose one with `az account set --subscription ...`."
    if az is None:
        raise CredentialError("no subscription is chosen, and the Azure CLI is not installed", todo)
    command = [az, "account", "show", "--query", "id", "--output", "tsv"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise CredentialError(f"`az account show` gave no answer within {_SECONDS} s", todo) from None
    if done.returncode or not done.stdout.strip():
        raise CredentialError("no subscription is chosen, and `az account show` names none", todo)
    return done.stdout.strip()


def _on(environment: Mapping[str, str], name: str) -> bool:
    return environment.get(name) == "true"  # nothing else switches it on in azure-native


def _principal(environment: Mapping[str, str], method: str) -> tuple[str, str]:
    """Tenant and client."""
    missing = [name for name in ("ARM_TENANT_ID", "ARM_CLIENT_ID") if not environment.get(name)]
    if missing:
        names = " and ".join(missing)
        raise CredentialError(
            f"{method} is set, but not {names}", f"Set {names}, or unset {method} and use `az login`."
        )
    return environment["ARM_TENANT_ID"], environment["ARM_CLIENT_ID"]


def _assertion(environment: Mapping[str, str]) -> Callable[[], str]:
    """What gets the federated token, each time Entra asks for it."""
    if token := environment.get("ARM_OIDC_TOKEN"):
        return lambda: token
    if path := environment.get("ARM_OIDC_TOKEN_FILE_PATH"):
        return lambda: _token_file(path)
    url = environment.get("ACTIONS_ID_TOKEN_REQUEST_URL")
    bearer = environment.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if url and bearer:
        audience = environment.get("ARM_OIDC_AUDIENCE") or _AUDIENCE
        return lambda: _github_token(url, bearer, audience)
    raise CredentialError(
        "ARM_USE_OIDC is true, but there is no token",
        "Set ARM_OIDC_TOKEN or ARM_OIDC_TOKEN_FILE_PATH; a job in GitHub Actions needs `permissions: id-token: write`.",
    )


def _token_file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = f"the token of ARM_OIDC_TOKEN_FILE_PATH, {path}, could not be read: {error}"
        raise CredentialError(why, "Give the path of a file that holds the token.") from error


def _github_token(url: str, bearer: str, audience: str) -> str:
    import requests

    todo = "Check the job's `permissions: id-token: write`, then run it again."
    if not url.startswith("https://"):
        raise CredentialError("GitHub gave no OIDC token (its address does not begin with https://)", todo)
    try:
        answer = requests.get(
            url,
            params={"audience": audience},
            headers={"Accept": "application/json"},
            auth=carried(bearer),
            timeout=_SECONDS,
            allow_redirects=False,
        )
        answer.raise_for_status()
        return str(answer.json()["value"])
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise CredentialError(f"GitHub gave no OIDC token ({type(error).__name__}: {error})", todo) from error
