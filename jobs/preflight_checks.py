"""The checks of the preflight: each asks Azure one thing and says what it found.

Only reads. A check raises what azure-core raises when Azure does not answer; preflight.py makes a warning of it.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote as escaped

from jobs import quota
from jobs.arm import Arm
from jobs.findings import Finding, State
from jobs.needs import CLUSTERS, PreflightSpec

Check = Callable[[PreflightSpec, Arm], list[Finding]]

NAMESPACES = (
    "Microsoft.Authorization",
    "Microsoft.CognitiveServices",
    "Microsoft.ContainerRegistry",
    "Microsoft.Insights",
    "Microsoft.KeyVault",
    "Microsoft.MachineLearningServices",
    "Microsoft.ManagedIdentity",
    "Microsoft.OperationalInsights",
    "Microsoft.Resources",
    "Microsoft.Storage",
)
"""What the program creates resources of."""
ENDPOINT_NAMESPACES = ("Microsoft.Cdn", "Microsoft.Network", "Microsoft.PolicyInsights")
"""Reported by users as needed for managed endpoints; not confirmed by Microsoft's reference."""

BENEFITS = {
    "FreeTrial": "a free trial",
    "LightweightTrial": "a free trial",
    "AzurePass": "an Azure Pass",
    "AzureForStudents": "Azure for Students",
    "DreamSpark": "Azure for Students",
    "MSDN_": "a Visual Studio subscription's monthly credit",
    "MPN_": "a partner network benefit",
    "BizSpark": "a startup benefit",
    "Sponsored": "a sponsorship",
    "AzureInOpen": "Azure in Open",
    "AAD_": "access to Entra ID only",
}
"""Beginnings of `quotaId` of offers without GPU quota."""
PAID = ("PayAsYouGo", "EnterpriseAgreement", "CSP", "MSDNDevTest", "MS-AZR-0017", "Internal")
"""Beginnings of `quotaId` of offers that can have it: pay-as-you-go (dev/test included), enterprise, partner."""


