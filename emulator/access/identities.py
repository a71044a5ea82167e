"""What the managed identities behind deployments and clusters need before Azure ML can work for them.

An endpoint's system-assigned identity is given its three roles by Azure ML; a user-assigned one has what it was
given. Contributor on a registry includes pulling, and on a workspace writing metrics, as on Azure, but no role without
data actions reads blobs.
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.access.rbac import ACR, BLOBS, ML, Rbac
from emulator.arm.errors import MachineLearningError
from emulator.machine.store import Resource, Store


@dataclass(frozen=True)
class Need:
    """One permission.

    Attributes:
        action: what has to be allowed; a data action where ``data``.
        on: property of the workspace that names the resource, or empty for the workspace itself.
        role: the role that usually grants it.
        message: the refusal; may name ``{identity}``, ``{resource}`` and ``{role}``.
    """

    action: str
    data: bool
    on: str
    role: str
    message: str


PULL_MESSAGE = (
    "Endpoint identity does not have pull permission on the registry. If the endpoint is created with User Assigned "
    "Identity {identity}, then User should grant pull permissions ({role}) on {resource} to it."
)
JOB_PULL_MESSAGE = (
    "AzureMLCompute job failed. AggregatedUnauthorizedAccessError: Failed to pull Docker image of {resource}. This "
    "error may occur because the compute could not authenticate with the Docker registry to pull the image. If using "
    "ACR please ensure the ACR has Admin user enabled or a Managed Identity with `{role}` access to the ACR is "
    "assigned to the compute."
)
LACKS = "The identity {identity} does not have the role {role} on {resource}, which it needs to {purpose}."


def _lacks(purpose: str) -> str:
    return LACKS.replace("{purpose}", purpose)


PULL = Need(f"{ACR}/pull/read", False, "containerRegistry", "AcrPull", PULL_MESSAGE)
DEPLOYMENT = (
    PULL,
    Need(
        f"{BLOBS}/blobs/read", True, "storageAccount", "Storage Blob Data Reader", _lacks("read the model and its code")
    ),
    Need(f"{ML}/metrics/online/write", False, "", "AzureML Metrics Writer", _lacks("write the deployment's metrics")),
)
JOB = (
    Need(f"{ML}/experiments/runs/write", False, "", "Contributor", _lacks("write the job's runs")),
    Need(PULL.action, False, PULL.on, PULL.role, JOB_PULL_MESSAGE),
)
JOB_WITHOUT_KEYS = (
    Need(f"{BLOBS}/blobs/read", True, "storageAccount", "Storage Blob Data Reader", _lacks("read the job's data")),
    Need(
        f"{BLOBS}/blobs/write",
        True,
        "storageAccount",
        "Storage Blob Data Contributor",
        _lacks("store the job's output"),
    ),
)


def check_deployment(store: Store, endpoint: Resource, workspace: Resource) -> None:
    """Refuse to deploy for a user-assigned identity that lacks a role.

    Raises:
        AzureError: BadArgument, which fails the operation.
    """
    _check(store, user_assigned(endpoint), DEPLOYMENT, workspace, "BadArgument")


def check_job(store: Store, cluster: Resource, workspace: Resource) -> None:
    """Refuse to run a job on a cluster whose identity lacks a role. A cluster without one is not checked.

    Raises:
        AzureError: UserError, which fails the job.
    """
    keyless = str(workspace.properties.get("systemDatastoresAuthMode", "")).lower() == "identity"
    needs = JOB + (JOB_WITHOUT_KEYS if keyless else ())
    own = [(cluster.body.get("identity") or {}).get("principalId")]
    principals = [*user_assigned(cluster), *[(cluster.name, str(each)) for each in own if each]]
    _check(store, principals, needs, workspace, "UserError")


def user_assigned(resource: Resource) -> list[tuple[str, str]]:
    """(id, principal) of the user-assigned identities of a resource."""
    given = (resource.body.get("identity") or {}).get("userAssignedIdentities") or {}
    return [(name, str(each.get("principalId"))) for name, each in given.items()]


def _check(
    store: Store, principals: list[tuple[str, str]], needs: tuple[Need, ...], workspace: Resource, code: str
) -> None:
    rbac = Rbac(store)
    for identity, principal in principals:
        for need in needs:
            scope = workspace.properties.get(need.on) if need.on else workspace.id
            if scope is None or (need.on == PULL.on and _admin_user(store, scope)):
                continue  # the workspace has none; or the registry's admin user pulls
            if not rbac.allowed(principal, need.action, scope, data=need.data):
                message = need.message.format(identity=identity, resource=scope, role=need.role)
                raise MachineLearningError(400, code, message)


def _admin_user(store: Store, registry_id: str) -> bool:
    registry = store.get(registry_id)
    return bool(registry and registry.properties.get("adminUserEnabled"))
