"""The files of the data set, uploaded and registered."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from azure.core.exceptions import (
    HttpResponseError,
)
from jobs_fake import FakeMl, Stop
from test_jobs_specs import DATASET

import data_prep
from cloud import waiting
from cloud.errors import StageError
from data_prep.card.card import TEST, TRAIN, VALIDATION
from jobs.dataset import upload
from jobs.dataset.spec import DatasetSpec


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


def test_each_asset_whole_and_what_is_told(ml: FakeMl, said: list[str], files: DatasetSpec) -> None:
    """The files are described by no card, or by one of other files."""
    for card in (None, {"fingerprint": "of other files"}):
        if card:
            Path(files.directory, "card.json").write_text(json.dumps(card))
        ml.data.there.clear()
        upload.run(files, said.append, Stop())
        version, train = files.fingerprint, ml.data.there["ultrachat-train", files.fingerprint]
        assert vars(train) == {
            "name": "ultrachat-train",
            "version": version,
            "type": "uri_file",
            "path": f"{files.directory}/train_data.jsonl",
            "description": "Chat conversations for fine-tuning, one JSON object a line.",
            "tags": {"fingerprint": version},
        }
    assert said[0] == f"data asset ultrachat-train:{version} registered from {files.directory}/train_data.jsonl"
    said.clear()
    upload.run(files, said.append, Stop())
    assert said[0] == f"data asset ultrachat-train:{version} is there already"


def test_files_with_a_card_of_their_own_have_its_words(
    ml: FakeMl, said: list[str], files: DatasetSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = SimpleNamespace(fingerprint=files.fingerprint, files={})
    asked: list[Path] = []
    monkeypatch.setattr("data_prep.card.card.read", lambda path: (asked.append(path), card)[1])
    monkeypatch.setattr("data_prep.card.text.description", lambda its: "described" if its is card else "")
    monkeypatch.setattr("data_prep.card.text.tags", lambda its: {"tag": "x"} if its is card else {})
    upload.run(files, said.append, Stop())
    assert [(asset.description, asset.tags) for asset in ml.data.there.values()] == [("described", {"tag": "x"})] * 3
    assert set(asked) == {Path(files.directory)}
    card.fingerprint = "of other files"
    ml.data.there.clear()
    upload.run(files, said.append, Stop())
    assert ml.data.there["ultrachat-test", files.fingerprint].tags == {"fingerprint": files.fingerprint}
