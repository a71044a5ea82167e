"""The jobs that a stack has submitted, found in its workspace by the tags they carry, and how one is cancelled.

By plain REST: the commands that use it need no client library, and a job of a kind unknown to one is no obstacle.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloud.errors import StageError
from cloud.target import Target
from settings.catalogue import spelled

if TYPE_CHECKING:
    from cloud.arm import Arm

STACK, FINGERPRINT, MACHINE = "stack", "fingerprint", "vmSize"
"""Tags of every job: which stack it belongs to, which spec it does the work of, and on machines of which size."""
API = "2025-12-01"
ENDED = ("Completed", "Failed", "Canceled")
"""States that a job does not leave, as the API spells them."""
GIVEN_UP = (*ENDED, "NotResponding")
"""States in which a job is no longer waited for; one that does not respond may still hold its node, and bill."""
SILENT = "NotResponding"
SILENT_SECONDS = 600.0
"""A job that does not respond may come back; so long it is given for that."""
CANCELLED = ("Canceled", "CancelRequested")
FINETUNING, PREPARATION = "fine-tuning", "preparation of the data"
_WORK = {"finetune": FINETUNING, "prepare": PREPARATION}
_NAME = re.compile(r"(?P<work>finetune|prepare)-(?P<fingerprint>[0-9a-f]{12})-(?P<attempt>[1-9]\d*)")
_PATIENCE, _POLL_SECONDS = 120.0, 2.0  # for a cancelled job to end; a node takes its time to let go


@dataclass(frozen=True)
class StackJob:
    """A job of a stack; ``created`` is Azure's time stamp, ISO 8601, ``url`` its page in the studio.

    ``machine`` is the size of its cluster's machines, "" where that is not known; ``inputs`` are its component's.
    """

    name: str
    work: str
    fingerprint: str
    attempt: int
    status: str
    created: str
    display_name: str
    url: str
    machine: str
    inputs: Mapping[str, str]

    @property
    def ended(self) -> bool:
        return self.status in ENDED


def workspace_of(target: Target) -> str:
    """The workspace's id, which is its path below management.azure.com."""
    group = f"/subscriptions/{target.subscription_id}/resourceGroups/{target.resource_group}"
    return f"{group}/providers/Microsoft.MachineLearningServices/workspaces/{target.workspace}"


def of_stack(arm: Arm, target: Target, stack: str) -> list[StackJob]:
    """The stack's jobs, archived ones too, the newest first.

    A job belongs to it by its tag and by a name made from its own tags: one that a person has copied in the studio
    has the tags, but another name. Raises StageError where there is no workspace, and what azure-core raises.
    """
    from azure.core.exceptions import ResourceNotFoundError

    try:
        found = arm.items(f"{workspace_of(target)}/jobs", API, tag=STACK, listViewType="All")
    except ResourceNotFoundError as error:
        raise StageError(
            f"stack {stack} is not up",
            on=f"workspace {target.workspace}",
            why="there is no such workspace",
            todo=f"Run `make up STACK={stack}` first.",
        ) from error
    jobs = [job for given in found if (job := _read(given, stack)) is not None]
    return sorted(jobs, key=lambda job: (job.created, job.attempt), reverse=True)


def machine_of(arm: Arm, target: Target, cluster: str) -> dict[str, str]:
    """The tag that says what a job on that cluster runs on; none where there is no such cluster.

    Another cluster may have its name later.
    """
    found = arm.find(f"{workspace_of(target)}/computes/{cluster}", API) or {}
    size = ((found.get("properties") or {}).get("properties") or {}).get("vmSize")
    return {MACHINE: spelled(str(size))} if size else {}


def one(arm: Arm, target: Target, name: str) -> dict[str, Any] | None:
    """A job by its name, whoever submitted it; None where there is none."""
    return arm.find(f"{workspace_of(target)}/jobs/{name}", API)


def status_of(job: dict[str, Any] | None) -> str:
    """The state in a job as REST answers it; "" for no job."""
    return str((job or {}).get("properties", {}).get("status", ""))


def cancel(arm: Arm, target: Target, name: str, stop: threading.Event | None = None) -> str:
    """Cancels a job and waits for its end; returns its state then, "" if it is gone.

    A job that ends by itself meanwhile stays what it is. Gives up waiting after two minutes or when ``stop`` is set:
    the state is then ``CancelRequested``. Raises what azure-core raises.
    """
    from azure.core.exceptions import HttpResponseError

    stop, deadline = stop or threading.Event(), time.monotonic() + _PATIENCE
    path = f"{workspace_of(target)}/jobs/{name}/cancel"
    try:
        arm.run("POST", path, {"api-version": API}, stop=stop, seconds=_PATIENCE)
    except HttpResponseError:
        # What has ended just now cannot be cancelled, and need not be.
        if (status := status_of(one(arm, target, name))) not in ("", *ENDED):
            raise
        return status
    while (status := status_of(one(arm, target, name))) not in ("", *ENDED):
        if time.monotonic() >= deadline or stop.wait(_POLL_SECONDS):
            return status
    return status


def _read(given: dict[str, Any], stack: str) -> StackJob | None:
    properties = given.get("properties") or {}
    tags = properties.get("tags") or {}
    name = str(given.get("name"))
    parts = _NAME.fullmatch(name)
    if parts is None or tags.get(STACK) != stack or tags.get(FINGERPRINT) is None:
        return None
    work = _WORK[parts["work"]]
    # The name of a preparation derives from more than the tag.
    if work == FINETUNING and tags[FINGERPRINT] != parts["fingerprint"]:
        return None
    nodes = list((properties.get("jobs") or {}).values())
    inputs = (nodes[0].get("inputs") or {}) if nodes else {}
    return StackJob(
        name=name,
        work=work,
        fingerprint=str(tags[FINGERPRINT]),
        attempt=int(parts["attempt"]),
        status=str(properties.get("status", "")),
        created=str((given.get("systemData") or {}).get("createdAt", "")),
        display_name=str(properties.get("displayName") or name),
        url=str(((properties.get("services") or {}).get("Studio") or {}).get("endpoint") or ""),
        machine=str(tags.get(MACHINE) or ""),
        inputs={key: str(given["value"]) for key, given in inputs.items() if given.get("value") is not None},
    )
