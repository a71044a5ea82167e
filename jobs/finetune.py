"""Stage finetune: one pipeline job per recipe, followed to its end, its output registered as a model.

The truth is on Azure: the job's name derives from the spec's fingerprint and the number of the attempt, so
whatever happened to an earlier run, the next one finds the job completed, running, failed or not there.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from jobs import client as azure
from jobs import model
from jobs.errors import NotFinished, StageError, azure_errors
from jobs.joblog import JobLog
from jobs.recipe import component_inputs
from jobs.specs import FinetuneSpec, Report

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Job

COMPLETED = "Completed"
UNSUCCESSFUL = ("Failed", "Canceled", "NotResponding")
_LOG_LINES = 15
_POLL_SECONDS = (1.0, 15.0)  # at first, at most: soon enough for a job of a minute, seldom enough for one of hours
_SILENCE_SECONDS = 60.0
_NEWS_LINES = 5  # of the log, at each look: progress, the whole log is in the studio


def run(spec: FinetuneSpec, report: Report, stop: threading.Event) -> None:
    """Leaves the model ``spec.model_name:spec.model_version`` registered.

    Raises StageError when the job failed or no attempt is left, NotFinished when ``stop`` was set or
    ``spec.wait`` is false while the job goes on.
    """
    client = azure.ml_client(spec.target)
    on = f"experiment {spec.experiment}"
    with azure_errors("the fine-tuning could not be looked up", on):
        if model.registered(client, spec.model_name, spec.model_version):
            report(f"model {spec.model_name}:{spec.model_version} is there already")
            return
        attempts = _attempts(client, spec)
    name = _choose(spec, attempts)
    if name in attempts:
        report(f"job {name} is {azure.state(attempts[name].status)}: no new one is needed")
    else:
        with azure_errors("the fine-tuning could not be submitted", f"job {name}"):
            job = _submit(client, spec, name)
        report(f"job {name} submitted, watch it at {_studio(job)}")
    with azure_errors("the job could not be followed, it may go on", f"job {name}"):
        job = _follow(client, spec, name, report, stop)
    if job.status != COMPLETED:
        raise _failure(client, job)
    model.register(client, spec, name, report)


def _attempts(client: MLClient, spec: FinetuneSpec) -> dict[str, Job]:
    """The jobs of this fingerprint that exist, in the order of their attempts."""
    from azure.core.exceptions import ResourceNotFoundError

    found: dict[str, Job] = {}
    for attempt in range(1, spec.max_attempts + 1):
        name = spec.job_name(attempt)
        try:
            found[name] = client.jobs.get(name)
        except ResourceNotFoundError:
            continue
    return found


def _choose(spec: FinetuneSpec, attempts: dict[str, Job]) -> str:
    """A completed attempt, else one that runs, else a new one."""
    completed = [name for name, job in attempts.items() if job.status == COMPLETED]
    under_way = [name for name, job in attempts.items() if job.status not in UNSUCCESSFUL]
    unused = [name for attempt in range(1, spec.max_attempts + 1) if (name := spec.job_name(attempt)) not in attempts]
    for candidates in (completed, under_way, unused):
        if candidates:
            return candidates[0]
    last, job = list(attempts.items())[-1]
    raise StageError(
        f"all {spec.max_attempts} attempts at this fine-tuning failed",
        on=f"job {last}",
        why=f"the last one ended {azure.state(job.status)}; its logs are at {_studio(job)}",
        todo="Change what made it fail (recipe, data or vmSize), or raise finetune.maxAttempts to try the "
        "same once more; then run `pulumi up` again.",
    )


def _submit(client: MLClient, spec: FinetuneSpec, name: str) -> Job:
    job: Job = client.jobs.create_or_update(_pipeline(spec, name))
    return job


def _pipeline(spec: FinetuneSpec, name: str) -> Any:
    """One node: the registry's fine-tune component, which is a pipeline itself."""
    from azure.ai.ml import Input, dsl
    from azure.ai.ml.constants import AssetTypes

    component = _component(spec)
    literals = component_inputs(spec, component.inputs)

    def asset(kind: str) -> Input:
        path = f"azureml:{spec.dataset_name}-{kind}:{spec.dataset_fingerprint}"
        return Input(type=AssetTypes.URI_FILE, path=path)

    @dsl.pipeline(  # type: ignore[call-overload,untyped-decorator]
        display_name=f"{spec.model_name}: {spec.base_model.name} on {spec.dataset_name}",
        experiment_name=spec.experiment,
        tags={"fingerprint": spec.fingerprint, "dataset": f"{spec.dataset_name}:{spec.dataset_fingerprint}"},
    )
    def finetune() -> dict[str, Any]:
        node = component(
            mlflow_model_path=Input(type=AssetTypes.MLFLOW_MODEL, path=spec.base_model.model_uri),
            train_file_path=asset("train"),
            validation_file_path=asset("test"),
            **literals,
        )
        return {model.OUTPUT: node.outputs[model.OUTPUT]}

    job: Any = finetune()
    job.name = name
    # A second attempt reuses the steps of the first that succeeded.
    job.settings.force_rerun = False
    job.settings.continue_on_step_failure = False
    return job


