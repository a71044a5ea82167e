"""Stage: a workspace's managed network, with private endpoints to storage, vault and registry, is made.

Azure would do so with the first cluster. By then it is too late to hear that the workspace may not approve the
endpoints, and clusters that are made at the same time get into each other's way.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cloud.catalogue import ML_VERSION
from cloud.errors import AGAIN, NotFinished, StageError, azure_errors
from cloud.report import Report
from cloud.waiting import ROLE_POLL_SECONDS, ROLE_SECONDS, Stopped, TooLong, minutely, wait
from jobs.network.spec import ProvisionSpec
from jobs.preflight.grants import az_lines, missing
from jobs.preflight.spec import Grant

if TYPE_CHECKING:
    from cloud.arm import Arm

FAILED = "the managed network was not provisioned"


def run(spec: ProvisionSpec, report: Report, stop: threading.Event) -> None:
    """The stage. Raises StageError, of roles that are missing with the lines that grant them."""
    from cloud.arm import Arm

    arm, on = Arm(), f"workspace {spec.target.workspace}"
    with azure_errors(FAILED, on):
        there = arm.get(spec.target.path, ML_VERSION)
        if _status(there) == "Active":
            report("the managed network is there")
            return
        principal = str((there.get("identity") or {}).get("principalId") or "")
        _allowed(arm, spec, tuple(replace(each, principal=principal) for each in spec.grants), report, stop)
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
        raise NotFinished("the managed network is not provisioned yet", on=on, why=why, todo=todo)
    with azure_errors(FAILED, on):
        status = _status(arm.get(spec.target.path, ML_VERSION))
    if status != "Active":
        todo = f"Look at Networking of {spec.target.workspace} in the Azure portal. {AGAIN}"
        raise StageError(FAILED, on=on, why=f"Azure says that it is {status or 'not there'}", todo=todo)


def _status(workspace: Mapping[str, Any]) -> str:
    network = (workspace.get("properties") or {}).get("managedNetwork") or {}
    return str((network.get("status") or {}).get("status") or "")


def _allowed(arm: Arm, spec: ProvisionSpec, grants: tuple[Grant, ...], report: Report, stop: threading.Event) -> None:
    """Waits for roles that were granted a moment ago."""

    def none_missing() -> bool | None:
        return None if missing(arm, grants) else True

    on = f"workspace {spec.target.workspace}"
    try:
        tell = minutely(report, "waiting for the workspace's role to approve private endpoints")
        wait(none_missing, every=ROLE_POLL_SECONDS, most=ROLE_SECONDS if spec.grants else 0.0, tell=tell, stop=stop)
    except Stopped:
        raise NotFinished(
            "the managed network is not provisioned yet", on=on, why="you asked to stop", todo=AGAIN
        ) from None
    except TooLong:
        lines = "".join(f"\n  {line}" for line in az_lines(missing(arm, grants)))
        why = "its identity may not approve the private endpoints that lead to storage, vault and registry"
        todo = f"Somebody who may assign roles runs these lines; then `pulumi up` goes on from here:{lines}"
        raise StageError(FAILED, on=on, why=why, todo=todo) from None
