"""Attempts: which comes next, and which count."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import (
    HttpResponseError,
)
from finetune_jobs import FIRST, SECOND, THIRD, registered
from jobs_fake import FakeMl, Stop
from test_jobs_specs import FINETUNE

from cloud.errors import StageError
from jobs.training import finetune, following
from tests.changing import changed


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
    assert registered(ml) == [f"azureml://jobs/{SECOND}/outputs/mlflow_model_folder"]


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
    assert registered(ml) == [f"azureml://jobs/{FIRST}/outputs/mlflow_model_folder"]
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
    assert registered(ml) == [f"azureml://jobs/{FINETUNE.job_name(7)}/outputs/mlflow_model_folder"]
