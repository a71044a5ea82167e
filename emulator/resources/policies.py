"""Policy definitions of a subscription's own, and assignments of these and of Azure's."""

from __future__ import annotations

from typing import Any

from emulator.arm.errors import AzureError
from emulator.arm.paths import ArmPath
from emulator.machine.store import Resource
from emulator.resources.base import Kind
from emulator.subscription.policy import engine
from emulator.subscription.policy.conditions import Content, NotEvaluated, holds


class PolicyDefinition(Kind):
    """A rule. One that the emulator cannot evaluate is refused, as it would let through what Azure denies."""

    type = engine.DEFINITIONS
    replaced = 201

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        del old
        properties = body.get("properties") or {}
        rule = properties.get("policyRule") or {}
        if "if" not in rule or "then" not in rule:
            message = f"The policy definition '{path.name}' has no policy rule with 'if' and 'then'."
            raise AzureError(400, "InvalidPolicyRule", message)
        given = {key: each.get("defaultValue", "") for key, each in (properties.get("parameters") or {}).items()}
        try:
            holds(rule["if"], Content({"type": "none"}, given), [])
        except NotEvaluated as error:
            raise AzureError(400, "InvalidPolicyRule", f"The emulator does not evaluate {error}.") from error

    def fill(self, resource: Resource, old: Resource | None) -> None:
        del old
        resource.properties["policyType"] = "Custom"
        resource.properties.setdefault("mode", "Indexed")


class PolicyAssignment(Kind):
    """A definition that counts for a subscription, a group or a resource, with values of its parameters."""

    type = engine.ASSIGNMENTS
    shown_deleted = True
    replaced = 201

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        del old
        properties = body.get("properties") or {}
        wanted = str(properties.get("policyDefinitionId") or "")
        found = engine.definition(self.cloud.store, wanted)
        if found is None:
            message = f"The policy definition '{wanted.rsplit('/', 1)[-1]}' could not be found."
            raise AzureError(404, "PolicyDefinitionNotFound", message)
        given = properties.get("parameters") or {}
        needed = {
            key for key, each in (found["properties"].get("parameters") or {}).items() if "defaultValue" not in each
        }
        if missing := sorted(needed - set(given)):
            message = (
                f"The policy assignment '{path.name}' is missing the parameter(s) '{', '.join(missing)}' as defined in "
                f"the policy definition '{found['name']}'."
            )
            raise AzureError(400, "MissingPolicyParameter", message)

    def fill(self, resource: Resource, old: Resource | None) -> None:
        del old
        resource.properties["scope"] = engine.scope_of(resource)
        resource.properties.setdefault("enforcementMode", "Default")
        resource.properties.setdefault("notScopes", [])
