"""Azure Policy, through its clients."""

from __future__ import annotations

from typing import Any

from tests.contract.official import Action, Clients, Driven
from tests.contract.official_made import PLACE, SCOPE, SUBSCRIPTION

DEFINITION, ASSIGNMENT = "official-definition", "official-assignment"
DEFINITION_ID = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/policyDefinitions/{DEFINITION}"
AUDITS = {"if": {"field": "location", "equals": "nowhere"}, "then": {"effect": "audit"}}


def _restrictions(c: Clients) -> Any:
    content = {"type": "Microsoft.Storage/storageAccounts", "location": PLACE}
    details = {"resource_content": content, "api_version": "2024-01-01"}
    return c.restrictions.policy_restrictions.check_at_subscription_scope({"resource_details": details})


POLICIES = (
    Driven(
        "Microsoft.Authorization/policyDefinitions",
        create=lambda c: c.policies.policy_definitions.create_or_update(
            DEFINITION, {"properties": {"mode": "Indexed", "policyRule": AUDITS}}
        ),
        get=lambda c: c.policies.policy_definitions.get(DEFINITION),
        lists=(lambda c: c.policies.policy_definitions.list(),),
        delete=lambda c: c.policies.policy_definitions.delete(DEFINITION),
        lacks={"update": "Azure has no PATCH of it"},
    ),
    Driven(
        "Microsoft.Authorization/policyAssignments",
        create=lambda c: c.policies.policy_assignments.create(
            SCOPE, ASSIGNMENT, {"properties": {"policyDefinitionId": DEFINITION_ID, "displayName": "Official"}}
        ),
        get=lambda c: c.policies.policy_assignments.get(SCOPE, ASSIGNMENT),
        delete=lambda c: c.policies.policy_assignments.delete(SCOPE, ASSIGNMENT),
        lists=(lambda c: c.policies.policy_assignments.list_for_resource_group(SCOPE.rsplit("/", 1)[1]),),
        actions={"restrictions": Action(_restrictions, "content_evaluation_result")},
        lacks={"update": "the program never sends one"},
    ),
)
