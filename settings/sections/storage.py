"""Where the files are."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from settings.fields import Flag, Section, object_ids


class StorageSettings(Section):
    """The storage account of workspace, hub and project."""

    # Premium accounts and hierarchical namespaces cannot be a workspace's default storage.
    sku: Literal[
        "Standard_LRS", "Standard_ZRS", "Standard_GRS", "Standard_RAGRS", "Standard_GZRS", "Standard_RAGZRS"
    ] = "Standard_LRS"
    """Standard_LRS | Standard_ZRS | Standard_GRS | Standard_RAGRS | Standard_GZRS | Standard_RAGZRS"""
    shared_keys: Flag = True
    """whether its keys work; without them every access is by identity and role (preview at Azure)"""
    deployers: Annotated[dict[str, Literal["User", "Group", "ServicePrincipal"]], AfterValidator(object_ids)] = Field(
        default_factory=dict
    )
    """without keys, who runs the program and may write to it: object id → User | Group | ServicePrincipal; empty for
    whoever runs it; GitHub's identity is one without being named
    """
