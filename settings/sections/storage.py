"""Where the files are."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from settings.fields import GUID, Flag, Section
from settings.problems import refuse


class StorageSettings(Section):
    """The storage account of workspace, hub and project."""

    # Premium accounts and hierarchical namespaces cannot be a workspace's default storage.
    sku: Literal[
        "Standard_LRS", "Standard_ZRS", "Standard_GRS", "Standard_RAGRS", "Standard_GZRS", "Standard_RAGZRS"
    ] = "Standard_LRS"
    """Standard_LRS | Standard_ZRS | Standard_GRS | Standard_RAGRS | Standard_GZRS | Standard_RAGZRS"""
    shared_keys: Flag = True
    """whether its keys work; without them every access is by identity and role (preview at Azure)"""
    deployers: dict[str, Literal["User", "Group", "ServicePrincipal"]] = Field(default_factory=dict)
    """without keys, who runs the program and may write to it: object id → User | Group | ServicePrincipal; empty for
    whoever runs it; GitHub's identity is one without being named
    """

    @field_validator("deployers")
    @classmethod
    def _object_ids(cls, deployers: dict[str, str]) -> dict[str, str]:
        for id_, kind in deployers.items():
            if not re.fullmatch(GUID, id_):
                rule = "must be an object id of Entra ID in lower case"
                remedy = "az ad signed-in-user show --query id prints yours, az ad group show --group <name> a group's"
                raise refuse(rule, remedy, at=id_, value=kind)
        return deployers
