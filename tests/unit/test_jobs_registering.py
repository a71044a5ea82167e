"""The fine-tuned model as a version: how it is found, what it is registered with, and what is said of another's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from jobs_fake import FakeMl, install
from test_jobs_specs import FINETUNE, TARGET

from cloud.arm import Arm
from cloud.errors import StageError
from jobs.training import registering
from tests.changing import changed
from tests.unit import arm_fake

NAME, NUMBER, OWN = "phi-ultrachat", "994526542", "7b963b464e21"
JOB = f"finetune-{OWN}-1"
PATH = (
    "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws/models/"
    "phi-ultrachat/versions"
)


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    return install(monkeypatch)


def register(ml: FakeMl, said: list[str], **changes: Any) -> None:
    registering.register(ml, changed(FINETUNE, **changes), JOB, said.append)  # type: ignore[arg-type]


TAGS = {
    "fingerprint": OWN,
    "job": JOB,
    "dataset": "ultrachat",
    "dataset_fingerprint": "0123456789ab",
    "base_model": "azureml://registries/azureml/models/Phi-4-mini-instruct/versions/1",
    "recipe": "apply_lora=True, learning_rate=2e-05, lr_scheduler_type=cosine, num_train_epochs=3",
}


def test_the_model_is_registered_with_where_it_came_from(ml: FakeMl) -> None:
    said: list[str] = []
    register(ml, said)
    assert {key: vars(model) for key, model in ml.models.there.items()} == {
        (NAME, NUMBER): {
            "name": NAME,
            "version": NUMBER,
            "type": "mlflow_model",
            "path": f"azureml://jobs/{JOB}/outputs/mlflow_model_folder",
            "description": "Phi-4-mini-instruct fine-tuned on ultrachat",
            "tags": TAGS,
        }
    }
    assert said == [f"model {NAME}:{NUMBER} registered from job {JOB}"]
    said.clear()
    register(ml, said)
    assert said == [f"model {NAME}:{NUMBER} is there already"]


def test_what_the_stack_left_open_is_recorded_from_the_job(ml: FakeMl) -> None:
    recorded = {"component": "c:0.0.82", "model_defaults": "a=1", "adapted": "b=2"}
    ml.jobs.put(JOB, "Completed", stack="dev", **recorded)
    long = {f"key_{number:02d}": "x" * 20 for number in range(20)}
    register(ml, [], recipe_name="gentle", recipe=long)
    (model,) = ml.models.there.values()
    assert {key: model.tags[key] for key in (*recorded, "recipe_name")} == {**recorded, "recipe_name": "gentle"}
    assert "stack" not in model.tags
    assert (len(model.tags["recipe"]), model.tags["recipe"][:28]) == (256, "key_00=xxxxxxxxxxxxxxxxxxxx,")
    ml.models.there.clear()
    ml.jobs.there[JOB].tags = None
    register(ml, [])
    assert ml.models.there[NAME, NUMBER].tags == TAGS


def refusing(ml: FakeMl, monkeypatch: pytest.MonkeyPatch, error: HttpResponseError, status: int = 400) -> None:
    error.status_code = status

    def refuse(model: Any) -> None:
        raise error

    monkeypatch.setattr(ml.models, "create_or_update", refuse)


@pytest.mark.parametrize(
    "message",
    [
        "ModelAssetPathNotFoundInStorage: x",
        "NoMatchingArtifactsFoundFromJob",
        "NoMatchingOutputFoundFromJob",
        "No blobs found under the path",
    ],
)
def test_output_that_is_gone_is_told_apart(ml: FakeMl, monkeypatch: pytest.MonkeyPatch, message: str) -> None:
    refusing(ml, monkeypatch, HttpResponseError(message))
    with pytest.raises(registering.OutputGone) as gone:
        register(ml, [])
    assert (gone.value.what, gone.value.on) == (
        "the fine-tuned model could not be registered",
        f"model {NAME}:{NUMBER}",
    )
    assert gone.value.why == f"400: {message}" and gone.value.todo and gone.value.__cause__ is not None


def test_its_code_may_be_in_a_detail(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    error = HttpResponseError("no")
    details = [
        SimpleNamespace(code="Other", message="x"),
        SimpleNamespace(code="NoMatchingOutputFoundFromJob", message=""),
    ]
    error.error = SimpleNamespace(code="UserError", message="no", details=details)  # type: ignore[assignment]
    refusing(ml, monkeypatch, error)
    with pytest.raises(registering.OutputGone):
        register(ml, [])
    error.error = SimpleNamespace(code="UserError", message="no", details=None)  # type: ignore[assignment]
    with pytest.raises(StageError) as refused:
        register(ml, [])
    assert type(refused.value) is StageError


def test_a_conflict_is_none_where_somebody_registered_the_same(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    put = ml.models.create_or_update
    refused = HttpResponseError("A model with this name and version already exists")
    refused.status_code = 409

    def first(model: Any) -> None:
        put(model)
        raise refused

    monkeypatch.setattr(ml.models, "create_or_update", first)
    register(ml, said)
    assert said == [f"model {NAME}:{NUMBER} was registered by another `pulumi up` just now"]
    ml.models.there.clear()
    refusing(ml, monkeypatch, refused, 409)
    with pytest.raises(StageError, match="could not be registered"):
        register(ml, said)
    # It is there, but that is not why it was refused.
    refused = HttpResponseError("no")
    monkeypatch.setattr(ml.models, "create_or_update", first)
    with pytest.raises(StageError, match="could not be registered"):
        register(ml, said)


def model(version: str, *, job: str | None = None, **tags: str) -> SimpleNamespace:
    return SimpleNamespace(version=version, tags=tags or None, job_name=job)


@pytest.mark.parametrize(
    ("there", "found"),
    [
        ([], ""),
        ([model(NUMBER, fingerprint=OWN)], NUMBER),
        ([model(NUMBER, job=JOB)], NUMBER),
        ([model("7", job=JOB), model("8")], "7"),
        ([model(NUMBER, fingerprint="0" * 12), model("7", fingerprint=OWN)], "7"),
        ([model("7", job="another-1"), SimpleNamespace(version="8", tags={})], ""),
    ],
)
def test_a_version_is_found_by_what_made_it(ml: FakeMl, there: list[Any], found: str) -> None:
    ml.models.there = {(NAME, each.version): each for each in there}
    asked: list[str] = []
    listed = ml.models.list

    def listing(name: str, list_view_type: str = "ActiveOnly") -> list[Any]:
        asked.append(list_view_type)
        return listed(name)

    ml.models.list = listing  # type: ignore[method-assign]
    assert registering.made(ml, FINETUNE) == found  # type: ignore[arg-type]
    assert asked == ([] if found == NUMBER else ["All"]), "archived ones too"


def test_no_such_model_has_no_versions(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(**_: object) -> None:
        raise ResourceNotFoundError("no model")

    monkeypatch.setattr(ml.models, "list", nothing)
    assert registering.made(ml, FINETUNE) == ""  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "origin"),
    [
        (model(NUMBER, fingerprint="0" * 12, job="mine"), "job mine (fingerprint 000000000000)"),
        (model(NUMBER, fingerprint="0" * 12), "an unknown place (fingerprint 000000000000)"),
        (SimpleNamespace(version=NUMBER, tags={"job": "mine"}), "job mine"),
        (SimpleNamespace(version=NUMBER, tags=None, job_name="copied"), "job copied"),
        (model(NUMBER, job="finetune-0000000000aa-2"), "job finetune-0000000000aa-2 (fingerprint 0000000000aa)"),
        (SimpleNamespace(version=NUMBER, tags=None, path="azureml://x"), "azureml://x"),
    ],
)
def test_a_number_that_is_anothers_is_told(ml: FakeMl, found: Any, origin: str) -> None:
    ml.models.there[NAME, NUMBER] = found
    with pytest.raises(StageError) as told:
        registering.made(ml, FINETUNE)  # type: ignore[arg-type]
    assert str(told.value) == (
        f"the model version is taken by another model (model {NAME}:{NUMBER}): it was made from {origin}, not by the "
        f"fine-tuning of fingerprint {OWN}, whose number it has, and Azure ML does not let a version's content be "
        "exchanged. Nothing was changed. Delete that version in Azure ML studio (Models) if nobody needs it, or choose "
        "another finetune.modelName; then run `pulumi up` again. After a deletion the completed job is used, not "
        "repeated."
    )


@pytest.mark.parametrize(
    ("tags", "job", "fingerprint"),
    [
        ({"fingerprint": "a", "job": JOB}, JOB, "a"),
        ({"job": JOB}, "finetune-0000000000aa-2", OWN),
        ({"job": "mine"}, JOB, OWN),
        (None, f"{JOB}-copy", ""),
        ({}, None, ""),
        (None, "a-job-of-somebody-else", ""),
    ],
)
def test_tags_or_the_job_say_what_made_a_version(
    tags: dict[str, str] | None, job: str | None, fingerprint: str
) -> None:
    assert registering.fingerprint_of(tags, job) == fingerprint


def test_the_same_by_plain_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    azure = arm_fake.install(monkeypatch)

    def found() -> Any:
        return registering.by_rest(Arm(), TARGET, NAME, OWN)

    assert found() is None
    host, version = "https://management.azure.com", "api-version=2025-12-01"
    assert azure.sent == [
        ("GET", f"{host}{PATH}/{NUMBER}?{version}"),
        ("GET", f"{host}{PATH}?{version}&listViewType=All"),
    ]
    other = {"name": "1", "properties": {"tags": {"fingerprint": "a"}}}
    azure.get(f"{PATH}/{NUMBER}", other)
    azure.get(PATH, {"value": [other, {"name": "2"}]})
    assert found() is None
    by_job = {"name": "3", "properties": {"jobName": JOB}}
    azure.get(PATH, {"value": [other, by_job]})
    assert found() == by_job
    by_tag = {"name": NUMBER, "properties": {"tags": {"fingerprint": OWN}}}
    azure.get(f"{PATH}/{NUMBER}", by_tag)
    assert found() == by_tag
