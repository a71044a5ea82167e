"""Runs that were interrupted, meet another one, or follow an earlier recipe."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cloud.errors import NotFinished, StageError
from cloud.report import WARNING
from jobs import __main__ as cli
from jobs.training import finetune, stack_jobs, supersede
from tests.contract.stage_states.table import starts_from
from tests.contract.stages import Place


@starts_from("finetune", "submitted, not waited for")
def test_without_waiting(place: Place) -> None:
    spec = place.recipe(10, wait=False)
    for _ in range(2):
        with pytest.raises(NotFinished, match="nothing has failed") as told:
            place.finetune(spec)
        assert "`python -m jobs logs --stack states --follow` waits for that" in str(told.value)
    place.becomes(spec.job_name(1), "Completed")
    place.finetune(spec)
    assert place.attempts(spec) == {1: "Completed"}
    assert place.model_job(spec) == spec.job_name(1)


@starts_from("finetune", "interrupted")
def test_an_interrupt_leaves_the_job(place: Place) -> None:
    spec = place.recipe(11)
    with pytest.raises(NotFinished, match="the job is left running") as told:
        place.finetune(spec)
    assert "python -m jobs cancel --stack states" in str(told.value)
    assert place.attempts(spec) == {1: "Queued"}
    place.finetune(spec, place.completes(spec))
    assert place.model_job(spec) == spec.job_name(1)


@starts_from("finetune", "interrupted, to be cancelled")
def test_an_interrupt_cancels_the_job_where_it_shall(place: Place) -> None:
    spec = place.recipe(12, cancel_on_interrupt=True)
    with pytest.raises(StageError, match=r"was cancelled \(Canceled\).*finetune\.cancelOnInterrupt"):
        place.finetune(spec)
    assert place.attempts(spec) == {1: "Canceled"}
    place.finetune(spec, place.completes(spec, 2))
    assert place.model_job(spec) == spec.job_name(2)


@starts_from("finetune", "two machines submit at once")
def test_two_machines(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, both, one = place.recipe(13), threading.Barrier(2), threading.Lock()
    pipeline, submit = finetune._pipeline, place.ml.jobs.create_or_update

    def one_by_one(*given: Any) -> Any:
        with one:  # azure-ai-ml builds one pipeline at a time in a process; two machines have two
            return pipeline(*given)

    def at_once(job: Any) -> Any:
        """Both have found no job before either submits one."""
        both.wait(30)
        return submit(job)

    monkeypatch.setattr(finetune, "_pipeline", one_by_one)
    monkeypatch.setattr(place.ml.jobs, "create_or_update", at_once)
    said: list[list[str]] = [[], []]
    done = threading.Event()
    threads = [threading.Thread(target=finetune.run, args=(spec, lines.append, done), daemon=True) for lines in said]
    for thread in threads:
        thread.start()
    while not all(any("Queued" in line for line in lines) for lines in said):
        assert all(thread.is_alive() for thread in threads), said
        done.wait(0.1)
    place.becomes(spec.job_name(1), "Completed")
    for thread in threads:
        thread.join(60)
    assert place.attempts(spec) == {1: "Completed"}
    assert place.model_job(spec) == spec.job_name(1)
    assert all("registered" in lines[-1] or "there already" in lines[-1] for lines in said), said


@starts_from("registration", "model there, made by this")
def test_a_model_of_this_fine_tuning(place: Place) -> None:
    spec = place.recipe(14)
    place.left(spec, "Completed")
    place.finetune(spec)
    place.delete(f"jobs/{spec.job_name(1)}")
    place.finetune(spec)
    assert place.said == [f"model tuned:{spec.model_version} is there already"]
    assert place.attempts(spec) == {}


@starts_from("registration", "model there, made by another job")
def test_a_model_of_another_job(place: Place) -> None:
    from azure.ai.ml.entities import Model

    spec, other = place.recipe(15), place.recipe(16)
    job = place.left(other, "Completed")
    path = f"azureml://jobs/{job}/outputs/mlflow_model_folder"
    place.ml.models.create_or_update(
        Model(name="tuned", version=spec.model_version, type="mlflow_model", path=path, tags={"job": job})
    )
    with pytest.raises(StageError, match="taken by another model") as told:
        place.finetune(spec)
    assert job in str(told.value) and "finetune.modelName" in str(told.value)
    assert place.attempts(spec) == {}
    assert place.model_job(spec) == job


@pytest.fixture
def alone(place: Place) -> Iterator[None]:
    """No other test's job is under way."""
    yield
    for job in stack_jobs.of_stack(supersede.Arm(), place.target, "changes"):
        place.becomes(job.name, "Canceled")


