"""The subscription, and what the caller may do in it: each finding whole."""

from __future__ import annotations

from typing import Any

import pytest
from preflight_asked import (
    GROUP,
    PERMISSIONS,
    SPEC,
    Answers,
    S,
    gone,
    location,
    of,
    offer,
    register,
    says,
    whole,
)

from jobs.preflight import subscription
from jobs.preflight.checks import Check
from jobs.preflight.spec import Grant, PreflightSpec
from tests.unit.arm_fake import ArmFake


def registered(**states: str) -> Answers:
    return lambda arm: register(arm, {f"Microsoft.{name}": state for name, state in states.items()})


def may(*granted: dict[str, Any], group: bool = False) -> Answers:
    def answers(arm: ArmFake) -> None:
        arm.get(f"{GROUP if group else S}/{PERMISSIONS}", {"value": list(granted)})
        if group:
            arm.get(GROUP, {"id": GROUP})

    return answers


ALL, READ = {"actions": ["*"], "notActions": []}, {"actions": ["*/read"]}
BUT_ROLES = {"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]}
ROLES = {"actions": ["Microsoft.Authorization/roleAssignments/write"]}
OTHERS = of(grants=(Grant(role="READER", scope="/s"),))
NO_OFFER = {"state": "Enabled"}
CASES: dict[str, tuple[Check, PreflightSpec, Answers]] = {
    "no subscription": (subscription.subscription, SPEC, gone(S)),
    "a disabled one": (subscription.subscription, SPEC, says(offer("PayAsYouGo_1", state="Warned"), S)),
    "one in no state": (subscription.subscription, SPEC, says({}, S)),
    "a trial": (subscription.subscription, SPEC, says(offer("FreeTrial_2014-09-01", "On"), S)),
    "students": (subscription.subscription, SPEC, says(offer("AzureForStudents_2018-01-01", "On"), S)),
    "a spending limit": (subscription.subscription, SPEC, says(offer("MSDN_2014-09-01", "On"), S)),
    "a paid one": (subscription.subscription, SPEC, says(offer("CSP_2015-05-01"), S)),
    "one without a name": (
        subscription.subscription,
        SPEC,
        says({**NO_OFFER, "subscriptionPolicies": {"quotaId": "CSP_1"}}, S),
    ),
    "another offer": (subscription.subscription, SPEC, says(offer("Novel_2027"), S)),
    "no offer": (subscription.subscription, SPEC, says(NO_OFFER, S)),
    "a region": (subscription.region, SPEC, says({"value": [{"name": "EastUS2"}, {}]}, f"{S}/locations")),
    "no regions": (subscription.region, SPEC, says({"value": [location("eastus2", "Logical")]}, f"{S}/locations")),
    "a slip": (
        subscription.region,
        of(location="eastus22"),
        says({"value": [location(f"eastus{n}") for n in (5, 4, 3, 2)]}, f"{S}/locations"),
    ),
    "no such region": (
        subscription.region,
        of(location="mars"),
        says({"value": [location("eastus")]}, f"{S}/locations"),
    ),
    "all registered": (subscription.providers, SPEC, registered()),
    "all and its own": (
        subscription.providers,
        of(namespaces=("Microsoft.Network",)),
        lambda arm: register(arm, {}, ("Microsoft.Network",)),
    ),
    "some not": (
        subscription.providers,
        SPEC,
        registered(Cdn="NotRegistered", Insights="Unregistered", KeyVault="Registering", Storage="Registering"),
    ),
    "may all": (subscription.permissions, SPEC, may(ALL)),
    "may all in the group": (subscription.permissions, SPEC, may(BUT_ROLES, ROLES, group=True)),
    "may all that is asked": (subscription.permissions, OTHERS, may(BUT_ROLES)),
    "may it under a condition": (subscription.permissions, SPEC, may(BUT_ROLES, {**ROLES, "condition": "some"})),
    "may under one what is not asked": (subscription.permissions, OTHERS, may({**ALL, "condition": "some"})),
    "a condition beside it": (subscription.permissions, SPEC, may(ALL, {**ALL, "condition": "some"})),
    "may not assign": (subscription.permissions, SPEC, may(BUT_ROLES)),
    "may not assign in the group": (subscription.permissions, SPEC, may(BUT_ROLES, group=True)),
    "may assign alone": (subscription.permissions, SPEC, may(ROLES)),
    "may nothing in the group": (subscription.permissions, SPEC, may(READ, group=True)),
    "may nothing": (subscription.permissions, SPEC, may(READ)),
}
TOLD: dict[str, list[str]] = {
    "no subscription": [
        "refused subscription: there is no subscription s, or you may not see it -> az account list --output table",
    ],
    "a disabled one": [
        "refused subscription: s is Warned -> see https://portal.azure.com, Subscriptions, for what it waits for",
    ],
    "one in no state": [
        "refused subscription: s is in no known state -> see https://portal.azure.com, Subscriptions, for "
        "what it waits for",
    ],
    "a trial": [
        "refused subscription: a free trial (FreeTrial_2014-09-01) has no GPU quota and cannot ask for any "
        "-> choose another with `az account set --subscription ...`, or upgrade it at "
        "https://aka.ms/azureupgrade",
    ],
    "students": [
        "refused subscription: Azure for Students (AzureForStudents_2018-01-01) has no GPU quota and cannot "
        "ask for any -> choose another with `az account set --subscription ...`, or upgrade it at "
        "https://aka.ms/azureupgrade",
    ],
    "a spending limit": [
        "warning subscription: has a spending limit (MSDN_2014-09-01): Azure stops everything in it when the "
        "credit is used up -> https://learn.microsoft.com/azure/cost-management-billing",
    ],
    "a paid one": [
        "ok subscription: ours, CSP_2015-05-01",
    ],
    "one without a name": [
        "ok subscription: s, CSP_1",
    ],
    "another offer": [
        "warning subscription: offer Novel_2027 may have GPU quota or not: the quota of the family decides "
        "-> python -m jobs quota --stack dev",
    ],
    "no offer": [
        "warning subscription: offer (not told) may have GPU quota or not: the quota of the family decides "
        "-> python -m jobs quota --stack dev",
    ],
    "a region": [
        "ok region: eastus2",
    ],
    "no regions": [
        "warning region: Azure lists no regions -> az account list-locations --output table",
    ],
    "a slip": [
        "refused region: this subscription has no region eastus22 -> did you mean eastus2 or eastus5 or "
        "eastus4? `az account list-locations --output table` lists them; set azure-native:location",
    ],
    "no such region": [
        "refused region: this subscription has no region mars -> `az account list-locations --output table` "
        "lists them; set azure-native:location",
    ],
    "all registered": [
        "ok resource providers: all 12 are registered",
    ],
    "all and its own": [
        "ok resource providers: all 13 are registered",
    ],
    "some not": [
        "refused resource providers: not registered: Microsoft.Insights, Microsoft.Cdn -> az provider "
        "register --namespace Microsoft.Insights --wait; az provider register --namespace Microsoft.Cdn "
        "--wait",
        "warning resource providers: still being registered: Microsoft.KeyVault, Microsoft.Storage -> az "
        "provider register --namespace Microsoft.KeyVault --wait; az provider register --namespace "
        "Microsoft.Storage --wait",
    ],
    "may all": [
        "ok permissions: you may create resources and assign roles in the subscription",
    ],
    "may all in the group": [
        "ok permissions: you may create resources and assign roles in resource group rg",
    ],
    "may all that is asked": [
        "ok permissions: you may create resources in the subscription",
    ],
    "may it under a condition": [
        "warning permissions: you may create resources and assign roles in the subscription, under a "
        "condition this check does not weigh -> "
        "https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-overview",
    ],
    "may under one what is not asked": [
        "warning permissions: you may create resources in the subscription, under a condition this check "
        "does not weigh -> "
        "https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-overview",
    ],
    "a condition beside it": [
        "ok permissions: you may create resources and assign roles in the subscription",
    ],
    "may not assign": [
        "refused permissions: you may not assign roles in the subscription -> az role assignment create "
        '--role "Role Based Access Control Administrator" --scope /subscriptions/s --assignee <you>',
    ],
    "may not assign in the group": [
        "refused permissions: you may not assign roles in resource group rg -> az role assignment create "
        '--role "Role Based Access Control Administrator" --scope /subscriptions/s/resourceGroups/rg '
        "--assignee <you>",
    ],
    "may assign alone": [
        "refused permissions: you may not create resources nor create resource groups in the subscription -> "
        'az role assignment create --role "Contributor" --scope /subscriptions/s --assignee <you>',
    ],
    "may nothing in the group": [
        "refused permissions: you may not assign roles nor create resources in resource group rg -> az role "
        'assignment create --role "Owner" --scope /subscriptions/s/resourceGroups/rg --assignee <you>',
    ],
    "may nothing": [
        "refused permissions: you may not assign roles nor create resources nor create resource groups in "
        'the subscription -> az role assignment create --role "Owner" --scope /subscriptions/s --assignee '
        "<you>",
    ],
}


@pytest.mark.parametrize("case", CASES)
def test_each_finding_is_told_in_these_words(arm: ArmFake, case: str) -> None:
    check, spec, answers = CASES[case]
    answers(arm)
    assert whole(check, spec) == TOLD[case]
