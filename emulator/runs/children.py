"""Runs the nodes of a pipeline: each as soon as what it takes is there and its cluster has a node for it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Protocol

from emulator.arm.errors import AzureError, now
from emulator.cloud.parts import Cloud
from emulator.machine.store import Resource
from emulator.runs import command, graph
from emulator.runs.launching import Launch, launch, plan, workspace_of
from emulator.runs.nodes import Nodes

ENDED = ("Completed", "Failed", "Canceled")


class Works(Protocol):
    """What runs a process for a job."""

    def work(self, job: Resource, process: Launch, run: str) -> None: ...

    def store_outputs(self, job: Resource, outputs: dict[str, Path]) -> None: ...

    def cancel(self, job_id: str) -> None: ...


class Children:
    """The nodes of one pipeline job."""

    def __init__(self, cloud: Cloud, nodes: Nodes, works: Works) -> None:
        self._cloud, self._nodes, self._works = cloud, nodes, works

    def run(self, job: Resource, parts: graph.Graph, work: Path) -> None:
        """All nodes; the first that fails ends the job, as what comes after it would have nothing to take.

        Raises:
            AzureError: one failed.
        """
        waiting, running, done = dict(parts.after), dict[Future[None], str](), set[str]()
        self._change(job.id, lambda internal: internal.update(status="Running"))
        with ThreadPoolExecutor(max_workers=len(waiting)) as pool:
            while waiting or running:
                for name in [name for name, before in waiting.items() if before <= done]:
                    del waiting[name]
                    running[pool.submit(self._one, job, name, work / name)] = name
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    name = running.pop(future)
                    if (error := future.exception()) is not None:
                        self._failed(job, name, error, running)
                        raise error
                    done.add(name)
                if self._status(job.id) in ENDED:
                    break
        self._change(job.id, lambda internal: internal.update(status="Completed", ended=now()))

    def _one(self, job: Resource, name: str, work: Path) -> None:
        work.mkdir()
        child = graph.child(self._cloud, workspace_of(job), job, name)
        order = plan(child)
        assert isinstance(order.step, command.Command)
        with self._nodes.taken(job, order, lambda: self._status(job.id) in ENDED):
            if self._status(job.id) in ENDED:
                return
            self._mark(job.id, child.name, "Running")
            limit = threading.Timer(order.seconds or 0, self._works.cancel, (job.id,))
            if order.seconds:
                limit.start()
            try:
                for process in launch(self._cloud, child, order.step, work):
                    # The step is in the name of the log beside those of the other nodes.
                    self._works.work(job, dataclasses.replace(process, step=f"{name}-"), child.name)
                    if self._status(job.id) not in ENDED:
                        self._works.store_outputs(child, process.outputs)
            finally:
                limit.cancel()
            self._mark(job.id, child.name, "Completed")

    def _failed(self, job: Resource, name: str, error: BaseException, running: dict[Future[None], str]) -> None:
        """Say which node it was, and end the others."""
        failed = graph.run(job.name, name)
        self._mark(job.id, failed, "Failed")
        message = error.message if isinstance(error, AzureError) else str(error)
        for each in job.properties["jobs"]:
            if each != name:
                self._mark(job.id, graph.run(job.name, each), "Canceled", unless="Completed")
        self._change(
            job.id, lambda internal: internal.update(failed=failed, status="Failed", ended=now(), error=message)
        )
        if running:
            self._cloud.processes.stop_all(job.id)

    def _mark(self, job_id: str, run: str, status: str, unless: str = "") -> None:
        def marked(internal: dict[str, Any]) -> None:
            for each in internal.get("runs") or []:
                if each["id"] == run and each.get("status") != unless:
                    each["status"] = status

        self._change(job_id, marked)

    def _change(self, job_id: str, change: Callable[[dict[str, Any]], None]) -> None:
        with self._cloud.store.lock:
            job = self._cloud.store.get(job_id)
            if job is None or job.internal.get("status") == "Canceled":
                return
            change(job.internal)
            self._cloud.store.put(job)

    def _status(self, job_id: str) -> str:
        job = self._cloud.store.get(job_id)
        return str(job.internal["status"]) if job else "Canceled"
