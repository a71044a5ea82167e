"""A job that is silent, lost, stopped or not waited for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import (
    HttpResponseError,
)
from finetune_jobs import FIRST, SECOND, registered
from jobs_fake import FakeMl, Stop
from test_jobs_specs import FINETUNE

from cloud.errors import NotFinished, StageError
from jobs.training import finetune, following, stack_jobs
from tests.changing import changed


def test_a_job_that_does_not_respond_may_come_back(ml: FakeMl, said: list[str]) -> None:
    job = ml.jobs.put(FIRST, "NotResponding")
    stop = Stop(lambda: setattr(job, "status", "Running"), lambda: setattr(job, "status", "Completed"))
    finetune.run(FINETUNE, said.append, stop)
    assert ml.jobs.cancels == [] and ml.jobs.submitted == []
    assert registered(ml) == [f"azureml://jobs/{FIRST}/outputs/mlflow_model_folder"]


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
