"""Compute clusters: sizes, quota, and what Azure ML only says in the compute's errors."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from emulator.arm.errors import AzureError, MachineLearningError, user_error
from emulator.arm.paths import ArmPath
from emulator.machine.store import Resource
from emulator.resources.base import Kind
from emulator.resources.workspaces import DETACHED, ML
from emulator.subscription import skus
from emulator.subscription.quota import JOBS, Quota, machines
from emulator.subscription.skus import Sku

NODE_STATES = ("idleNodeCount", "runningNodeCount", "preparingNodeCount", "unusableNodeCount", "leavingNodeCount")


class Compute(Kind):
    """A compute cluster. Its size never changes after creation, whatever a PUT says. Deleted without
    ``underlyingResourceAction=Delete`` its machines are only let go of: the next cluster of that name has them, with
    their size, and shows the new one.
    """

    type = f"{ML}/workspaces/computes"
    patchable = ("properties",)
    asynchronous = True

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        properties = body.get("properties", {})
        if properties.get("computeType") != "AmlCompute":
            raise user_error("The emulator knows compute clusters only: properties.computeType AmlCompute.")
        if old is not None:
            return
        size, place = _inner(properties).get("vmSize", ""), self._region(path.parent_id, body)
        sku = skus.find(size)
        if sku is None or not sku.offered_in(place) or not sku.family.cluster:
            names = ", ".join(each.name.upper() for each in skus.offered(place) if each.family.cluster)
            raise MachineLearningError(
                400,
                "InvalidPropertyValue",
                f"The specified value {str(size).upper()} for property Cluster.Properties.VMSize is not a supported "
                "VM size. Please see details for the supported VM sizes.",
                details=[{"code": "SupportedVMSizes", "message": names}],
            )

    def _region(self, workspace_id: str, body: dict[str, Any]) -> str:
        workspace = self.cloud.store.get(workspace_id)
        return Resource(body).region or (workspace.region if workspace else "")

    def fill(self, resource: Resource, old: Resource | None) -> None:
        properties = resource.properties
        resource.body.setdefault("location", self._region(resource.id.rsplit("/", 2)[0], resource.body))
        properties["computeLocation"] = resource.region
        properties.setdefault("provisioningErrors", None)
        inner = properties.setdefault("properties", {})
        # The PUT's answer echoes a new size, the nodes keep the old one.
        before = _inner(old.properties).get("vmSize") if old else inner.get("vmSize")
        resource.internal["vmSize"] = resource.internal.get("vmSize") or before
        if old is None and (kept := self._detached().get(resource.id.lower())):
            resource.internal["machines"] = kept
        inner["vmSize"] = str(inner.get("vmSize", "")).upper()
        inner.setdefault("enableNodePublicIp", True)
        inner["remoteLoginPortPublicAccess"] = self._login(resource, inner, old)
        inner |= {"allocationState": "Steady", "currentNodeCount": 0, "targetNodeCount": 0, "errors": None}
        inner["nodeStateCounts"] = dict.fromkeys(NODE_STATES, 0)
        inner.setdefault("vmPriority", "Dedicated")

    def apply(self, resource: Resource) -> None:
        with self.cloud.store.lock:
            current = self.cloud.store.get(resource.id)
            if current is None:
                return
            inner = _inner(current.properties)
            inner["vmSize"] = str(current.internal["vmSize"]).upper()
            problem = self._problem(current)
            inner["errors"] = [{"error": problem.body()["error"]}] if problem else None
            current.properties["provisioningErrors"] = inner["errors"]
            self.cloud.store.put(current)
        if problem:
            raise problem

    def _login(self, resource: Resource, inner: dict[str, Any], old: Resource | None) -> str:
        """Whether SSH is open: what is not said is decided when the cluster is made, and open without a network."""
        asked = str(inner.get("remoteLoginPortPublicAccess") or "NotSpecified")
        if asked != "NotSpecified":
            return asked
        if old is not None:
            return str(_inner(old.properties)["remoteLoginPortPublicAccess"])
        workspace = self.cloud.store.get(resource.id.rsplit("/", 2)[0])
        network = ((workspace.properties if workspace else {}).get("managedNetwork") or {}).get("isolationMode")
        return "Disabled" if network not in (None, "Disabled") else "Enabled"

    def admit_delete(self, resource: Resource, query: Mapping[str, str]) -> None:
        resource.internal["detached"] = query.get("underlyingResourceAction", "").lower() != "delete"

    def remove(self, resource: Resource) -> None:
        kept = {key: size for key, size in self._detached().items() if key != resource.id.lower()}
        if resource.internal.get("detached"):
            kept[resource.id.lower()] = machines(resource)
        self.cloud.store.set_setting(DETACHED, kept or None)

    def _detached(self) -> dict[str, str]:
        return dict(self.cloud.store.setting(DETACHED, {}))

    def view(self, resource: Resource) -> dict[str, Any]:
        """A cluster that cannot grow for a queued job says so in its errors."""
        workspace = resource.id.rsplit("/", 2)[0]
        for job in self.cloud.store.below(workspace, JOBS):
            if job.internal.get("status") == "Queued" and job.internal.get("waits_for") == resource.name:
                sku = skus.find(machines(resource))
                assert sku is not None  # or no job would wait for its quota
                usage = Quota(self.cloud.store).usage(sku.family, resource.region)
                message = (
                    f"Operation results in exceeding quota limits of Core. Maximum allowed: {usage.limit}, Current in "
                    f"use: {usage.used}, Additional requested: {sku.cores}."
                )
                body: dict[str, Any] = copy.deepcopy(resource.body)
                _inner(body["properties"])["errors"] = [
                    {"error": {"code": job.internal["waiting"], "message": message}}
                ]
                return body
        return resource.body

    def _problem(self, compute: Resource) -> AzureError | None:
        inner = _inner(compute.properties)
        sku = skus.find(machines(compute))
        if sku is None:
            return None
        if str(inner.get("vmPriority")).lower() == "lowpriority":  # which no family quota limits
            return None if sku.family.low_priority else _not_for_low_priority(sku)
        floor = int((inner.get("scaleSettings") or {}).get("minNodeCount") or 0)
        quota, place = Quota(self.cloud.store), compute.region
        limit = quota.limit(sku.family, place)
        # Without a minimum it is enough that the quota would hold one node some day.
        left = limit - quota.used(sku.family, place, without=compute.id) if floor else limit
        cores = max(floor, 1) * sku.cores
        if cores <= left:
            return None
        return MachineLearningError(
            400,
            "ClusterMinNodesExceedCoreQuota",
            f"The specified subscription has a {sku.family.label.removesuffix(' Family')} family vCPU quota of {limit} "
            f"and cannot accomodate for at least {max(floor, 1)} requested managed compute nodes which maps to "
            f"{cores} vCPUs.",
        )


def _not_for_low_priority(sku: Sku) -> AzureError:
    return MachineLearningError(
        400,
        "UnsupportedVMSizeForLowPriority",
        f"The VM size {sku.name.upper()} is not allowed for LowPriority. Use a different VM size or Dedicated nodes.",
    )


def _inner(properties: dict[str, Any]) -> dict[str, Any]:
    inner: dict[str, Any] = properties.setdefault("properties", {})
    return inner
