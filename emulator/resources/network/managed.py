"""The managed network of a workspace: made once, with private endpoints to what the workspace stands on."""

from __future__ import annotations

from emulator.access.rbac import Rbac
from emulator.arm.errors import AzureError
from emulator.machine.store import Resource, Store
from emulator.resources.network.closed import is_closed

APPROVAL = "privateEndpointConnectionsApproval/action"
NEEDED = ("storageAccount", "keyVault", "containerRegistry")


def provision(store: Store, workspace: Resource) -> None:
    """Make it, if the workspace may approve the endpoints in it.

    Raises:
        AzureError: there is none to make, or the workspace's identity lacks the role.
    """
    mode = (workspace.properties.get("managedNetwork") or {}).get("isolationMode", "Disabled")
    if mode == "Disabled":
        raise AzureError(400, "BadRequest", f"Workspace {workspace.name} has no managed network to provision.")
    led = []
    principal = str((workspace.body.get("identity") or {}).get("principalId", ""))
    for of in NEEDED:
        target = store.get(str(workspace.properties.get(of) or ""))
        # What answers to everybody gets an endpoint only in the mode that lets out to nothing else.
        if target is None or not (is_closed(target) or mode == "AllowOnlyApprovedOutbound"):
            continue
        if not Rbac(store).allowed(principal, f"{target.type}/{APPROVAL}", target.id, data=False):
            raise AzureError(
                403,
                "AuthorizationFailed",
                f"The client '{principal}' with object id '{principal}' does not have authorization to perform action "
                f"'{target.type}/{APPROVAL}' over scope '{target.id}' or the scope is invalid. If access was recently "
                "granted, please refresh your credentials.",
            )
        led.append(target.id.lower())
    workspace.internal["provisioned"] = True
    workspace.internal["led"] = led
    store.put(workspace)
