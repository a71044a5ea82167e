"""The fine-tuned model as a version of the workspace's MLflow model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jobs import component_version, model_defaults
from jobs.errors import StageError, azure_errors, taken
from jobs.specs import FinetuneSpec, Report

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

OUTPUT = "mlflow_model_folder"
"""Name of the fine-tune component's output that holds the model, and of the pipeline job's."""
_GONE = re.compile(r"ModelAssetPathNotFoundInStorage|NoMatching(Artifacts|Output)FoundFromJob|No blobs found")


class OutputGone(StageError):
    """The job completed, and what it made is no longer in storage."""


def register(client: MLClient, spec: FinetuneSpec, job_name: str, report: Report) -> None:
    """Registers the job's output as ``model_name:fingerprint``, with where it came from as tags.

    A version that exists is left alone: its number is the fingerprint of all that made it. Raises OutputGone where
    the job has nothing to register, StageError.
    """
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import Model

    on = f"model {spec.model_name}:{spec.model_version}"
    try:
        with azure_errors("the fine-tuned model could not be registered", on):
            if made(client, spec):
                report(f"{on} is there already")
                return
            client.models.create_or_update(
                Model(
                    name=spec.model_name,
                    version=spec.model_version,
                    type=AssetTypes.MLFLOW_MODEL,
                    path=f"azureml://jobs/{job_name}/outputs/{OUTPUT}",
                    description=f"{spec.base_model.name} fine-tuned on {spec.dataset_name}",
                    tags={**_origin(spec, job_name), **_recorded(client, job_name)},
                )
            )
    except StageError as error:
        if _GONE.search(_everything(error.__cause__)):
            raise OutputGone(error.what, on=on, why=error.why, todo=error.todo) from error
        # Another `pulumi up` on the same recipe may have registered it between the look and the attempt.
        if not taken(error.__cause__) or not made(client, spec):
            raise
        report(f"{on} was registered by another `pulumi up` just now")
        return
    report(f"{on} registered from job {job_name}")


def made(client: MLClient, spec: FinetuneSpec) -> bool:
    """Whether the model version exists and is this fine-tuning's.

    Raises StageError where the version is of another origin, and what the SDK raises, except for "not found".
    """
    from azure.core.exceptions import ResourceNotFoundError

    try:
        found = client.models.get(spec.model_name, version=spec.model_version)
    except ResourceNotFoundError:
        return False
    jobs = {str(job) for job in ((found.tags or {}).get("job"), getattr(found, "job_name", None)) if job}
    if not any(spec.is_job(job) for job in jobs):
        raise _foreign(spec, found, jobs)
    return True


def registered(client: MLClient, name: str, version: str) -> bool:
    """Whether the model version exists. Raises what the SDK raises, except for "not found"."""
    from azure.core.exceptions import ResourceNotFoundError

    try:
        client.models.get(name, version=version)
    except ResourceNotFoundError:
        return False
    return True


def _foreign(spec: FinetuneSpec, found: Any, jobs: set[str]) -> StageError:
    origin = f"job {', '.join(sorted(jobs))}" if jobs else f"{getattr(found, 'path', None) or 'an unknown place'}"
    return StageError(
        "the model version is taken by another model",
        on=f"model {spec.model_name}:{spec.model_version}",
        why=f"it was made from {origin}, not by this fine-tuning ({spec.job_name(1)} and later attempts), and Azure ML "
        "does not let a version's content be exchanged",
        todo="Nothing was changed. Delete that version in Azure ML studio (Models) if nobody needs it, or choose "
        "another finetune.modelName; then run `pulumi up` again: a completed job is used, not repeated.",
    )


def _everything(error: BaseException | None) -> str:
    """All that Azure said: a code may be in a detail, where no message repeats it."""
    parsed = getattr(error, "error", None)
    details = getattr(parsed, "details", None) or ()
    return " ".join([str(error), *(f"{detail.code} {detail.message}" for detail in details)])


def _recorded(client: MLClient, job_name: str) -> dict[str, str]:
    """What the stack left open for the job: the version of the component, the defaults of the base model."""
    from azure.core.exceptions import ResourceNotFoundError

    try:
        tags = client.jobs.get(job_name).tags or {}
    except ResourceNotFoundError:
        return {}
    return {key: str(tags[key]) for key in (component_version.TAG, model_defaults.JOB_TAG) if key in tags}


def _origin(spec: FinetuneSpec, job_name: str) -> dict[str, str]:
    recipe = ", ".join(f"{key}={value}" for key, value in sorted(spec.recipe.items()))
    return {
        "job": job_name,
        "dataset": spec.dataset_name,
        "dataset_fingerprint": spec.dataset_fingerprint,
        "base_model": spec.base_model.model_uri,
        "recipe": recipe[:256],  # Azure's limit for the value of a tag
    }
