"""How the endpoint's deployments are asked, read from their tags before the first question.

A convenience: who may not read them, or has no endpoint's id, finds out by asking (chat/phi_client.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from chat.phi_client import CHAT_COMPLETIONS, CONTRACT, ROUTES
from chat.phi_messages import InvalidInput
from cloud.catalogue import ML_VERSION
from cloud.credentials import ARM_SCOPE, CredentialError, credential
from cloud.hosts import ARM_HOST, bearer, is_id
from cloud.target import Target

_SECONDS = 20
NOT_ALIKE = (
    "The base model and the fine-tuned one are served by different programs (Azure's image for chat models, and "
    "MLflow's generic scoring): compare what they say, not how long they take."
)


def endpoint_id(subscription_id: str, resource_group: str, workspace: str, name: str) -> str:
    """The endpoint's id in Azure Resource Manager."""
    return f"{Target(subscription_id, resource_group, workspace).path}/onlineEndpoints/{name}"


def learn(url: str, endpoint: str) -> dict[str, str]:
    """Reads the deployments' contracts and keeps them for whoever asks ``url``; returns them by deployment.

    Raises InvalidInput for what is no endpoint's id.
    """
    if not is_id(endpoint, "onlineEndpoints"):
        example = endpoint_id("...", "...", "WORKSPACE", "NAME")
        raise InvalidInput(f"{endpoint} is not an endpoint's id. One looks like {example}.")
    try:
        token = bearer(credential().get_token(ARM_SCOPE).token)
        path = f"https://{ARM_HOST}{endpoint}"
        found = _get(f"{path}/deployments", token).get("value") or ()
        contracts = {str(each["name"]): str((each.get("tags") or {}).get(CONTRACT) or "") for each in found}
        traffic = (_get(path, token).get("properties") or {}).get("traffic") or {}
        in_service = max(traffic, key=lambda name: traffic[name], default="")
    except (CredentialError, requests.RequestException, ValueError, KeyError, TypeError, AttributeError):
        return {}
    ROUTES.tell(url, contracts, in_service)
    return contracts


def differ(contracts: dict[str, str], tuned: str, base: str) -> bool:
    """Whether the base model is served by another program than the fine-tuned one, as far as both are known."""
    kinds = {contracts.get(tuned, ""), contracts.get(base, "")}
    return "" not in kinds and CHAT_COMPLETIONS in kinds and len(kinds) == 2


def _get(url: str, token: Callable[[requests.PreparedRequest], requests.PreparedRequest]) -> dict[str, Any]:
    answer = requests.get(url, auth=token, params={"api-version": ML_VERSION}, timeout=_SECONDS, allow_redirects=False)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
