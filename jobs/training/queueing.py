"""Why a job stays queued: what its cluster says of the node it does not get."""

from __future__ import annotations

from cloud.arm import Arm
from cloud.catalogue import CLUSTER
from cloud.target import Target
from jobs.training.failures.causes import cause_of


def reason(arm: Arm, target: Target, cluster: str) -> str:
    """The cluster's errors in one line, with what to do about a known one; "" where it has none or cannot be asked.

    A job without quota or capacity does not fail: it waits, and only the cluster says why.
    """
    from azure.core.exceptions import AzureError

    try:
        found = arm.find(f"{target.path}/computes/{cluster}", CLUSTER.version) or {}
    except AzureError:
        return ""
    inner = (found.get("properties") or {}).get("properties") or {}
    for each in inner.get("errors") or ():
        error = each.get("error") or {}
        code, message = str(error.get("code") or ""), " ".join(str(error.get("message") or "").split())
        said = f"cluster {cluster} says {code}: {message}".rstrip(": ")
        cause = cause_of([f"{code} {message}"], None)
        return f"{said}. {cause.todo}" if cause else said
    return ""
