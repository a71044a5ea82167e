"""The checks of the preflight that are about the subscription: its offer, regions, resource providers and permissions.

As in preflight_checks.py, they only read and raise what azure-core raises.
"""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cloud.arm import Arm
from cloud.catalogue import AZURES, BUDGET, DNS_ZONE, RESOURCE_GROUP
from cloud.roles import Role
from jobs.preflight.findings import Finding, State
from jobs.preflight.spec import PreflightSpec

NAMESPACES = (
    *sorted({row.namespace for row in AZURES} - {BUDGET.namespace, DNS_ZONE.namespace}),
    # Of these two the program makes nothing: Azure does, for a managed endpoint. Without one of them the endpoint's
    # creation fails with SubscriptionNotRegistered, and the endpoint has to be deleted.
    "Microsoft.Cdn",
    "Microsoft.PolicyInsights",
)
"""What every stack needs; PreflightSpec.namespaces are its own beside these."""

PERMISSIONS_VERSION = "2022-04-01"
INELIGIBLE = {
    "FreeTrial": "a free trial",
    "LightweightTrial": "a free trial",
    "AzureForStudents": "Azure for Students",
    "DreamSpark": "Azure for Students",
}
"""Beginnings of `quotaId` of the offers that Azure gives no more quota than they have: none of GPU machines."""
PAID = ("PayAsYouGo_", "EnterpriseAgreement_", "CSP_", "MSDNDevTest_", "Internal_")
"""Beginnings of `quotaId` of offers whose GPU quota is granted as a matter of course; others have to ask for it."""


