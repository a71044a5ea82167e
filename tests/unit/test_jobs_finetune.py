"""The stages dataset and finetune, from every state they can find."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from jobs_fake import MACHINE, FakeMl, Stop, install
from test_jobs_specs import DATASET, FINETUNE

import data_prep
from cloud import waiting
from cloud.errors import NotFinished, StageError
from data_prep.card.card import TEST, TRAIN, VALIDATION
from jobs.dataset import upload
from jobs.dataset.spec import DatasetSpec
from jobs.spec import RecipeValue
from jobs.training import finetune, following, stack_jobs
from tests.changing import changed

FIRST, SECOND, THIRD = (FINETUNE.job_name(attempt) for attempt in (1, 2, 3))


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    return install(monkeypatch)


@pytest.fixture
def said() -> list[str]:
    return []


def _registered(ml: FakeMl) -> list[str]:
    return [asset.path for asset in ml.models.there.values()]


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
    assert _registered(ml) == [f"azureml://jobs/{FIRST}/outputs/mlflow_model_folder"]


def test_a_completed_job_is_registered_without_waiting(ml: FakeMl, said: list[str]) -> None:
    ml.jobs.put(FIRST, "Failed")
    ml.jobs.put(SECOND, "Completed")
    stop = Stop()
    finetune.run(FINETUNE, said.append, stop)
    assert ml.jobs.submitted == [] and stop.waited == []
    assert _registered(ml) == [f"azureml://jobs/{SECOND}/outputs/mlflow_model_folder"]


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


def test_a_job_that_does_not_respond_may_come_back(ml: FakeMl, said: list[str]) -> None:
    job = ml.jobs.put(FIRST, "NotResponding")
    stop = Stop(lambda: setattr(job, "status", "Running"), lambda: setattr(job, "status", "Completed"))
    finetune.run(FINETUNE, said.append, stop)
    assert ml.jobs.cancels == [] and ml.jobs.submitted == []
    assert _registered(ml) == [f"azureml://jobs/{FIRST}/outputs/mlflow_model_folder"]


def test_one_that_does_not_is_cancelled_before_the_next_attempt(
    ml: FakeMl, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "SILENT_SECONDS", 0.0)
    ml.jobs.put(FIRST, "NotResponding")
    finetune.run(FINETUNE, said.append, Stop(lambda: setattr(ml.jobs.there[SECOND], "status", "Completed")))
    assert ml.jobs.cancels == [FIRST] and [job.name for job in ml.jobs.submitted] == [SECOND]
    assert any(line.startswith(f"warning: job {FIRST} has not responded for") for line in said)


def test_one_that_falls_silent_while_it_is_followed_ends_the_update(
    ml: FakeMl, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "SILENT_SECONDS", 0.0)
    stop = Stop(lambda: setattr(ml.jobs.there[FIRST], "status", "NotResponding"))
    with pytest.raises(StageError, match=r"the fine-tuning does not respond any more.*it was cancelled.*new attempt"):
        finetune.run(FINETUNE, said.append, stop)
    assert ml.jobs.cancels == [FIRST]


def test_one_that_cannot_be_cancelled_is_told_of_and_nothing_begun_beside_it(
    ml: FakeMl, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "SILENT_SECONDS", 0.0)
    monkeypatch.setattr(stack_jobs, "_PATIENCE", 0.0)
    ml.jobs.put(FIRST, "NotResponding")
    ml.jobs.cancelled[FIRST] = "NotResponding"
    with pytest.raises(
        StageError, match=r"could not be cancelled, it goes on.*NotResponding after it was asked to end"
    ):
        finetune.run(FINETUNE, said.append, Stop())
    assert ml.jobs.submitted == []


def test_the_waiting_has_an_end_that_the_job_has_not(
    ml: FakeMl, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_LONG_SECONDS", -1.0)
    monkeypatch.setattr(following, "_MOST_SECONDS", -3600.0)
    ml.jobs.put(FIRST, "Running")
    with pytest.raises(
        NotFinished, match=r"goes on in Azure \(Running\).*left running, and bills.*python -m jobs cancel"
    ):
        finetune.run(FINETUNE, said.append, Stop())
    assert ml.jobs.cancels == []
    assert any(line.startswith(f"warning: job {FIRST} bills, after ") for line in said)


def test_the_waiting_ends_before_the_machine_goes_away(
    ml: FakeMl, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINETUNE_PHI_LEAVE_AT", "1")
    ml.jobs.put(FIRST, "Running")
    with pytest.raises(NotFinished, match=r"machine that runs this update is taken away soon.*left running"):
        finetune.run(FINETUNE, said.append, Stop())
    assert ml.jobs.cancels == []


@pytest.mark.parametrize(
    "message", ["The environment is being written by somebody else", "Asset chats:1 already exists", "busy"]
)
def test_another_conflict_is_no_name_that_is_taken(
    ml: FakeMl, said: list[str], monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    tries: list[str] = []

    def refuse(job: Any) -> None:
        tries.append(job.name)
        refused = HttpResponseError(message)
        refused.status_code = 409
        raise refused

    monkeypatch.setattr(ml.jobs, "create_or_update", refuse)
    with pytest.raises(StageError, match=f"the fine-tuning could not be submitted .*{message}"):
        finetune.run(FINETUNE, said.append, Stop())
    assert tries == [FIRST]


@pytest.mark.parametrize("ended", ["Failed", "Canceled", "CancelRequested"])
def test_after_an_unsuccessful_job_comes_the_next_attempt(ml: FakeMl, said: list[str], ended: str) -> None:
    ml.jobs.put(FIRST, ended)
    stop = Stop(lambda: setattr(ml.jobs.there[SECOND], "status", "Completed"))
    finetune.run(FINETUNE, said.append, stop)
    assert [job.name for job in ml.jobs.submitted] == [SECOND]
    assert _registered(ml) == [f"azureml://jobs/{SECOND}/outputs/mlflow_model_folder"]


def test_no_attempt_left(ml: FakeMl, said: list[str]) -> None:
    for name in (FIRST, SECOND, THIRD):
        ml.jobs.put(name, "Failed")
    with pytest.raises(StageError, match="all 3 attempts") as caught:
        finetune.run(FINETUNE, said.append, Stop())
    assert f"https://ml.azure.com/runs/{THIRD}" in str(caught.value)
    assert "finetune.maxAttempts" in str(caught.value)
    assert ml.jobs.submitted == []


def test_a_job_that_gets_no_machine_says_what_the_cluster_says(
    ml: FakeMl, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_SILENCE_SECONDS", -1.0)
    job = ml.jobs.put(FIRST, "Queued")

    def no_capacity() -> None:
        ml.jobs.cluster_errors = [{"error": {"code": "OutOfCapacity", "message": "none\nfree"}}]

    stop = Stop(lambda: None, no_capacity, lambda: setattr(job, "status", "Completed"))
    finetune.run(FINETUNE, said.append, stop)
    still = [line.partition("; ")[2] for line in said if "still Queued" in line]
    assert still[0] == ""
    assert still[1].startswith("cluster gpu says OutOfCapacity: none free. Wait and run `pulumi up` again, or choose ")


def test_cancelled_attempts_do_not_count(ml: FakeMl, said: list[str]) -> None:
    for attempt in range(1, 6):
        ml.jobs.put(FINETUNE.job_name(attempt), "Canceled")
    sixth = FINETUNE.job_name(6)
    finetune.run(FINETUNE, said.append, Stop(lambda: setattr(ml.jobs.there[sixth], "status", "Completed")))
    assert [job.name for job in ml.jobs.submitted] == [sixth]


def test_a_job_that_another_machine_submits_at_the_same_moment_is_followed(ml: FakeMl, said: list[str]) -> None:
    ml.jobs.taken[FIRST] = "Running"
    finetune.run(FINETUNE, said.append, Stop(lambda: setattr(ml.jobs.there[FIRST], "status", "Completed")))
    assert ml.jobs.submitted == []
    assert _registered(ml) == [f"azureml://jobs/{FIRST}/outputs/mlflow_model_folder"]
    assert "submitted by another `pulumi up` just now" in said[0]


def test_a_name_that_a_deleted_job_still_holds_is_passed_over(ml: FakeMl, said: list[str]) -> None:
    ml.jobs.taken[FIRST] = ""
    finetune.run(FINETUNE, said.append, Stop(lambda: setattr(ml.jobs.there[SECOND], "status", "Completed")))
    assert [job.name for job in ml.jobs.submitted] == [SECOND]
    ml.jobs.taken = dict.fromkeys((FINETUNE.job_name(attempt) for attempt in range(1, 99)), "")
    ml.jobs.there, ml.models.there = {}, {}
    with pytest.raises(StageError, match=r"could not be submitted.*already exists"):
        finetune.run(FINETUNE, said.append, Stop())


def test_deleted_jobs_do_not_use_up_the_attempts(ml: FakeMl, said: list[str]) -> None:
    once = changed(FINETUNE, max_attempts=1)
    ml.jobs.taken = {FIRST: "", SECOND: ""}
    finetune.run(once, said.append, Stop(lambda: setattr(ml.jobs.there[THIRD], "status", "Completed")))
    assert [job.name for job in ml.jobs.submitted] == [THIRD]


def test_an_attempt_beyond_the_limit_is_found_behind_a_deleted_one(ml: FakeMl, said: list[str]) -> None:
    tags = {"stack": FINETUNE.stack, "fingerprint": FINETUNE.fingerprint}
    for attempt in (1, 2, 3, 4, 6):
        ml.jobs.put(FINETUNE.job_name(attempt), "Canceled", **tags)
    seventh = ml.jobs.put(FINETUNE.job_name(7), "Running", **tags)
    finetune.run(FINETUNE, said.append, Stop(lambda: setattr(seventh, "status", "Completed")))
    assert ml.jobs.submitted == []
    assert _registered(ml) == [f"azureml://jobs/{FINETUNE.job_name(7)}/outputs/mlflow_model_folder"]


def test_somebody_cancels_the_job_while_it_is_followed(ml: FakeMl, said: list[str]) -> None:
    job = ml.jobs.put(FIRST, "Running")
    stop = Stop(
        lambda: setattr(job, "status", "CancelRequested"),
        lambda: setattr(job, "status", "Canceled"),
    )
    with pytest.raises(StageError, match=r"the fine-tuning was cancelled.*starts it again, as a new attempt"):
        finetune.run(FINETUNE, said.append, stop)


def test_an_interrupt_cancels_a_job_that_has_just_completed(ml: FakeMl, said: list[str]) -> None:
    ml.jobs.put(FIRST, "Running")
    ml.jobs.cancelled[FIRST] = "Completed"
    stop = Stop()
    stop.turns.append(stop.set)
    with pytest.raises(StageError, match=r"interrupted \(Completed\).*goes on with what it made"):
        finetune.run(changed(FINETUNE, cancel_on_interrupt=True), said.append, stop)
    assert ml.jobs.cancels == [FIRST]


def test_a_model_registered_at_the_same_moment_is_taken(
    ml: FakeMl, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ml.jobs.put(FIRST, "Completed")
    put = ml.models.create_or_update

    def first(model: Any) -> None:
        put(model)
        refused = HttpResponseError("A model with this name and version already exists")
        refused.status_code = 409
        raise refused

    monkeypatch.setattr(ml.models, "create_or_update", first)
    finetune.run(FINETUNE, said.append, Stop())
    assert said[-1].endswith("was registered by another `pulumi up` just now")


def test_a_model_without_an_origin_is_not_ours(ml: FakeMl, said: list[str]) -> None:
    ml.models.there["phi-ultrachat", "994526542"] = SimpleNamespace(version="994526542", tags=None, path="azureml://x")
    with pytest.raises(StageError, match=r"taken by another model.*made from azureml://x"):
        finetune.run(FINETUNE, said.append, Stop())


def test_a_failing_job_says_why_and_where(ml: FakeMl, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    job = ml.jobs.put(FIRST, "Running")
    ml.jobs.children[FIRST] = [SimpleNamespace(name="step", status="Failed", display_name="train")]
    ml.jobs.reasons["step"] = "CUDA out of memory. See https://x/log?sv=1&sig=abc%2Fdef&sp=r"
    with pytest.raises(StageError) as caught:
        finetune.run(FINETUNE, said.append, Stop(lambda: setattr(job, "status", "Failed")))
    message = str(caught.value)
    assert FIRST in message and "step train" in message and "CUDA out of memory" in message
    assert f"https://ml.azure.com/runs/{FIRST}" in message
    assert "abc%2Fdef" not in message
    assert ml.models.there == {}


def test_ctrl_c_leaves_the_job_running_and_says_so(ml: FakeMl, said: list[str]) -> None:
    ml.jobs.put(FIRST, "Running")
    stop = Stop()
    stop.turns.append(stop.set)
    with pytest.raises(NotFinished, match="goes on in Azure") as caught:
        finetune.run(FINETUNE, said.append, stop)
    assert "`pulumi up` takes it up again" in str(caught.value) and "python -m jobs cancel" in str(caught.value)
    assert ml.jobs.cancels == []


def lose_answers(ml: FakeMl, monkeypatch: pytest.MonkeyPatch, *errors: Exception) -> None:
    """The looks at the job once it is followed raise these errors, then find it."""
    get, left = ml.jobs.get, list(errors)
    looked: list[str] = []

    def look(name: str) -> Any:
        looked.append(name)
        if looked.count(FIRST) > 2 and left:  # after the search for attempts and the first look
            raise left.pop(0)
        return get(name)

    monkeypatch.setattr(ml.jobs, "get", look)


def unavailable(status: int = 503) -> HttpResponseError:
    error = HttpResponseError("The service is busy.")
    error.status_code = status
    return error


def test_a_network_that_comes_and_goes_does_not_end_the_following(
    ml: FakeMl, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ml.jobs.put(FIRST, "Running")
    lost = [ServiceRequestError("no route to host"), ServiceResponseError("reset"), unavailable(), unavailable(429)]
    lose_answers(ml, monkeypatch, *lost)
    finetune.run(FINETUNE, said.append, Stop(*[lambda: None] * 5, lambda: setattr(job, "status", "Completed")))
    told = [line for line in said if "Azure gave no answer just now, trying again" in line]
    assert len(told) == 4 and "no route to host" in told[0]
    assert _registered(ml) == [f"azureml://jobs/{FIRST}/outputs/mlflow_model_folder"]


@pytest.mark.parametrize(
    ("errors", "message"),
    [
        ([ServiceRequestError("no route to host")] * 5, r"could not be followed, it may go on.*no route to host"),
        ([unavailable(403)], r"could not be followed.*busy"),
        ([ClientAuthenticationError("no credential worked")], "az login"),
    ],
)
def test_a_network_that_stays_away_and_a_refusal_end_it(
    ml: FakeMl, said: list[str], monkeypatch: pytest.MonkeyPatch, errors: list[Exception], message: str
) -> None:
    ml.jobs.put(FIRST, "Running")
    lose_answers(ml, monkeypatch, *errors)
    with pytest.raises(StageError, match=message):
        finetune.run(FINETUNE, said.append, Stop())
    assert sum("trying again" in line for line in said) == len(errors) - 1


def test_ctrl_c_while_the_network_is_away(ml: FakeMl, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    ml.jobs.put(FIRST, "Running")
    lose_answers(ml, monkeypatch, ServiceRequestError("no route to host"))
    stop = Stop(lambda: None)
    stop.turns.append(stop.set)
    with pytest.raises(NotFinished, match=r"goes on in Azure \(Running\)"):
        finetune.run(FINETUNE, said.append, stop)


def test_ctrl_c_before_the_submission_submits_nothing(ml: FakeMl, said: list[str]) -> None:
    stop = Stop()
    stop.set()
    with pytest.raises(NotFinished, match="was not begun"):
        finetune.run(FINETUNE, said.append, stop)
    assert ml.jobs.submitted == []


def test_ctrl_c_while_the_job_of_an_earlier_recipe_is_cancelled_ends_there(ml: FakeMl, said: list[str]) -> None:
    earlier = [changed(FINETUNE, stack="dev", recipe={"seed": seed}) for seed in (1, 2)]
    for spec in earlier:
        job = ml.jobs.put(spec.job_name(1), "Running", stack="dev", fingerprint=spec.fingerprint)
        ml.jobs.cancelled[job.name] = "CancelRequested"  # takes its time
    stop = Stop()
    stop.turns.append(stop.set)
    with pytest.raises(NotFinished, match="was not begun"):
        finetune.run(changed(FINETUNE, stack="dev"), said.append, stop)
    assert len(ml.jobs.cancels) == 1 and ml.jobs.submitted == []


def test_without_waiting_the_job_is_submitted_and_left(ml: FakeMl, said: list[str]) -> None:
    stop = Stop()
    with pytest.raises(NotFinished, match=r"finetune\.wait is false"):
        finetune.run(changed(FINETUNE, wait=False), said.append, stop)
    assert len(ml.jobs.submitted) == 1 and stop.waited == []


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("lerning_rate", 1, "did you mean learning_rate"),
        ("learning_rate_min", 1, "did you mean learning_rate"),
        ("precision", 8, "precision is 8, it takes 32, 16"),
        ("compute_finetune", "x", "set by `compute`"),
        ("train_file_path", "x", "set by `data`"),
        ("zzz", "x", "it takes apply_deepspeed, apply_lora"),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused(
    ml: FakeMl, said: list[str], key: str, value: RecipeValue, hint: str
) -> None:
    spec = changed(FINETUNE, recipe={key: value})
    with pytest.raises(StageError, match="does not fit") as caught:
        finetune.run(spec, said.append, Stop())
    assert hint in str(caught.value)
    assert ml.jobs.submitted == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ClientAuthenticationError("no credential worked\nlong story"), "az login"),
        (ServiceRequestError("connection refused"), "Check the network"),
        (HttpResponseError("Not enough quota available for Standard_X"), "Ask for quota"),
    ],
)
def test_azures_errors_become_one_message(
    ml: FakeMl, said: list[str], monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    def refuse(job: object) -> None:
        raise error

    monkeypatch.setattr(ml.jobs, "create_or_update", refuse)
    with pytest.raises(StageError, match=message) as caught:
        finetune.run(FINETUNE, said.append, Stop())
    assert "\n" not in str(caught.value)


@pytest.fixture
def files(tmp_path: Path) -> DatasetSpec:
    messages = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello."}]
    row = json.dumps({"prompt": "Hello?", "prompt_id": "1", "messages": messages})
    for name in (TRAIN, TEST, VALIDATION):
        (tmp_path / name).write_text(row + "\n")
    version = data_prep.fingerprint(tmp_path)
    return dataclasses.replace(DATASET, fingerprint=version, directory=str(tmp_path), validation=True)


def test_the_files_are_registered(ml: FakeMl, said: list[str], files: DatasetSpec) -> None:
    upload.run(files, said.append, Stop())
    assert {name: asset.path for (name, _), asset in ml.data.there.items()} == {
        "ultrachat-train": f"{files.directory}/train_data.jsonl",
        "ultrachat-test": f"{files.directory}/test_data.jsonl",
        "ultrachat-validation": f"{files.directory}/validation_data.jsonl",
    }
    assert {version for _, version in ml.data.there} == {files.fingerprint}
    assert {asset.type for asset in ml.data.there.values()} == {"uri_file"}


def test_what_is_registered_is_left_alone(ml: FakeMl, said: list[str], files: DatasetSpec) -> None:
    there = ml.data.there["ultrachat-train", files.fingerprint] = SimpleNamespace()
    upload.run(files, said.append, Stop())
    assert ml.data.there["ultrachat-train", files.fingerprint] is there
    assert ("ultrachat-test", files.fingerprint) in ml.data.there


def test_files_that_changed_meanwhile_are_not_uploaded(ml: FakeMl, said: list[str], files: DatasetSpec) -> None:
    path = Path(files.directory, TRAIN)
    path.write_text(path.read_text() * 2)
    with pytest.raises(StageError, match="changed since"):
        upload.run(files, said.append, Stop())
    assert ml.data.there == {}


def test_missing_files(ml: FakeMl, said: list[str], files: DatasetSpec) -> None:
    Path(files.directory, TEST).unlink()
    with pytest.raises(StageError, match=r"no data to upload.*make data"):
        upload.run(files, said.append, Stop())


def forbidden() -> Exception:
    """A refused upload as azure-ai-ml hands it on: the answer is only the cause."""
    refused = HttpResponseError("This request is not authorized to perform this operation using this permission.")
    refused.status_code = 403
    wrapped = Exception("upload failed")
    wrapped.__cause__ = refused
    return wrapped


def test_an_upload_waits_for_a_role_that_is_new(
    ml: FakeMl, said: list[str], files: DatasetSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    register, refusals = ml.data.create_or_update, [forbidden(), forbidden()]

    def arriving_late(asset: object) -> object:
        if refusals:
            raise refusals.pop()
        return register(asset)

    monkeypatch.setattr(ml.data, "create_or_update", arriving_late)
    stop = Stop()
    upload.run(files, said.append, stop)
    assert len(ml.data.there) == 3
    assert stop.waited == [waiting.ROLE_POLL_SECONDS] * 2
    assert len([line for line in said if "waiting for the role" in line]) == 1


def test_an_upload_does_not_wait_for_ever_nor_for_anything_else(
    ml: FakeMl, said: list[str], files: DatasetSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(error: Exception) -> Callable[[object], object]:
        def create_or_update(asset: object) -> object:
            raise error

        return create_or_update

    stop = Stop()
    monkeypatch.setattr(waiting, "ROLE_SECONDS", -1.0)
    monkeypatch.setattr(ml.data, "create_or_update", refuse(forbidden()))
    with pytest.raises(Exception, match="upload failed"):
        upload.run(files, said.append, stop)
    monkeypatch.setattr(waiting, "ROLE_SECONDS", 600.0)
    monkeypatch.setattr(ml.data, "create_or_update", refuse(HttpResponseError("no such workspace")))
    with pytest.raises(StageError, match="no such workspace"):
        upload.run(files, said.append, stop)
    assert stop.waited == []
