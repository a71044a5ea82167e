"""Removes for good what Azure keeps soft-deleted after a destroy, so that its names are free again.

Called by the resource that is deleted last. Only plain ARM calls: this must work without the program, and
without the seconds azure-ai-ml takes to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jobs import client as azure
from jobs.errors import azure_errors, refusal

if TYPE_CHECKING:
    from azure.mgmt.core import ARMPipelineClient

_ARM = "https://management.azure.com"
_SCOPE = f"{_ARM}/.default"
KINDS = ("workspaces", "accounts", "vaults")
"""What can be purged, in the order it is done: a workspace still refers to its vault."""


def purge(subscription_id: str, location: str, resource_group: str, names: dict[str, list[str]]) -> list[str]:
    """Purges the soft-deleted resources in ``names``: kind ("vaults", "workspaces", "accounts") to names.

    What is not soft-deleted is fine, and so is what Azure lets nobody purge. Returns a line for each name that
    says what happened. Raises ValueError for an unknown kind, StageError for a purge that failed.
    """
    if unknown := set(names) - set(KINDS):
        raise ValueError(f"can purge {', '.join(KINDS)}, not {', '.join(sorted(unknown))}")
    client = _client()
    return [
        _purge(client, kind, name, _request(kind, subscription_id, location, resource_group, name))
        for kind in KINDS
        for name in names.get(kind, ())
    ]


def _request(kind: str, subscription: str, location: str, group: str, name: str) -> tuple[str, str]:
    """Method and URL, with the API version that documents it."""
    providers = f"{_ARM}/subscriptions/{quote(subscription)}/providers"
    name, group, location = quote(name), quote(group), quote(location)
    if kind == "vaults":
        path = f"Microsoft.KeyVault/locations/{location}/deletedVaults/{name}/purge?api-version=2024-11-01"
        return "POST", f"{providers}/{path}"
    if kind == "accounts":
        path = (
            f"Microsoft.CognitiveServices/locations/{location}/resourceGroups/{group}"
            f"/deletedAccounts/{name}?api-version=2025-06-01"
        )
        return "DELETE", f"{providers}/{path}"
    return "DELETE", (
        f"{_ARM}/subscriptions/{quote(subscription)}/resourceGroups/{group}/providers"
        f"/Microsoft.MachineLearningServices/workspaces/{name}?api-version=2025-12-01&forceToPurge=true"
    )


def _purge(client: ARMPipelineClient[Any, Any], kind: str, name: str, request: tuple[str, str]) -> str:
    from azure.core.exceptions import HttpResponseError

    on = f"{kind.removesuffix('s')} {name}"
    with azure_errors("what was deleted could not be purged, its name stays taken for days", on):
        try:
            _run(client, *request)
        except HttpResponseError as error:
            code, why = refusal(error)
            if error.status_code == 404:
                return f"{on}: nothing to purge"
            if error.status_code == 405 or "purge protection" in why.lower():
                return f"{on}: stays soft-deleted until its retention ends, it may not be purged ({code}: {why})"
            raise
    return f"{on}: purged"


def _client() -> ARMPipelineClient[Any, Any]:
    from azure.core.pipeline import policies
    from azure.mgmt.core import ARMPipelineClient
    from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

    # azure-core's own retries; deletes are throttled (429) when a whole stack goes at once.
    return ARMPipelineClient(
        _ARM,
        policies=[
            policies.RequestIdPolicy(),
            policies.HeadersPolicy(),
            policies.UserAgentPolicy("finetune-phi"),
            policies.RetryPolicy(**azure.RETRIES),
            ARMChallengeAuthenticationPolicy(azure.credential(), _SCOPE),
        ],
    )


def _run(client: ARMPipelineClient[Any, Any], method: str, url: str) -> None:
    """Sends one request and follows the operation it starts to its end."""
    from azure.core.exceptions import HttpResponseError
    from azure.core.polling import LROPoller
    from azure.core.rest import HttpRequest
    from azure.mgmt.core.exceptions import ARMErrorFormat
    from azure.mgmt.core.polling.arm_polling import ARMPolling

    first: Any = client.send_request(HttpRequest(method, url), _return_pipeline_response=True)
    response = first.http_response
    if response.status_code not in (200, 201, 202, 204):
        raise HttpResponseError(response=response, error_format=ARMErrorFormat)
    if response.status_code == 202:
        LROPoller(client, first, lambda _: None, ARMPolling(azure.POLLING_SECONDS)).result()
