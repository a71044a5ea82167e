"""The fine-tuned model as a version of the workspace's MLflow model.

Azure ML takes positive integers for versions and nothing else. The number derives from the fingerprint of what made the
model, which is kept as a tag, and a version is found by that: one that another fingerprint has taken is noticed, and
those of before there were numbers, whose version is the fingerprint itself, are found by the job that made them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cloud.arm import Arm
from cloud.catalogue import ML_VERSION
from cloud.errors import StageError, azure_errors
from cloud.faults import taken
from cloud.report import Report
from cloud.target import Target
from jobs.training import adapting, component_version, model_defaults
from jobs.training.spec import FinetuneSpec, model_version
from jobs.training.stack_jobs import RECIPE

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

OUTPUT = "mlflow_model_folder"
"""Name of the fine-tune component's output that holds the model, and of the pipeline job's."""
FINGERPRINT = "fingerprint"
"""Tag of a version: the fingerprint of the fine-tuning that made it."""
_JOB = re.compile(r"finetune-([0-9a-f]{12})-\d+")
_GONE = re.compile(r"ModelAssetPathNotFoundInStorage|NoMatching(Artifacts|Output)FoundFromJob|No blobs found")


class OutputGone(StageError):
    """The job completed, and what it made is no longer in storage."""


def register(client: MLClient, spec: FinetuneSpec, job_name: str, report: Report) -> None:
    """Registers the job's output as ``model_name:model_version``, with where it came from as tags.

    A version of the same fingerprint is left alone.
    Raises OutputGone where the job has nothing to register, StageError.
    """
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import Model

    on = f"model {spec.finetune.model_name}:{spec.model_version}"
    try:
        with azure_errors("the fine-tuned model could not be registered", on):
            if version := made(client, spec):
                report(f"model {spec.finetune.model_name}:{version} is there already")
                return
            client.models.create_or_update(
                Model(
                    name=spec.finetune.model_name,
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


def made(client: MLClient, spec: FinetuneSpec) -> str:
    """The version that this fine-tuning made, "" where there is none.

    Raises StageError where its number is another model's, and what the SDK raises, except for "not found".
    """
    return find(client, spec.finetune.model_name, spec.model_version, spec.fingerprint)


def find(client: MLClient, name: str, version: str, fingerprint: str) -> str:
    """The version of the model that was made by the fine-tuning of that fingerprint, "" where there is none.

    That is ``version``, or one of another number with the same fingerprint. Raises StageError where there is none and
    ``version`` is another model's, and what the SDK raises, except for "not found".
    """
    from azure.core.exceptions import ResourceNotFoundError

    try:
        found = client.models.get(name, version=version)
        if fingerprint_of(found.tags, getattr(found, "job_name", None)) == fingerprint:
            return version
    except ResourceNotFoundError:
        found = None
    try:
        for each in client.models.list(name=name, list_view_type="All"):
            if fingerprint_of(each.tags, getattr(each, "job_name", None)) == fingerprint:
                return str(each.version)
    except ResourceNotFoundError:
        return ""
    if found is not None:
        raise _foreign(name, version, fingerprint, found)
    return ""


def by_rest(arm: Arm, target: Target, name: str, fingerprint: str) -> dict[str, Any] | None:
    """As `find`, without a client library and whoever has the number: the version as REST answers it."""
    from azure.core.exceptions import ResourceNotFoundError

    path = f"{target.path}/models/{name}/versions"
    found = arm.find(f"{path}/{model_version(fingerprint)}", ML_VERSION)
    if found is not None and _made_by(found) == fingerprint:
        return found
    try:
        every = arm.items(path, ML_VERSION, listViewType="All")
        return next((each for each in every if _made_by(each) == fingerprint), None)
    except ResourceNotFoundError:
        return None


def _made_by(version: dict[str, Any]) -> str:
    properties = version.get("properties") or {}
    return fingerprint_of(properties.get("tags"), properties.get("jobName"))


def fingerprint_of(tags: Mapping[str, str] | None, job_name: str | None = None) -> str:
    """The fingerprint of what made a version, by its tags or the name of its job; "" for a model of other origin."""
    tags = tags or {}
    if tags.get(FINGERPRINT):
        return str(tags[FINGERPRINT])
    found = _JOB.fullmatch(str(tags.get("job") or "")) or _JOB.fullmatch(job_name or "")
    return found[1] if found else ""


def _foreign(name: str, version: str, fingerprint: str, found: Any) -> StageError:
    tags = found.tags or {}
    job = tags.get("job") or getattr(found, "job_name", None)
    origin = f"job {job}" if job else f"{getattr(found, 'path', None) or 'an unknown place'}"
    other = fingerprint_of(found.tags, getattr(found, "job_name", None))
    return StageError(
        "the model version is taken by another model",
        on=f"model {name}:{version}",
        why=f"it was made from {origin}{f' (fingerprint {other})' if other else ''}, not by the fine-tuning of "
        f"fingerprint {fingerprint}, whose number it has, and Azure ML does not let a version's content be exchanged",
        todo="Nothing was changed. Delete that version in Azure ML studio (Models) if nobody needs it, or choose "
        "another finetune.modelName; then run `pulumi up` again. After a deletion the completed job is used, not "
        "repeated.",
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
    return {key: str(tags[key]) for key in (component_version.TAG, model_defaults.JOB_TAG, adapting.TAG) if key in tags}


def _origin(spec: FinetuneSpec, job_name: str) -> dict[str, str]:
    recipe = ", ".join(f"{key}={value}" for key, value in sorted(spec.recipe.items()))
    return {
        FINGERPRINT: spec.fingerprint,
        "job": job_name,
        "dataset": spec.dataset_name,
        "dataset_fingerprint": spec.dataset_fingerprint,
        "base_model": spec.base_model.model_uri,
        "recipe": recipe[:256],  # Azure's limit for the value of a tag
        **({RECIPE: spec.recipe_name} if spec.recipe_name else {}),
    }
