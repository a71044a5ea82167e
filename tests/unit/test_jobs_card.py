"""The card of a version, and its files on this machine."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from arm_fake import _key
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from status_azure import NOW, STACK, book
from test_jobs_comparison import (
    BOLD,
    SPECS,
    Logged,
    azure,  # noqa: F401
)

from cloud.errors import NotFinished, StageError
from cloud.services import energy, modelfiles
from cloud.services.modelfiles import File
from jobs.card import fetch, files, gather, publish, version
from jobs.card.card import ModelCard
from jobs.commands.models import download
from jobs.release.rollback import InService, Version
from settings.stack import Settings

VERSION = Version(
    version=BOLD.model_version,
    created="2026-11-25 10:00",
    job=BOLD.job_name(2),
    recipe="",
    fingerprint=BOLD.fingerprint,
)
TAGS = {
    "fingerprint": BOLD.fingerprint,
    "job": BOLD.job_name(2),
    "dataset": "ultrachat",
    "dataset_fingerprint": "0123456789ab",
    "base_model": "azureml://registries/azureml/models/Phi-4-mini-instruct/versions/1",
    "recipe": "learning_rate=0.0001",
    "component": "chat_completion_pipeline:0.0.82",
}
MODEL = f"{STACK.target.path}/models/{STACK.model_name}/versions/{VERSION.version}"
URI = "azureml://subscriptions/s/resourcegroups/r/workspaces/w/datastores/workspaceblobstore/paths/azureml/job/out/"


def card(azure: Logged, tmp_path: Path, **tags: str) -> ModelCard:  # noqa: F811
    azure.get(MODEL, {"name": VERSION.version, "properties": {"modelUri": URI, "tags": {**TAGS, **tags}}})
    subject = dataclasses.replace(STACK, stages=SPECS)
    return gather.card(subject, VERSION, book(tmp_path), lambda: NOW)


def rows(found: ModelCard) -> dict[str, str]:
    return {name: value for section in found.sections for name, value in section.rows}


def test_a_card_tells_what_made_a_version_and_what_came_of_it(azure: Logged, tmp_path: Path) -> None:  # noqa: F811
    found = card(azure, tmp_path, proved_by="dev", proved_gate="released")
    assert found.summary == (
        "Phi-4-mini-instruct fine-tuned on ultrachat, held-out loss 3.000, golden score 0.75 (0.40 to 0.90)"
    )
    told = rows(found)
    assert {
        "made by": BOLD.job_name(2),
        "component": "chat_completion_pipeline:0.0.82",
        "data asset": "ultrachat, 0123456789ab",
        "learning_rate": "0.0001",
        "training loss, first and last": "4.000 → 1.500",
        "held-out loss, lowest": "2.500 at step 10",
        "attempts": "2",
        "time": "2 h 30 min",
        "machines": "1 x Standard_NC24ads_A100_v4",
        "cost by list price": "10.00 USD",
        "energy of the GPUs": "not told",
        "carbon": "not told by Azure for a single job; by energy with compute.carbonIntensity",
        "golden score": "0.75 (0.40 to 0.90)",
        "proved by": "dev",
        "longest conversation of the base model": "131,072 tokens",
        "data": "not told by their source",
    }.items() <= told.items()
    notes = [note for section in found.sections for note in section.notes]
    assert any("data/card.json on their machine" in note for note in notes)
    assert any("rose after it" in note for note in notes), "what the curves say"


def test_what_azure_has_no_answer_to_is_said_and_the_rest_is_there(azure: Logged, tmp_path: Path) -> None:  # noqa: F811
    azure.blind = True
    found = card(azure, tmp_path)
    assert [told.partition("(")[0] for told in found.not_read if "energy" in told] == ["Not read just now: energy "]
    assert rows(found)["held-out loss at the end"] == "3.000"


def test_energy_is_what_azure_monitor_has_of_the_job() -> None:
    asked: list[dict[str, str]] = []

    def get(path: str, version: str, **query: str) -> dict[str, Any]:
        asked.append({"path": path, "version": version, **query})
        points = [{"total": 1_800_000.0}, {"total": None}, {"total": 3_600_000.0}]
        return {"value": [{"timeseries": [{"data": points}]}]}

    arm: Any = SimpleNamespace(get=get)
    span = datetime(2026, 11, 25, 10, tzinfo=UTC), datetime(2026, 11, 25, 12, tzinfo=UTC)
    found = energy.joules(arm, "/w", "job-1", span)
    assert found is not None and found / energy.KILOWATT_HOUR == 1.5
    assert asked[0]["$filter"] == "rootRunId eq 'job-1'"
    assert asked[0]["timespan"] == "2026-11-25T10:00:00Z/2026-11-25T12:05:00Z", "the last minute is told after it"
    nothing: Any = SimpleNamespace(get=lambda *_, **__: {"value": [{"timeseries": []}]})
    assert energy.joules(nothing, "/w", "job-1", span) is None
    silent: Any = SimpleNamespace(get=lambda *_, **__: {})
    with pytest.raises(AzureError, match="says nothing"):
        energy.joules(silent, "/w", "job-1", span)


def test_energy_that_azure_monitor_keeps_no_longer_is_said_to_be_so(azure: Logged, tmp_path: Path) -> None:  # noqa: F811
    azure.get(MODEL, {"name": VERSION.version, "properties": {"modelUri": URI, "tags": TAGS}})
    subject = dataclasses.replace(STACK, stages=SPECS, carbon_intensity=400)
    found = rows(gather.card(subject, VERSION, book(tmp_path), lambda: NOW + timedelta(days=94)))
    assert found["energy of the GPUs"] == "not told any more: Azure Monitor keeps it for 93 days"
    assert found["carbon"] == "not told by Azure for a single job", "a figure for the grid alone makes none"


def test_the_page_and_the_markdown_show_nothing_as_markup(azure: Logged, tmp_path: Path) -> None:  # noqa: F811
    found = card(azure, tmp_path, dataset="<script>alert(1)</script>|x")
    written = files.write(found, tmp_path / "card")
    assert [path.name for path in written] == ["card.md", "card.html", "card.json", "card-loss.svg"]
    page, text = (tmp_path / "card" / name for name in ("card.html", "card.md"))
    assert "<script>" not in page.read_text() and "<script>" not in text.read_text()
    assert "&lt;script&gt;" in page.read_text() and "\\|x" in text.read_text()
    assert json.loads((tmp_path / "card" / "card.json").read_text())["version"] == VERSION.version


def test_a_published_card_is_description_tags_and_a_file_beside_the_model(
    azure: Logged,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put: list[tuple[str, str, bytes]] = []

    def write(arm: Any, target: Any, store: str, path: str, data: bytes) -> None:
        assert arm is not None and target == STACK.target
        put.append((store, path, data))

    monkeypatch.setattr(publish.blobs, "write", write)
    azure.routes[_key("PUT", MODEL)] = (200, {}, {})
    where = publish.publish(STACK.target, card(azure, tmp_path))
    assert where == "azureml://datastores/workspaceblobstore/paths/azureml/job/model_card.md"
    ((store, path, data),) = put
    assert (store, path) == ("workspaceblobstore", "azureml/job/model_card.md")
    assert data.startswith(b"# phi-ultrachat, version ")
    sent = azure.bodies[-1]["properties"]
    assert sent["modelUri"] == URI, "what it holds stays"
    assert sent["tags"] == {**TAGS, "card": where, "card_at": NOW.isoformat(timespec="seconds")}
    assert sent["description"] == data.decode()[: len(sent["description"])] or "the rest is in" in sent["description"]
    assert len(sent["description"]) <= 4_100


class Shelf:
    """Files in storage; reading ends after so many bytes where ``breaks`` says so."""

    def __init__(self, files: dict[str, bytes], **damaged: str) -> None:
        self.content, self.damaged, self.breaks, self.read = files, damaged, 10**9, 0

    def files(self) -> list[File]:
        def md5(name: str, content: bytes) -> str:
            return self.damaged.get(name) or hashlib.md5(content, usedforsecurity=False).hexdigest()

        return sorted(File(name, len(content), md5(name, content)) for name, content in self.content.items())

    def chunks(self, file: File, offset: int = 0) -> Iterator[bytes]:
        for at in range(offset, file.size, 4):
            if self.read >= self.breaks:
                raise StageError("the connection broke", on=file.name, why="reset", todo="Again.")
            part = self.content[file.name][at : min(at + 4, file.size)]
            self.read += len(part)
            yield part


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    found = Shelf({"MLmodel": b"flavors: {}\n", "data/model/weights.bin": bytes(range(64)), "empty": b""})

    @contextlib.contextmanager
    def of_workspace(*_: object) -> Iterator[Shelf]:
        yield found

    monkeypatch.setattr(modelfiles, "of_workspace", of_workspace)
    monkeypatch.setattr(fetch, "Arm", lambda *_: None)
    return found


HERE: Any = SimpleNamespace(
    model="phi", target=STACK.target, settings=Settings.model_validate({"purgeOnDestroy": True})
)


def fetched(folder: Path, stop: threading.Event | None = None) -> tuple[str, list[str]]:
    said: list[str] = []
    return fetch.fetch(HERE, VERSION, folder, said.append, stop or threading.Event()), said


def test_a_model_comes_home_whole_with_its_digests(shelf: Shelf, tmp_path: Path) -> None:
    told, said = fetched(tmp_path / "model")
    assert told.startswith("3 files, 76 bytes, ") and len(said) == 3
    assert (tmp_path / "model/data/model/weights.bin").read_bytes() == bytes(range(64))
    sums = (tmp_path / "model" / fetch.SUMS).read_text().splitlines()
    assert f"{hashlib.sha256(bytes(range(64))).hexdigest()}  data/model/weights.bin" in sums and len(sums) == 3
    assert fetched(tmp_path / "model")[1] == [], "what is there is not fetched again"
    assert shelf.read == 76


def test_it_goes_on_where_it_was_interrupted(shelf: Shelf, tmp_path: Path) -> None:
    shelf.breaks = 12 + 20
    with pytest.raises(StageError, match="the connection broke"):
        fetched(tmp_path)
    assert (tmp_path / "data/model/weights.bin.part").stat().st_size == 20
    shelf.breaks = 10**9
    fetched(tmp_path)
    assert shelf.read == 76, "each byte once"
    assert (tmp_path / "data/model/weights.bin").read_bytes() == bytes(range(64))
    stop = threading.Event()
    stop.set()
    with pytest.raises(NotFinished, match="you asked to stop at 4 of"):
        fetched(tmp_path / "other", stop)


def test_what_is_damaged_here_or_there_is_noticed(shelf: Shelf, tmp_path: Path) -> None:
    fetched(tmp_path)
    (tmp_path / "MLmodel").write_bytes(b"flavors: [}\n")
    assert fetched(tmp_path)[1] == ["1 of 3  MLmodel  12 bytes"], "the same size, other bytes: fetched again"
    assert (tmp_path / "MLmodel").read_bytes() == b"flavors: {}\n"
    shelf.damaged = {"MLmodel": "0" * 32}
    with pytest.raises(StageError, match=r"a file of the model is damaged.*another content than storage"):
        fetched(tmp_path)
    assert not (tmp_path / "MLmodel.part").exists()


def test_a_folder_is_of_one_version(shelf: Shelf, tmp_path: Path) -> None:
    """Two versions have files of the same names and sizes, and storage need not have computed anything of them."""
    shelf.breaks = 20
    with pytest.raises(StageError, match="the connection broke"):
        fetched(tmp_path)
    another = dataclasses.replace(VERSION, version="8")
    with pytest.raises(StageError, match=rf"it has files of model phi:{VERSION.version}.*Choose another folder"):
        fetch.fetch(HERE, another, tmp_path, lambda _: None, threading.Event())
    (tmp_path / ".model").unlink()
    with pytest.raises(StageError, match="it has files of an unknown version"):
        fetched(tmp_path)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b", "a\\b", "SHA256SUMS", ".model"])
def test_no_file_is_written_elsewhere(shelf: Shelf, tmp_path: Path, name: str) -> None:
    shelf.content = {name: b"x"}
    with pytest.raises(StageError, match="a file of the model is not taken"):
        fetched(tmp_path / "model")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_which_version_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    newest, older = (dataclasses.replace(VERSION, version=number) for number in ("9", "4"))
    here: Any = SimpleNamespace(model="phi", versions=[newest, older], client=None, endpoint="e", stack="dev")

    def in_service(number: str) -> None:
        live = InService(deployment="m", share=100, version=number, before="")
        monkeypatch.setattr(version.rollback, "in_service", lambda *_: live)

    in_service("4")
    assert version.chosen(here, "") == older
    in_service("unknown")
    assert version.chosen(here, "") == newest
    assert version.chosen(here, "4") == older
    with pytest.raises(StageError, match="there is no version 7"):
        version.chosen(here, "7")
    for cause, is_none in ((ResourceNotFoundError("gone"), True), (HttpResponseError("403"), False), (None, True)):

        def refused(*_: object, cause: Exception | None = cause) -> InService:
            raise StageError("what is in service could not be read", on="e", why="no", todo="Again.") from cause

        monkeypatch.setattr(version.rollback, "in_service", refused)
        with contextlib.nullcontext() if is_none else pytest.raises(StageError, match="could not be read"):
            assert version.chosen(here, "") == newest
    with pytest.raises(StageError, match="there is no version of the model"):
        version.chosen(SimpleNamespace(**{**vars(here), "versions": []}), "")  # type: ignore[arg-type]


def test_a_gguf_file_is_refused_in_words_that_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.in_service.StackEndpoint.described", lambda _: SimpleNamespace(model="phi"))
    monkeypatch.setattr("jobs.card.version.chosen", lambda *_: VERSION)
    chosen: Any = SimpleNamespace(stack="dev", version="", to=None, gguf=True)
    with pytest.raises(StageError, match=r"not converted to GGUF here.*convert_hf_to_gguf\.py"):
        download.run(chosen)
