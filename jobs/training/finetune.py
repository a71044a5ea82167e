"""Stage finetune: one pipeline job per recipe, followed to its end, its output registered as a model.

Attempts at the same spec are found again by their names (``jobs.training.attempts``).
"""

from __future__ import annotations

import functools
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloud import client as azure
from cloud.arm import Arm
from cloud.errors import azure_errors
from cloud.report import WARNING, Report
from jobs.spec import RecipeValue
from jobs.training import (
    adapting,
    component_version,
    limits,
    model_defaults,
    queueing,
    registering,
    stack_jobs,
    supersede,
)
from jobs.training.attempts import Attempts
from jobs.training.following import Following
from jobs.training.recipe import component_inputs
from jobs.training.spec import FinetuneSpec
from jobs.training.stack_jobs import FINETUNING, FINGERPRINT, RECIPE, STACK

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Job


_BUILDING = threading.Lock()
"""The SDK keeps one stack of pipelines under construction for all threads: two at once get each other's nodes."""


def run(spec: FinetuneSpec, report: Report, stop: threading.Event) -> None:
    """Leaves the model registered, as ``finetune.modelName:spec.model_version`` if it is new.

    Jobs of an earlier recipe are dealt with first, as ``finetune.supersede`` says. Raises StageError when the job
    failed, no attempt is left or the model version is another model's, NotFinished when ``stop`` was set or
    ``finetune.wait`` is false while the job goes on.
    """
    client = azure.ml_client(spec.target)
    supersede.earlier(spec, report, stop)
    with azure_errors("the fine-tuning could not be looked up", f"experiment {spec.finetune.experiment}"):
        if version := registering.made(client, spec):
            report(f"model {spec.finetune.model_name}:{version} is there already")
            return
    limit = limits.of_finetuning(spec, Arm())
    work = Attempts(
        name=spec.job_name,
        limit=spec.finetune.max_attempts,
        change=f"recipe, data or vmSize{limits.leave_out(spec.recipe_name)}",
        machine=stack_jobs.machine_of(Arm(), spec.target, spec.cluster).get(stack_jobs.MACHINE, ""),
        listed=functools.partial(stack_jobs.of_stack, Arm(), spec.target, spec.stack),
        following=Following(
            client=client,
            work=FINETUNING,
            stack=spec.stack,
            wait=spec.finetune.wait,
            queued=functools.partial(queueing.reason, Arm(), spec.target, spec.cluster),
            cancel=functools.partial(stack_jobs.cancel, Arm(), spec.target, report=report),
            cancel_on_interrupt=spec.finetune.cancel_on_interrupt,
            limit=limit,
            several=bool(spec.recipe_name),
        ),
    )
    gone: set[str] = set()
    while True:
        name = work.run(lambda name: _submit(client, spec, name, report, anew=bool(gone)), report, stop, gone)
        try:
            registering.register(client, spec, name, report)
            return
        except registering.OutputGone as error:
            gone.add(name)
            report(f"{WARNING}job {name} completed, but its model is no longer in storage: {error.why}")


def _submit(client: MLClient, spec: FinetuneSpec, name: str, report: Report, *, anew: bool) -> Job:
    wanted = component_version.version(client, spec, name)
    source = spec.finetune.component
    component = component_version.component(azure.registry_client(source.registry), source.name, wanted)
    defaults = _defaults(spec, component, report)
    literals = component_inputs(spec, component.inputs, defaults.taken)
    machine = stack_jobs.machine_of(Arm(), spec.target, spec.cluster)
    other = adapting.adapted(client, spec, name, literals, report, machine.get(stack_jobs.MACHINE, ""))
    literals |= other
    with tempfile.TemporaryDirectory() as folder:
        with _BUILDING:
            pipeline = _pipeline(spec, component, literals, name, Path(folder))
        pipeline.tags[component_version.TAG] = f"{source.name}:{component.version}"
        if other:
            pipeline.tags[adapting.TAG] = model_defaults.shown(other)
        if defaults.taken:
            pipeline.tags[model_defaults.JOB_TAG] = str(defaults)[:256]  # Azure's limit for the value of a tag
        pipeline.tags |= machine
        # A second attempt reuses the steps of the first that succeeded, unless what they made is gone.
        pipeline.settings.force_rerun = anew
        job: Job = client.jobs.create_or_update(pipeline)
    return job


def _defaults(spec: FinetuneSpec, component: Any, report: Report) -> model_defaults.Defaults:
    """The base model's own defaults that count for this job, told."""
    from azure.core.exceptions import ResourceNotFoundError

    base = spec.base_model
    try:
        tags = azure.registry_client(base.registry).models.get(base.name, version=base.version).tags
    except ResourceNotFoundError:  # the submission says that better
        tags = {}
    given = model_defaults.of(tags)
    if given is None:
        report(f"{WARNING}{base.name}'s own defaults ({model_defaults.TAG}) cannot be read and do not count")
        given = {}
    found = model_defaults.chosen(given, spec.recipe, component.inputs)
    if found.taken:
        report(f"{base.name}'s own defaults where the recipe says nothing: {found}")
    if found.left:
        why = "; ".join(f"{key} ({reason})" for key, reason in found.left.items())
        report(f"defaults of {base.name} that do not count: {why}")
    return found


def _pipeline(spec: FinetuneSpec, component: Any, literals: dict[str, RecipeValue], name: str, folder: Path) -> Any:
    """One node: the registry's fine-tune component, which is a pipeline itself; ``folder`` is for files to upload."""
    from azure.ai.ml import Input, dsl
    from azure.ai.ml.constants import AssetTypes

    def asset(kind: str) -> Input:
        path = f"azureml:{spec.dataset_name}-{kind}:{spec.dataset_fingerprint}"
        return Input(type=AssetTypes.URI_FILE, path=path)

    files = {}
    if spec.finetune_config:
        config = folder / "finetune_config.json"
        config.write_text(spec.finetune_config, encoding="utf-8")
        files["finetune_config_path"] = Input(type=AssetTypes.URI_FILE, path=str(config))

    by = f", by {spec.recipe_name}" if spec.recipe_name else ""

    @dsl.pipeline(  # type: ignore[call-overload,untyped-decorator]
        display_name=f"{spec.finetune.model_name}: {spec.base_model.name} on {spec.dataset_name}{by}",
        experiment_name=spec.finetune.experiment,
        tags={
            STACK: spec.stack,
            FINGERPRINT: spec.fingerprint,
            "dataset": f"{spec.dataset_name}:{spec.dataset_fingerprint}",
            "model": spec.finetune.model_name,
            **({RECIPE: spec.recipe_name} if spec.recipe_name else {}),
        },
    )
    def finetune() -> dict[str, Any]:
        node = component(
            mlflow_model_path=Input(type=AssetTypes.MLFLOW_MODEL, path=spec.base_model.model_uri),
            train_file_path=asset("train"),
            validation_file_path=asset(spec.held_out),
            # Without one, the component trains on four fifths of the training file and leaves the rest unused. It
            # measures nothing by it, so of three files the one that judges stays out of the job.
            test_file_path=asset(spec.held_out),
            **files,
            **literals,
        )
        return {registering.OUTPUT: node.outputs[registering.OUTPUT]}

    job: Any = finetune()
    job.name = name
    job.settings.continue_on_step_failure = False
    return job
