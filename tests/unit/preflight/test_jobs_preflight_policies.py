"""What the preflight makes of Azure Policy's answers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from preflight_asked import GROUP, SPEC, S

from cloud.arm import Arm
from jobs.preflight.findings import State
from jobs.preflight.locked import policies
from jobs.preflight.spec import Planned
from tests.unit.arm_fake import ArmFake

CONTENT = {"type": "Microsoft.KeyVault/vaults", "name": "kv", "location": "eastus2"}
ASKED = dataclasses.replace(SPEC, planned=(Planned(label="key vault", version="2024-11-01", content=CONTENT),))
ASSIGNMENT = (
    "/providers/Microsoft.Management/managementGroups/corp/providers/Microsoft.Authorization/policyAssignments/a1"
)
CHECK = "providers/Microsoft.PolicyInsights/checkPolicyRestrictions"


def evaluation(effect: str, *paths: str, result: str = "NonCompliant") -> dict[str, Any]:
    compared = [{"path": path, "expression": path, "operator": "NotEquals", "targetValue": "x"} for path in paths]
    return {
        "policyInfo": {"policyAssignmentId": ASSIGNMENT},
        "evaluationResult": result,
        "effectDetails": {"policyEffect": effect},
        "evaluationDetails": {"evaluatedExpressions": compared},
    }


def answers(arm: ArmFake, scope: str, *evaluations: dict[str, Any]) -> None:
    body = {"contentEvaluationResult": {"policyEvaluations": list(evaluations)}}
    arm.then("POST", f"{scope}/{CHECK}", (200, {}, body))


def test_a_group_that_is_not_there_yet_leaves_the_subscription_to_ask(arm: ArmFake) -> None:
    answers(arm, S)
    (found,) = policies.allowed(ASKED, Arm())
    assert (found.state, found.found) == (State.OK, "Azure Policy names no denial of 1")
    assert arm.bodies == [{"resourceDetails": {"resourceContent": CONTENT, "apiVersion": "2024-11-01"}}]
    arm.get(GROUP, {"location": "eastus2"})
    answers(arm, GROUP, evaluation("Deny", "Microsoft.KeyVault/vaults/enablePurgeProtection"))
    (found,) = policies.allowed(ASKED, Arm())
    assert found.fix == "set finetune-phi:vault.purgeProtection: true"


def test_a_policy_is_called_as_its_assignment_shows_it(arm: ArmFake) -> None:
    answers(arm, S, evaluation("deny", "type", "tags[owner]"))
    (found,) = policies.allowed(ASKED, Arm())
    assert found.found.startswith("the policy 'a1' denies key vault kv: tags[owner] is nothing, and the policy is for")
    arm.get(ASSIGNMENT, {"properties": {"displayName": "An owner"}})
    (found,) = policies.allowed(ASKED, Arm())
    assert found.found.startswith("the policy 'An owner' denies")
    assert found.fix.startswith("set finetune-phi:tags")


@pytest.mark.parametrize(
    "harmless", [evaluation("Audit", "location"), evaluation("Deny", "location", result="Compliant")]
)
def test_what_only_audits_or_is_met_is_not_told(arm: ArmFake, harmless: dict[str, Any]) -> None:
    answers(arm, S, harmless)
    assert [each.state for each in policies.allowed(ASKED, Arm())] == [State.OK]


def test_what_no_setting_satisfies_takes_an_exemption(arm: ArmFake) -> None:
    answers(arm, S, evaluation("Deny", "Microsoft.KeyVault/vaults/createMode"))
    (found,) = policies.allowed(ASKED, Arm())
    assert found.state is State.REFUSED
    assert found.fix.startswith("no setting of this program satisfies it; az policy exemption create --name kv ")
    assert found.fix.endswith(f"--policy-assignment {ASSIGNMENT}")


@pytest.mark.parametrize(
    ("path", "setting"),
    [
        ("Microsoft.Storage/storageAccounts/networkAcls.defaultAction", "finetune-phi:network: private"),
        ("Microsoft.MachineLearningServices/workspaces/encryption.status", "finetune-phi:encryption"),
        ("Microsoft.MachineLearningServices/workspaces/hbiWorkspace", "finetune-phi:highBusinessImpact: true"),
        ("location", "azure-native:location"),
        ("Microsoft.Storage/storageAccounts/minimumTlsVersion", ""),
    ],
)
def test_each_field_has_its_setting(path: str, setting: str) -> None:
    assert policies.setting_of(path) == setting


def test_without_anything_planned_nothing_is_asked(arm: ArmFake) -> None:
    assert [each.state for each in policies.allowed(SPEC, Arm())] == [State.OK]
    assert arm.sent == []


def test_an_assignment_that_may_not_be_read_hides_no_denial(arm: ArmFake) -> None:
    arm.refuse("GET", ASSIGNMENT, 403, "AuthorizationFailed")
    answers(arm, S, evaluation("Deny", "Microsoft.KeyVault/vaults/enablePurgeProtection"))
    (found,) = policies.allowed(ASKED, Arm())
    assert found.state is State.REFUSED
    assert found.found.startswith("the policy 'a1' denies key vault kv: enablePurgeProtection")


def test_a_question_without_an_answer_hides_no_denial_of_another(arm: ArmFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "_AT_ONCE", 1)  # so that the answers below come in this order
    other = Planned(label="storage account", version="2024-01-01", content={**CONTENT, "name": "st"})
    asked = dataclasses.replace(ASKED, planned=(other, *ASKED.planned))
    denial = {"contentEvaluationResult": {"policyEvaluations": [evaluation("Deny", "location")]}}
    refusal = {"error": {"code": "InternalServerError", "message": "no"}}
    arm.then("POST", f"{S}/{CHECK}", (400, {}, refusal), (200, {}, denial))
    denied, unread = policies.allowed(asked, Arm())
    assert denied.state is State.REFUSED and "denies key vault kv" in denied.found
    assert (unread.state, unread.found) == (
        State.WARNING,
        "storage account st: not checked: InternalServerError: no",
    )


def test_who_may_ask_nothing_hears_so_once(arm: ArmFake) -> None:
    arm.refuse("POST", f"{S}/{CHECK}", 403, "AuthorizationFailed")
    other = Planned(label="storage account", version="2024-01-01", content={**CONTENT, "name": "st"})
    (found,) = policies.allowed(dataclasses.replace(ASKED, planned=(other, *ASKED.planned)), Arm())
    assert (found.state, found.found) == (State.WARNING, "not checked: AuthorizationFailed: no")
