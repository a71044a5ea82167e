"""What a review says of a role that can grant roles, by its condition."""

from __future__ import annotations

import pytest

from cloud.roles import Role
from infra.federation import granting_only
from review.events import Preview, State, Step
from review.known.judge import Level
from review.risks import risks
from review.settled import Sources

SCOPE = "/subscriptions/s/resourceGroups/rg"
BOUND = granting_only([Role.ACR_PULL.guid])
SWAPPED = BOUND.replace("@Request", "@X").replace("@Resource", "@Request").replace("@X", "@Resource")


@pytest.mark.parametrize(
    ("role", "condition", "level", "said"),
    [
        (Role.ROLE_BASED_ACCESS_CONTROL_ADMINISTRATOR, BOUND, Level.MEDIUM, "under a condition on which roles"),
        (Role.ROLE_BASED_ACCESS_CONTROL_ADMINISTRATOR, SWAPPED, Level.HIGH, "does not keep it from that"),
        (Role.ROLE_BASED_ACCESS_CONTROL_ADMINISTRATOR, "(true)", Level.HIGH, "does not keep it from that"),
        (Role.ROLE_BASED_ACCESS_CONTROL_ADMINISTRATOR, "", Level.HIGH, "every other role."),
        (Role.USER_ACCESS_ADMINISTRATOR, granting_only([Role.OWNER.guid]), Level.HIGH, "does not keep it from that"),
        (Role.OWNER, BOUND, Level.HIGH, "does not keep it from that"),
    ],
)
def test_a_condition_counts_as_far_as_it_is_understood(role: Role, condition: str, level: Level, said: str) -> None:
    inputs = {"roleDefinitionId": role.definition("s"), "scope": SCOPE, "principalId": "p", "condition": condition}
    kind = "azure-native:authorization:RoleAssignment"
    step = Step(f"urn::{kind}::grants", kind, "create", None, State(inputs, {}), "")
    preview = Preview(steps=[step], finished=True)
    (risk,) = [one for one in risks(preview, Sources.of(preview, {})) if said in one.sentence]
    assert risk.level == level
