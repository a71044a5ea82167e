"""Runs jobs: a thread each, which fetches the data, works in a process and stores what came out."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from emulator.access import identities
from emulator.arm.errors import AzureError, now, user_error
from emulator.cloud.parts import Cloud
from emulator.cloud.uris import BlobPath, resolve
from emulator.faults.book import ARM_HOST, Faults
from emulator.faults.causes import Failure, last_words
from emulator.faults.rules import JOB
from emulator.machine.store import Resource
from emulator.registry import steps
from emulator.runs.children import Children
from emulator.runs.command import Command
from emulator.runs.graph import Graph
from emulator.runs.launching import LOG, METRICS, Launch, Plan, component_node, current_run, launch, plan, workspace_of
from emulator.runs.nodes import Nodes
from emulator.runs.pipeline import FineTune
from emulator.subscription import skus
from emulator.subscription.quota import Quota, machines

log = logging.getLogger(__name__)

ENDED = ("Completed", "Failed", "Canceled")
LOG_SECONDS = 1.0
"""How often a running job's log is copied to blob storage."""
HANGING_SECONDS = 0.2
"""How often a job that hangs looks whether it was ended."""
QUOTA_SECONDS = 0.2
"""How often a queued job looks whether there is quota for it."""


class Runner:
    """Starts, cancels and resumes jobs."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._faults = Faults(cloud.store)
        self._running: set[str] = set()
        self._lock = threading.Lock()
        self._nodes = Nodes(cloud)

    def start(self, job_id: str) -> None:
        with self._lock:
            if job_id.lower() in self._running:
                return
            self._running.add(job_id.lower())
        # Here and not in the thread: whoever is answered that the job is there finds it in this state.
        self._update(job_id, status="Queued")
        threading.Thread(target=self._run, args=(job_id,), daemon=True, name="job").start()

    def cancel(self, job_id: str) -> None:
        self._update(job_id, status="Canceled", ended=now())
        self._cloud.processes.stop_all(job_id)

    def resume(self) -> None:
        """Start again what was running when the emulator was killed."""
        for job in self._cloud.store.of_type("Microsoft.MachineLearningServices/workspaces/jobs"):
            if job.internal.get("status") not in ENDED:
                self.start(job.id)

    def _run(self, job_id: str) -> None:
        try:
            job = self._cloud.store.get(job_id)
            if job is not None:
                with self._nodes.taken(job, plan(job), lambda: self._status(job_id) in ENDED):
                    self._execute(job_id)
        except AzureError as error:
            self._fail(job_id, error.message)
        except Exception as error:
            log.exception("job %s", job_id)
            self._fail(job_id, f"The emulator failed: {type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._running.discard(job_id.lower())

    def _execute(self, job_id: str) -> None:
        job = self._cloud.store.get(job_id)
        if job is None or job.internal["status"] in ENDED:
            return
        work = _work_directory(self._cloud, job)
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        self._update(job_id, status="Preparing", started=now())
        wanted = plan(job)
        self._update(job_id, runs=wanted.runs)
        cluster = self._check_compute(job, wanted)
        if cluster is not None:
            self._wait_for_quota(job_id, cluster)
            workspace = self._cloud.store.get(workspace_of(job))
            assert workspace is not None  # the job lies in it
            identities.check_job(self._cloud.store, cluster, workspace)
        limit = threading.Timer(wanted.seconds or 0, self.cancel, (job_id,))
        if wanted.seconds:
            limit.start()
        try:
            self._meet_fault(job_id, job, work)
            if isinstance(wanted.step, Graph):
                Children(self._cloud, self._nodes, self).run(job, wanted.step, work)
            else:
                self._run_steps(job_id, job, wanted.step, work)
        finally:
            limit.cancel()

    def _meet_fault(self, job_id: str, job: Resource, work: Path) -> None:
        rule = self._faults.hit(JOB, "PUT", ARM_HOST, job_id, job_id)
        if rule is not None and rule.kind == "job-hangs":
            self._hang(job_id)
        elif rule is not None:
            self._fail_on_purpose(job, Failure.of(rule), work)

    def _run_steps(self, job_id: str, job: Resource, step: FineTune | Command, work: Path) -> None:
        for process in launch(self._cloud, job, step, work):
            if self._status(job_id) in ENDED:
                return
            self._update(job_id, status="Running", **_at(job, process.step))
            current = self._cloud.store.get(job_id) or job
            self.work(current, process, current_run(current))
            if self._status(job_id) == "Canceled":
                return
        self._update(job_id, status="Finalizing", **_at(job, steps.CONVERTER))
        self.store_outputs(job, process.outputs)
        self._update(job_id, status="Completed", ended=now())

    def _hang(self, job_id: str) -> None:
        """Run without doing anything until somebody, or the job's own limit, ends it."""
        job = self._cloud.store.get(job_id)
        self._update(job_id, status="Running", **(_at(job, steps.FINETUNE) if job else {}))
        while self._status(job_id) not in ENDED:
            time.sleep(HANGING_SECONDS)

    def _fail_on_purpose(self, job: Resource, failure: Failure, work: Path) -> None:
        """Leave what a job leaves that failed so, a real process's log included.

        Raises:
            AzureError: always; its message is the run's error.
        """
        if node := component_node(job):
            self._update(job.id, runs=failure.runs(job.name, node))
        if failure.log:
            self._update(job.id, status="Running")
            current = self._cloud.store.get(job.id) or job
            command = failure.command(work)
            self._process(current, Launch(command, dict(os.environ), {}), current_run(current))
        raise user_error(failure.message)

    def _check_compute(self, job: Resource, wanted: Plan) -> Resource | None:
        """The cluster that does the work; None for serverless compute."""
        cluster = None
        for name in wanted.computes:
            cluster = self._cloud.store.get(f"{workspace_of(job)}/computes/{name}")
            if cluster is None:
                raise user_error(f"AzureMLCompute cluster {name} does not exist")
        return cluster

    def _wait_for_quota(self, job_id: str, cluster: Resource) -> None:
        """Leave the job queued until the quota of the cluster's family has room for its node."""
        inner = cluster.properties["properties"]
        sku, quota = skus.find(machines(cluster)), Quota(self._cloud.store)
        dedicated = str(inner.get("vmPriority")).lower() != "lowpriority"
        while sku is not None and dedicated and self._status(job_id) not in ENDED:
            usage = quota.usage(sku.family, cluster.region)
            if int((inner.get("scaleSettings") or {}).get("minNodeCount") or 0) or usage.free >= sku.cores:
                break
            self._update(job_id, status="Queued", waiting="ClusterCoreQuotaReached", waits_for=cluster.name)
            time.sleep(QUOTA_SECONDS)
        self._update(job_id, status="Preparing", cluster=cluster.name, waiting=None)

    def work(self, job: Resource, process: Launch, run: str) -> None:
        """Run the process to its end, its log copied to blob storage meanwhile.

        Raises:
            AzureError: it failed, and was not cancelled.
        """
        code = self._process(job, process, run)
        if code and self._status(job.id) != "Canceled":
            raise user_error(
                f"Execution failed. User process 'python' exited with status code "
                f"{code if code >= 0 else 128 - code}. Please check log file 'user_logs/{LOG}' for error details. "
                f"Error: {last_words(self._output(job, process).read_text(errors='replace').splitlines())}"
            )

    def _process(self, job: Resource, process: Launch, run: str) -> int:
        output = self._output(job, process)
        child = self._cloud.processes.run(
            "job",
            job.id,
            process.arguments,
            log=output,
            environment=process.environment,
            directory=process.directory,
        )
        place = log_place(self._cloud, job, run)
        copied = -1
        while True:
            ended = _ended(child)
            size = output.stat().st_size
            if size != copied:
                self._cloud.azurite.upload(place.account, place.container, place.path, output.read_bytes())
                copied = size
            if ended:
                self._cloud.processes.forget(child.pid)
                return int(child.returncode)

    def _output(self, job: Resource, process: Launch) -> Path:
        return _work_directory(self._cloud, job) / f"{process.step}{LOG}"

    def store_outputs(self, job: Resource, outputs: dict[str, Path]) -> None:
        for output, folder in outputs.items():
            place = resolve(self._cloud, workspace_of(job), job.properties["outputs"][output]["uri"])
            assert isinstance(place, BlobPath)
            self._cloud.azurite.upload_folder(place.account, place.container, place.path, folder)

    def _status(self, job_id: str) -> str:
        job = self._cloud.store.get(job_id)
        return str(job.internal["status"]) if job else "Canceled"

    def _fail(self, job_id: str, message: str) -> None:
        job = self._cloud.store.get(job_id)
        if job is None or job.internal.get("status") == "Canceled":
            return
        self._update(job_id, status="Failed", ended=now(), error=message)

    def _update(self, job_id: str, **changes: Any) -> None:
        with self._cloud.store.lock:
            job = self._cloud.store.get(job_id)
            if job is None or job.internal.get("status") == "Canceled":
                return
            job.internal.update(changes)
            self._cloud.store.put(job)


def _ended(child: subprocess.Popen[bytes]) -> bool:
    try:
        child.wait(timeout=LOG_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _work_directory(cloud: Cloud, job: Resource) -> Path:
    return cloud.home.work_of(job.id)


def metrics_file(cloud: Cloud, job: Resource) -> Path:
    """The run's metrics, one JSON object a line."""
    return _work_directory(cloud, job) / METRICS


def _at(job: Resource, step: str) -> dict[str, Any]:
    """The runs of a pipeline that has come to this step; nothing for a command job."""
    node = component_node(job)
    return {"runs": steps.tree(job.name, node, step)} if node and step else {}


def log_place(cloud: Cloud, job: Resource, run: str) -> BlobPath:
    """Where the log of one of the job's runs is kept in blob storage."""
    uri = f"azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.{run}/user_logs/{LOG}"
    place = resolve(cloud, workspace_of(job), uri)
    assert isinstance(place, BlobPath)
    return place
