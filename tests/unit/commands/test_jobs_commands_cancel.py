"""Cancelling: what is asked, what became of each job, and what is past its limit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from jobs_fake import ArmOfJobs, Jobs
from test_jobs_cancel import OLD, cancel, jobs, put
from test_jobs_specs import FINETUNE, TARGET

from cloud import place
from jobs import specs
from jobs.commands import cancel as command
from jobs.training import joblog, limits, stack_jobs
from tests.changing import changed

__all__ = ["jobs"]


@pytest.mark.parametrize(
    ("count", "question"), [(1, "Cancel this job?"), (2, "Cancel these 2 jobs?"), (3, "Cancel these 3 jobs?")]
)
def test_cancelling_is_asked_about(jobs: Jobs, count: int, question: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    for at in range(count):
        put(jobs, "Running", attempt=at + 1)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or "n")  # type: ignore[func-returns-value]
    with pytest.raises(SystemExit, match="error: Nothing was cancelled"):
        cancel()
    assert asked == [f"{question} What it has learnt so far is lost. [y/N] "] and jobs.cancels == []


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("Canceled", "cancelled. A later `pulumi up` starts the fine-tuning again, as attempt 3."),
        ("Completed", "had just completed. `pulumi up` uses what it made."),
        ("Failed", "had just ended, Failed."),
        (
            "CancelRequested",
            "will be cancelled, still CancelRequested. It may bill until its node lets go: https://ml/x",
        ),
        ("", "will be cancelled, still gone. It may bill until its node lets go: https://ml/x"),
    ],
)
def test_what_became_of_a_cancelled_job(status: str, told: str) -> None:
    job: Any = SimpleNamespace(work="fine-tuning", attempt=2, url="https://ml/x")
    assert command._outcome(job, status) == told


def test_a_refusal_to_cancel_and_a_job_of_others(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.core.exceptions import HttpResponseError

    name = put(jobs, "Running")
    with pytest.raises(SystemExit) as others:
        cancel("--job", "x", "--yes")
    assert others.value.code == (
        f"error: nothing was cancelled (job x): it is no job of stack dev, which has {name}. Leave out --job to see "
        "what runs. Cancel the jobs of others in the studio or with `az ml job cancel`."
    )

    def refuses(*_: Any, **__: Any) -> Any:
        raise HttpResponseError("not yours")

    monkeypatch.setattr(stack_jobs, "cancel", refuses)
    with pytest.raises(SystemExit, match=rf"error: the job could not be cancelled \(job {name}\): not yours"):
        cancel("--yes")
    monkeypatch.setattr(stack_jobs, "of_stack", refuses)
    with pytest.raises(SystemExit, match=r"error: the jobs could not be read \(workspace ws\): not yours"):
        cancel("--yes")


def test_only_what_is_past_its_limit_is_cancelled(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the recipe of each as the stack's file has it now; a preparation of data has no limit."""
    gentle, bold = (changed(FINETUNE, recipe_name=name) for name in ("gentle", "bold"))
    here = SimpleNamespace(workspace=TARGET, stack="dev")
    monkeypatch.setattr(place, "described", lambda stack: ("settings", here))
    every = SimpleNamespace(finetunes=(gentle, bold), finetune=gentle)
    monkeypatch.setattr(specs, "specs", lambda *given: every if given == ("settings", here, "") else None)
    monkeypatch.setattr("jobs.commands.cancel.azure.ml_client", lambda target: "client" if target == TARGET else None)

    class Limit:
        def __init__(self, spec: Any) -> None:
            self.seconds = {"gentle": 3600.0, "bold": 7200.0}[spec.recipe_name]

        def __str__(self) -> str:
            return f"{self.seconds:g} s"

    ran = {f"finetune-{OLD}-1": 3600.0, f"finetune-{OLD}-2": 7199.0, f"finetune-{OLD}-3": 3599.0}

    class Log:
        def __init__(self, *, client: Any, job_name: str) -> None:
            assert client == "client"
            self.name = job_name

        def ran(self) -> float:
            return ran[self.name]

    monkeypatch.setattr(limits, "of_finetuning", lambda spec, arm: Limit(spec) if isinstance(arm, ArmOfJobs) else None)
    monkeypatch.setattr(joblog, "JobLog", Log)
    for attempt, recipe in enumerate(("gentle", "bold", "unknown"), 1):
        jobs.put(f"finetune-{OLD}-{attempt}", "Running", stack="dev", fingerprint=OLD, recipe_name=recipe)
    jobs.put("prepare-eeeeeeeeeeee-1", "Running", stack="dev", fingerprint="eeeeeeeeeeee")
    cancel("--past-limit", "--yes")
    assert jobs.cancels == [f"finetune-{OLD}-1"]
    out = capsys.readouterr().out.splitlines()
    assert sorted(out[:3]) == [
        f"finetune-{OLD}-1 has run for 1 h 00 min; it may for 3600 s",
        f"finetune-{OLD}-2 has run for 1 h 59 min; it may for 7200 s",
        f"finetune-{OLD}-3 has run for 59 min 59 s; it may for 3600 s",
    ]
