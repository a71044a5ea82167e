"""The checks of the preflight of quota, machines and names: each asks Azure one thing and says what it found.

Only reads. A check raises what azure-core raises when Azure does not answer; preflight.py makes a warning of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote as escaped

from cloud.arm import Arm
from cloud.catalogue import AI_SERVICES, ML_VERSION, VAULT
from jobs.preflight import quota
from jobs.preflight.findings import Finding, State
from jobs.preflight.spec import CLUSTERS, PreflightSpec
from settings.estate.existing import not_made

Check = Callable[[PreflightSpec, Arm], list[Finding]]

CLUSTER_KIND, ENDPOINT_KIND = ("amlcompute", "clusters"), ("mir", "managed endpoints")
"""What a size can be used for, as `supportedComputeTypes` says it; MIR is managed inference."""


def cores(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """The families have room for cluster, endpoint and the release of a next model; so has their regional sum."""
    found = quota.needs(arm, spec)
    findings = [_family(spec, need) for need in found]
    whole = quota.total(arm, spec)
    if whole is not None and whole.counted and whole.limit != quota.UNLIMITED:
        needed = sum(need.needed for need in found)
        limit = whole.used - sum(need.own for need in found) + needed
        if whole.limit < limit:
            says = f"all families together: limit {whole.limit}, in use {whole.used}, needed {needed}"
            page = (
                f"Azure portal, Quotas, Machine learning, region {spec.location}: raise the regional total to {limit}"
            )
            findings.append(Finding(check="regional quota", state=State.REFUSED, found=says, fix=page))
    return findings


def _family(spec: PreflightSpec, need: quota.Need) -> Finding:
    name, ask = "quota", f"python -m jobs quota request --stack {spec.stack}"
    turn = ", one after the other" if need.in_turn else ""
    says = f"{need.family} in {spec.location}: needed {need.needed} ({', '.join(need.parts)}{turn})"
    if need.usage is None:
        return Finding(
            check=name,
            state=State.REFUSED,
            found=f"{says}, but the region lists no such family",
            fix="choose another region",
        )
    limit = "none" if need.usage.limit == quota.UNLIMITED else str(need.usage.limit)
    if not need.usage.counted:
        # So it was before an offer's upgrade had arrived everywhere, with limits that were not the real ones.
        says += (
            f", limit {limit}; not materialised yet: Azure counts nothing as in use here, so the limit proves nothing"
        )
        return Finding(check=name, state=State.WARNING, found=says, fix=f"ask again in some hours, or at once: {ask}")
    says += f", limit {limit}, in use {need.usage.used}"
    if need.own:
        says += f" ({need.own} by this stack)"
    if not need.fits(need.limit_needed):
        return Finding(check=name, state=State.REFUSED, found=says, fix=ask)
    if not need.fits(need.limit_needed + need.training_again):
        more = f"{says}; a next fine-tune needs {need.training_again} more while the endpoint answers"
        todo = f"`python -m jobs pause --stack {spec.stack}` before it and `resume` after it, or ask for more: {ask}"
        return Finding(check=name, state=State.WARNING, found=more, fix=todo)
    if not need.fits(need.limit_needed + need.peak):
        more = f"{says}; a next release needs {need.peak} more while it stands beside the old one"
        return Finding(check=name, state=State.WARNING, found=more, fix=ask)
    return Finding(check=name, state=State.OK, found=says)


def sizes(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """The VM sizes are offered in the region, for what they are wanted for, and not retired."""
    name = "VM sizes"
    path = f"{spec.scope}/providers/Microsoft.MachineLearningServices/locations/{spec.location}/vmSizes"
    offered = {str(row.get("name", "")).lower(): row for row in arm.items(path, ML_VERSION)}
    findings = []
    for machines in spec.machines:
        what = f"{machines.vm_size} for the {machines.use}"
        row = offered.get(machines.vm_size.lower())
        other = f"take {machines.successor}" if machines.successor else "choose another vmSize or region"
        kind, words = CLUSTER_KIND if machines.use in CLUSTERS else ENDPOINT_KIND
        if machines.retired:
            findings.append(
                Finding(check=name, state=State.REFUSED, found=f"{what} was retired on {machines.retired}", fix=other)
            )
        elif row is None:
            findings.append(
                Finding(check=name, state=State.REFUSED, found=f"{what} is not offered in {spec.location}", fix=other)
            )
        elif not _for_kind(row, kind):
            says = f"{what}: {spec.location} offers it, not for {words}"
            findings.append(Finding(check=name, state=State.REFUSED, found=says, fix=other))
    says = f"{', '.join(sorted({each.vm_size for each in spec.machines}))} offered in {spec.location}"
    return findings or [Finding(check=name, state=State.OK, found=says)]


def _for_kind(row: Mapping[str, Any], wanted: str) -> bool:
    kinds = row.get("supportedComputeTypes")
    return not kinds or wanted in {str(kind).lower() for kind in kinds}


def deleted_vault(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """No deleted key vault holds the name."""
    name = "soft-deleted vault"
    if "vault" in spec.existing:
        return [Finding(check=name, state=State.OK, found="somebody else's vault is used")]
    path = f"{spec.scope}/providers/Microsoft.KeyVault/locations/{spec.location}/deletedVaults/{escaped(spec.vault)}"
    found = arm.find(path, VAULT.version)
    if found is None:
        return [Finding(check=name, state=State.OK, found=f"{spec.vault} is free")]
    properties = found.get("properties") or {}
    until = f" until {str(properties['scheduledPurgeDate'])[:10]}" if properties.get("scheduledPurgeDate") else ""
    says = f"{spec.vault} is soft-deleted and holds the name{until}"
    if properties.get("purgeProtectionEnabled"):
        fix = f"it may not be purged: az keyvault recover --name {spec.vault}, or change finetune-phi:name"
        return [Finding(check=name, state=State.REFUSED, found=says, fix=fix)]
    fix = f"python -m jobs purge --stack {spec.stack}"
    return [
        Finding(check=name, state=State.REFUSED, found=says, fix=f"{fix} (or az keyvault recover --name {spec.vault})")
    ]


def deleted_account(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """No deleted AI Services account holds the name."""
    name = "soft-deleted AI Services"
    if "ai_services" in not_made(spec.existing):
        return [Finding(check=name, state=State.OK, found="a hub of somebody else's is used, and what it has")]
    rows = arm.items(f"{spec.scope}/providers/Microsoft.CognitiveServices/deletedAccounts", AI_SERVICES.version)
    if not any(str(row.get("name", "")).lower() == spec.ai_services.lower() for row in rows):
        return [Finding(check=name, state=State.OK, found=f"{spec.ai_services} is free")]
    says = f"{spec.ai_services} is soft-deleted and holds the name"
    return [Finding(check=name, state=State.REFUSED, found=says, fix=f"python -m jobs purge --stack {spec.stack}")]
