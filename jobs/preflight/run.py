"""Preflight: refuses, before anything is created, what Azure would refuse half an hour into a deployment.

Runs ahead of a stack's first resource, and by `python -m jobs preflight`. It only reads. What cannot be asked is
whether a soft-deleted *workspace* holds a name: Azure has no list of those outside its portal.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from cloud import client as azure
from cloud.credentials import ARM_SCOPE
from cloud.errors import StageError, azure_errors
from cloud.report import WARNING, Report
from jobs.preflight import checks, data, existing, grants, names, registry, subscription
from jobs.preflight.checks import Check
from jobs.preflight.findings import Finding, State, as_far_as_read
from jobs.preflight.locked import network, own_key, policies
from jobs.preflight.spec import PreflightSpec

CHECKS: dict[str, Check] = {
    "subscription": subscription.subscription,
    "region": subscription.region,
    "resource providers": subscription.providers,
    "permissions": subscription.permissions,
    "quota": checks.cores,
    "VM sizes": checks.sizes,
    "base model": registry.base_model,
    "fine-tune component": registry.component,
    "training data": data.fits,
    "existing": existing.usable,
    "roles": grants.granted,
    "encryption": own_key.usable,
    network.NAME: network.usable,
    policies.NAME: policies.allowed,
    "names": names.free,
    "soft-deleted vault": checks.deleted_vault,
    "soft-deleted AI Services": checks.deleted_account,
}
"""By the name the findings carry."""
_RETRIES = 2  # a check that Azure keeps throttling becomes a warning instead of minutes of waiting


def run(spec: PreflightSpec, report: Report, stop: threading.Event) -> None:
    """The stage: reports warnings, raises StageError with every refusal."""
    report("asking Azure what it would refuse")
    findings = check(spec)
    for finding in findings:
        if finding.state is State.WARNING:
            report(f"{WARNING}{finding}")
    refused = [finding for finding in findings if finding.state is State.REFUSED]
    if refused:
        again = f"Mend this, check with `python -m jobs preflight --stack {spec.stack}`, then run `pulumi up` again."
        count = "one thing stands" if len(refused) == 1 else f"{len(refused)} things stand"
        # Below the sentence: what mends one is often a command, and whoever copies it copies no full stop.
        reasons = "".join(f"\n  - {finding}" for finding in refused)
        on = f"subscription {spec.subscription_id}, {spec.location}"
        what = "Azure would refuse this stack, so nothing was created"
        raise StageError(what, on=on, why=f"{count} in the way", todo=f"{reasons}\n{again}")
    if stop.is_set():
        raise StageError("the preflight was stopped", on=spec.location, why="you asked to stop", todo="Run it again.")


def check(spec: PreflightSpec) -> list[Finding]:
    """Every finding, in the order of CHECKS, which run side by side. Raises StageError when nobody can sign in."""
    from cloud.arm import Arm

    # One failed sign-in is one error, not ten warnings; and the token is there for all checks.
    with azure_errors("Azure could not be asked", f"subscription {spec.subscription_id}"):
        azure.credential().get_token(ARM_SCOPE)
    arm = Arm(retries=_RETRIES)
    with ThreadPoolExecutor(len(CHECKS)) as pool:
        running = [
            pool.submit(as_far_as_read, name, functools.partial(each, spec, arm)) for name, each in CHECKS.items()
        ]
        return [finding for each in running for finding in each.result()]


def refuses(findings: Sequence[Finding]) -> bool:
    """Whether anything stands in the way."""
    return any(finding.state is State.REFUSED for finding in findings)