def _component(spec: FinetuneSpec) -> Any:
    wanted = spec.component
    components = azure.registry_client(wanted.registry).components
    if wanted.version == "latest":
        return components.get(wanted.name, label="latest")
    return components.get(wanted.name, version=wanted.version)


def _follow(client: MLClient, spec: FinetuneSpec, name: str, report: Report, stop: threading.Event) -> Job:
    """Waits for the job's end, telling each new status and log line."""
    since, told, pause = time.monotonic(), time.monotonic(), _POLL_SECONDS[0]
    status, log = "", JobLog(client, name)
    while True:
        job: Job = client.jobs.get(name)
        before, status = status, azure.state(job.status)
        news = [] if status == before else [f"job {name}: {status} after {azure.elapsed(since)}"]
        if spec.wait and status not in ("NotStarted", "Queued", "Preparing"):
            news += log.new_lines()[-_NEWS_LINES:]
        if not news and time.monotonic() - told > _SILENCE_SECONDS:
            news = [f"job {name}: still {status} after {azure.elapsed(since)}"]
        for line in news:
            report(line)
            told = time.monotonic()
        if status == COMPLETED or status in UNSUCCESSFUL:
            return job
        if not spec.wait:
            raise _goes_on(job, "finetune.wait is false")
        if stop.wait(pause):
            raise _goes_on(job, "you asked to stop waiting")
        pause = min(pause * 1.2, _POLL_SECONDS[1])


def _goes_on(job: Job, why: str) -> NotFinished:
    return NotFinished(
        f"the fine-tuning goes on in Azure ({azure.state(job.status)})",
        on=f"job {job.name}",
        why=why,
        todo="`pulumi up` takes it up again where it is then; to end it, "
        f"`az ml job cancel --name {job.name}` or Cancel at {_studio(job)}.",
    )


def _failure(client: MLClient, job: Job) -> StageError:
    """Says which run failed, with its own reason and the end of its log."""
    log = JobLog(client, str(job.name))
    failed = [run for run in log.children() if run.status in UNSUCCESSFUL]
    culprit = failed[-1] if failed else job
    name = str(culprit.name)
    where = "" if culprit is job else f" in step {culprit.display_name or name}"
    why = f"it ended {azure.state(job.status)}{where}"
    if reason := log.reason(name):
        why += f": {reason.strip()}"
    if lines := log.tail(name, _LOG_LINES):
        why += ". Last lines of its log:\n  " + "\n  ".join(lines) + "\n"
    return StageError(
        "the fine-tuning did not succeed",
        on=f"job {job.name}",
        why=why,
        todo=f"See {_studio(job)}. `pulumi up` makes a new attempt (finetune.maxAttempts at most).",
    )


def _studio(job: Job) -> str:
    services = job.services or {}
    studio = services.get("Studio")
    return str(studio.endpoint) if studio is not None and studio.endpoint else "Azure ML studio"
