"""User-assigned identities, whom they trust, and role assignments."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

from emulator.arm.errors import AzureError
from emulator.arm.paths import ArmPath
from emulator.cloud.parts import Cloud
from emulator.faults.book import ARM_HOST, Faults
from emulator.faults.rules import ROLE
from emulator.machine.home import CLIENT_OBJECT_ID, TENANT_ID
from emulator.machine.store import Resource
from emulator.resources.base import Kind, OneWriter

CREDENTIAL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,119}")
CREDENTIALS_MOST = 20
WRITE_SECONDS = 0.1
"""How long writing a federated credential takes, during which its identity refuses another write."""
PRINCIPAL_FILTER = re.compile(r"(?:principalId eq|assignedTo\()\s*'([^']+)'")


class UserAssignedIdentity(Kind):
    """A managed identity with a principal of its own."""

    type = "Microsoft.ManagedIdentity/userAssignedIdentities"

    def fill(self, resource: Resource, old: Resource | None) -> None:
        before = old.properties if old else {}
        resource.properties.update(
            {
                "principalId": before.get("principalId") or str(uuid.uuid4()),
                "clientId": before.get("clientId") or str(uuid.uuid4()),
                "tenantId": TENANT_ID,
            }
        )


class FederatedIdentityCredential(Kind):
    """Whose tokens, of another issuer, are good for one of the identity. An identity writes one at a time.

    The rules are those of Microsoft's "Important considerations and restrictions for federated identity credentials".
    """

    type = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self._writer = OneWriter(WRITE_SECONDS)

    def missing(self, path: ArmPath) -> AzureError:
        # No code of those that azure-native takes for "gone".
        return AzureError(
            404,
            "FederatedIdentityCredentialNotFound",
            f"The Federated Identity Credential '{path.name}' was not found.",
        )

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        if CREDENTIAL_NAME.fullmatch(path.name) is None:
            raise AzureError(400, "BadRequest", f"Federated Identity Credential name '{path.name}' is invalid.")
        wanted = body.get("properties") or {}
        if not wanted.get("issuer") or not wanted.get("subject"):
            raise AzureError(400, "BadRequest", "Federated Identity Credential from HTTP body has empty properties")
        if len(wanted.get("audiences") or ()) != 1:
            raise AzureError(400, "BadRequest", "Federated identity credentials must have exactly one audience.")
        others = [
            each for each in self.cloud.store.below(path.parent_id, self.type) if each.id != getattr(old, "id", "")
        ]
        if any(all(each.properties[key] == wanted[key] for key in ("issuer", "subject")) for each in others):
            raise AzureError(
                409, "Conflict", "Issuer and subject combination already exists for this Managed Identity."
            )
        if old is None and len(others) >= CREDENTIALS_MOST:
            raise AzureError(
                400,
                "BadRequest",
                f"Too many Federated Identity Credentials: the managed identity '{path.parent_id}' has "
                f"{CREDENTIALS_MOST}, which is the most there may be.",
            )
        self._admit_write(path.parent_id)

    def admit_delete(self, resource: Resource, query: Mapping[str, str]) -> None:
        self._admit_write(resource.id.rsplit("/", 2)[0])

    def _admit_write(self, identity: str) -> None:
        if not self._writer.free(identity):
            raise AzureError(
                409,
                "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
                "Too many Federated Identity Credentials are written concurrently for the managed identity "
                f"'{identity}'. Concurrent Federated Identity Credentials writes under the same managed identity are "
                "not supported.",
            )

    def apply(self, resource: Resource) -> None:
        del resource
        self._writer.finish()

    def remove(self, resource: Resource) -> None:
        self.apply(resource)


class RoleAssignment(Kind):
    """One role of one principal on one scope."""

    type = "Microsoft.Authorization/roleAssignments"

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        try:
            uuid.UUID(path.name)
        except ValueError as error:
            raise AzureError(
                400,
                "InvalidRoleAssignmentId",
                f"The role assignment ID '{path.name}' is not valid. The role assignment ID must be a GUID.",
            ) from error
        wanted = body.get("properties", {})
        if old is not None:
            if any(old.properties.get(key) != wanted.get(key) for key in ("principalId", "roleDefinitionId")):
                raise AzureError(
                    400,
                    "RoleAssignmentUpdateNotPermitted",
                    "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
                )
            return
        self._unique(path, wanted)
        self._unused(path)
        if not wanted.get("principalType") and not self._known(wanted.get("principalId")):
            raise AzureError(
                400,
                "PrincipalNotFound",
                f"Principal {wanted.get('principalId')} does not exist in the directory {TENANT_ID}. Check that you "
                "have the correct principal ID. If you are creating this principal and then immediately assigning a "
                "role, this error might be related to a replication delay. In this case, set the role assignment "
                "principalType property to a value, such as ServicePrincipal, User, or Group.",
            )

    def _unique(self, path: ArmPath, wanted: dict[str, Any]) -> None:
        for other in self.cloud.store.of_type(self.type):
            same = all(
                str(other.properties.get(key, "")).lower() == str(wanted.get(key, "")).lower()
                for key in ("principalId", "roleDefinitionId")
            )
            if same and other.properties["scope"].lower() == path.parent_id.lower():
                raise AzureError(
                    409,
                    "RoleAssignmentExists",
                    "The role assignment already exists. The ID of the existing role assignment is "
                    f"{other.name.replace('-', '')}.",
                )

    def _unused(self, path: ArmPath) -> None:
        """An assignment's name is unique in the tenant, even if its scope is narrower (Azure docs, RBAC with Bicep)."""
        names = {other.name.lower() for other in self.cloud.store.of_type(self.type)}
        if path.name.lower() in names:
            raise AzureError(
                400,
                "RoleAssignmentUpdateNotPermitted",
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
            )

    def _known(self, principal: str | None) -> bool:
        # A principal that was only just made has not reached the directory's replicas.
        return principal == CLIENT_OBJECT_ID

    def fill(self, resource: Resource, old: Resource | None) -> None:
        resource.properties["scope"] = resource.id[: resource.id.lower().rindex("/providers/")]
        resource.properties.setdefault("principalType", "User")
        resource.internal.setdefault("since", time.time())
        late = Faults(self.cloud.store).hit(ROLE, "PUT", ARM_HOST, resource.id) if old is None else None
        if late is not None:
            resource.internal["late"] = f"reads:{late.reads}" if late.reads else str(late.seconds)

    def collection(self, parent: str, members: list[Resource], query: Mapping[str, str]) -> dict[str, Any]:
        """Of one principal, those at, above and below the scope: Microsoft's "Role Assignments - List For Scope"."""
        wanted = PRINCIPAL_FILTER.search(query.get("$filter", ""))
        if wanted:
            here = f"{parent.rstrip('/').lower()}/"
            theirs = [
                each for each in self.cloud.store.of_type(self.type) if each.properties.get("principalId") == wanted[1]
            ]
            members = [each for each in theirs if _on_one_line(here, f"{each.properties['scope'].lower()}/")]
        return super().collection(parent, members, query)


def _on_one_line(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
