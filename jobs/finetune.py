"""Stage finetune: one pipeline job per recipe, followed to its end, its output registered as a model.

Attempts at the same spec are found again by their names (``jobs.attempts``).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from jobs import client as azure
from jobs import model
from jobs.attempts import Attempts
from jobs.errors import azure_errors
from jobs.recipe import component_inputs
from jobs.specs import FinetuneSpec, Report

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Job


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
    work = Attempts(
        client,
        names=tuple(spec.job_name(attempt) for attempt in range(1, spec.max_attempts + 1)),
        work="fine-tuning",
        change="recipe, data or vmSize",
        wait=spec.wait,
    )
    name = work.run(lambda name: _submit(client, spec, name), report, stop)
    model.register(client, spec, name, report)


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
