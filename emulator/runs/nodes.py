"""The nodes of clusters: a job waits until enough of its cluster's are free."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from emulator.cloud.parts import Cloud
from emulator.machine.store import Resource
from emulator.runs.launching import Plan, workspace_of

_SECONDS = 0.2
"""How often a job looks whether its cluster may have more nodes by now."""


class Nodes:
    """Which are taken. Jobs without a cluster have one node among them."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._free = threading.Condition()
        self._taken: dict[str, int] = {}

    @contextlib.contextmanager
    def taken(self, job: Resource, plan: Plan, ended: Callable[[], bool]) -> Iterator[None]:
        """Waits for as many as the job wants: until it is `ended`, as on Azure, where the cluster never has them."""
        name = next(iter(plan.computes), "")
        cluster = f"{workspace_of(job)}/computes/{name}".lower() if name else ""
        with self._free:
            while self._taken.get(cluster, 0) + plan.nodes > self._most(cluster) and not ended():
                self._free.wait(_SECONDS)
            self._taken[cluster] = self._taken.get(cluster, 0) + plan.nodes
        try:
            yield
        finally:
            with self._free:
                self._taken[cluster] -= plan.nodes
                self._free.notify_all()

    def _most(self, cluster: str) -> int:
        found = self._cloud.store.get(cluster) if cluster else None
        inner = found.properties.get("properties") or {} if found else {}
        return max(1, int((inner.get("scaleSettings") or {}).get("maxNodeCount") or 1))
