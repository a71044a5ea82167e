"""The command line as a whole: what each flag asks for, what is called with it, and what is printed of the result."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_data_prep_card_text import FULL, PLAIN

from cloud.credentials import CredentialError
from data_prep import __main__ as command
from data_prep.card.fit import Fit
from data_prep.errors import DataError
from data_prep.prepare import Prepared, Request
from data_prep.request import Mixed
from data_prep.source.azureml import Workspace

FITS = Fit(40, 2048, 0, 0, (), ())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was to be prepared, and how, in place of doing it."""
    calls: list[Any] = []

    def prepare(request: Request, report: Callable[[str], None], **how: Any) -> Prepared:
        calls.append((request, how))
        return Prepared(request.directory, PLAIN, made=True)

    def divide(request: Request, share: str, report: Callable[[str], None], quiet: bool) -> None:
        calls.append((request, share, quiet))
        report(f"part {share}")

    monkeypatch.setattr(command, "prepare", prepare)
    monkeypatch.setattr(command, "divide", divide)
    monkeypatch.setattr(command, "fit", lambda *arguments: calls.append(arguments) or FITS)
    return calls


USUAL: dict[str, Any] = {"again": False, "quiet": False, "workspace": None, "parts": ()}


def test_without_flags_it_is_the_tutorial(asked: list[Any]) -> None:
    command.main([])
    assert asked == [(Request(), USUAL), (Path("data"), -1, "Phi-4-mini-instruct")]


def test_every_flag_asks_for_its_own(asked: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    flags = {
        "source": "chats/",
        "config": "c",
        "split": "train[:9]",
        "revision": "r",
        "rows": "5%",
        "shape": "pair",
        "columns": "Frage=question",
        "ignore": "a,b",
        "test-ratio": "0.3",
        "validation-ratio": "0.1",
        "test": "t.jsonl",
        "validation": "v.jsonl",
        "seed": "4",
        "bad-rows": "repair",
        "repairs": "marks,,control",
        "max-rejected": "2",
        "duplicates": "drop",
        "model": "Phi-4",
        "tokenizer": "estimate",
        "processes": "3",
        "out": "there",
    }
    line = [part for name, value in flags.items() for part in (f"--{name}", value)]
    command.main([*line, "--mask", "--again", "--quiet", "--parts", "p1", "p2"])
    expected = Request(
        source="chats/",
        config="c",
        split="train[:9]",
        revision="r",
        rows="5%",
        shape="pair",
        columns={"Frage": "question"},
        ignore=("a", "b"),
        test_ratio=0.3,
        validation_ratio=0.1,
        test=str(tmp_path / "t.jsonl"),
        validation=str(tmp_path / "v.jsonl"),
        seed=4,
        bad_rows="repair",
        repairs=("control", "marks"),
        max_rejected="2",
        duplicates="drop",
        mask=True,
        model="Phi-4",
        tokenizer="estimate",
        processes=3,
        directory=Path("there"),
    )
    how = {"again": True, "quiet": True, "workspace": None, "parts": [Path("p1"), Path("p2")]}
    assert asked == [(expected, how), (Path("there"), -1, "Phi-4")]


def test_flags_stand_above_a_stacks_settings(asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, bool]] = []
    settings = Request(source="a.jsonl", seed=9, mask=True, test="t", validation="v", base=Path("/x"), rows="7")

    def of_stack(stack: str, here: bool) -> Request:
        told.append((stack, here))
        return settings

    monkeypatch.setattr(command, "_of_stack", of_stack)
    monkeypatch.setattr(command, "_asked_otherwise", lambda *_: [])
    command.main(["--stack", "dev", "--seed", "0", "--no-mask"])
    command.main(["--stack", "dev", "--source", "b.jsonl", "--out", "o", "--validation-ratio", "0"])
    assert told == [("dev", False), ("dev", True)]
    requests = [call[0] for call in asked if isinstance(call[0], Request)]
    assert requests == [
        dataclasses.replace(settings, seed=0, mask=False),
        dataclasses.replace(settings, source="b.jsonl", base=Path(), test="", validation="", directory=Path("o")),
    ]


