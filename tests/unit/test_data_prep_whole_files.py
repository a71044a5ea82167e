"""A file that is not what its name says: read where there is one meaning, else told in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_prep import DataError
from data_prep.prepare import Prepared, Request, prepare
from data_prep.read import readers
from data_prep.source.locate import locate
from settings.sections.data import DataSettings

PAIRS = [(f"Is {at} an odd number, or not?", f"Divide {at} by two, a rest of one says yes.") for at in range(40)]
ROWS = [
    {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}
    for asked, answer in PAIRS
]
LINES = [json.dumps(row) for row in ROWS]
TABLE = [("question", "answer"), *PAIRS]


def run(path: Path, content: str | bytes, said: list[str] | None = None, **options: Any) -> Prepared:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    report: Callable[[str], None] = (lambda _: None) if said is None else said.append
    return prepare(Request(source=str(path), directory=path.parent / "out", **options), report)


def refused(path: Path, content: str | bytes, **options: Any) -> str:
    with pytest.raises(DataError) as raised:
        run(path, content, **options)
    assert not (path.parent / "out").exists()
    return str(raised.value)


@pytest.fixture
def plain(tmp_path: Path) -> str:
    """The fingerprint of the rows, whatever they are kept in."""
    folder = tmp_path / "plain"
    folder.mkdir()
    return run(folder / "x.jsonl", "\n".join(LINES)).card.fingerprint


def table(separator: str, quote: str = "", before: str = "") -> str:
    return before + "".join(f"{quote}{a}{quote}{separator}{quote}{b}{quote}\r\n" for a, b in TABLE)


INDENTED = "\n".join(json.dumps(row, indent=2) for row in ROWS)
MEANT: dict[str, tuple[str, str | bytes, str]] = {
    "a list": ("x.jsonl", "[" + ",\n".join(LINES) + "]", ""),
    "a list in one line": ("x.jsonl", json.dumps(ROWS), ""),
    "a list with a comma at its end": ("x.json", "[" + ",\n".join(LINES) + ",\n]", ""),
    "two lists joined": ("x.json", json.dumps(ROWS[:20]) + "\n\ufeff" + json.dumps(ROWS[20:]), ""),
    "objects over lines": ("x.jsonl", INDENTED, "as objects over several lines"),
    "objects over lines, with commas": ("x.json", INDENTED.replace("\n}\n", "\n},\n"), "as objects over several lines"),
    "lines that end in a carriage return": ("x.jsonl", "\r".join(LINES), "as objects over several lines"),
    "commas behind lines": ("x.jsonl", ",\n".join(LINES), "without the commas behind its lines"),
    "below a key": ("x.json", json.dumps({"version": 1, "data": ROWS, "count": 40}), "as the list below `data`"),
    "below a key, over lines": (
        "x.jsonl",
        json.dumps({"made": {}, "rows": ROWS}, indent=1),
        "as the list below `rows`",
    ),
    "as Python writes": ("x.jsonl", "\n".join(map(repr, ROWS)), "as rows that Python has written"),
    "two exports joined": ("x.jsonl", "\ufeff" + "\n".join(LINES[:9]) + "\n\ufeff" + "\n".join(LINES[9:]), ""),
    "UTF-16": ("x.jsonl", "\n".join(LINES).encode("utf-16"), "in UTF-16"),
    "UTF-16 without a mark": ("x.jsonl", "\n".join(LINES).encode("utf-16-le"), "in UTF-16-LE"),
    "UTF-32": ("x.json", json.dumps(ROWS).encode("utf-32"), "in UTF-32"),
    "semicolons": ("x.csv", table(";"), "separated by semicolons"),
    "tabs": ("x.tsv", table("\t"), "separated by tabs"),
    "bars in UTF-16": ("x.csv", table("|").encode("utf-16"), "in UTF-16, separated by bars"),
    "a line that says so": ("x.csv", table(";", before="sep=;\r\n"), "separated by semicolons"),
    "blanks behind separators": ("x.csv", table(", ", '"'), "separated by commas and blanks"),
    "blanks around the header": ("x.csv", table(",", '"').replace('"question"', '"question "'), ""),
    "two tables joined": ("x.csv", table(",", '"') + "\ufeff" + table(",", '"'), ""),
}


@pytest.mark.parametrize("case", MEANT)
def test_what_has_one_meaning_is_read(tmp_path: Path, plain: str, case: str) -> None:
    name, content, told = MEANT[case]
    said: list[str] = []
    made = run(tmp_path / name, content, said)
    if case == "two tables joined":
        assert made.card.rows["in"] == 80  # and not a header for a row
        return
    assert made.card.fingerprint == plain
    assert [line for line in said if " is read " in line] == ([f"{tmp_path / name} is read {told}"] if told else [])


def test_a_file_that_is_read_in_parts_is_read_the_same_way_in_each(tmp_path: Path) -> None:
    for name, content in (("comma.jsonl", ",\n".join(LINES)), ("python.jsonl", "\n".join(map(repr, ROWS)))):
        path = tmp_path / name
        path.write_text(content)
        found = [row for piece in readers.pieces(path, 1000) for _, row in readers.read(piece)]
        assert found == ROWS


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "x.jsonl",
            json.dumps({"train": ROWS, "test": ROWS}),
            "is one object with rows below train and test: put each",
        ),
        (
            "x.jsonl",
            "version https://git-lfs.github.com/spec/v1\noid sha256:0",
            "is another kind of file: a pointer of Git LFS",
        ),
        ("x.json", "<!DOCTYPE html><html>", "is another kind of file: a web page"),
        ("x.csv", b"PK\x03\x04rest", "is another kind of file: a zip archive or a workbook"),
        ("x.jsonl", b"\x1f\x8b\x08rest", "is another kind of file: packed by gzip: let its name end in .gz"),
        ("x.csv", b"PAR1rest", "is another kind of file: a parquet file"),
        ("x.csv", "question,answer,question\n1,2,3\n", "has two columns named question"),
        (
            "x.csv",
            "frage;antwort\n" + "Wie \u00e4ndere ich das?;\u201eKonto\u201c\n" * 3,
            "is not UTF-8 (line 2), and its bytes",
        ),
        ("x.json", "[" + ",\n".join(LINES), "is cut short: the list that opens in line 1 is not closed after row 40"),
        ("x.json", "[" + ",\n".join(LINES)[:-5], "is cut short: row 40 of the list, in line 40, has no end"),
        ("x.json", json.dumps(ROWS) + "\nend", "x.json:2 is not valid JSON: text follows behind the end of the list"),
        ("x.json", INDENTED[:-5], "the row that begins in line 469 has no end"),
    ],
)
def test_what_has_none_is_one_sentence(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    encoded = content if isinstance(content, bytes) else content.encode("cp1252" if "frage" in content else "utf-8")
    said = refused(tmp_path / name, encoded)
    assert message in said
    assert "\n" not in said


def test_a_code_page_is_shown_as_each_would_read_it(tmp_path: Path) -> None:
    said = refused(tmp_path / "x.csv", ("frage;antwort\n" + "Gr\u00f6\u00dfe?;klein\n" * 3).encode("cp1252"))
    assert "windows-1252: \u201cGr\u00f6\u00dfe?;klein\u201d" in said
    assert "iconv -f WINDOWS-1252 -t UTF-8 x.csv > utf8-x.csv" in said


@pytest.mark.parametrize("closes", ["", '"closed, by chance\n', '",and again\n'])
def test_an_open_quote_costs_its_row_alone(tmp_path: Path, closes: str) -> None:
    rows = [f"Is {at} odd?,Look at {at}.\n" for at in range(1000)]
    content = "question,answer\n" + "".join(rows[:200]) + '"Is it closed?,No.\n' + "".join(rows[200:]) + closes
    message = refused(tmp_path / "x.csv", content)
    lines = 801 if closes else 800
    assert f"x.csv:202: row opens a quotation mark that is not closed: it would swallow the {lines} lines" in message
    made = run(tmp_path / "x.csv", content, bad_rows="skip", max_rejected="3")
    assert made.card.rows["in"] - made.card.rows["rejected"] == 1000


def test_a_quote_that_another_closes_much_later_is_found_by_the_rows_in_it(tmp_path: Path) -> None:
    rows = [f"Is {at} odd?,Look at {at}.\n" for at in range(100)]
    content = "question,answer\n" + '"Is it closed?,No.\n' + "".join(rows) + 'Late,in a field",Yes.\n'
    made = run(tmp_path / "x.csv", content, bad_rows="skip", max_rejected="3")
    assert made.card.rows["in"] - made.card.rows["rejected"] == 100


def test_a_field_of_many_lines_stays_one(tmp_path: Path) -> None:
    poem = "\n".join(f"line {at}" for at in range(60))
    content = "question,answer\n" + "".join(f'Poem {at}?,"{poem}"\n' for at in range(30))
    assert run(tmp_path / "x.csv", content).card.rows["in"] == 30


def test_a_file_of_open_quotes_is_not_read_again_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_prep.read.table._REREAD", 3)
    monkeypatch.setattr("data_prep.read.table._FAR", 1000)
    row = '"open,y\n' + "x,y\n" * 400
    assert "opens a quotation mark that is not closed, as 4 lines do" in refused(
        tmp_path / "x.csv", "question,answer\n" + row * 11
    )


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (LINES[0].replace("Is", "\\ud83d"), "surrogate"),
        ('{"id": 1' + "0" * 30 + ', "messages": []}', "messages-empty"),
        ('{"messages": NaN}', "json"),
        ('{"a": ' + "9" * 5000 + "}", "json"),
        ("17", "row-type"),
    ],
)
def test_a_row_of_a_list_is_judged_by_itself(tmp_path: Path, row: str, code: str) -> None:
    made = run(tmp_path / "x.json", "[" + ",".join([*LINES, row]) + "]", bad_rows="skip", max_rejected="1")
    assert made.card.rows["in"] == 41
    assert made.card.rejected == {code: 1}


@pytest.mark.parametrize("size", [1, 3, 64, 1000])
def test_a_list_is_cut_anywhere_by_what_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr("data_prep.read.values._READ", size)
    rows = [*ROWS[:5], {"a\\": '"]} \\"'}, 5, "text, [", None, {"b": [[{}], "{"]}]
    for name, content in (("x.json", json.dumps({"rows": rows, "n": [1]})), ("y.json", json.dumps(rows, indent=2))):
        (tmp_path / name).write_text(content)
        assert [row for piece in readers.pieces(tmp_path / name) for _, row in readers.read(piece)] == rows


@pytest.mark.parametrize(
    "name", ["Chats.JSONL", "squad", "chats.tsv", "my chats.csv.GZ", "data/*.json", "./chats", "user/set", "sample"]
)
def test_settings_take_what_the_flag_takes(tmp_path: Path, name: str) -> None:
    assert DataSettings(source=name).source == name
    for each in ("Chats.JSONL", "chats.tsv", "my chats.csv.GZ", "data/a.json", "chats/a.jsonl"):
        (tmp_path / each).parent.mkdir(exist_ok=True)
        (tmp_path / each).write_text(LINES[0])
    assert locate(name, tmp_path).kind == {"squad": "hub", "user/set": "hub", "sample": "sample"}.get(name, "file")


@pytest.mark.parametrize(
    ("bad", "options", "message"),
    [
        (1_000, {}, "none of the first 1,000 rows can be used; no others were read or written:"),
        (999, {}, "999 of 3000 rows cannot be used; nothing was written"),
        (1_000, {"bad_rows": "skip", "max_rejected": "10%"}, "1000 of 3000 rows cannot be used"),
    ],
)
def test_a_file_that_is_read_wrongly_is_told_soon(
    tmp_path: Path, bad: int, options: dict[str, Any], message: str
) -> None:
    wrong = [json.dumps({"question": f"Is {at} odd?", "answer": ""}) for at in range(bad)]
    good = [json.dumps({"question": f"Is {at} odd?", "answer": f"{at} is."}) for at in range(3_000 - bad)]
    assert message in refused(tmp_path / "x.jsonl", "\n".join([*wrong, *good]), **options)
