"""Whether a storage account that is closed to the internet answers this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud.errors import first_line
from cloud.services.blobs import of_datastore
from cloud.target import Target

if TYPE_CHECKING:
    from cloud.arm import Arm

STORE = "workspaceblobstore"
OUTSIDE = "AuthorizationFailure"
"""Storage's code for who comes from where it does not answer; who has no role gets AuthorizationPermissionMismatch."""


def outside(arm: Arm, target: Target) -> str:
    """Why the workspace's storage does not answer this machine; empty where it does, with whatever answer.

    A name that resolves proves nothing, and one that does not neither: there are proxies. So a container is asked for.
    Raises what azure-core raises for another reason.
    """
    from azure.core.exceptions import HttpResponseError, ServiceRequestError
    from azure.storage.blob import ContainerClient

    url, name, access = of_datastore(arm, target, STORE)
    try:
        with ContainerClient(url, name, credential=access, retry_total=0) as container:
            container.get_container_properties()
    except HttpResponseError as error:
        code = getattr(error, "error_code", None)
        return f"{url} refuses whoever does not come by a private endpoint ({OUTSIDE})" if code == OUTSIDE else ""
    except ServiceRequestError as error:
        return f"{url} cannot be reached from here: {first_line(str(error))}"
    return ""


def advice(subnet: str) -> str:
    """What to do about a machine that is outside."""
    network = subnet.rpartition("/subnets/")[0].rpartition("/")[2]
    return (
        f"run it on a machine that is in the virtual network {network}, or in one that is peered or connected with it, "
        "and that resolves names by its private DNS zones: a self-hosted runner, a jump host (docs/network.md)"
    )
