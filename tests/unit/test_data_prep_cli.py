"""The command line: settings, flags, exit codes and what it prints."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest

from data_prep import fingerprint
from data_prep.__main__ import main
from data_prep.download_dataset import TUTORIAL
from data_prep.prepare import Request

ROOT = Path(__file__).parents[2]


def test_the_defaults_are_the_tutorials() -> None:
    request = Request()
    spelled = (
        *("--source", request.source),
        *("--config", request.config),
        *("--split", request.split),
        *("--test-ratio", str(request.test_ratio)),
        *("--out", str(request.directory)),
    )
    assert spelled == TUTORIAL
    assert (request.source, request.split) == ("HuggingFaceH4/ultrachat_200k", "train_sft[:1%]")


def test_it_prints_rows_files_and_fingerprint_and_a_second_run_says_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("data_prep.__main__._speed", lambda *_: [])  # which a slow machine prints
    main(["--source", "sample", "--out", "out"])
    first = capsys.readouterr().out.splitlines()
    assert first[0] == "reading the bundled sample"
    assert first[1] == "183 rows of sample: 151 train, 32 test"
    value = fingerprint(tmp_path / "out")
    files = "out/train_data.jsonl and out/test_data.jsonl"
    assert first[2] == f"{files} written, fingerprint {value}"
    main(["--source", "sample", "--out", "out"])
    assert capsys.readouterr().out.splitlines() == [first[1], f"{files} unchanged, fingerprint {value}"]
    main(["--source", "sample", "--out", "out", "--again"])
    assert capsys.readouterr().out.splitlines() == first


def test_the_sample_has_the_same_fingerprint_everywhere(tmp_path: Path) -> None:
    main(["--source", "sample", "--out", str(tmp_path), "--quiet"])
    assert fingerprint(tmp_path) == "93576abe594d"


def test_a_stack_gives_the_settings_and_flags_override_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--stack", "local", "--out", str(tmp_path), "--test-ratio", "0.4", "--quiet"])
    assert capsys.readouterr().out == ""
    settings = json.loads((tmp_path / "card.json").read_text())["settings"]
    expected = {"source": "sample", "config": None, "split": "train", "test_ratio": 0.4, "seed": 0}
    assert {key: settings[key] for key in expected} == expected


def test_the_settings_of_a_stack_and_the_flags_have_the_same_defaults() -> None:
    from settings.sections.data import DataSettings

    data = DataSettings()
    request = Request(model="any")
    for name, value in request.deciding(files=False).items():
        if name in type(data).model_fields and name not in ("revision", "repairs", "max_rejected"):
            assert getattr(data, name) == value, name
    assert (data.revision or None, data.repairs, data.max_rejected) == (None, request.repairs, request.max_rejected)


@pytest.mark.parametrize(
    "source",
    [
        *(
            "sample",
            "HuggingFaceH4/ultrachat_200k",
            "chats.csv",
            "a/b/chats.jsonl.gz",
            "chats/",
            "./chats",
            "chats/*.json",
        ),
        *("azureml:chats:1", "azureml:chats@latest"),
        "azureml://subscriptions/s/resourcegroups/g/workspaces/w/data/chats/versions/1",
    ],
)
def test_the_settings_take_every_kind_of_source(source: str) -> None:
    from settings.sections.data import DataSettings

    assert DataSettings(source=source).source == source


@pytest.mark.parametrize(
    "value", [{"rows": "many"}, {"maxRejected": "some"}, {"badRows": "x"}, {"source": "azureml:x"}]
)
def test_the_settings_refuse_what_cannot_be(value: dict[str, str]) -> None:
    from pydantic import ValidationError

    from settings.sections.data import DataSettings

    with pytest.raises(ValidationError):
        DataSettings.model_validate(value)


def test_a_source_flag_starts_at_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = (ROOT / "data_prep/sample/conversations.jsonl").read_text(encoding="utf-8")
    Path("mine.jsonl").write_text(rows, encoding="utf-8")
    main(["--stack", "local", "--source", "mine.jsonl", "--out", "out", "--quiet"])
    assert fingerprint(tmp_path / "out") == "93576abe594d"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--source", "nosuch.jsonl"], "error: there is no file nosuch.jsonl"),
        (["--source", "azureml:a:1"], "error: azureml:a:1 needs a workspace: add --stack"),
        (["--source", "https://st.example/c/f.jsonl?sig=x"], "error: https://st.example/c/f.jsonl is an address"),
        (["--stack", "nosuch"], "error: there is no stack 'nosuch'"),
    ],
)
def test_a_mistake_exits_with_one_message(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exited:
        main(arguments)
    assert str(exited.value.code).startswith(message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flag", ["--test-ratio=1.2", "--processes=-3"])
def test_a_number_out_of_range_is_a_usage_error(flag: str) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["--source", "sample", flag])
    assert exited.value.code == 2


def test_an_unknown_flag_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["--ratio", "0.2"])
    assert exited.value.code == 2
    assert "--ratio" in capsys.readouterr().err


def test_ctrl_c_ends_without_a_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("data_prep.__main__.prepare", interrupted)
    with pytest.raises(SystemExit) as exited:
        main([])
    assert exited.value.code == 130
    assert capsys.readouterr().err == "stopped; nothing was written\n"


@pytest.mark.parametrize("start", ["file", "module"])
def test_the_tutorials_script_runs_both_ways(
    start: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    script = ROOT / "data_prep" / "download_dataset.py"
    monkeypatch.setattr(sys, "argv", [str(script), "--source", "sample", "--out", "out"])
    monkeypatch.setattr(sys, "path", [str(script.parent), *sys.path])
    monkeypatch.delitem(sys.modules, "data_prep.download_dataset")
    if start == "file":
        runpy.run_path(str(script), run_name="__main__")
    else:
        runpy.run_module("data_prep.download_dataset", run_name="__main__")
    assert "fingerprint 93576abe594d" in capsys.readouterr().out
    assert (tmp_path / "out" / "train_data.jsonl").is_file()


def test_a_stack_that_has_its_data_prepared_on_a_cluster_prepares_none_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from settings import stack

    local = stack.load("local")
    clustered = local.model_copy(update={"data": local.data.model_copy(update={"run_on": "cluster"})})
    monkeypatch.setattr(stack, "load", lambda stack: clustered)
    monkeypatch.setattr("data_prep.__main__.prepare", lambda *_, **__: pytest.fail("it prepared the data"))
    main(["--stack", "local"])
    assert "prepared on a cluster" in capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.setattr(stack, "load", lambda stack: clustered)
    main(["--stack", "local", "--out", str(tmp_path)])
    assert "fingerprint 93576abe594d" in capsys.readouterr().out
