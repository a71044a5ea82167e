"""User-assigned identities and role assignments."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

from emulator.arm.errors import AzureError
from emulator.arm.paths import ArmPath
from emulator.faults.book import ARM_HOST, Faults
from emulator.faults.rules import ROLE
from emulator.home import CLIENT_OBJECT_ID, TENANT_ID
from emulator.resources.base import Kind
from emulator.store import Resource

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
        if wanted.get("principalType") != "ServicePrincipal" and not self._known(wanted.get("principalId")):
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

    def listed(self, resources: list[Resource], query: Mapping[str, str]) -> list[Resource]:
        wanted = PRINCIPAL_FILTER.search(query.get("$filter", ""))
        return [each for each in resources if wanted is None or each.properties.get("principalId") == wanted[1]]
