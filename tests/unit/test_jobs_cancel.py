"""`python -m jobs cancel`, and what becomes of a job of an earlier recipe."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from jobs_fake import ArmOfJobs, Jobs
from test_jobs_specs import FINETUNE, TARGET

from cloud import arm, place
from cloud.errors import NotFinished, StageError
from jobs import __main__ as cli
from jobs.training import stack_jobs, supersede
from tests.changing import changed

SPEC = changed(FINETUNE, stack="dev")
OLD, OLDER = "0123456789ab", "ba9876543210"


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Jobs:
    jobs = Jobs()
    found = SimpleNamespace(workspace=TARGET, stack="dev")
    monkeypatch.setattr(place, "described", lambda stack: (None, found))
    for module in (arm, supersede):
        monkeypatch.setattr(module, "Arm", lambda **_: ArmOfJobs(jobs))
    monkeypatch.setattr("jobs.commands.cancel.Arm", lambda **_: ArmOfJobs(jobs))
    monkeypatch.setattr(stack_jobs.time, "monotonic", lambda: 0.0)
    return jobs


def put(jobs: Jobs, status: str, fingerprint: str = OLD, attempt: int = 1, stack: str = "dev") -> str:
    name = f"finetune-{fingerprint}-{attempt}"
    jobs.put(name, status, stack=stack, fingerprint=fingerprint)
    return name


def cancel(*arguments: str) -> None:
    cli.main(["cancel", "--stack", "dev", *arguments])


def test_all_that_run_are_cancelled(jobs: Jobs, capsys: pytest.CaptureFixture[str]) -> None:
    put(jobs, "Completed", OLDER)
    one, other = put(jobs, "Running"), put(jobs, "Queued", OLDER, 2)
    put(jobs, "Running", "aaaaaaaaaaaa", stack="prod")
    cancel("--yes")
    assert sorted(jobs.cancels) == sorted([one, other])
    out = capsys.readouterr().out
    assert f"{one}: Running, fine-tuning ({one})" in out
    assert f"{other}: cancelled. A later `pulumi up` starts the fine-tuning again, as attempt 3." in out


def test_one_alone(jobs: Jobs) -> None:
    one = put(jobs, "Running")
    put(jobs, "Running", OLDER)
    cancel("--yes", "--job", one)
    assert jobs.cancels == [one]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("Completed", "had just completed. `pulumi up` uses what it made."),
        ("Failed", "had just ended, Failed."),
    ],
)
def test_one_that_ends_by_itself_meanwhile(
    status: str, said: str, jobs: Jobs, capsys: pytest.CaptureFixture[str]
) -> None:
    name = put(jobs, "Running")
    jobs.cancelled[name] = status
    cancel("--yes")
    assert f"{name}: {said}" in capsys.readouterr().out


def test_nothing_is_cancelled_without_a_yes(jobs: Jobs, capsys: pytest.CaptureFixture[str]) -> None:
    put(jobs, "Running")
    with pytest.raises(SystemExit) as ended:
        cancel()
    assert jobs.cancels == [] and "Add --yes" in str(ended.value)
    assert "What it has learnt so far is lost." not in capsys.readouterr().out, "nobody is there to be asked"


@pytest.mark.parametrize(
    ("statuses", "arguments", "said"),
    [
        ([], (), "No job of stack dev is under way. Nothing to cancel."),
        (
            ["Completed", "Failed"],
            (),
            f"No job of stack dev is under way; the newest job, finetune-{OLD}-2, is Failed. Nothing to cancel.",
        ),
        (["Failed"], ("--job", f"finetune-{OLD}-1"), f"finetune-{OLD}-1 is Failed already. Nothing to cancel."),
    ],
)
def test_nothing_to_cancel(
    statuses: list[str], arguments: tuple[str, ...], said: str, jobs: Jobs, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, status in enumerate(statuses, start=1):
        put(jobs, status, attempt=number)
    cancel(*arguments)
    assert capsys.readouterr().out.strip() == said and jobs.cancels == []


@pytest.mark.parametrize(("there", "said"), [(True, f"which has finetune-{OLD}-1"), (False, "which has none")])
def test_a_job_of_others_is_left_alone(there: bool, said: str, jobs: Jobs) -> None:
    if there:
        put(jobs, "Running")
    with pytest.raises(SystemExit) as ended:
        cancel("--job", "somebody-elses", "--yes")
    assert f"it is no job of stack dev, {said}" in str(ended.value) and jobs.cancels == []


def earlier(supersedes: str, stop: threading.Event | None = None) -> list[str]:
    said: list[str] = []
    supersede.earlier(changed(SPEC, supersede=supersedes), said.append, stop or threading.Event())
    return said


def test_jobs_of_earlier_recipes_are_cancelled_and_no_others(jobs: Jobs) -> None:
    put(jobs, "Completed", OLDER)
    own = put(jobs, "Running", SPEC.fingerprint)
    running = put(jobs, "Running")
    said = earlier("cancel")
    assert jobs.cancels == [running]
    assert said == [
        f"warning: job {running} of an earlier recipe is Running: it is cancelled (finetune.supersede: cancel)",
        f"job {running}: Canceled",
    ]
    assert jobs.there[own].status == "Running"


def test_one_that_completes_meanwhile_is_not_lost(jobs: Jobs) -> None:
    running = put(jobs, "Running")
    jobs.cancelled[running] = "Completed"
    assert earlier("cancel")[1] == (
        f"job {running}: had just completed; with that recipe again, `pulumi up` registers its model without training"
    )


def test_or_they_go_on_and_bill_which_is_told_of_each(jobs: Jobs) -> None:
    put(jobs, "Failed", "cccccccccccc")
    running = [put(jobs, "Running"), put(jobs, "Queued", OLDER)]
    said = earlier("keep")
    assert jobs.cancels == [] and len(said) == 2
    for name in running:
        assert any(f"`python -m jobs cancel --stack dev --job {name}` ends it" in line for line in said)


def test_a_stop_meanwhile_begins_nothing(jobs: Jobs) -> None:
    running, stop = put(jobs, "Running"), threading.Event()
    stop.set()
    with pytest.raises(NotFinished, match=running):
        earlier("cancel", stop)


def test_a_stack_without_a_name_has_no_jobs(jobs: Jobs) -> None:
    put(jobs, "Running", stack="")
    supersede.earlier(FINETUNE, pytest.fail, threading.Event())  # type: ignore[arg-type]


def test_where_there_is_no_workspace(monkeypatch: pytest.MonkeyPatch, jobs: Jobs) -> None:
    from azure.core.exceptions import ResourceNotFoundError

    def gone(*_: object, **__: object) -> None:
        raise ResourceNotFoundError("gone")

    monkeypatch.setattr(ArmOfJobs, "items", gone)
    with pytest.raises(StageError, match="stack dev is not up"):
        earlier("cancel")
