"""Stage: a workspace's managed network, with private endpoints to storage, vault and registry, is made.

Azure would do so with the first cluster. By then it is too late to hear that the workspace may not approve the
endpoints, and clusters that are made at the same time get into each other's way.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cloud.catalogue import ML_VERSION, REGISTRY, STORAGE, VAULT
from cloud.errors import AGAIN, NotFinished, StageError, azure_errors
from cloud.report import WARNING, Report
from cloud.waiting import ROLE_POLL_SECONDS, ROLE_SECONDS, Stopped, TooLong, minutely, wait
from jobs.network.spec import ProvisionSpec
from jobs.preflight.grants import az_lines, missing
from jobs.preflight.spec import Grant

if TYPE_CHECKING:
    from cloud.arm import Arm

NOT_YET = "the managed network is not provisioned yet"
FAILED = "the managed network was not provisioned"
LEAD_SECONDS = 600.0
"""How long after the network its private endpoints may take; of it Azure says only half an hour, which is over then."""
LEAD_POLL_SECONDS = 20.0
_STORES = {"storageAccount": STORAGE, "keyVault": VAULT, "containerRegistry": REGISTRY}
"""What jobs cannot do without, by the workspace's words."""
_NONE = "none"


def run(spec: ProvisionSpec, report: Report, stop: threading.Event) -> None:
    """The stage. Raises StageError, of roles that are missing with the lines that grant them."""
    from cloud.arm import Arm

    arm, on = Arm(), f"workspace {spec.target.workspace}"
    with azure_errors(FAILED, on):
        there = arm.get(spec.target.path, ML_VERSION)
        principal = str((there.get("identity") or {}).get("principalId") or "")
        _allowed(arm, spec, tuple(replace(each, principal=principal) for each in spec.grants), report, stop)
        # One from before the stores were closed leads to none of them yet.
        if _status(there) == "Active" and not _without(arm, there):
            report("the managed network is there, with its private endpoints")
            return
        report("provisioning the managed network, which takes Azure about half an hour")
        done = arm.run(
            "POST",
            f"{spec.target.path}/provisionManagedNetwork",
            {"api-version": ML_VERSION},
            {"includeSpark": False},
            stop,
            tell=minutely(report, "Azure is provisioning the managed network"),
        )
    if done is None:
        why, todo = "you asked to stop", f"Azure goes on with it. {AGAIN}"
        raise NotFinished(NOT_YET, on=on, why=why, todo=todo)
    with azure_errors(FAILED, on):
        status = _status(arm.get(spec.target.path, ML_VERSION))
    if status != "Active":
        todo = f"Look at Networking of {spec.target.workspace} in the Azure portal. {AGAIN}"
        raise StageError(FAILED, on=on, why=f"Azure says that it is {status or 'not there'}", todo=todo)
    _led(arm, spec, report, stop)


def _status(workspace: Mapping[str, Any]) -> str:
    network = (workspace.get("properties") or {}).get("managedNetwork") or {}
    return str((network.get("status") or {}).get("status") or "")


def _without(arm: Arm, workspace: Mapping[str, Any]) -> dict[str, str]:
    """Stores that the network leads to by no private endpoint that is up: their ids with the endpoint's state.

    Azure makes one to what is closed, and to all where nothing but approved addresses is reached (Azure ML's docs,
    "Workspace managed virtual network isolation").
    """
    own = workspace.get("properties") or {}
    network = own.get("managedNetwork") or {}
    states: dict[str, set[str]] = {}
    for rule in (network.get("outboundRules") or {}).values():
        if rule.get("type") == "PrivateEndpoint":
            to = str((rule.get("destination") or {}).get("serviceResourceId", "")).lower()
            states.setdefault(to, set()).add(str(rule.get("status", "")))
    every, found = network.get("isolationMode") == "AllowOnlyApprovedOutbound", {}
    for key, row in _STORES.items():
        store = str(own.get(key) or "")
        amiss = states.get(store.lower(), {_NONE}) - {"Active"}
        if store and amiss and (every or _is_closed(arm, store, row.version)):
            found[store] = ", ".join(sorted(amiss))
    return found


def _is_closed(arm: Arm, store: str, version: str) -> bool:
    return ((arm.find(store, version) or {}).get("properties") or {}).get("publicNetworkAccess") == "Disabled"


def _led(arm: Arm, spec: ProvisionSpec, report: Report, stop: threading.Event) -> None:
    """Waits for the private endpoints. That Azure lists them all is not proven, so what is not listed is a warning."""
    on = f"workspace {spec.target.workspace}"
    without: dict[str, str] = {}

    def all_up() -> bool | None:
        nonlocal without
        without = _without(arm, arm.get(spec.target.path, ML_VERSION))
        return None if without else True

    try:
        tell = minutely(report, "waiting for the managed network's private endpoints")
        with azure_errors(FAILED, on):
            wait(all_up, every=LEAD_POLL_SECONDS, most=LEAD_SECONDS, tell=tell, stop=stop)
    except Stopped:
        raise NotFinished(NOT_YET, on=on, why="you asked to stop", todo=AGAIN) from None
    except TooLong:
        named = "; ".join(f"{store.rpartition('/')[2]} ({state})" for store, state in without.items())
        look = f"Look at Networking, managed outbound access, of {spec.target.workspace} in the Azure portal."
        if set(without.values()) == {_NONE}:
            report(f"{WARNING}{on} lists no private endpoint to {named}, which jobs may not reach then. {look}")
            return
        what, why = "the managed network does not lead to its stores", f"its private endpoints are not up: {named}"
        raise StageError(what, on=on, why=why, todo=f"{look} {AGAIN}") from None


def _allowed(arm: Arm, spec: ProvisionSpec, grants: tuple[Grant, ...], report: Report, stop: threading.Event) -> None:
    """Waits for roles that were granted a moment ago."""

    def none_missing() -> bool | None:
        return None if missing(arm, grants) else True

    on = f"workspace {spec.target.workspace}"
    try:
        tell = minutely(report, "waiting for the workspace's role to approve private endpoints")
        wait(none_missing, every=ROLE_POLL_SECONDS, most=ROLE_SECONDS if spec.grants else 0.0, tell=tell, stop=stop)
    except Stopped:
        raise NotFinished(NOT_YET, on=on, why="you asked to stop", todo=AGAIN) from None
    except TooLong:
        lines = "".join(f"\n  {line}" for line in az_lines(missing(arm, grants)))
        why = "its identity may not approve the private endpoints that lead to storage, vault and registry"
        todo = f"Somebody who may assign roles runs these lines; then `pulumi up` goes on from here:{lines}"
        raise StageError(FAILED, on=on, why=why, todo=todo) from None