def subscription(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """The subscription is enabled, and of an offer that can have GPU quota."""
    name = "subscription"
    upgrade = "choose another with `az account set --subscription ...`, or upgrade it at https://aka.ms/azureupgrade"
    found = arm.find(spec.scope, "2022-12-01")
    if found is None:
        here = f"there is no subscription {spec.subscription_id}, or you may not see it"
        return [Finding(name, State.REFUSED, here, "az account list --output table")]
    state = str(found.get("state", ""))
    if state != "Enabled":
        page = "see https://portal.azure.com, Subscriptions, for what it waits for"
        return [Finding(name, State.REFUSED, f"{spec.subscription_id} is {state or 'in no known state'}", page)]
    policies = found.get("subscriptionPolicies") or {}
    offer = str(policies.get("quotaId") or "")
    for beginning, words in BENEFITS.items():
        if offer.startswith(beginning):
            return [Finding(name, State.REFUSED, f"{words} ({offer}) has no GPU quota", upgrade)]
    if policies.get("spendingLimit") == "On":
        limit = f"has a spending limit ({offer}), so Azure gives it no GPU quota"
        return [Finding(name, State.REFUSED, limit, upgrade)]
    if offer.startswith(PAID):
        return [Finding(name, State.OK, f"{found.get('displayName') or spec.subscription_id}, {offer}")]
    unknown = f"offer {offer or '(not told)'} is not one this check knows; GPU quota needs a paid one"
    return [Finding(name, State.WARNING, unknown, "https://learn.microsoft.com/azure/quotas/quotas-overview")]


def providers(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """The namespaces the program uses are registered."""
    name = "resource providers"
    rows = arm.items(f"{spec.scope}/providers", "2021-04-01")
    states = {str(row.get("namespace", "")).lower(): str(row.get("registrationState", "")) for row in rows}

    def absent(namespaces: Sequence[str]) -> list[str]:
        return [each for each in namespaces if states.get(each.lower()) not in ("Registered", "Registering")]

    def register(namespaces: Sequence[str]) -> str:
        return "; ".join(f"az provider register --namespace {each}" for each in namespaces)

    findings = []
    if missing := absent(NAMESPACES):
        findings.append(Finding(name, State.REFUSED, f"not registered: {', '.join(missing)}", register(missing)))
    if missing := absent(ENDPOINT_NAMESPACES):
        found = f"not registered, and endpoints have been refused for it: {', '.join(missing)}"
        findings.append(Finding(name, State.WARNING, found, register(missing)))
    under_way = [each for each in NAMESPACES if states.get(each.lower()) == "Registering"]
    if under_way:
        found = f"still being registered: {', '.join(under_way)}"
        findings.append(Finding(name, State.WARNING, found, f"az provider show --namespace {under_way[0]}"))
    return findings or [Finding(name, State.OK, f"all {len(NAMESPACES + ENDPOINT_NAMESPACES)} are registered")]


def permissions(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """The caller may create resources and assign roles: in the group, or in the subscription before there is one."""
    name = "permissions"
    version = "2022-04-01"
    scope, where = spec.group_scope, f"resource group {spec.resource_group}"
    if arm.find(spec.group_scope, "2024-03-01") is None:
        scope, where = spec.scope, "the subscription"
    granted = arm.items(f"{scope}/providers/Microsoft.Authorization/permissions", version)
    wanted = {
        "Microsoft.Authorization/roleAssignments/write": "assign roles",
        "Microsoft.MachineLearningServices/workspaces/write": "create resources",
    }
    if scope == spec.scope:
        wanted["Microsoft.Resources/subscriptions/resourceGroups/write"] = "create resource groups"
    missing = [words for action, words in wanted.items() if not any(allows(each, action) for each in granted)]
    if not missing:
        free = [each for each in granted if not each.get("condition")]
        if all(any(allows(each, action) for each in free) for action in wanted):
            return [Finding(name, State.OK, f"you may create resources and assign roles in {where}")]
        told = f"you may create resources and assign roles in {where}, under a condition this check does not weigh"
        page = "https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-overview"
        return [Finding(name, State.WARNING, told, page)]
    role = "Contributor"
    if "assign roles" in missing:
        role = "Owner" if len(missing) > 1 else "Role Based Access Control Administrator"
    fix = f'az role assignment create --role "{role}" --scope {scope} --assignee <you>'
    return [Finding(name, State.REFUSED, f"you may not {' nor '.join(missing)} in {where}", fix)]


def allows(permission: Mapping[str, Any], action: str) -> bool:
    """Whether one granted role allows an action; what it excludes counts for this role alone, as on Azure."""

    def matches(patterns: Iterable[str] | None) -> bool:
        return any(fnmatch.fnmatchcase(action.lower(), str(each).lower()) for each in patterns or ())

    return matches(permission.get("actions")) and not matches(permission.get("notActions"))


def cores(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """The families have room for cluster, endpoint and the release of a next model; so has their regional sum."""
    found = quota.needs(arm, spec)
    findings = [_family(spec, need) for need in found]
    whole = quota.total(arm, spec)
    if whole is not None and whole.limit != quota.UNLIMITED:
        needed = sum(need.needed for need in found)
        limit = whole.used - sum(need.own for need in found) + needed
        if whole.limit < limit:
            told = f"all families together: limit {whole.limit}, in use {whole.used}, needed {needed}"
            page = (
                f"Azure portal, Quotas, Machine learning, region {spec.location}: raise the regional total to {limit}"
            )
            findings.append(Finding("regional quota", State.REFUSED, told, page))
    return findings


def _family(spec: PreflightSpec, need: quota.Need) -> Finding:
    name, ask = "quota", f"python -m jobs quota request --stack {spec.stack}"
    told = f"{need.family} in {spec.location}: needed {need.needed} ({', '.join(need.parts)})"
    if need.usage is None:
        return Finding(name, State.REFUSED, f"{told}, but the region lists no such family", "choose another region")
    limit = "none" if need.usage.limit == quota.UNLIMITED else str(need.usage.limit)
    told += f", limit {limit}, in use {need.usage.used}"
    if need.own:
        told += f" ({need.own} by this stack)"
    if not need.fits(need.limit_needed):
        return Finding(name, State.REFUSED, told, ask)
    if not need.fits(need.limit_needed + need.peak):
        more = f"{told}; a next release needs {need.peak} more while it stands beside the old one"
        return Finding(name, State.WARNING, more, ask)
    return Finding(name, State.OK, told)


def sizes(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """The VM sizes are offered in the region and not retired."""
    name = "VM sizes"
    path = f"{spec.scope}/providers/Microsoft.MachineLearningServices/locations/{spec.location}/vmSizes"
    offered = {str(row.get("name", "")).lower(): row for row in arm.items(path, quota.ML_VERSION)}
    findings = []
    for machines in spec.machines:
        what = f"{machines.vm_size} for the {machines.use}"
        row = offered.get(machines.vm_size.lower())
        other = f"take {machines.successor}" if machines.successor else "choose another vmSize or region"
        if machines.retired:
            findings.append(Finding(name, State.REFUSED, f"{what} was retired on {machines.retired}", other))
        elif row is None and machines.use not in CLUSTERS and not machines.cluster:
            # The list is of sizes for clusters: A10 sizes were missing where endpoints took them.
            told = f"{what}: the region's list covers clusters only, so this could not be checked"
            findings.append(Finding(name, State.WARNING, told, "https://aka.ms/azureml-managed-endpoint-sku"))
        elif row is None:
            findings.append(Finding(name, State.REFUSED, f"{what} is not offered in {spec.location}", other))
        elif machines.use in CLUSTERS and not _for_clusters(row):
            findings.append(Finding(name, State.REFUSED, f"{what}: {spec.location} offers it, not for clusters", other))
    told = f"{', '.join(sorted({each.vm_size for each in spec.machines}))} offered in {spec.location}"
    return findings or [Finding(name, State.OK, told)]


def _for_clusters(row: Mapping[str, Any]) -> bool:
    kinds = row.get("supportedComputeTypes")
    return not kinds or "amlcompute" in {str(kind).lower() for kind in kinds}


def deleted_vault(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """No deleted key vault holds the name."""
    name = "soft-deleted vault"
    path = f"{spec.scope}/providers/Microsoft.KeyVault/locations/{spec.location}/deletedVaults/{escaped(spec.vault)}"
    found = arm.find(path, "2024-11-01")
    if found is None:
        return [Finding(name, State.OK, f"{spec.vault} is free")]
    properties = found.get("properties") or {}
    until = f" until {str(properties['scheduledPurgeDate'])[:10]}" if properties.get("scheduledPurgeDate") else ""
    told = f"{spec.vault} is soft-deleted and holds the name{until}"
    if properties.get("purgeProtectionEnabled"):
        fix = f"it may not be purged: az keyvault recover --name {spec.vault}, or change finetune-phi:name"
        return [Finding(name, State.REFUSED, told, fix)]
    fix = f"python -m jobs purge --stack {spec.stack}"
    return [Finding(name, State.REFUSED, told, f"{fix} (or az keyvault recover --name {spec.vault})")]


def deleted_account(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """No deleted AI Services account holds the name."""
    name = "soft-deleted AI Services"
    rows = arm.items(f"{spec.scope}/providers/Microsoft.CognitiveServices/deletedAccounts", "2025-06-01")
    if not any(str(row.get("name", "")).lower() == spec.ai_services.lower() for row in rows):
        return [Finding(name, State.OK, f"{spec.ai_services} is free")]
    told = f"{spec.ai_services} is soft-deleted and holds the name"
    return [Finding(name, State.REFUSED, told, f"python -m jobs purge --stack {spec.stack}")]
