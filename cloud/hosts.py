"""Where a token of the caller's may go: to Azure's own hosts, whatever an answer or a pasted id names.

Whoever may write a datastore, a registry or a workspace's tags, or passes an id around, chooses addresses that are
read here. None of them gets a token because of that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest
    from requests import PreparedRequest

ARM_HOST = "management.azure.com"
# The second: a list or an operation may go on at the region's own. The third and the fourth: Azure ML's services, and
# where its registries' discovery leads to (cert-REGION.experiments.azureml.net).
_OURS = (f".{ARM_HOST}", ".api.azureml.ms", ".experiments.azureml.net")
_STORAGE = "core.windows.net"
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}", re.ASCII)

_NAME = r"[\w.()-]+"
_ID = re.compile(
    rf"/subscriptions/[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}/resourceGroups/{_NAME}"
    rf"/providers/Microsoft\.MachineLearningServices/workspaces/{_NAME}/(?P<kind>\w+)/{_NAME}",
    re.IGNORECASE | re.ASCII,
)


def azures_own(url: str) -> bool:
    """Whether a token may go to an address."""
    try:
        there = urlsplit(url)
        port = there.port
    except ValueError:
        return False
    host = (there.hostname or "").lower()
    named = host == ARM_HOST or host.endswith(_OURS)
    # What requests and urllib would read differently names no host that can be trusted.
    plain = re.fullmatch(r"[\w.-]+(?::443)?", there.netloc, re.ASCII) is not None
    return there.scheme == "https" and named and plain and port in (None, 443)


def refuse_others(request: PipelineRequest[Any]) -> None:
    """Raises AzureError for a request that would carry a token elsewhere: a next page, a poll, a service's address."""
    from azure.core.exceptions import AzureError

    url = str(request.http_request.url)
    if not azures_own(url):
        there = urlsplit(url).netloc or url
        raise AzureError(f"an answer of Azure's leads to another host, {there}, which gets no token of yours")


def is_id(resource_id: str, kind: str) -> bool:
    """Whether a text from outside is the id of a workspace's or project's ``connections``, ``onlineEndpoints``, ..."""
    found = _ID.fullmatch(resource_id)
    return found is not None and found["kind"].lower() == kind.lower() and ".." not in resource_id


def storage(datastore: Mapping[str, Any], service: str) -> str:
    """The address of the account that a datastore names. Raises AzureError for one that is no storage of Azure's."""
    from azure.core.exceptions import AzureError

    account, ending = str(datastore.get("accountName")), str(datastore.get("endpoint") or _STORAGE)
    if _ACCOUNT.fullmatch(account) is None or ending != _STORAGE:
        raise AzureError(
            f"a datastore leads to another host, {account}.{service}.{ending}, which gets no token of yours"
        )
    return f"https://{account}.{service}.{ending}"


def is_blobs(url: str) -> bool:
    """Whether an address with a signature of its own leads to blob storage of Azure's."""
    there = urlsplit(url)
    account, _, ending = (there.hostname or "").partition(".")
    return there.scheme == "https" and _ACCOUNT.fullmatch(account) is not None and ending == f"blob.{_STORAGE}"


def bearer(token: str) -> Callable[[PreparedRequest], PreparedRequest]:
    """A token for `requests`: given as ``auth``, as a header would be replaced by what a .netrc holds."""

    def carry(request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    return carry
