"""The stages `dataset` and `finetune` from every state an earlier run can have left, with Azure's own clients.

`STATES` is the table of these states and of what then has to happen; each has one test below, named by
`starts_from`. Jobs are real requests to the emulator, but none trains: a test says what becomes of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud.errors import NotFinished, StageError
from cloud.report import WARNING
from data_prep.card.card import TRAIN
from emulator.machine.home import Home
from jobs import __main__ as cli
from jobs.training import finetune, stack_jobs, supersede
from tests.changing import changed
from tests.contract.arm import Arm
from tests.contract.stages import Place

STATES = {
    ("dataset", "nothing there"): "both files are uploaded and registered",
    ("dataset", "an upload was cut off"): "the blob is written again, whole",
    ("dataset", "one of two assets registered"): "the other one is added",
    ("dataset", "both registered"): "nothing is sent",
    ("finetune", "no job"): "one is submitted, followed, and its model registered",
    ("finetune", "job queued"): "it is followed, no second one",
    ("finetune", "job running"): "it is followed, no second one",
    ("finetune", "job completed"): "its model is registered, no second one",
    ("finetune", "job completed and archived"): "its model is registered, no second one",
    ("finetune", "job completed, its output gone"): "another attempt, which reuses no step",
    ("finetune", "job past its limit"): "it is cancelled and said; another attempt when the limit is raised",
    ("finetune", "job failed"): "another attempt",
    ("finetune", "job cancelled"): "another attempt, also beyond maxAttempts",
    ("finetune", "job being cancelled"): "another attempt",
    ("finetune", "job deleted"): "one is submitted",
    ("finetune", "all attempts failed"): "an error says so, no job",
    ("finetune", "submitted, not waited for"): "the next run goes on with it",
    ("finetune", "interrupted"): "the job goes on, the next run follows it",
    ("finetune", "interrupted, to be cancelled"): "the job is cancelled, the next run starts another attempt",
    ("finetune", "two machines submit at once"): "one job, both follow it",
    ("registration", "model there, made by this"): "nothing is done",
    ("registration", "model there, made by another job"): "it is refused before any job",
    ("supersede", "job of an earlier recipe runs"): "it is cancelled, those of other stacks and people are not",
    ("supersede", "job of an earlier recipe runs, keep"): "it goes on",
    ("supersede", "job of an earlier recipe completes meanwhile"): "it stays completed",
}
_tested: dict[tuple[str, str], str] = {}
Test = Callable[..., None]


def starts_from(stage: str, state: str) -> Callable[[Test], Test]:
    """Says which state of the table a test is about."""

    def note(test: Test) -> Test:
        assert (stage, state) not in _tested, "one test for each state"
        _tested[stage, state] = test.__name__
        return test

    return note


@pytest.fixture(scope="module")
def place(arm: Arm, home: Home, train_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(arm, home, train_file, tmp_path_factory.mktemp("states"), "states")
    place.hold()
    yield place
    place.release()


@pytest.fixture
def rows(train_file: Path) -> str:
    return train_file.read_text()


def registered(place: Place, name: str) -> set[str]:
    """Which of both assets of a data set are there."""
    versions = {
        asset: [each.version for each in place.ml.data.list(asset)] for asset in (f"{name}-train", f"{name}-test")
    }
    return {asset for asset, found in versions.items() if found}


# --- dataset


@starts_from("dataset", "an upload was cut off")
def test_an_upload_cut_off(place: Place, rows: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.core.exceptions import ServiceResponseError
    from azure.storage.blob import BlobClient, ContainerClient

    spec = place.files("cut", tmp_path, rows * 2)
    whole = Path(spec.directory, TRAIN).read_bytes()
    half: list[str] = []

    def cut_off(self: Any, name: Any, data: Any, **options: Any) -> None:
        """Half of the bytes arrive, then the connection is gone."""
        blob = self if isinstance(self, BlobClient) else self.get_blob_client(name)
        monkeypatch.undo()
        blob.upload_blob(whole[: len(whole) // 2], overwrite=True)
        half.append(blob.blob_name)
        raise ServiceResponseError("connection reset")

    monkeypatch.setattr(ContainerClient, "upload_blob", cut_off)
    with pytest.raises(Exception, match="connection reset"):
        place.run_dataset(spec)
    assert registered(place, "cut") == set()
    (blob,) = half
    assert len(place.blobs().download_blob(blob).readall()) == len(whole) // 2

    place.run_dataset(spec)
    assert registered(place, "cut") == {"cut-train", "cut-test"}
    path = str(place.ml.data.get("cut-train", version=spec.fingerprint).path)
    assert place.blobs().download_blob(path.rpartition("/paths/")[2]).readall() == whole


@starts_from("dataset", "nothing there")
@starts_from("dataset", "one of two assets registered")
@starts_from("dataset", "both registered")
def test_assets_that_are_missing_are_added(place: Place, rows: str, tmp_path: Path) -> None:
    spec = place.files("half", tmp_path, rows * 3)
    assert [line.endswith("there already") for line in place.run_dataset(spec)] == [False, False]
    place.delete(f"data/half-test/versions/{spec.fingerprint}")
    assert registered(place, "half") == {"half-train"}
    assert [line.endswith("there already") for line in place.run_dataset(spec)] == [True, False]
    assert registered(place, "half") == {"half-train", "half-test"}
    assert [line.endswith("there already") for line in place.run_dataset(spec)] == [True, True]


# --- finetune


@starts_from("finetune", "no job")
def test_no_job(place: Place) -> None:
    spec = place.recipe(1)
    place.finetune(spec, place.completes(spec))
    assert place.attempts(spec) == {1: "Completed"}
    assert place.model_job(spec) == spec.job_name(1)


@starts_from("finetune", "job queued")
def test_a_queued_job(place: Place) -> None:
    spec = place.recipe(2)
    place.left(spec, "Queued")
    place.finetune(spec, place.completes(spec))
    assert place.attempts(spec) == {1: "Completed"}
    assert place.model_job(spec) == spec.job_name(1)
    assert place.said[0].endswith("is Queued: no new one is needed")


@starts_from("finetune", "job running")
def test_a_running_job(place: Place) -> None:
    spec = place.recipe(3)
    place.left(spec, "Running")
    place.finetune(spec, place.completes(spec))
    assert place.attempts(spec) == {1: "Completed"}
    assert place.model_job(spec) == spec.job_name(1)


@starts_from("finetune", "job completed")
def test_a_completed_job(place: Place) -> None:
    spec = place.recipe(4)
    place.left(spec, "Completed")
    place.finetune(spec)
    assert place.model_job(spec) == spec.job_name(1)


@starts_from("finetune", "job completed and archived")
def test_an_archived_job(place: Place) -> None:
    spec = place.recipe(5)
    place.ml.jobs.archive(place.left(spec, "Completed"))
    place.finetune(spec)
    assert place.attempts(spec) == {1: "Completed"}
    assert place.model_job(spec) == spec.job_name(1)


@starts_from("finetune", "job completed, its output gone")
def test_a_completed_job_without_its_output(place: Place) -> None:
    spec = place.recipe(6)
    place.becomes(place.submit(spec), "Completed", output=False)
    place.finetune(spec, place.completes(spec, 2))
    assert place.attempts(spec) == {1: "Completed", 2: "Completed"}
    assert place.model_job(spec) == spec.job_name(2)
    (warned,) = [line for line in place.said if line.startswith(WARNING)]
    assert "its model is no longer in storage" in warned
    assert [place.ml.jobs.get(spec.job_name(attempt)).settings.force_rerun for attempt in (1, 2)] == [False, True]


@starts_from("finetune", "job past its limit")
def test_a_job_past_its_limit(place: Place) -> None:
    spec = place.recipe(32)
    name = place.left(spec, "Running")
    place.began(name, datetime.now(UTC) - timedelta(hours=13))
    for _ in range(2):  # the next run does not try again what would get as far
        with pytest.raises(StageError, match=r"reached its limit and was cancelled.*finetune\.maxHours is 12"):
            place.finetune(spec)
        assert place.attempts(spec) == {1: "Canceled"}
    longer = changed(spec, max_hours=24)
    place.finetune(longer, place.completes(spec, 2))
    assert place.attempts(spec) == {1: "Canceled", 2: "Completed"}


@starts_from("finetune", "job failed")
@starts_from("finetune", "all attempts failed")
def test_a_failed_job(place: Place) -> None:
    spec = place.recipe(7)
    place.left(spec, "Failed")
    with pytest.raises(StageError, match="did not succeed"):
        place.finetune(spec, lambda: place.becomes(spec.job_name(2), "Failed"))
    assert place.attempts(spec) == {1: "Failed", 2: "Failed"}
    with pytest.raises(StageError, match="all 2 attempts"):
        place.finetune(spec)
    more = changed(spec, max_attempts=3)
    place.finetune(more, place.completes(spec, 3))
    assert place.model_job(spec) == spec.job_name(3)


@starts_from("finetune", "job cancelled")
@starts_from("finetune", "job being cancelled")
def test_cancelled_jobs(place: Place) -> None:
    spec = place.recipe(8)
    place.left(spec, "Canceled")
    place.left(spec, "Failed", attempt=2)
    place.left(spec, "CancelRequested", attempt=3)
    place.finetune(spec, place.completes(spec, 4))
    assert place.model_job(spec) == spec.job_name(4)


@starts_from("finetune", "job deleted")
def test_a_deleted_job(place: Place) -> None:
    spec = place.recipe(9)
    place.delete(f"jobs/{place.left(spec, 'Completed')}")
    assert place.attempts(spec) == {}
    place.finetune(spec, place.completes(spec))
    assert place.model_job(spec) == spec.job_name(1)


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


# --- registration


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


# --- a change of the recipe


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


# --- from the command line


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


def test_every_state_of_the_table_has_its_test() -> None:
    assert set(_tested) == set(STATES)