def subscription(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """The subscription is enabled, and of an offer that can have GPU quota; how much it has, is another check."""
    name = "subscription"
    upgrade = "choose another with `az account set --subscription ...`, or upgrade it at https://aka.ms/azureupgrade"
    found = arm.find(spec.scope, "2022-12-01")
    if found is None:
        here = f"there is no subscription {spec.subscription_id}, or you may not see it"
        return [Finding(check=name, state=State.REFUSED, found=here, fix="az account list --output table")]
    state = str(found.get("state", ""))
    if state != "Enabled":
        page = "see https://portal.azure.com, Subscriptions, for what it waits for"
        return [
            Finding(
                check=name,
                state=State.REFUSED,
                found=f"{spec.subscription_id} is {state or 'in no known state'}",
                fix=page,
            )
        ]
    policies = found.get("subscriptionPolicies") or {}
    offer = str(policies.get("quotaId") or "")
    for beginning, words in INELIGIBLE.items():
        if offer.startswith(beginning):
            return [
                Finding(
                    check=name,
                    state=State.REFUSED,
                    found=f"{words} ({offer}) has no GPU quota and cannot ask for any",
                    fix=upgrade,
                )
            ]
    if policies.get("spendingLimit") == "On":
        limit = f"has a spending limit ({offer}): Azure stops everything in it when the credit is used up"
        return [
            Finding(
                check=name,
                state=State.WARNING,
                found=limit,
                fix="https://learn.microsoft.com/azure/cost-management-billing",
            )
        ]
    if offer.startswith(PAID):
        return [
            Finding(check=name, state=State.OK, found=f"{found.get('displayName') or spec.subscription_id}, {offer}")
        ]
    unknown = f"offer {offer or '(not told)'} may have GPU quota or not: the quota of the family decides"
    return [Finding(check=name, state=State.WARNING, found=unknown, fix=f"python -m jobs quota --stack {spec.stack}")]


def region(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """Azure has the region, and the subscription may use it."""
    name = "region"
    rows = arm.items(f"{spec.scope}/locations", "2022-12-01")
    # Beside regions, the list has what data may be kept in as a whole, such as `europe`.
    known = {
        str(row.get("name", "")).lower()
        for row in rows
        if (row.get("metadata") or {}).get("regionType", "Physical") == "Physical"
    }
    if not known:
        return [
            Finding(
                check=name,
                state=State.WARNING,
                found="Azure lists no regions",
                fix="az account list-locations --output table",
            )
        ]
    if spec.location in known:
        return [Finding(check=name, state=State.OK, found=spec.location)]
    close = difflib.get_close_matches(spec.location, sorted(known), n=3, cutoff=0.7)
    guess = f"did you mean {' or '.join(close)}? " if close else ""
    says = f"this subscription has no region {spec.location}"
    fix = f"{guess}`az account list-locations --output table` lists them; set azure-native:location"
    return [Finding(check=name, state=State.REFUSED, found=says, fix=fix)]


def providers(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """The namespaces the stack uses are registered."""
    name = "resource providers"
    rows = arm.items(f"{spec.scope}/providers", "2021-04-01")
    states = {str(row.get("namespace", "")).lower(): str(row.get("registrationState", "")) for row in rows}
    wanted = (*NAMESPACES, *spec.namespaces)
    findings = []
    if missing := [each for each in wanted if states.get(each.lower()) not in ("Registered", "Registering")]:
        findings.append(
            Finding(
                check=name, state=State.REFUSED, found=f"not registered: {', '.join(missing)}", fix=_register(missing)
            )
        )
    if under_way := [each for each in wanted if states.get(each.lower()) == "Registering"]:
        found = f"still being registered: {', '.join(under_way)}"
        findings.append(Finding(check=name, state=State.WARNING, found=found, fix=_register(under_way)))
    return findings or [Finding(check=name, state=State.OK, found=f"all {len(wanted)} are registered")]


def _register(namespaces: Sequence[str]) -> str:
    """What registers them and ends when Azure is done; a namespace that is registered already stays so."""
    return "; ".join(f"az provider register --namespace {each} --wait" for each in namespaces)


def permissions(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """The caller may create resources and assign roles: in the group, or in the subscription before there is one."""
    name = "permissions"
    scope, where = spec.group_scope, f"resource group {spec.resource_group}"
    if arm.find(spec.group_scope, RESOURCE_GROUP.version) is None:
        scope, where = spec.scope, "the subscription"
    granted = arm.items(f"{scope}/providers/Microsoft.Authorization/permissions", PERMISSIONS_VERSION)
    wanted = {
        **({} if spec.grants else {"Microsoft.Authorization/roleAssignments/write": "assign roles"}),
        "Microsoft.MachineLearningServices/workspaces/write": "create resources",
    }
    if scope == spec.scope:
        wanted["Microsoft.Resources/subscriptions/resourceGroups/write"] = "create resource groups"
    missing = [words for action, words in wanted.items() if not any(allows(each, action) for each in granted)]
    if not missing:
        may = ["create resources", *(() if spec.grants else ("assign roles",))]
        free = [each for each in granted if not each.get("condition")]
        if all(any(allows(each, action) for each in free) for action in wanted):
            return [Finding(check=name, state=State.OK, found=f"you may {' and '.join(may)} in {where}")]
        says = f"you may {' and '.join(may)} in {where}, under a condition this check does not weigh"
        page = "https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-overview"
        return [Finding(check=name, state=State.WARNING, found=says, fix=page)]
    role = Role.CONTRIBUTOR
    if "assign roles" in missing:
        role = Role.OWNER if len(missing) > 1 else Role.ROLE_BASED_ACCESS_CONTROL_ADMINISTRATOR
    fix = f'az role assignment create --role "{role.title}" --scope {scope} --assignee <you>'
    return [Finding(check=name, state=State.REFUSED, found=f"you may not {' nor '.join(missing)} in {where}", fix=fix)]


def allows(permission: Mapping[str, Any], action: str) -> bool:
    """Whether one granted role allows an action; what it excludes counts for this role alone, as on Azure."""

    def matches(patterns: Iterable[str] | None) -> bool:
        return any(fnmatch.fnmatchcase(action.lower(), str(each).lower()) for each in patterns or ())

    return matches(permission.get("actions")) and not matches(permission.get("notActions"))
