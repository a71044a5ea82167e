"""What every resource type shares: a row in the table, with behaviour where Azure has some."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from emulator.arm.errors import AzureError, not_found
from emulator.arm.paths import ArmPath
from emulator.cloud.parts import Cloud
from emulator.machine.home import TENANT_ID
from emulator.machine.store import Resource


class Kind:
    """One resource type.

    A PUT runs ``admit`` (refuse), ``fill`` (read-only outputs) and ``apply`` (work that takes time; in an
    operation where the type is ``asynchronous``). A DELETE runs ``admit_delete`` and ``remove``.
    """

    type: ClassVar[str]
    asynchronous: ClassVar[bool] = False
    soft_deleted: ClassVar[bool] = False
    """A delete keeps the name taken until a purge."""
    leaves_nothing: ClassVar[str] = ""
    """The query parameter with which a DELETE of a live one keeps nothing; of one that is gone, it does nothing."""
    virtual: ClassVar[bool] = False
    """A view of something stored elsewhere, such as a deleted vault; DELETE only calls ``remove``."""
    implicit_parent: ClassVar[bool] = False
    """The parent comes into being with its first child, as a data asset does with its first version."""

    created: ClassVar[int] = 201
    """Status of the answer to a PUT that makes it: the one of Azure's specification, as its clients take no other."""
    replaced: ClassVar[int] = 200
    """The same of one that is there."""
    shown_deleted: ClassVar[bool] = False
    """Whether the answer to a DELETE is what is gone."""
    patchable: ClassVar[tuple[str, ...]] = ("tags", "identity", "sku")
    """Members that a PATCH may have; where ``properties`` is one, they are merged and admitted like a PUT's."""
    long_actions: ClassVar[tuple[str, ...]] = ()
    """POST actions that are operations: done at once here, answered with 202 and something to poll."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def find(self, path: ArmPath) -> Resource | None:
        """The resource a path names, or None."""
        return self.cloud.store.get(path.id)

    def missing(self, path: ArmPath) -> AzureError:
        """What a GET says where nothing is, in a group and below a parent that are there."""
        return not_found(path.type, "/".join(path.names), path.resource_group)

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        """Raise AzureError if Azure would refuse this PUT at once."""

    def fill(self, resource: Resource, old: Resource | None) -> None:
        """Add what Azure computes: ids, URLs, defaults."""

    def apply(self, resource: Resource) -> None:
        """Do the work behind a PUT. Runs again after a kill, so it converges."""

    def admit_delete(self, resource: Resource, query: Mapping[str, str]) -> None:
        """Raise AzureError if Azure would refuse this DELETE."""

    def remove(self, resource: Resource) -> None:
        """Undo what ``apply`` did."""

    def view(self, resource: Resource) -> dict[str, Any]:
        """What a GET returns."""
        return resource.body

    def listed(self, resources: list[Resource], query: Mapping[str, str]) -> list[Resource]:
        """The members of a collection that a query asks for."""
        return resources

    def collection(self, parent: str, members: list[Resource], query: Mapping[str, str]) -> dict[str, Any]:
        """What a GET of the collection below ``parent`` returns."""
        return {"value": [self.view(member) for member in self.listed(members, query)]}

    def everywhere(self) -> list[Resource] | None:
        """What the subscription's own list has, whatever the group; None where it is a scope like any other."""
        return None

    def act(self, resource: Resource, action: str, body: dict[str, Any]) -> Any:
        """Answer ``POST …/{action}``."""
        raise AzureError(404, "NotFound", f"The action '{action}' is not known for '{self.type}'.")


class OneWriter:
    """Parents under which Azure takes one write at a time and refuses a second one meanwhile."""

    def __init__(self, seconds: float) -> None:
        """``seconds`` is how long a write takes."""
        self._seconds = seconds
        self._since: dict[str, float] = {}

    def free(self, parent: str) -> bool:
        """Whether a write may begin, which it then has."""
        at = time.monotonic()
        if at - self._since.get(parent.lower(), -self._seconds) < self._seconds:
            return False
        self._since[parent.lower()] = at
        return True

    def finish(self) -> None:
        """Wait: an answer before the window is over would be followed by a write that looks concurrent and is not."""
        time.sleep(self._seconds)


def fill_identity(cloud: Cloud, resource: Resource, old: Resource | None) -> None:
    """Give a resource the principals its ``identity`` asks for.

    Raises:
        AzureError: a user-assigned identity that does not exist.
    """
    identity = resource.body.get("identity")
    if not identity:
        return
    if "systemassigned" in str(identity.get("type", "")).lower():
        before = (old.body.get("identity") or {}) if old else {}
        identity["principalId"] = before.get("principalId") or str(uuid.uuid4())
        identity["tenantId"] = TENANT_ID
    for identity_id in identity.get("userAssignedIdentities") or {}:
        found = cloud.store.get(identity_id)
        if found is None:
            raise AzureError(
                400,
                "FailedIdentityOperation",
                f"Identity operation for resource '{resource.id}' failed with error 'Failed to perform resource "
                f"identity operation. Status: 'NotFound'. Response: the identity '{identity_id}' was not found.'",
            )
        identity["userAssignedIdentities"][identity_id] = {
            "principalId": found.properties["principalId"],
            "clientId": found.properties["clientId"],
        }
