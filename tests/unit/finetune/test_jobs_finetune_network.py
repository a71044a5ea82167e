"""A network that goes away, and Ctrl+C, while a job is submitted or followed."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from finetune_jobs import FIRST, registered
from jobs_fake import FakeMl, Stop
from test_jobs_specs import FINETUNE

from cloud.errors import NotFinished, StageError
from jobs.spec import RecipeValue
from jobs.training import finetune
from tests.changing import changed


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
    assert registered(ml) == [f"azureml://jobs/{FIRST}/outputs/mlflow_model_folder"]


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
