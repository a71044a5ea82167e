"""What is asked for: by which names the card keeps it, what it is called before it is made, and what is refused."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from data_prep import DataError
from data_prep.asked import request_fingerprint, three
from data_prep.request import Mixed, Recipe, Request, file_slice, file_split, part
from data_prep.row.columns import checked, columns_of, names_of, written
from data_prep.stack import ROOT, request_of
from settings.stack import parse

REPAIRS = ("role-names", "control", "drop-empty", "merge-roles", "drop-lead", "drop-tail")
USUAL: dict[str, Any] = {
    "source": "a/b",
    "config": "default",
    "split": "train_sft[:1%]",
    "revision": None,
    "rows": "all",
    "shape": "auto",
    "test_ratio": 0.2,
    "seed": 0,
    "bad_rows": "refuse",
    "repairs": [],
    "max_rejected": None,
    "duplicates": "report",
    "mask": False,
    "model": "Phi-4-mini-instruct",
    "tokenizer": "auto",
}
EVERYTHING: dict[str, Any] = {
    "source": "a/b",
    "config": "c",
    "split": "train[:7]",
    "revision": "r",
    "rows": "5%",
    "shape": "pair",
    "test_ratio": 0.3,
    "validation_ratio": 0.1,
    "validation": "v.jsonl",
    "test": "t.jsonl",
    "seed": 4,
    "bad_rows": "repair",
    "columns": {"Frage": "question"},
    "ignore": ("mood",),
    "repairs": ("marks", "control"),
    "max_rejected": "2",
    "duplicates": "drop",
    "mask": True,
    "model": "Phi-4",
    "tokenizer": "estimate",
}


def test_what_decides_the_bytes_is_kept_under_these_names() -> None:
    assert Request(source="a/b").deciding(files=False) == USUAL
    assert Request(source="a/b").deciding(files=True) == {**USUAL, "config": None, "split": "train"}
    kept = {**EVERYTHING, "ignore": ["mood"], "repairs": ["control", "marks"]}
    assert Request(**EVERYTHING).deciding(files=False) == kept
    assert Request(**EVERYTHING).deciding(files=True) == {**kept, "config": None, "revision": None}
    skipped = Request(**{**EVERYTHING, "bad_rows": "skip"}).deciding(files=False)
    assert skipped == {**kept, "bad_rows": "skip", "repairs": []}


def test_a_mixture_is_kept_part_by_part() -> None:
    parts = Mixed(source="a.jsonl", share=0.625), Mixed(source="b/c", share=0.375, rows="9", ignore=("x",))
    part_of = {
        "source": "a.jsonl",
        "share": 0.625,
        "config": "default",
        "split": "train_sft[:1%]",
        "revision": "",
        "rows": "all",
        "shape": "auto",
        "columns": {},
        "ignore": [],
    }
    kept = Request(sources=parts).deciding(files=True)
    assert kept["source"] == "62.5 % a.jsonl, 37.5 % b/c"
    assert kept["sources"] == [part_of, {**part_of, "source": "b/c", "share": 0.375, "rows": "9", "ignore": ["x"]}]
    assert parts[1].reading == {key: value for key, value in vars(parts[1]).items() if key != "share"}
    assert list(parts[1].reading) == list(part_of)[:1] + list(part_of)[2:]


def test_what_a_cluster_will_make_is_called_what_it_always_was(tmp_path: Path) -> None:
    """These name data assets, and the models made from them: another name trains all of them anew."""
    for name, content in {"train.jsonl": "a\n", "test.csv": "b\n", "mine.jsonl": "c\n", "one.jsonl.gz": "x"}.items():
        (tmp_path / name).write_text(content)

    def called(source: str, **options: Any) -> str:
        return request_fingerprint(Request(source=source, base=tmp_path, **options))

    assert called("HuggingFaceH4/ultrachat_200k") == "758a86771d4f"
    assert called("a/b", revision="r", config="c", split="test[:3]") == "a936fd80661f"
    assert called("train.jsonl") == "e8168c6d32d7"
    assert called("train.jsonl", test="mine.jsonl", validation="test.csv") == "d4d241e761c0"
    assert called("./") == "f1dd8758744d"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_text("a\n")

    def gone(*_: object) -> str:
        raise OSError(5, "Input/output error", "a.jsonl")

    monkeypatch.setattr("data_prep.card.digests.digest_of", gone)
    with pytest.raises(DataError, match=r"^cannot read a\.jsonl: Input/output error$"):
        request_fingerprint(Request(source="a.jsonl", base=tmp_path))


def test_a_third_file_is_known_by_the_request_or_by_names(tmp_path: Path) -> None:
    for name in ("train.jsonl", "dev.jsonl", "test.jsonl"):
        (tmp_path / name).write_text("a\n")
    there = {"source": str(tmp_path)}
    asked: list[dict[str, Any]] = [{"validation_ratio": 0.1}, {"validation": "x.jsonl"}, there, {"source": "no.jsonl"}]
    assert [three(Request(**{"source": "a/b", **each})) for each in ({}, *asked)] == [False, True, True, True, False]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"test_ratio": 0}, "the test ratio must lie between 0 and 1, both excluded, is 0"),
        ({"test_ratio": math.nan}, "the test ratio must lie between 0 and 1, both excluded, is nan"),
        (
            {"test_ratio": 0.5, "validation_ratio": 0.5},
            "the validation ratio must be 0 or more, and leave rows to train on beside a test ratio of 0.5, is 0.5",
        ),
        (
            {"validation_ratio": -0.1},
            "the validation ratio must be 0 or more, and leave rows to train on beside a test ratio of 0.2, is -0.1",
        ),
        (
            {"sources": (Mixed(source="a", share=1),), "test": "t"},
            "files for validation and test go beside one source, not beside several (data.sources)",
        ),
        ({"bad_rows": "keep"}, "the policy for bad rows must be one of refuse, skip, repair, is 'keep'"),
        ({"duplicates": "x"}, "the treatment of duplicates must be one of report, near, drop, is 'x'"),
        (
            {"shape": "x"},
            "the shape must be one of auto, messages, sharegpt, alpaca, pair, preference, tree, turns, text, is 'x'",
        ),
        ({"rows": "0"}, "the rows to take must be a whole number or a share like 5%, is '0'"),
        ({"max_rejected": "-1"}, "the limit of rejected rows must be a whole number or a share like 5%, is '-1'"),
        (
            {"columns": {"a": "sense"}},
            "the column a cannot hold 'sense': the parts are messages, system, context, question, answer, history, "
            "weight, label, rejected, tools, text",
        ),
        (
            {"columns": {"question": "Frage"}},
            "the column question cannot hold 'Frage': the parts are messages, system, context, question, answer, "
            "history, weight, label, rejected, tools, text; the column comes first, Frage: question",
        ),
    ],
)
def test_what_cannot_be_asked_for_says_what_can(options: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError) as raised:
        Request(**options)
    assert str(raised.value) == says


def test_a_number_of_rows_or_a_share_of_them() -> None:
    texts = ("1", "007", "100%", "2.5%", "0.1%")
    assert [part(text, "x") for text in texts] == [1, 7, 1.0, 0.025, 0.001]
    assert [part(text, "x", least=0) for text in ("0", "0%", "0.0%")] == [0, 0.0, 0.0]
    for text in ("0", "0%", "100.1%", "-1", "1.5", "1%%", "5 %", "", "all"):
        with pytest.raises(DataError, match=r"^x must be a whole number or a share like 5%, is '"):
            part(text, "x")


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("train", (0, None)),
        ("train_sft[:1%]", (0, None)),
        ("train[:]", (0, None)),
        ("train[3:]", (3, None)),
        ("train[:1]", (0, 1)),
        ("train[3:4]", (3, 4)),
        ("train[3:3]", "the split train[3:3] holds no rows: the second number must be larger than the first"),
        ("train[:0]", "the split train[:0] holds no rows: the second number must be larger than the first"),
        ("train[:5%]", "cannot read the split train[:5%] of a file: write train[:100], or rows: 10% for a share"),
        ("test[:5]", 'unknown split "test": files have one, train; a part of it is train[:100] or rows: 10%'),
    ],
)
def test_the_split_of_a_file(split: str, expected: tuple[int, int | None] | str) -> None:
    if isinstance(expected, tuple):
        assert file_slice(split) == expected
        return
    with pytest.raises(DataError) as raised:
        file_slice(split)
    assert str(raised.value) == expected


def test_only_the_tutorials_split_means_all_of_a_file() -> None:
    assert [file_split(split) for split in ("train_sft[:1%]", "train_sft", "x")] == ["train", "train_sft", "x"]


def test_columns_as_flags_and_settings_have_them() -> None:
    assert columns_of(" Frage = question, a=b=answer ,") == {"Frage": "question", "a=b": "answer"}
    assert columns_of('{"Name, Vorname": "question", "Größe": "answer"}') == {
        "Name, Vorname": "question",
        "Größe": "answer",
    }
    for text in ("Frage", "=question", "Frage=", '{"a": 1}', '{"a": "b", "c": null}', "{"):
        with pytest.raises(ValueError, match=r".*"):
            columns_of(text)
    assert names_of(" a, b ,,c") == ("a", "b", "c")
    assert names_of('["a, b", " ", "ß", 5]') == ("a, b", "ß", "5")
    with pytest.raises(ValueError, match="Expecting"):
        names_of("[a")
    assert checked({"a": "question", "question": "answer"}) == {"a": "question", "question": "answer"}
    assert written({}, ()) == {}
    assert written({"Größe": "text"}, ("ß",)) == {"columns": '{"Größe": "text"}', "ignore": '["ß"]'}


def test_a_stacks_settings_are_a_request_as_a_whole() -> None:
    data = {
        "source": "chats/",
        "config": "c",
        "split": "train[:9]",
        "revision": "r",
        "rows": "5%",
        "shape": "pair",
        "testRatio": 0.3,
        "validationRatio": 0.1,
        "seed": 4,
        "badRows": "repair",
        "repairs": ["marks"],
        "maxRejected": "2",
        "duplicates": "drop",
        "mask": True,
        "tokenizer": "estimate",
        "directory": "data/x",
        "columns": {"Frage": "question"},
        "ignore": ["mood"],
        "test": "t.jsonl",
    }
    settings = parse(
        {
            "finetune-phi:purgeOnDestroy": True,
            "finetune-phi:data": data,
            "finetune-phi:compute": {"hourlyPrice": 4},
            "finetune-phi:recipe": {"num_train_epochs": 3, "max_seq_length": 512},
        },
        "test",
    )
    asked = request_of(settings)
    expected = Request(
        **{**EVERYTHING, "source": "chats/", "split": "train[:9]", "validation": "", "repairs": ("marks",)},
        directory=ROOT / "data" / "x",
        base=ROOT,
        recipe=Recipe("Standard_NC24ads_A100_v4", epochs=3, max_seq_length=512, price=4, nodes=1),
    )
    assert dataclasses.replace(asked, model="Phi-4") == expected
    assert Path(__file__).resolve().parents[2] == ROOT
