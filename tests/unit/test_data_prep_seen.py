"""What somebody sees before any row is worked through: the preview, how rows are named, where files are held back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data_prep import DataError
from data_prep.read.code_page import decoded, encoding_of, refuse_other
from data_prep.read.form import Form
from data_prep.read.readers import Piece, read
from data_prep.read.texts import BLANK
from data_prep.request import Request
from data_prep.row.reading import Reader
from data_prep.run.opening import Opened, opened
from data_prep.run.pool import Window
from data_prep.run.preview import preview, rendered
from data_prep.source import azureml, hub
from data_prep.source.locate import Source
from data_prep.source.sides import sides

ROWS: list[Any] = [
    {
        "messages": [{"role": "user", "content": "Who?\nAnd why?"}, {"role": "assistant", "content": "Ada."}],
        "mood": "x",
        "n": None,
    },
    {"prompt": "a", "completion": "b", "label": False},
    {"prompt": "a", "completion": "<|end|>", "weight": 0.5},
    {"x": [1]},
    5,
]


def put(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_preview_as_a_whole(tmp_path: Path) -> None:
    put(tmp_path / "a.jsonl", ROWS)
    request = Request(source="a.jsonl", base=tmp_path, directory=tmp_path / "out", tokenizer="estimate")
    first = [
        "--- row 1 in the source",
        'messages: [{"role":"user","content":"Who?\\nAnd why?"},{"role":"assistant","content":"Ada."}]',
        "mood: x",
        "n: null",
    ]
    assert list(preview(request, rows=5)) == [
        "a.jsonl; chat template built in for Phi-4-mini-instruct",
        *first,
        "--- taken as messages: train, about 10 tokens; not used: mood",
        "<|user|>Who?",
        "And why?<|end|><|assistant|>Ada.<|end|><|endoftext|>",
        *("--- row 2 in the source", "prompt: a", "completion: b", "label: false"),
        "--- taken as pair: set aside by its own mark (label false)",
        *("--- row 3 in the source", "prompt: a", "completion: <|end|>", "weight: 0.5"),
        "--- taken as pair: cannot be used",
        "weight must be 0 or 1: the fine-tune component learns an answer or does not",
        "  leave these rows out (data.badRows: skip), or end each before its first answer of weight 0 (badRows: repair "
        "with drop-unlearnt among repairs)",
        *("--- row 4 in the source", "x: [1]"),
        "--- in no shape that is known: cannot be used",
        "messages is missing (the row has: x)",
        "  name the columns that hold question and answer (data.columns: {COLUMN: question, …})",
        *("--- row 5 in the source", "row: 5"),
        "--- in no shape that is known: cannot be used",
        "row must be an object with the key messages, is a number",
        "dry run: nothing was written",
    ]
    unknown = Request(**{**vars(request), "model": "Nobody-7B", "validation_ratio": 0.7})
    assert list(preview(unknown, rows=1)) == [
        "a.jsonl; chat template unknown, so the bare texts",
        *first,
        "--- taken as messages: validation, about 12 tokens; not used: mood",
        *("user: Who?", "And why?", "assistant: Ada.", "dry run: nothing was written"),
    ]
    assert sum(line.startswith("--- row") for line in preview(request)) == 3
    assert not (tmp_path / "out").exists()


def test_a_template_is_laid_out_as_the_hubs_library_does_it(tmp_path: Path) -> None:
    template = "{% for m in messages %}\n  {% if true %}\n{{ m.content }}{{ eos_token }}{% endif %}\n{% endfor %}\nend"
    assert rendered([{"content": "a"}, {"content": "b"}], template) == "a<|endoftext|>b<|endoftext|>end"
    put(tmp_path / "a.jsonl", [{"prompt": "a", "completion": "b"}])
    request = Request(source="a.jsonl", base=tmp_path, directory=tmp_path / "out", tokenizer="estimate")
    assert "--- taken as pair: test, about 6 tokens" in list(preview(request))


LIST = Form(layout="list")


def test_a_row_is_named_by_its_file_and_place() -> None:
    pieces = [
        Piece(Path("a.jsonl"), 0, 9),
        Piece(Path("a.jsonl"), 9, 20),
        Piece(Path("b.json"), form=LIST, side="test"),
    ]
    rows = Opened("the source", {"kind": "file"}, pieces, None, Window(), 1.0, None)
    assert [rows.where(at, 5) for at in range(3)] == ["a.jsonl:5", "a.jsonl:5", "b.json, row 5"]
    assert [rows.file(at) for at in range(3)] == ["a.jsonl", "a.jsonl", "b.json"]
    assert [rows.begins(at) for at in range(3)] == [True, False, True]
    assert [rows.holds_back(side) for side in ("test", "validation")] == [True, False]
    mixture = Opened("m", {"kind": "mixture"}, [], None, Window(), 1.0, None)
    assert (mixture.holds_back("test"), mixture.holds_back_by_name("test")) == (True, False)
    streamed = Opened("the hub", {"kind": "hub"}, pieces[:1], iter([{}, {"a": 1}]), Window(0, 1), 1.0, None)
    assert [streamed.where(at, 5) for at in (0, 1)] == ["a.jsonl:5", "the hub, row 5"]
    assert (streamed.file(1), streamed.begins(1), streamed.size) == ("the hub", True, 0)
    assert streamed.peek() == [{}, {"a": 1}] and list(streamed.stream or ()) == [{}, {"a": 1}]


def test_files_are_opened_with_their_pieces_sides_and_an_estimate_of_their_rows(tmp_path: Path) -> None:
    first, second = put(tmp_path / "a.jsonl", [{"messages": at} for at in range(4)]), put(tmp_path / "b.jsonl", ROWS)
    mine = put(tmp_path / "c.jsonl", [{"prompt": "a", "completion": "b"}])
    source = Source(
        "file", "x", (first, second), sides={first: "test"}, shares={second: 0.25}, own={mine: "validation"}
    )
    found = opened(source, Request(), None, None)
    assert [(piece.path, piece.side, piece.share, piece.own) for piece in found.pieces] == [
        (mine, "validation", 1.0, True),
        (first, "test", 1.0, False),
        (second, "", 0.25, False),
    ]
    assert (found.label, found.origin, found.total, found.share) == ("x", {"kind": "file"}, 10, 1.0)
    assert found.size == sum(path.stat().st_size for path in (first, second, mine))
    assert found.peek() == [*({"messages": at} for at in range(4)), *ROWS]
    assert found.shapes(Reader()) == ["pair", "messages"] and found.told == []
    some = opened(source, Request(rows="25%"), None, None)
    assert (some.share, some.window.all, some.size) == (0.25, True, found.size)
    slices = [({"rows": "3"}, 3), ({"split": "train[2:]"}, None), ({"split": "train[2:5]", "rows": "2"}, 2)]
    for options, total in [*slices, ({"split": "train[2:5]", "rows": "9"}, 3)]:
        part = opened(source, Request(**options), None, None)
        assert (part.total, part.window.all, part.size) == (total, False, 0)
    taken = [row for part in opened(source, Request(split="train[2:5]"), None, None).parts() for _, row in part.rows]
    assert taken == [{"prompt": "a", "completion": "b"}, {"messages": 2}, {"messages": 3}, ROWS[0]]


def test_what_is_read_from_elsewhere_says_where_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []
    message = {"message_id": "1", "parent_id": None, "role": "prompter", "text": "Why?"}

    def data_set(*given: Any) -> hub.DataSet:
        asked.append(given)
        return hub.DataSet("abc", "MIT", iter(rows), 50, streamed=True)

    monkeypatch.setattr(hub, "opened", data_set)
    rows: list[Any] = [{"a": 1}, {"a": 2}]
    request = Request(source="a/b", config="c", split="test[:3]", revision="r", rows="7")
    found = opened(Source("hub", "a/b"), request, None, None)
    assert asked == [("a/b", "c", "test[:3]", "r")]
    assert (found.label, found.origin) == ("a/b", {"kind": "hub", "revision": "abc", "licence": "MIT"})
    assert (found.total, found.window.all, found.share, found.pieces) == (7, False, 1.0, [])
    assert [list(part.rows) for part in found.parts()] == [[(1, {"a": 1}), (2, {"a": 2})]]
    assert [opened(Source("hub", "a/b"), Request(rows=rows_), None, None).total for rows_ in ("all", "99", "5%")] == [
        *(50, 50, 50)
    ]
    rows = [message, {**message, "message_id": "2", "parent_id": "1", "role": "assistant", "text": "So."}]
    (row,) = opened(Source("hub", "a/b"), Request(), None, None).peek()
    assert (row["prompt"]["text"], row["prompt"]["replies"][0]["text"]) == ("Why?", "So.")
    rows = []
    assert opened(Source("hub", "a/b"), Request(), None, None).peek() == []

    def asset(uri: str, workspace: Any, directory: Path) -> azureml.Asset:
        assert (uri, workspace, directory) == ("azureml:a:1", "there", tmp_path / "asset")
        directory.mkdir()
        put(directory / "train.jsonl", ROWS[:1])
        put(directory / "dev.jsonl", ROWS[:2])
        return azureml.Asset(directory, "a:1", "MIT")

    monkeypatch.setattr(azureml, "downloaded", asset)
    workspace: Any = "there"
    fetched = opened(Source("azureml", "azureml:a:1"), Request(validation_ratio=0.1), workspace, tmp_path)
    assert fetched.origin == {"kind": "azureml", "revision": "a:1", "licence": "MIT"}
    assert [(piece.path.name, piece.side) for piece in fetched.pieces] == [
        *(("dev.jsonl", "validation"), ("train.jsonl", "train"))
    ]
    assert fetched.root == tmp_path / "asset"


def test_files_that_are_other_than_they_are_called_are_told(tmp_path: Path) -> None:
    for at in range(3):
        (tmp_path / f"{at}.jsonl").write_text("{'a': 1}\n{'a': 2}\n")
    files = tuple(tmp_path / f"{at}.jsonl" for at in range(3))
    said = "is read as rows that Python has written"
    assert opened(Source("file", "x", files), Request(), None, None).told == [f"{files[0]} and 2 more {said}"]
    assert opened(Source("file", "x", files[:1]), Request(), None, None).told == [f"{files[0]} {said}"]


def test_a_window_of_rows_goes_over_the_ends_of_files(tmp_path: Path) -> None:
    rows = [(1, "a"), (2, BLANK), (3, "b"), (4, "c")]
    assert list(Window(1, 2).cut(iter(rows))) == [(2, BLANK), (3, "b")]
    assert list(Window(0, None).cut(iter(rows))) == rows
    assert [Window(*ends).all for ends in ((0, None), (1, None), (0, 5))] == [True, False, False]
    pieces = [Piece(put(tmp_path / f"{at}.jsonl", [at, at]), side=str(at), share=0.5) for at in range(4)]
    found = [(part.side, part.share, [row for _, row in part.rows]) for part in Window(1, 4).of(pieces)]
    assert found == [("0", 0.5, [0]), ("1", 0.5, [1, 1])]  # the second to the fourth row
    assert list(read(pieces[0])) == [(1, 0), (2, 0)]


WORDS = {
    "train": "train training",
    "test": "test testing eval evaluation",
    "validation": "validation valid val dev",
}
AROUND = ["data", "dataset", "set", "split", "sft", "gen", "of", "part", "shard", "chunk", "file", "00001", "2024"]


@pytest.mark.parametrize(("side", "words"), WORDS.items())
def test_files_are_held_back_by_many_words(side: str, words: str) -> None:
    for word in words.split():
        other = "train" if side == "test" else "test"
        names = [f"{word.upper()}.jsonl", f"{other}.jsonl", *([] if side == "train" else ["train.csv"])]
        assert sides(names)[names[0]] == side
        assert sides([f"{word}/a.jsonl", f"{other}/b.jsonl", "c.csv"])[f"{word}/a.jsonl"] == side


@pytest.mark.parametrize("word", AROUND)
def test_what_may_stand_around_such_a_word(word: str) -> None:
    assert sides([f"test-{word}.jsonl", "a.jsonl"]) == {f"test-{word}.jsonl": "test", "a.jsonl": "train"}
    assert sides([f"test-{word}s-x.jsonl", "a.jsonl"]) == {}


def test_the_code_page_of_a_file() -> None:
    text = '{"a": "ü"}'
    pages = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
    assert [encoding_of(text.encode(page)) for page in pages] == list(pages)
    assert encoding_of(b"\xfe\xff\x00{\x00}") == "utf-16" and encoding_of(b"\x00\x00\xfe\xff") == "utf-32"
    assert [encoding_of(head) for head in (b"", b"{}", b"{\x00}", b"\x00{\x00")] == ["utf-8"] * 4
    assert decoded(text.encode("utf-16-le") + b"\x00", "utf-16-le") == text.encode()


def test_a_file_in_another_code_page_is_refused_with_what_each_would_make_of_it() -> None:
    head = "frage;antwort\nok;ok\nGrüße an alle, die das hier lesen und mehr;klein\nSchön?;ja\nund".encode("cp1252")
    with pytest.raises(DataError) as raised:
        refuse_other(Path("d/x.csv"), head)
    assert str(raised.value) == (
        "d/x.csv is not UTF-8 (line 3), and its bytes do not say in which code page it is. windows-1252: “Grüße an "
        "alle, die das hier”; windows-1251: “GrьЯe an alle, die das hier”; mac-roman: “Gr¸ﬂe an alle, die das hier”"
        ". Save it as UTF-8, for example: iconv -f WINDOWS-1252 -t UTF-8 x.csv > utf8-x.csv"
    )
    for passed in (b"a\n\xfc\nb\n", b"\xfc\n" + "ü\n".encode() + b"\xfc\n", "ü\nü\n".encode(), "ü".encode()[:1]):
        refuse_other(Path("x"), passed)
