"""The fine-tuning: what its job is given, and when it is submitted, followed or passed over."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from endpoints_fake import MACHINE
from finetune_jobs import FIRST, SECOND, registered
from jobs_fake import FakeMl, Stop
from test_jobs_specs import FINETUNE

from cloud.errors import StageError
from jobs.spec import RecipeValue
from jobs.training import finetune
from tests.changing import changed


def test_of_three_files_the_one_that_judges_stays_out_of_the_job(ml: FakeMl, said: list[str]) -> None:
    three = dataclasses.replace(FINETUNE, validation=True)
    assert three.fingerprint == FINETUNE.fingerprint
    assert "validation" not in FINETUNE.to_inputs()
    finetune.run(three, said.append, Stop(*[lambda: setattr(ml.jobs.there[FIRST], "status", "Completed")] * 2))
    inputs = ml.component.node.inputs
    assert inputs["validation_file_path"].path == "azureml:ultrachat-validation:0123456789ab"
    assert inputs["test_file_path"].path == "azureml:ultrachat-validation:0123456789ab"


def test_no_job_yet_submits_follows_and_registers(ml: FakeMl, said: list[str]) -> None:
    def becomes(status: str) -> object:
        return lambda: setattr(ml.jobs.there[FIRST], "status", status)

    stop = Stop(becomes("Running"), becomes("Running"), becomes("Completed"))  # type: ignore[arg-type]
    finetune.run(FINETUNE, said.append, stop)

    (job,) = ml.jobs.submitted
    assert job.name == FIRST
    assert job.experiment_name == "finetune-phi"
    assert job.tags["vmSize"] == MACHINE, "what it costs is asked for when the cluster may have been replaced"
    assert job.outputs == {"mlflow_model_folder": "node output"}
    inputs = ml.component.node.inputs
    assert inputs["mlflow_model_path"].path == FINETUNE.base_model.model_uri
    assert inputs["train_file_path"].path == "azureml:ultrachat-train:0123456789ab"
    assert inputs["validation_file_path"].path == "azureml:ultrachat-test:0123456789ab"
    assert inputs["test_file_path"].path == "azureml:ultrachat-test:0123456789ab"
    assert inputs["apply_lora"] == "true"
    assert inputs["learning_rate"] == 2e-5
    assert inputs["compute_finetune"] == inputs["compute_preprocess"] == "gpu"
    assert inputs["number_of_gpu_to_use_finetuning"] == 1
    assert FINETUNE.fingerprint == "7b963b464e21"
    model = ml.models.there["phi-ultrachat", "994526542"]
    assert model.tags["fingerprint"] == "7b963b464e21"
    assert model.path == f"azureml://jobs/{FIRST}/outputs/mlflow_model_folder"
    assert model.type == "mlflow_model"
    assert model.tags["job"] == FIRST
    assert model.tags["dataset_fingerprint"] == "0123456789ab"
    assert "learning_rate=2e-05" in model.tags["recipe"]
    assert [line for line in said if "Running" in line]


def test_one_checkpoint_is_kept_unless_the_recipe_says_otherwise(ml: FakeMl, said: list[str]) -> None:
    for limit, sent in ((None, 1), (4, 4), (-1, -1)):
        more: dict[str, RecipeValue] = {} if limit is None else {"save_total_limit": limit}
        spec = changed(FINETUNE, recipe=FINETUNE.recipe | more)
        finetune.run(spec, said.append, Stop(lambda: setattr(list(ml.jobs.there.values())[-1], "status", "Completed")))
        assert ml.component.node.inputs["save_total_limit"] == sent
    assert FINETUNE.fingerprint == "7b963b464e21", "what is sent beside the recipe names nothing"


def ends(ml: FakeMl, status: str = "Completed") -> Stop:
    """The newest job ends in a state when it is first waited for."""
    return Stop(lambda: setattr(list(ml.jobs.there.values())[-1], "status", status))


DEFAULTS = "{'apply_deepspeed': 'true', 'deepspeed_stage': 3, 'learning_rate': 5e-06, 'learning_rate_min': 5e-07}"


def test_the_base_model_s_own_defaults_count_where_the_recipe_says_nothing(ml: FakeMl, said: list[str]) -> None:
    ml.models.there["Phi-4-mini-instruct", "1"] = SimpleNamespace(tags={"model_specific_defaults": DEFAULTS})
    finetune.run(FINETUNE, said.append, ends(ml))
    inputs = ml.component.node.inputs
    assert (inputs["apply_deepspeed"], inputs["deepspeed_stage"], inputs["learning_rate"]) == ("true", "3", 2e-5)
    (job,) = ml.jobs.submitted
    assert job.tags["model_defaults"] == "apply_deepspeed=true, deepspeed_stage=3"
    assert job.tags["fingerprint"] == FINETUNE.fingerprint == "7b963b464e21"
    (made,) = [each for each in ml.models.there.values() if "job" in each.tags]
    assert made.tags["model_defaults"] == "apply_deepspeed=true, deepspeed_stage=3"
    assert made.tags["component"] == "chat_completion_pipeline:0.0.82"
    told = "Phi-4-mini-instruct's own defaults where the recipe says nothing: apply_deepspeed=true, deepspeed_stage=3"
    assert told in said
    assert "defaults of Phi-4-mini-instruct that do not count: learning_rate_min (no input of the recipe)" in said


def test_defaults_of_the_base_model_that_cannot_be_read_are_said(ml: FakeMl, said: list[str]) -> None:
    ml.models.there["Phi-4-mini-instruct", "1"] = SimpleNamespace(tags={"model_specific_defaults": "{'a': "})
    finetune.run(FINETUNE, said.append, ends(ml))
    assert [line for line in said if line.startswith("warning: Phi-4-mini-instruct's own defaults")]
    assert "model_defaults" not in ml.jobs.submitted[0].tags


def test_latest_is_asked_for_once_and_kept_by_later_attempts(ml: FakeMl, said: list[str]) -> None:
    with pytest.raises(StageError):
        finetune.run(FINETUNE, said.append, ends(ml, "Failed"))
    assert ml.jobs.there[FIRST].tags["component"] == "chat_completion_pipeline:0.0.82"
    ml.component.version = "0.0.83"  # of which the second attempt hears nothing
    finetune.run(FINETUNE, said.append, ends(ml))
    assert ml.wanted == [{"label": "latest"}, {"version": "0.0.82"}]


def test_another_fine_tuning_takes_what_is_latest_then(ml: FakeMl, said: list[str]) -> None:
    finetune.run(FINETUNE, said.append, ends(ml))
    other = changed(FINETUNE, recipe=FINETUNE.recipe | {"seed": 7})
    with pytest.raises(StageError, match="seed is not one of its inputs"):
        finetune.run(other, said.append, Stop())
    pinned = changed(FINETUNE, component=FINETUNE.finetune.component.model_copy(update={"version": "0.0.80"}))
    finetune.run(pinned, said.append, ends(ml))
    assert ml.wanted == [{"label": "latest"}, {"label": "latest"}, {"version": "0.0.80"}]


def test_a_finetune_config_is_uploaded_as_a_file(ml: FakeMl, said: list[str]) -> None:
    spec = changed(FINETUNE, finetune_config='{"lora_algo":"peft"}')
    sent: list[str] = []
    submit = ml.jobs.create_or_update

    def reads(job: Any) -> Any:
        sent.append(Path(ml.component.node.inputs["finetune_config_path"].path).read_text())
        return submit(job)

    ml.jobs.create_or_update = reads  # type: ignore[method-assign]
    finetune.run(spec, said.append, Stop(lambda: setattr(list(ml.jobs.there.values())[-1], "status", "Completed")))
    assert sent == ['{"lora_algo":"peft"}']
    assert ml.component.node.inputs["finetune_config_path"].type == "uri_file"


def test_a_running_job_is_followed_not_submitted_again(ml: FakeMl, said: list[str]) -> None:
    job = ml.jobs.put(FIRST, "Running")
    finetune.run(FINETUNE, said.append, Stop(lambda: setattr(job, "status", "Completed")))
    assert ml.jobs.submitted == []
    assert registered(ml) == [f"azureml://jobs/{FIRST}/outputs/mlflow_model_folder"]


def test_a_completed_job_is_registered_without_waiting(ml: FakeMl, said: list[str]) -> None:
    ml.jobs.put(FIRST, "Failed")
    ml.jobs.put(SECOND, "Completed")
    stop = Stop()
    finetune.run(FINETUNE, said.append, stop)
    assert ml.jobs.submitted == [] and stop.waited == []
    assert registered(ml) == [f"azureml://jobs/{SECOND}/outputs/mlflow_model_folder"]


OLD_HOME = SimpleNamespace(version="7b963b464e21", tags={"job": SECOND})
"""As versions were registered when they were fingerprints, and had no tag of it."""


@pytest.mark.parametrize(
    "found",
    [
        SimpleNamespace(version="994526542", tags={"fingerprint": "7b963b464e21", "job": "copied-1"}),
        SimpleNamespace(version="994526542", tags=None, job_name=SECOND),
        SimpleNamespace(version="7", tags={"fingerprint": "7b963b464e21"}),
        OLD_HOME,
    ],
    ids=["by its number", "by its job", "by its tag", "of the time before numbers"],
)
def test_a_registered_model_needs_no_job(ml: FakeMl, said: list[str], found: Any) -> None:
    ml.models.there["phi-ultrachat", found.version] = found
    finetune.run(FINETUNE, said.append, Stop())
    assert ml.jobs.submitted == [] and list(ml.models.there) == [("phi-ultrachat", found.version)]
    assert said == [f"model phi-ultrachat:{found.version} is there already"]


def test_a_number_that_another_fingerprint_has_is_told_with_what_to_do(ml: FakeMl, said: list[str]) -> None:
    other = {"fingerprint": "00003b474e20", "job": "finetune-00003b474e20-1"}
    ml.models.there["phi-ultrachat", "994526542"] = SimpleNamespace(version="994526542", tags=other)
    with pytest.raises(
        StageError, match=r"taken by another model.*finetune-00003b474e20-1 \(fingerprint 00003b474e20\)"
    ) as told:
        finetune.run(FINETUNE, said.append, Stop())
    assert "7b963b464e21, whose number it has" in str(told.value) and "another finetune.modelName" in str(told.value)
    assert ml.jobs.submitted == []
    # It does not hide the own one under another number.
    ml.models.there["phi-ultrachat", "7"] = SimpleNamespace(version="7", tags={"fingerprint": "7b963b464e21"})
    finetune.run(FINETUNE, said.append, Stop())
    assert said == ["model phi-ultrachat:7 is there already"]
