"""A model's files on this machine: where they come from, what is written, and what is said of each that is wrong."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from status_azure import STACK
from test_jobs_card import HERE, VERSION, Shelf, fetched, shelf

from cloud.arm import ML_SCOPE
from cloud.errors import NotFinished, StageError
from cloud.services import modelfiles
from cloud.services.modelfiles import File
from cloud.target import RegistryAsset
from jobs.card import fetch
from settings.stack import Settings

__all__ = ["shelf"]
MODEL = f"model phi:{VERSION.version}"
WEIGHTS = bytes(range(64))


def sums(**content: bytes) -> str:
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(content.items()))


def refused(folder: Path, stop: threading.Event | None = None) -> str:
    with pytest.raises(StageError) as error:
        fetched(folder, stop)
    return f"{type(error.value).__name__}: {error.value}"


def test_each_file_is_told_and_all_are_written_down(shelf: Shelf, tmp_path: Path) -> None:
    told, said = fetched(tmp_path / "a" / "b")
    assert told == modelfiles.digest(shelf.files())
    assert said == ["1 of 3  MLmodel  12 bytes", "2 of 3  data/model/weights.bin  64 bytes", "3 of 3  empty  0 bytes"]
    folder = tmp_path / "a" / "b"
    content = {"MLmodel": b"flavors: {}\n", "data/model/weights.bin": WEIGHTS, "empty": b""}
    assert (folder / "SHA256SUMS").read_text() == sums(**content)
    assert (folder / ".model").read_text() == f"{MODEL}\n"
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert found == [".model", "MLmodel", "SHA256SUMS", "data/model/weights.bin", "empty"]


def test_a_workspaces_model_is_read_there_and_anothers_in_its_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "Arm", lambda *scope: ("arm", *scope))
    monkeypatch.setattr(modelfiles, "of_workspace", lambda *given: given)
    monkeypatch.setattr(modelfiles, "of_registry", lambda *given: given)
    place: Any = fetch._place(HERE, "7")
    assert place == (("arm",), STACK.target, "phi", "7")
    taken = {"purgeOnDestroy": True, "model": {"promote": {"stack": "dev", "registry": "mlr-phi"}}}
    there: Any = SimpleNamespace(model="phi", target=STACK.target, settings=Settings.model_validate(taken))
    place = fetch._place(there, "7")
    assert place == (("arm", ML_SCOPE), RegistryAsset("mlr-phi", "phi", "7"))


def test_a_model_without_files_is_told_of(shelf: Shelf, tmp_path: Path) -> None:
    shelf.content = {}
    assert refused(tmp_path / "x") == (
        f"StageError: the model could not be downloaded ({MODEL}): storage has no files of it. `pulumi up --replace "
        "'**::finetune'` registers it again from its job's output."
    )
    assert not (tmp_path / "x").exists()


def test_a_name_that_leads_elsewhere_is_told_of(shelf: Shelf, tmp_path: Path) -> None:
    shelf.content = {"../x": b""}
    assert refused(tmp_path) == (
        "StageError: a file of the model is not taken (../x): its name leads elsewhere. Nothing was written of it. "
        "Look at the model's files in the studio."
    )


def test_a_folder_of_another_version_is_told_of(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / ".model").write_text("model phi:8\n")
    start = f"StageError: the model could not be written ({tmp_path}): it has files of "
    told = start + "{}. Choose another folder with --to."
    assert refused(tmp_path) == told.format("model phi:8")
    (tmp_path / ".model").unlink()
    (tmp_path / "deep").mkdir()
    part = tmp_path / "deep" / "x.part"
    part.write_text("")
    assert refused(tmp_path) == told.format("an unknown version")
    part.unlink()
    (tmp_path / "SHA256SUMS").write_text("")
    assert refused(tmp_path) == told.format("an unknown version")
    (tmp_path / "SHA256SUMS").unlink()
    (tmp_path / "notes.txt").write_text("mine")
    fetched(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_told_of(shelf: Shelf, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert refused(file) == (
        f"StageError: the model could not be written ({file}): {file}/.model: File exists. Mend that, or choose "
        "another folder with --to."
    )
    (tmp_path / "MLmodel.part").mkdir()
    (tmp_path / ".model").write_text(f"{MODEL}\n")
    assert refused(tmp_path) == (
        f"StageError: the model could not be written ({tmp_path}): {tmp_path}/MLmodel: Is a directory. Mend that, or "
        f"choose another folder with --to; what is in {tmp_path} is gone on with."
    )


def test_a_stop_says_how_far_it_came(shelf: Shelf, tmp_path: Path) -> None:
    shelf.content = {"weights": WEIGHTS * 32}
    stop = threading.Event()
    stop.set()
    with pytest.raises(NotFinished) as error:
        fetched(tmp_path, stop)
    assert str(error.value) == (
        "the download is not finished (weights): you asked to stop at 4 of 2,048 bytes. Run the same again: it goes on "
        "there."
    )
    assert (tmp_path / "weights.part").read_bytes() == WEIGHTS[:4]


@pytest.mark.parametrize("md5", ["", "right", "wrong"])
def test_what_comes_otherwise_than_storage_says_is_told_of(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, md5: str
) -> None:
    right = hashlib.md5(WEIGHTS, usedforsecurity=False).hexdigest()
    known = {"": "", "right": right, "wrong": "0" * 32}[md5]
    monkeypatch.setattr(Shelf, "files", lambda self: [File("weights", 64, known)])
    shelf.content = {"weights": WEIGHTS}
    todo = "It was deleted here: run the same again. If it stays so, the file in storage is damaged."
    start = "StageError: a file of the model is damaged (weights): it came with"
    if md5 == "wrong":
        assert refused(tmp_path) == f"{start} another content than storage has computed. {todo}"
    else:
        fetched(tmp_path)
        assert (tmp_path / "weights").read_bytes() == WEIGHTS
    monkeypatch.setattr(Shelf, "chunks", lambda *_: iter([WEIGHTS[:60]]))
    assert refused(tmp_path / "short") == f"{start} 60 bytes of 64. {todo}"
    assert not (tmp_path / "short" / "weights.part").exists() and not (tmp_path / "short" / "weights").exists()


def test_a_part_that_is_longer_than_the_file_is_begun_anew(shelf: Shelf, tmp_path: Path) -> None:
    """One that is as long is whole, and checked with the rest."""
    (tmp_path / ".model").write_text(f"{MODEL}\n")
    (tmp_path / "MLmodel.part").write_bytes(b"x" * 13)
    (tmp_path / "data/model").mkdir(parents=True)
    (tmp_path / "data/model/weights.bin.part").write_bytes(WEIGHTS)
    fetched(tmp_path)
    assert (tmp_path / "MLmodel").read_bytes() == b"flavors: {}\n"
    assert (tmp_path / "data/model/weights.bin").read_bytes() == WEIGHTS
    assert shelf.read == 12, "nothing more is read of a part that is whole"


def test_what_is_there_counts_by_its_digest(shelf: Shelf, tmp_path: Path) -> None:
    fetched(tmp_path)
    known = (tmp_path / "SHA256SUMS").read_text()
    first = ["1 of 3  MLmodel  12 bytes"]
    for change in (
        lambda: (tmp_path / "MLmodel").write_bytes(b"flavors: [}\n"),
        lambda: (tmp_path / "MLmodel").write_bytes(b"flavors: {}"),
        lambda: (tmp_path / "MLmodel").unlink(),
        lambda: (tmp_path / "SHA256SUMS").write_text("".join(known.splitlines(keepends=True)[1:])),
        lambda: (tmp_path / "SHA256SUMS").write_text("nothing\n" + known.replace(known[:64], "0" * 64)),
    ):
        change()
        assert fetched(tmp_path)[1] == first and (tmp_path / "SHA256SUMS").read_text() == known
    (tmp_path / "SHA256SUMS").write_bytes(b"\xff")
    assert len(fetched(tmp_path)[1]) == 3 and (tmp_path / "SHA256SUMS").read_text() == known


def test_what_storage_has_changed_since_is_fetched_again(shelf: Shelf, tmp_path: Path) -> None:
    fetched(tmp_path)
    shelf.content["MLmodel"] = b"flavors: 12\n"
    assert fetched(tmp_path)[1] == ["1 of 3  MLmodel  12 bytes"]
    assert (tmp_path / "MLmodel").read_bytes() == b"flavors: 12\n"


def test_what_was_fetched_before_an_end_is_written_down_with_what_was_there(shelf: Shelf, tmp_path: Path) -> None:
    fetched(tmp_path)
    (tmp_path / "MLmodel").unlink()
    (tmp_path / "empty").write_bytes(b"x")
    (tmp_path / "data/model/weights.bin").write_bytes(b"")
    shelf.breaks = shelf.read + 12
    with pytest.raises(StageError, match="the connection broke"):
        fetched(tmp_path)
    assert len((tmp_path / "SHA256SUMS").read_text().splitlines()) == 3


def test_azures_refusal_is_told_with_the_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from azure.core.exceptions import HttpResponseError

    @contextlib.contextmanager
    def refuses(*_: object) -> Iterator[None]:
        raise HttpResponseError("not yours")
        yield

    monkeypatch.setattr(modelfiles, "of_workspace", refuses)
    monkeypatch.setattr(fetch, "Arm", lambda *_: None)
    told = f"StageError: the model could not be downloaded ({MODEL}): not yours"
    assert refused(tmp_path).startswith(told)
