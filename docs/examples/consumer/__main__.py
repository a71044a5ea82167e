"""Lets a team read a workspace and its logs, whatever finetune-phi calls them."""

from __future__ import annotations

import uuid

import pulumi
from pulumi_azure_native import authorization

UNDERSTOOD = 1
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"

config = pulumi.Config()
readers = config.require("readers")
phi = pulumi.StackReference(config.require("stack"))


def understood(version: float) -> int:
    """Raises where the outputs may mean something else than this program was written for."""
    if int(version) != UNDERSTOOD:
        raise ValueError(f"finetune-phi has version {version:g} of its outputs, this program knows {UNDERSTOOD}")
    return int(version)


pulumi.export("contractVersion", phi.require_output("contractVersion").apply(understood))
subscription = phi.require_output("subscriptionId")
for what in ("workspaceId", "logsId"):
    authorization.RoleAssignment(
        f"readers-of-{what}",
        role_assignment_name=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{readers}/{what}")),
        scope=phi.require_output(what),
        role_definition_id=pulumi.Output.concat(
            "/subscriptions/", subscription, f"/providers/Microsoft.Authorization/roleDefinitions/{READER}"
        ),
        principal_id=readers,
        principal_type=authorization.PrincipalType.GROUP,
    )
