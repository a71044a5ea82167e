"""The jobs that a stack has submitted, found in its workspace by the tags they carry, and how one is cancelled.

By plain REST: the commands that use it need no client library, and a job of a kind unknown to one is no obstacle.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloud.catalogue import ML_VERSION
from cloud.errors import StageError
from cloud.report import Report
from cloud.states import ENDED
from cloud.target import Target
from cloud.waiting import Stopped, TooLong, minutely, wait
from settings.machines import spelled

if TYPE_CHECKING:
    from cloud.arm import Arm

STACK, FINGERPRINT, MACHINE = "stack", "fingerprint", "vmSize"
"""Tags of every job: which stack it belongs to, which spec it does the work of, and on machines of which size."""
RECIPE = "recipe_name"
"""Tag of the jobs of a stack with several recipes, and of their models; their fingerprints tell them apart."""
SILENT_SECONDS = 600.0
"""A job that does not respond may come back; so long it is given for that."""
FINETUNING, PREPARATION = "fine-tuning", "preparation of the data"
_WORK = {"finetune": FINETUNING, "prepare": PREPARATION}
_NAME = re.compile(r"(?P<work>finetune|prepare)-(?P<fingerprint>[0-9a-f]{12})-(?P<attempt>[1-9]\d*)")
_PATIENCE, _POLL_SECONDS = 120.0, 2.0  # for a cancelled job to end; a node takes its time to let go


@dataclass(frozen=True, kw_only=True)
class StackJob:
    """A job of a stack; ``created`` is Azure's time stamp, ISO 8601, ``url`` its page in the studio.

    ``machine`` is the size of its cluster's machines, "" where that is not known; ``inputs`` are its component's;
    ``recipe`` is the name of its recipe, where the stack had several.
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
    recipe: str = ""

    @property
    def ended(self) -> bool:
        return self.status in ENDED


def of_stack(arm: Arm, target: Target, stack: str) -> list[StackJob]:
    """The stack's jobs, archived ones too, the newest first.

    A job belongs to it by its tag and by a name made from its own tags: one that a person has copied in the studio
    has the tags, but another name. Raises StageError where there is no workspace, and what azure-core raises.
    """
    from azure.core.exceptions import ResourceNotFoundError

    try:
        found = arm.items(f"{target.path}/jobs", ML_VERSION, tag=STACK, listViewType="All")
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
    found = arm.find(f"{target.path}/computes/{cluster}", ML_VERSION) or {}
    size = ((found.get("properties") or {}).get("properties") or {}).get("vmSize")
    return {MACHINE: spelled(str(size))} if size else {}


def one(arm: Arm, target: Target, name: str) -> dict[str, Any] | None:
    """A job by its name, whoever submitted it; None where there is none."""
    return arm.find(f"{target.path}/jobs/{name}", ML_VERSION)


def status_of(job: dict[str, Any] | None) -> str:
    """The state in a job as REST answers it; "" for no job."""
    return str((job or {}).get("properties", {}).get("status", ""))


def cancel(arm: Arm, target: Target, name: str, report: Report, stop: threading.Event | None = None) -> str:
    """Cancels a job and waits for its end; returns its state then, "" if it is gone.

    A job that ends by itself meanwhile stays what it is. Gives up waiting after two minutes or when ``stop`` is set:
    the state is then ``CancelRequested``. Raises what azure-core raises.
    """
    from azure.core.exceptions import HttpResponseError

    stop, deadline = stop or threading.Event(), time.monotonic() + _PATIENCE
    tell = minutely(report, f"job {name}: still being cancelled")
    path = f"{target.path}/jobs/{name}/cancel"
    try:
        arm.run("POST", path, {"api-version": ML_VERSION}, stop=stop, seconds=_PATIENCE, tell=tell)
    except HttpResponseError:
        # What has ended just now cannot be cancelled, and need not be.
        if (status := status_of(one(arm, target, name))) not in ("", *ENDED):
            raise
        return status
    status = ""

    def ended() -> str | None:
        nonlocal status
        status = status_of(one(arm, target, name))
        return status if status in ("", *ENDED) else None

    with contextlib.suppress(Stopped, TooLong):
        wait(ended, every=_POLL_SECONDS, most=deadline - time.monotonic(), tell=tell, stop=stop)
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
        recipe=str(tags.get(RECIPE) or ""),
        inputs={key: str(given["value"]) for key, given in inputs.items() if given.get("value") is not None},
    )
