"""Deletes what would hold its name for days after an ordinary deletion, and clusters with their machines.

Azure frees the name of a workspace only with the call that deletes it: one that is soft-deleted already is not found
any more, while its name stays taken (Azure/azure-cli#33756). Called by small resources of the program, in a process
that has nothing but what the state says.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cloud.catalogue import CATALOGUE, CLUSTER
from cloud.errors import StageError, azure_errors, refusal
from cloud.report import Report
from cloud.waiting import Tell, TooLong, minutely, wait

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError

    from cloud.arm import Arm

FOR_GOOD = {
    row.arm_type.lower(): (row.version, row.soft_delete.for_good)
    for row in CATALOGUE
    if row.soft_delete and row.soft_delete.for_good
}
"""By type: the API version, and the parameter of DELETE that leaves nothing behind."""
SECONDS, POLL_SECONDS = 3600.0, 10.0
"""A workspace takes minutes, one with a managed network a quarter of an hour."""
GONE = "is gone already; if its name is refused, it was deleted by other means before and holds it for 14 days"


def delete_for_good(target: str, holds: Mapping[str, str], report: Report, *, seconds: float = SECONDS) -> str:
    """Deletes the workspace of any kind with the id ``target`` so that its name is free, and waits until it is gone.

    ``report`` hears each minute that it goes on. Left alone while one of ``holds`` (ids, each with an API version) is
    there. Gone already is fine. Returns a line that says what happened. Raises StageError where Azure refuses, or is
    not done in ``seconds``.
    """
    from azure.core.exceptions import HttpResponseError

    from cloud.arm import Arm

    version, parameter = FOR_GOOD[_type(target)]
    on = f"workspace {target.rsplit('/', 1)[1]}"
    arm, until, tell = Arm(), time.monotonic() + seconds, minutely(report, f"{on}: still being deleted")
    with azure_errors("it could not be deleted for good", on):
        for path, its in holds.items():
            if arm.find(path, its) is not None:
                return f"{on}: is in use, {path.rsplit('/', 1)[1]} is in it; left alone"
        if arm.find(target, version) is None:
            return f"{on}: {GONE}"

        def deleted() -> bool | None:
            left = max(until - time.monotonic(), 0.0)
            try:
                arm.run("DELETE", target, {"api-version": version, parameter: "true"}, seconds=left, tell=tell)
            except HttpResponseError as error:
                if error.status_code == 404:
                    return True
                if not _in_the_way(error) or time.monotonic() > until:
                    raise
                return None
            return True

        # Whoever is refused after that raises what refuses him.
        wait(deleted, every=POLL_SECONDS, most=2 * seconds, tell=tell)
        _await_gone(arm, target, version, on, until, tell)
    return f"{on}: deleted for good, its name is free"


def delete_other_size(cluster: str, vm_size: str, report: Report, tags: Mapping[str, str] | None = None) -> str | None:
    """Deletes the cluster with the id ``cluster``, machines and all, if there is one and it is not of this size.

    With ``tags`` it is the stack's only if it has them. Returns a line that says so, None where there was nothing to
    do. Raises StageError where Azure refuses, and for a cluster that is somebody else's.
    """
    from cloud.arm import Arm

    on, arm, until = f"cluster {cluster.rsplit('/', 1)[1]}", Arm(), time.monotonic() + SECONDS
    with azure_errors("its machines could not be deleted", on):
        found = arm.find(cluster, CLUSTER.version) or {}
        size = ((found.get("properties") or {}).get("properties") or {}).get("vmSize")
        if not size or str(size).lower() == vm_size.lower():
            return None
        own = found.get("tags") or {}
        if any(own.get(key) != value for key, value in (tags or {}).items()):
            raise StageError(
                "it was left alone",
                on=on,
                why=f"it has machines of size {size}, and not the tags of this stack: somebody else has made it",
                todo="Set finetune-phi:names.cluster to another name, or finetune-phi:existing.cluster to its id.",
            )
        query = {"api-version": CLUSTER.version, "underlyingResourceAction": "Delete"}
        tell = minutely(report, f"{on}: its machines of size {size} are still being deleted")
        arm.run("DELETE", cluster, query, seconds=SECONDS, tell=tell)
        _await_gone(arm, cluster, CLUSTER.version, on, until, tell)
    return f"{on}: deleted with its machines of size {size}, which another size does not take over"


def _await_gone(arm: Arm, target: str, version: str, on: str, until: float, tell: Tell) -> None:
    try:
        wait(
            lambda: True if arm.find(target, version) is None else None,
            every=POLL_SECONDS,
            most=until - time.monotonic(),
            tell=tell,
        )
    except TooLong:
        raise StageError(
            "it could not be deleted for good",
            on=on,
            why="Azure has not ended the deletion in the time it usually takes",
            todo="Wait, then run the same command again: it goes on where Azure is.",
        ) from None


def _in_the_way(error: HttpResponseError) -> bool:
    """Whether what lay in it is only still being deleted: a hub's projects, a workspace's endpoints."""
    return error.status_code in (400, 409) and any(
        word in refusal(error)[1].lower() for word in ("associated", "being deleted", "conflict", "in progress")
    )


def _type(resource_id: str) -> str:
    """`Namespace/type` of an id, in lower case."""
    namespace, kind = resource_id.lower().rsplit("/providers/", 1)[1].split("/")[:2]
    return f"{namespace}/{kind}"
