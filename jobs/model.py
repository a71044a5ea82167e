"""The fine-tuned model as a version of the workspace's MLflow model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.errors import azure_errors
from jobs.specs import FinetuneSpec, Report

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

OUTPUT = "mlflow_model_folder"
"""Name of the fine-tune component's output that holds the model, and of the pipeline job's."""


def register(client: MLClient, spec: FinetuneSpec, job_name: str, report: Report) -> None:
    """Registers the job's output as ``model_name:fingerprint``, with where it came from as tags.

    A version that exists is left alone: its number is the fingerprint of all that made it. Raises StageError.
    """
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import Model

    on = f"model {spec.model_name}:{spec.model_version}"
    with azure_errors("the fine-tuned model could not be registered", on):
        if registered(client, spec.model_name, spec.model_version):
            report(f"{on} is there already")
            return
        client.models.create_or_update(
            Model(
                name=spec.model_name,
                version=spec.model_version,
                type=AssetTypes.MLFLOW_MODEL,
                path=f"azureml://jobs/{job_name}/outputs/{OUTPUT}",
                description=f"{spec.base_model.name} fine-tuned on {spec.dataset_name}",
                tags=_origin(spec, job_name),
            )
        )
    report(f"{on} registered from job {job_name}")


def registered(client: MLClient, name: str, version: str) -> bool:
    """Whether the model version exists. Raises what the SDK raises, except for "not found"."""
    from azure.core.exceptions import ResourceNotFoundError

    try:
        client.models.get(name, version=version)
    except ResourceNotFoundError:
        return False
    return True


def _origin(spec: FinetuneSpec, job_name: str) -> dict[str, str]:
    recipe = ", ".join(f"{key}={value}" for key, value in sorted(spec.recipe.items()))
    return {
        "job": job_name,
        "dataset": spec.dataset_name,
        "dataset_fingerprint": spec.dataset_fingerprint,
        "base_model": spec.base_model.model_uri,
        "recipe": recipe[:256],  # Azure's limit for the value of a tag
    }
