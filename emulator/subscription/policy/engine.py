"""What assigned policies do to a request, and what they would do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.arm.errors import AzureError
from emulator.machine.store import Resource, Store
from emulator.subscription.policy.builtin import BUILT_IN
from emulator.subscription.policy.conditions import MISSING, Content, alias_path, evaluated, holds

DEFINITIONS = "Microsoft.Authorization/policyDefinitions"
ASSIGNMENTS = "Microsoft.Authorization/policyAssignments"
_OWN = (DEFINITIONS.lower(), ASSIGNMENTS.lower())


class PolicyError(AzureError):
    """A denial: the ARM envelope plus what each policy compared."""

    def __init__(self, name: str, matches: list[Match]) -> None:
        identifiers = [
            {
                "policyAssignment": {"name": each.assignment_title, "id": each.assignment.id},
                "policyDefinition": {"name": each.title, "id": each.definition["id"]},
            }
            for each in matches
        ]
        text = json.dumps(identifiers, separators=(",", ":"))
        message = f"Resource '{name}' was disallowed by policy. Policy identifiers: '{text}'."
        super().__init__(403, "RequestDisallowedByPolicy", message, target=name)
        self._matches = matches

    def body(self) -> dict[str, Any]:
        body = super().body()
        info = [{"type": "PolicyViolation", "info": each.info()} for each in self._matches]
        body["error"]["additionalInfo"] = info
        return body


@dataclass(frozen=True, kw_only=True)
class Match:
    """A policy whose condition is true of a resource, with what it compared."""

    assignment: Resource
    definition: Mapping[str, Any]
    effect: str
    compared: list[dict[str, Any]]
    content: Content

    @property
    def title(self) -> str:
        return str(self.definition["properties"].get("displayName") or self.definition["name"])

    @property
    def assignment_title(self) -> str:
        return str(self.assignment.properties.get("displayName") or self.assignment.name)

    def info(self) -> dict[str, Any]:
        """As a denial tells it."""
        return {
            "policyDefinitionDisplayName": self.title,
            "evaluationDetails": {"evaluatedExpressions": self.compared},
            "policyDefinitionId": self.definition["id"],
            "policyDefinitionName": self.definition["name"],
            "policyDefinitionEffect": self.effect.capitalize(),
            "policyAssignmentId": self.assignment.id,
            "policyAssignmentName": self.assignment.name,
            "policyAssignmentDisplayName": self.assignment_title,
            "policyAssignmentScope": scope_of(self.assignment),
            "policyAssignmentParameters": self.assignment.properties.get("parameters") or {},
        }

    def evaluation(self) -> dict[str, Any]:
        """As `checkPolicyRestrictions` tells it."""
        return {
            "policyInfo": {"policyDefinitionId": self.definition["id"], "policyAssignmentId": self.assignment.id},
            "evaluationResult": "NonCompliant",
            "evaluationDetails": {"evaluatedExpressions": self.compared},
            "effectDetails": {"policyEffect": self.effect.capitalize()},
        }


def scope_of(assignment: Resource) -> str:
    """What an assignment is for."""
    return assignment.id[: assignment.id.lower().rindex("/providers/")]


def definition(store: Store, id_: str) -> Mapping[str, Any] | None:
    """A definition, Azure's or the subscription's own."""
    found = next((each for key, each in BUILT_IN.items() if key.lower() == id_.lower()), None)
    own = store.get(id_)
    return found or (own.body if own is not None and own.type.lower() == DEFINITIONS.lower() else None)


def matches(store: Store, body: Mapping[str, Any], scope: str, api_version: str) -> Iterator[Match]:
    """Each policy that is assigned on the way to ``scope`` and applies to a resource of this content."""
    group = next((each for each in _groups(store) if f"{scope.lower()}/".startswith(f"{each.id.lower()}/")), None)
    for assignment in store.of_type(ASSIGNMENTS):
        own = assignment.properties
        excepted = [str(each).lower() for each in own.get("notScopes") or ()]
        if not f"{scope.lower()}/".startswith(f"{scope_of(assignment).lower()}/"):
            continue
        if any(f"{scope.lower()}/".startswith(f"{each}/") for each in excepted):
            continue
        found = definition(store, str(own["policyDefinitionId"]))
        if found is None or (found["properties"].get("mode", "Indexed") == "Indexed" and not body.get("location")):
            continue
        defaults = {
            key: each["defaultValue"]
            for key, each in (found["properties"].get("parameters") or {}).items()
            if "defaultValue" in each
        }
        given = {key: each.get("value") for key, each in (own.get("parameters") or {}).items()}
        content = Content(body, {**defaults, **given}, (group.body.get("tags") or {}) if group else {}, api_version)
        rule = found["properties"]["policyRule"]
        compared: list[dict[str, Any]] = []
        effect = str(evaluated(rule["then"]["effect"], content)).lower()
        if own.get("enforcementMode") == "DoNotEnforce" and effect != "audit":
            continue
        if effect != "disabled" and holds(rule["if"], content, compared):
            yield Match(assignment=assignment, definition=found, effect=effect, compared=compared, content=content)


def _groups(store: Store) -> list[Resource]:
    return store.of_type("Microsoft.Resources/resourceGroups")


def enforce(store: Store, resource: Resource, api_version: str) -> None:
    """Change what is asked for, or refuse it.

    Raises:
        PolicyError: a policy with the effect deny applies, after all changes.
    """
    if resource.type.lower() in _OWN:
        return
    for each in matches(store, resource.body, resource.id, api_version):
        if each.effect == "modify":
            for operation in each.definition["properties"]["policyRule"]["then"]["details"]["operations"]:
                if evaluated(operation.get("condition", True), each.content):
                    _modify(resource, operation, each.content)
    denied = [each for each in matches(store, resource.body, resource.id, api_version) if each.effect == "deny"]
    if denied:
        raise PolicyError(resource.name, denied)


def _modify(resource: Resource, operation: Mapping[str, Any], content: Content) -> None:
    name, value = str(evaluated(operation["field"], content)), evaluated(operation.get("value", MISSING), content)
    if name.lower().startswith("tags"):
        tag = name[len("tags") :].strip(".[]'")
        tags = dict(resource.body.get("tags") or {})
        if operation["operation"].lower() == "remove":
            tags.pop(tag, None)
        elif operation["operation"].lower() == "addorreplace" or tag not in tags:
            tags[tag] = value
        resource.body["tags"] = tags
        return
    path = alias_path(name, resource.type)
    if path is not None:
        inner: dict[str, Any] = resource.properties
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        inner[path[-1]] = value


def restrictions(store: Store, scope: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `checkPolicyRestrictions` at a subscription or a group."""
    details = body.get("resourceDetails") or {}
    content = details.get("resourceContent") or {}
    name = content.get("name") or "_"
    at = f"{scope}/providers/{content.get('type', '')}/{name}" if "/resourcegroups/" in scope.lower() else scope
    with_audits = bool(body.get("includeAuditEffect"))
    found = [
        each.evaluation()
        for each in matches(store, content, at, str(details.get("apiVersion") or ""))
        if each.effect == "deny" or (with_audits and each.effect == "audit")
    ]
    return {"fieldRestrictions": [], "contentEvaluationResult": {"policyEvaluations": found}}