def test_a_part_is_divided_and_nothing_else(asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    command.main(["--source", "a.jsonl", "--part", "2/3"])
    command.main(["--source", "a.jsonl", "--part", "2/3", "--quiet"])
    request = Request(source="a.jsonl")
    assert asked == [(request, "2/3", False), (request, "2/3", True)]
    assert capsys.readouterr().out == "part 2/3\n"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (["--test-ratio", "1"], "argument --test-ratio: '1' is no share between 0 and 1, both excluded"),
        (["--test-ratio", "x"], "argument --test-ratio: 'x' is no share between 0 and 1, both excluded"),
        (["--validation-ratio", "2"], "argument --validation-ratio: '2' is no share between 0 and 1, both excluded"),
        (["--processes", "-1"], "argument --processes: '-1' is no whole number from 0"),
        (["--processes", "two"], "argument --processes: 'two' is no whole number from 0"),
        (["--shape", "x"], "argument --shape: invalid choice: 'x'"),
        (["--bad-rows", "x"], "argument --bad-rows: invalid choice: 'x' (choose from 'refuse', 'skip', 'repair')"),
        (["--duplicates", "x"], "argument --duplicates: invalid choice: 'x' (choose from 'report', 'near', 'drop')"),
        (["--columns", "x"], "argument --columns: invalid columns_of value: 'x'"),
    ],
)  # fmt: skip
def test_a_flag_that_cannot_be(line: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        command.main(line)
    told = capsys.readouterr().err
    assert raised.value.code == 2 and told.startswith("usage: python -m data_prep [-h] ") and says in told


def ended(*line: str) -> object:
    with pytest.raises(SystemExit) as raised:
        command.main(line)
    return raised.value.code


def test_what_ends_it(asked: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("--test-ratio", "0.9", "--validation-ratio", "0.1") == (
        "error: the validation ratio must be 0 or more, and leave rows to train on beside a test ratio of 0.9, is 0.1"
    )
    mixed = Request(sources=(Mixed(source="a.jsonl", share=1),))
    monkeypatch.setattr(command, "_of_stack", lambda stack, here: mixed)
    assert ended("--stack", "dev", "--rows", "5%", "--ignore", "x") == (
        "error: --rows, --ignore: the stack mixes several sources, each with its own (data.sources); --source reads one"
    )
    assert ended("--source", "azureml:a:1") == (
        "error: azureml:a:1 needs a workspace: add --stack, or write the long form"
    )
    refused = dataclasses.replace(FITS, refused=("too few", "no answer"), told=("cut",))
    monkeypatch.setattr(command, "fit", lambda *_: refused)
    assert ended() == "error: the files cannot be trained on as they are: too few; no answer"
    assert capsys.readouterr().out.splitlines()[-1] == "cut"

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "prepare", interrupted)
    assert ended() == 130
    assert capsys.readouterr().err == "stopped; nothing was written\n"


def test_an_asset_of_a_mixture_is_looked_up_in_the_stacks_workspace(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed = Request(sources=(Mixed(source="a.jsonl", share=0.5), Mixed(source="azureml:b:1", share=0.5)))
    there = Workspace("s", "g", "w")
    needed: list[tuple[str | None, str]] = []
    monkeypatch.setattr(command, "_of_stack", lambda stack, here: mixed)
    monkeypatch.setattr(command, "_asked_otherwise", lambda *_: [])
    monkeypatch.setattr(command, "_workspace", lambda *given: needed.append(given) or there)
    command.main(["--stack", "dev"])
    assert needed == [("dev", "azureml:b:1")]
    assert asked[0] == (mixed, {**USUAL, "workspace": there})


def test_the_workspace_is_the_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    target = SimpleNamespace(subscription_id="s", resource_group="g", workspace="w")
    monkeypatch.setattr("cloud.place.described", lambda stack: (stack, SimpleNamespace(workspace=target)))
    assert command._workspace("dev", "azureml:a:1") == Workspace("s", "g", "w")

    def nobody(stack: str) -> None:
        raise CredentialError("nobody is signed in", "Sign in.")

    monkeypatch.setattr("cloud.place.described", nobody)
    with pytest.raises(DataError) as raised:
        command._workspace("dev", "azureml:a:1")
    assert str(raised.value) == "azureml:a:1 needs a workspace, and nobody is signed in. Sign in."


def test_of_a_model_that_is_not_known_that_is_said(asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    command.main(["--model", "Nobody-7B"])
    assert capsys.readouterr().out.splitlines()[0] == (
        "nothing is known here of the model Nobody-7B: no row is refused for its length"
    )


def test_data_of_a_cluster_are_made_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def of_stack(stack: str, here: bool) -> Request:
        raise command._OnClusterError

    monkeypatch.setattr(command, "_of_stack", of_stack)
    command.main(["--stack", "dev"])
    assert capsys.readouterr().out == (
        "the data are prepared on a cluster, in `pulumi up` (data.runOn: cluster); --out makes them here\n"
    )


def test_a_stack_that_there_is_not_is_no_traceback() -> None:
    with pytest.raises(DataError, match="there is no stack 'nowhere'"):
        command._of_stack("nowhere", here=False)


def test_the_result_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "rejected.jsonl").touch()
    plain = Prepared(Path("out"), PLAIN, made=True)
    rows = "50 rows of a.jsonl: 40 train, 10 test"
    files = "out/train_data.jsonl and out/test_data.jsonl"
    assert command._summary(plain, 10) == [rows, f"{files} written, fingerprint 0123456789ab"]
    assert command._summary(plain, 20)[2] == "2 rows/s"
    unchanged = dataclasses.replace(plain, made=False)
    assert command._summary(unchanged, 20) == [rows, f"{files} unchanged, fingerprint 0123456789ab"]
    full = dataclasses.replace(FULL, parts=[], unused={}, set_aside={}, private={"rows": 0}, duplicates={})
    full = dataclasses.replace(full, tokens={"too_long_by_estimate": 0}, rows={**FULL.rows, "with_calls": 0})
    assert command._summary(Prepared(Path("out"), full, made=True), 1) == [
        "5000 rows of 60 % a|b.jsonl, 40 % c.jsonl: 4000 train, 600 test, 200 validation, 5 rejected, 4 repaired, "
        "2 dropped as duplicates, 6 set aside by their own mark; the rejected ones are in out/rejected.jsonl",
        "out/train_data.jsonl, out/test_data.jsonl and out/validation_data.jsonl written, fingerprint 0123456789ab",
    ]
    away = Prepared(tmp_path.parent / "other", PLAIN, made=False)
    assert str(tmp_path.parent / "other" / "test_data.jsonl") in command._summary(away, 1)[1]