@starts_from("supersede", "job of an earlier recipe runs")
def test_a_new_recipe_cancels_the_old_ones_job(place: Place, alone: None) -> None:
    old, new = (place.recipe(seed, stack="changes", wait=False) for seed in (20, 21))
    elsewhere = place.left(place.recipe(22, stack="other"), "Running")
    persons = "olive_tree_1"  # as the studio calls a copy, which has the tags of its model
    finetune._submit(place.ml, old, persons, lambda _: None, anew=False)
    place.left(old, "Running")
    done = place.left(place.recipe(23, stack="changes"), "Failed")

    with pytest.raises(NotFinished):
        place.finetune(new)
    assert place.attempts(old) == {1: "Canceled"}
    assert place.attempts(new) == {1: "Queued"}
    assert (place.status(elsewhere), place.status(done)) == ("Running", "Failed")
    assert place.status(persons) == "Queued"
    (warned,) = [line for line in place.said if line.startswith(WARNING)]
    assert f"job {old.job_name(1)} of an earlier recipe is Running: it is cancelled" in warned


@starts_from("supersede", "job of an earlier recipe runs, keep")
def test_a_new_recipe_keeps_the_old_ones_job_where_it_shall(place: Place, alone: None) -> None:
    old, new = (place.recipe(seed, stack="changes", wait=False, supersede="keep") for seed in (24, 25))
    place.left(old, "Running")
    with pytest.raises(NotFinished):
        place.finetune(new)
    assert place.attempts(old) == {1: "Running"}
    (warned,) = [line for line in place.said if line.startswith(WARNING)]
    assert f"python -m jobs cancel --stack changes --job {old.job_name(1)}" in warned


@starts_from("supersede", "job of an earlier recipe completes meanwhile")
def test_the_old_job_completes_before_it_is_cancelled(
    place: Place, alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (place.recipe(seed, stack="changes", wait=False) for seed in (26, 27))
    place.left(old, "Running")
    of_stack = stack_jobs.of_stack

    def then_completes(*given: Any) -> Any:
        found = of_stack(*given)
        place.becomes(old.job_name(1), "Completed")
        return found

    monkeypatch.setattr(stack_jobs, "of_stack", then_completes)
    with pytest.raises(NotFinished):
        place.finetune(new)
    monkeypatch.undo()
    assert place.attempts(old) == {1: "Completed"}
    assert any("had just completed; with that recipe again" in line for line in place.said)
    place.finetune(old)
    assert place.attempts(new) == {1: "Canceled"}, "and back again"
    assert place.model_job(old) == old.job_name(1)


def test_the_command_cancels_the_stacks_jobs_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cloud.place.described", place.described)
    spec = place.recipe(30, stack="dev")
    job, others = place.left(spec, "Running"), place.left(place.recipe(31, stack="prod"), "Running")
    with pytest.raises(SystemExit, match="Add --yes"):
        cli.main(["cancel", "--stack", "dev"])
    assert place.status(job) == "Running"
    cli.main(["cancel", "--stack", "org/finetune-phi/dev", "--yes"])
    assert (place.status(job), place.status(others)) == ("Canceled", "Running")
    assert f"{job}: cancelled. A later `pulumi up`" in capsys.readouterr().out
    cli.main(["cancel", "--stack", "dev", "--yes"])
    assert "Nothing to cancel" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="no job of stack dev"):
        cli.main(["cancel", "--stack", "dev", "--yes", "--job", others])
