"""The stage dataset on a cluster: its job, its assets and its errors whole."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jobs_fake import FakeMl, Stop, install
from test_jobs_prepare import FIRST, SPEC, asked, ends

from cloud.errors import NotFinished, StageError
from data_prep import DataError
from data_prep.card.card import Card
from data_prep.prepare import Request
from jobs.dataset import image, prepare, upload
from jobs.dataset.spec import PreparationSpec

HERE = f"azureml://datastores/workspaceblobstore/paths/prepared/{FIRST}"
CARD = Card(
    settings={"source": "/mnt/source", "seed": 0, "mask": False},
    source={"kind": "hub", "revision": "abc", "licence": "mit"},
    shape="chat",
    rows={"in": 30, "train": 20, "test": 8, "rejected": 2},
    rejected={},
    repaired={},
    unused={},
    set_aside={},
    private={"rows": 3},
    duplicates={"repeated": 1, "near": None, "leaking": 0},
    turns={},
    tokens={"train": 1234, "counted_by": "bytes", "sample": 20},
    languages={"en": 20},
    recipe={},
    files={"train_data.jsonl": "1", "test_data.jsonl": "2"},
    fingerprint="0123456789ab",
    versions={},
)


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    monkeypatch.setattr(prepare, "_card", lambda client, job: None)
    return install(monkeypatch)


def plain(value: Any) -> Any:
    """An entity of the fake, and all in it, as dicts."""
    if isinstance(value, SimpleNamespace):
        return plain(vars(value))
    return {key: plain(its) for key, its in value.items()} if isinstance(value, dict) else value


def ran(ml: FakeMl, spec: PreparationSpec = SPEC) -> list[str]:
    said: list[str] = []
    name = spec.job_name(1)
    prepare.run(spec, said.append, Stop(ends(ml, name, "Running"), ends(ml, name)))
    return said


def test_the_job_whole(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "version", lambda name: "1.0")
    taken: list[list[str]] = []

    def submit(job: Any, put: Any = ml.jobs.create_or_update) -> Any:
        folder = Path(job.code)
        taken.append([folder.name, *sorted(str(each.relative_to(folder)) for each in folder.glob("*"))])
        assert not list(folder.rglob("__pycache__")), "what was compiled here is of no use there"
        assert (folder / "data_prep" / "__main__.py").is_file()
        return put(job)

    ml.jobs.create_or_update = submit  # type: ignore[method-assign]
    said = ran(ml)
    (job,) = map(plain, ml.jobs.submitted)
    pins = [
        f"{name}==1.0"
        for name in (
            *("datasets", "huggingface_hub", "hyperscan", "Jinja2", "numpy", "orjson", "py3langid", "pyarrow"),
            *("pygal", "rich", "tokenizers", "xxhash"),
        )
    ]
    conda = {
        "name": "data-prep",
        "channels": ["conda-forge"],
        "dependencies": ["python=3.11", "pip", {"pip": pins}],
    }
    built = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
    version = hashlib.sha256(json.dumps([built, conda]).encode()).hexdigest()[:12]
    assert job.pop("environment") == {"name": "data-prep", "version": version, "image": built, "conda_file": conda}
    assert taken == [["code", "data_prep", "settings"]] and job.pop("code").endswith("/code")
    assert job == {
        "display_name": "chats: sample",
        "experiment_name": "finetune-phi",
        "command": COMMAND,
        "compute": "cpu-cluster",
        "timeout": 43_200,
        "inputs": {},
        "outputs": {"data": {"type": "uri_folder", "path": HERE, "mode": "upload"}},
        "name": FIRST,
        "tags": {"stack": "", "fingerprint": SPEC.fingerprint, "vmSize": "Standard_D4s_v3"},
    }
    limit = "it may run for 12 h 00 min (data.cluster.maxHours is 12)"
    assert said[0] == f"job {FIRST} submitted, watch it at https://ml.azure.com/runs/{FIRST}; {limit}"
    assert said[-2:] == [
        f"data asset chats-{side}:{SPEC.fingerprint} registered from job {FIRST}" for side in ("train", "test")
    ]


COMMAND = (
    "python -m data_prep --source sample --config default --split 'train_sft[:1%]' --revision '' --rows all --shape "
    "auto --test-ratio 0.2 --seed 0 --bad-rows refuse --repairs role-names,control,drop-empty,merge-roles,drop-lead,"
    "drop-tail --max-rejected 1% --duplicates report --no-mask --tokenizer auto --validation-ratio 0 --model "
    "Phi-4-mini-instruct --out ${{outputs.data}}"
)


def test_the_assets_whole(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    ran(ml)
    plainly = {
        "version": SPEC.fingerprint,
        "type": "uri_file",
        "description": "Chat conversations for fine-tuning, one JSON object a line.",
        "tags": {"request": SPEC.fingerprint, "job": FIRST},
    }
    assert {name: plain(asset) for (name, _), asset in ml.data.there.items()} == {
        "chats-train": {"name": "chats-train", "path": f"{HERE}/train_data.jsonl", **plainly},
        "chats-test": {"name": "chats-test", "path": f"{HERE}/test_data.jsonl", **plainly},
    }
    ml.data.there.clear()
    monkeypatch.setattr(prepare, "_card", lambda client, job: CARD)
    said = ran(ml)
    assert not [line for line in said if line.startswith("warning: ")]
    train = ml.data.there["chats-train", SPEC.fingerprint]
    assert train.description == (
        "Chat conversations for fine-tuning, one JSON object a line. From sample (revision abc): 30 rows in, 20 train, "
        "8 test, 2 rejected. About 1,234 training tokens (bytes, on a sample of 20 rows). Licence as the source states "
        "it: mit."
    )
    assert train.tags == {
        "fingerprint": "0123456789ab",
        "source": "sample",
        "revision": "abc",
        "licence": "mit",
        "rows_in": "30",
        "rows_train": "20",
        "rows_test": "8",
        "rows_rejected": "2",
        "tokens_train": "1234",
        "duplicates": "1",
        "near_duplicates": "not looked for",
        "leaking_rows": "0",
        "private_rows": "3",
        "masked": "false",
        "seed": "0",
        "request": SPEC.fingerprint,
        "job": FIRST,
    }


def test_validation_files_that_nothing_uses_are_told(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    three = dataclasses.replace(CARD, files={**CARD.files, "validation_data.jsonl": "3"})
    monkeypatch.setattr(prepare, "_card", lambda client, job: three)
    warning = (
        "warning: sample has validation files, by their names, which nothing uses: their names are not known before "
        "the job has run. data.validationRatio (any above 0) makes them the third file"
    )
    assert ran(ml).count(warning) == 1
    ml.data.there.clear()
    assert warning not in ran(ml, dataclasses.replace(SPEC, validation=True))


def test_what_several_nodes_cost_is_told(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, Any]] = []

    def divided(spec: PreparationSpec, **what: Any) -> Any:
        given.append({key: its for key, its in what.items() if key not in ("code", "environment")})
        return SimpleNamespace()

    monkeypatch.setattr(prepare, "divided", divided)
    for size, cost in (
        ("Standard_NC24ads_A100_v4", ", about 3.67 USD an hour each (2026-11-28)"),
        ("Standard_Nowhere", ""),
    ):
        spec = dataclasses.replace(SPEC, nodes=2, vm_size=size)
        ml.data.there.clear()
        assert ran(ml, spec)[0] == (
            f"the rows are divided among 2 nodes of {size}{cost}; one of them joins the parts, and needs room on its "
            "disk for the whole result"
        )
        assert given.pop() == {
            "command": COMMAND.removesuffix(" --out ${{outputs.data}}"),
            "inputs": {},
            "output": "data",
            "folder": prepare.folder_of(spec.job_name(1)),
        }


def test_an_asset_that_is_not_there_is_told(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for: list[Any] = []

    def entity(uri: str, workspace: Any) -> Any:
        asked_for.append((uri, dataclasses.astuple(workspace)))
        raise DataError("there is no chats:1")

    monkeypatch.setattr("data_prep.source.azureml.entity", entity)
    spec = dataclasses.replace(SPEC, source="azureml:chats:1")
    monkeypatch.setattr(prepare, "_check_unchanged", lambda spec: None)
    with pytest.raises(StageError) as refused:
        prepare.run(spec, lambda _: None, Stop())
    assert str(refused.value) == (
        "no data to prepare (source azureml:chats:1): there is no chats:1. Name a data asset that there is."
    )
    assert asked_for == [("azureml:chats:1", ("sub", "rg", "ws"))]


def test_uploaded_files_whole(ml: FakeMl, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/one.jsonl", "two.jsonl"):
        (tmp_path / name).write_text(name)
    spec = asked(Request(source=str(tmp_path)))
    there: list[tuple[str, str]] = []

    def put(asset: Any, register: Any = ml.data.create_or_update) -> Any:
        if asset.name == "chats-source":
            there.extend(sorted((file.name, file.read_text()) for file in Path(asset.path).iterdir()))
        return register(asset)

    ml.data.create_or_update = put  # type: ignore[method-assign]
    said = ran(ml, spec)
    assert there == [("00000-a-one.jsonl", "a/one.jsonl"), ("00001-two.jsonl", "two.jsonl")]
    source = plain(ml.data.there["chats-source", spec.fingerprint])
    assert source.pop("path").endswith("/source")
    assert source == {
        "name": "chats-source",
        "version": spec.fingerprint,
        "type": "uri_folder",
        "description": f"Source of chats: {tmp_path}",
    }
    assert f"data asset chats-source:{spec.fingerprint} uploaded from {tmp_path}" in said
    (job,) = map(plain, ml.jobs.submitted)
    assert job["inputs"] == {"source": {"type": "uri_folder", "path": f"azureml:chats-source:{spec.fingerprint}"}}


def test_columns_and_repairs_are_read_back_from_the_options() -> None:
    spec = dataclasses.replace(
        SPEC, options=SPEC.options | {"columns": "ask=question", "ignore": "id,score", "repairs": "control,marks"}
    )
    request = prepare._request(spec)
    assert (dict(request.columns), tuple(request.ignore), tuple(request.repairs)) == (
        {"ask": "question"},
        ("id", "score"),
        ("control", "marks"),
    )
    assert [prepare._flag("no_mask", value) for value in (True, False)] == [["--no-mask"], ["--no-no-mask"]]
    assert prepare._flag("test_ratio", 0.1) == ["--test-ratio", "0.1"]


def test_a_stop_before_the_upload(ml: FakeMl) -> None:
    from test_jobs_specs import DATASET

    stop = Stop()
    stop.set()
    with pytest.raises(NotFinished) as stopped:
        upload.run(DATASET, print, stop)
    assert str(stopped.value) == (
        "stopped before the data was uploaded (data asset ultrachat-train:0123456789ab): you asked to stop. Run "
        "`pulumi up` again to go on."
    )
