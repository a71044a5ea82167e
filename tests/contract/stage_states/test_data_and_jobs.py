"""Uploads and jobs from the states that an earlier run has left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud.errors import StageError
from cloud.report import WARNING
from data_prep.card.card import TRAIN
from tests.changing import changed
from tests.contract.stage_states.table import registered, starts_from
from tests.contract.stages import Place


@pytest.fixture
def rows(train_file: Path) -> str:
    return train_file.read_text()


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
