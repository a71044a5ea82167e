"""The project's connection to the endpoint, read as every front end uses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import requests

from chat import entra
from chat.phi_client import TIMEOUT, timeout_of
from chat.phi_key import CALLER, ENTRA, Key
from chat.phi_messages import ChatError, Unreachable
from cloud.credentials import ARM_SCOPE, CredentialError, credential, work_in
from cloud.errors import SIGN_IN
from cloud.hosts import ARM_HOST, bearer, is_id
from cloud.target import Target

_VERSION = "2024-04-01-preview"
_SECONDS = 60
_ROLE = "Azure Machine Learning Workspace Connection Secrets Reader"


class ConnectionUnreadable(ChatError):
    """The project's connection could not be read."""


@dataclass(frozen=True)
class Connection:
    """Where the endpoint is and what it is asked with, as the tutorial's Custom keys connection holds both.

    Of an endpoint that has no key, it says that tokens of Entra ID open it, and ``key`` gets one of the caller's.

    `timeout` is how many seconds the endpoint lets a request take; a connection made by hand need not say. `system` is
    what the model is told before every conversation, where the stack has set it.
    """

    id: str
    endpoint: str
    key: Key = field(repr=False)
    timeout: float = TIMEOUT
    system: str = ""


def connection_id(subscription_id: str, resource_group: str, project: str, name: str) -> str:
    """The connection's id in Azure Resource Manager."""
    return f"{Target(subscription_id, resource_group, project).path}/connections/{name}"


def read_connection(resource_id: str) -> Connection:
    """The connection of an id, its key included. Raises ConnectionUnreadable, Unreachable."""
    from azure.core.exceptions import ClientAuthenticationError

    if not is_id(resource_id, "connections"):
        example = connection_id("...", "...", "PROJECT", "NAME")
        raise ConnectionUnreadable(f"{resource_id} is not a connection's id. One looks like {example}.")
    parts = resource_id.split("/")
    work_in(parts[2])  # `az login` may hold several tenants: the one that this subscription is in is meant
    where = f"connection {parts[10]} of project {parts[8]}"
    url = f"https://{ARM_HOST}{resource_id}/listsecrets?api-version={_VERSION}"
    try:
        token = bearer(credential().get_token(ARM_SCOPE).token)
        response = requests.post(url, auth=token, timeout=_SECONDS, allow_redirects=False)
    except CredentialError as error:
        raise ConnectionUnreadable(f"Nobody is signed in to read {where}: {error.why}. {error.todo}") from error
    except ClientAuthenticationError as error:
        raise ConnectionUnreadable(f"Nobody is signed in to read {where}. {SIGN_IN}") from error
    except requests.RequestException as error:
        raise Unreachable(f"Azure could not be reached for {where}. Check the network.") from error
    if response.status_code == 403:
        raise ConnectionUnreadable(f"You may not read {where}. Ask for the role {_ROLE} on it.")
    if response.status_code == 404:
        raise ConnectionUnreadable(f"There is no {where}. Run `make up` to make it.")
    if response.status_code != 200:
        raise ConnectionUnreadable(f"The {where} could not be read: Azure answered {response.status_code}. Try again.")
    values = _values(response)
    by_token = values.get("auth") == ENTRA
    if by_token:
        CALLER.token = entra.token
    missing = {"endpoint", *([] if by_token else ["key"])} - {name for name, value in values.items() if value}
    if missing:
        raise ConnectionUnreadable(f"The {where} lacks {', '.join(sorted(missing))}. Run `make up` to write it again.")
    return Connection(
        resource_id,
        values["endpoint"],
        entra.token if by_token else values["key"],
        timeout_of(values.get("request_timeout_seconds")),
        str(values.get("system_prompt") or ""),
    )


def _values(response: requests.Response) -> dict[str, Any]:
    """A Custom keys connection keeps what is no secret in its metadata; the portal's form makes everything a key."""
    try:
        properties = response.json()["properties"]
        keys = (properties.get("credentials") or {}).get("keys") or {}
        return {**(properties.get("metadata") or {}), **keys}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
