"""What the preflight makes of Azure Policy's answers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from preflight_asked import GROUP, SPEC, S

from cloud.arm import Arm
from jobs.preflight.findings import Finding, State
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
    none = Finding(check="policies", state=State.OK, found="Azure Policy names no denial of 1")
    assert policies.allowed(ASKED, Arm()) == [none]
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
    ("field", "setting"),
    [
        ("allowSharedKeyAccess", "finetune-phi:storage.sharedKeys: false, or finetune-phi:localAuth: false"),
        ("properties.disableLocalAuth", "finetune-phi:localAuth: false"),
        ("authMode", "finetune-phi:localAuth: false"),
        ("systemDatastoresAuthMode", "finetune-phi:localAuth: false"),
        ("publicNetworkAccess", "finetune-phi:network: private"),
        ("networkAcls.defaultAction", "finetune-phi:network: private"),
        ("policies.exportPolicy.status", "finetune-phi:network: private"),
        (
            "managedNetwork.isolationMode",
            "finetune-phi:network: managed, or finetune-phi:outbound.to: approved beside it",
        ),
        ("enableNodePublicIp", "finetune-phi:network: managed"),
        ("encryption.requireInfrastructureEncryption", "finetune-phi:encryption.infrastructure: true"),
        ("encryption.status", "finetune-phi:encryption"),
        ("keySource", "finetune-phi:encryption"),
        ("hbiWorkspace", "finetune-phi:highBusinessImpact: true"),
        ("enablePurgeProtection", "finetune-phi:vault.purgeProtection: true"),
        ("softDeleteRetentionInDays", "finetune-phi:vault.retentionDays"),
        ("vmSize", "finetune-phi:compute.vmSize"),
        ("instanceType", "finetune-phi:serving.vmSize"),
        ("sku.name", "finetune-phi:storage.sku, or network and encryption for the registry's tier"),
        ("minimumTlsVersion", ""),
    ],
)
def test_each_field_has_its_setting(field: str, setting: str) -> None:
    assert policies.setting_of(f"Microsoft.Some/types/{field}") == setting


@pytest.mark.parametrize(
    ("field", "setting"),
    [
        ("location", "azure-native:location"),
        ("tags[owner]", "finetune-phi:tags, or finetune-phi:tagsFromElsewhere where another policy adds it"),
        ("name", "finetune-phi:names"),
    ],
)
def test_so_have_those_without_a_type(field: str, setting: str) -> None:
    assert policies.setting_of(field) == setting


def test_a_denial_is_told_with_all_that_it_compared(arm: ArmFake) -> None:
    denial = evaluation("DENY", "Microsoft.KeyVault/vaults/enablePurgeProtection")
    said = denial["evaluationDetails"]["evaluatedExpressions"]
    said[:] = [
        {"path": "type", "expression": "type", "operator": "Equals", "targetValue": "Microsoft.KeyVault/vaults"},
        {"path": "kind", "expression": "kind", "operator": "Equals", "targetValue": "x"},
        {"path": "Kind", "operator": "Equals", "targetValue": "x"},
        {"path": "sku.name", "expression": "Type", "operator": "Equals", "targetValue": "x"},
        {**said[0], "expressionValue": False, "operator": "NotEquals", "targetValue": True},
        {**said[0], "path": "Microsoft.KeyVault/vaults/networkAcls.defaultAction", "targetValue": "Deny"},
        {"expression": "value()", "operator": "Equals", "targetValue": 1},
    ]
    answers(arm, S, denial)
    assert policies.allowed(ASKED, Arm()) == [
        Finding(
            check="policies",
            state=State.REFUSED,
            found="the policy 'a1' denies key vault kv: enablePurgeProtection is False, and the policy is for "
            "NotEquals True; networkAcls.defaultAction is nothing, and the policy is for NotEquals Deny; value() is "
            "nothing, and the policy is for Equals 1",
            fix="set finetune-phi:vault.purgeProtection: true; or finetune-phi:network: private",
        )
    ]
    asked = f"https://management.azure.com{S}/{CHECK}?api-version=2024-10-01"
    assert [url for method, url in arm.sent if method == "POST"] == [asked]
    titled = f"https://management.azure.com{ASSIGNMENT}?api-version=2023-04-01"
    assert [url for _, url in arm.sent if "policyAssignments" in url] == [titled]


def test_a_denial_without_any_words_is_told_all_the_same(arm: ArmFake) -> None:
    bare = {"evaluationResult": "NonCompliant", "effectDetails": {"policyEffect": "Deny"}}
    answers(arm, S, bare)
    (found,) = policies.allowed(ASKED, Arm())
    assert [method for method, _ in arm.sent] == ["GET", "POST"], "of no assignment is its title asked for"
    assert found.found == "a policy of no name denies key vault kv: it says no more"
    assert found.fix == (
        "no setting of this program satisfies it; az policy exemption create --name kv --exemption-category Waiver "
        "--scope <scope> --policy-assignment <assignment>"
    )


def test_an_assignment_is_asked_for_once(arm: ArmFake) -> None:
    answers(arm, S, evaluation("Deny", "location"), evaluation("Deny", "tags"))
    assert len(policies.allowed(ASKED, Arm())) == 2
    assert len([url for _, url in arm.sent if "policyAssignments" in url]) == 1


def test_without_anything_planned_nothing_is_asked(arm: ArmFake) -> None:
    nothing = Finding(check="policies", state=State.OK, found="nothing to ask about")
    assert policies.allowed(SPEC, Arm()) == [nothing]
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
    assert policies.allowed(dataclasses.replace(ASKED, planned=(other, *ASKED.planned)), Arm()) == [
        Finding(
            check="policies",
            state=State.WARNING,
            found="not checked: AuthorizationFailed: no",
            fix="go on, or ask for the right to read this",
        )
    ]
