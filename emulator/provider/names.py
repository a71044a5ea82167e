"""The names the provider makes up for resources that are given none."""

from __future__ import annotations

import hashlib
import secrets
import uuid

from .rows import ResourceType


def made_up_name(row: ResourceType, resource_name: str, seed: bytes) -> tuple[str, bool]:
    """The name for a resource declared as ``resource_name``, and whether it is random.

    Top-level resources get eight random hexadecimal digits behind their declared name, role
    assignments a random GUID, and resources inside another one their declared name. The same
    seed gives the same name.
    """
    digits = hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex(32)
    if row.name_parameter == "roleAssignmentName":
        return str(uuid.UUID(hex=digits[:32], version=4)), True
    if row.is_child:
        return resource_name, False
    return resource_name + digits[:8], True
