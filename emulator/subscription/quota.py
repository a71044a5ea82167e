"""vCPU quota: what a subscription may use of a family in a region, and what it uses now.

Clusters and managed endpoints draw on the same Azure ML quota of a family and region. Limits are the table's
(``skus.FAMILIES``) unless they were set: ``python -m emulator quota FAMILY CORES [--region R]``, the admin call
``/admin/quota``, or a request to the quota API.
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.machine.store import Resource, Store
from emulator.subscription import skus
from emulator.subscription.skus import FAMILIES, Family

COMPUTES = "Microsoft.MachineLearningServices/workspaces/computes"
DEPLOYMENTS = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments"
JOBS = "Microsoft.MachineLearningServices/workspaces/jobs"
ON_NODE = ("Preparing", "Running", "Finalizing")
"""States in which a job holds a node of its cluster."""
LIMITS = "quota"
ANY_REGION = "*"


@dataclass(frozen=True)
class Usage:
    """Cores of one family in one region."""

    family: Family
    used: int
    limit: int

    @property
    def free(self) -> int:
        return self.limit - self.used


class Quota:
    """Limits and use of cores; stateless over the store, so cheap to make anywhere."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def limit(self, family: Family, region: str) -> int:
        limits: dict[str, int] = self._store.setting(LIMITS, {})
        default = limits.get(_key(family, ANY_REGION), family.limit)
        return int(limits.get(_key(family, region), default))

    def set_limit(self, family: Family, cores: int, region: str = ANY_REGION) -> None:
        """Set a limit for one region, or for all that have none of their own."""
        with self._store.lock:
            limits = self._store.setting(LIMITS, {})
            self._store.set_setting(LIMITS, {**limits, _key(family, region): cores})

    def usage(self, family: Family, region: str) -> Usage:
        """Limit and use of a family now."""
        return Usage(family, self.used(family, region), self.limit(family, region))

    def rows(self, region: str) -> list[Usage]:
        """Limit and use of every family of a region."""
        return [self.usage(family, region) for family in FAMILIES if region in family.regions]

    def used(self, family: Family, region: str, *, without: str = "") -> int:
        """Cores in use: nodes that clusters hold now, and deployments with what Azure reserves on top.

        Args:
            without: id of a resource left out of the sum, to ask what its change would need.
        """
        taken = 0
        for kind, cores in ((COMPUTES, self._cluster), (DEPLOYMENTS, self._deployment)):
            for resource in self._store.of_type(kind):
                if _region(resource) == region and resource.id.lower() != without.lower():
                    taken += cores(resource, family)
        return taken

    def _cluster(self, compute: Resource, family: Family) -> int:
        inner = compute.properties.get("properties") or {}
        sku = skus.find(machines(compute))
        if sku is None or sku.family != family or compute.properties.get("provisioningState") == "Failed":
            return 0
        floor = int((inner.get("scaleSettings") or {}).get("minNodeCount") or 0)
        workspace = compute.id[: compute.id.lower().rindex("/computes/")]
        busy = any(
            job.internal.get("cluster") == compute.name and job.internal.get("status") in ON_NODE
            for job in self._store.below(workspace, JOBS)
        )
        return max(floor, int(busy)) * sku.cores

    def _deployment(self, deployment: Resource, family: Family) -> int:
        sku = skus.find(str(deployment.properties.get("instanceType", "")))
        if sku is None or sku.family != family:
            return 0
        return sku.reserved(int((deployment.body.get("sku") or {}).get("capacity") or 1)) * sku.cores


def machines(compute: Resource) -> str:
    """The size of the machines a cluster really has."""
    return str(compute.internal.get("machines") or (compute.properties.get("properties") or {}).get("vmSize", ""))


def _key(family: Family, region: str) -> str:
    return f"{family.name}@{region}".lower()


def _region(resource: Resource) -> str:
    return str(resource.body.get("location", "")).replace(" ", "").lower()
