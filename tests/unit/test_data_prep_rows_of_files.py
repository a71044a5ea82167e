"""Each form of file with all of its rows: their places, what they hold, and the words for one that cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data_prep import DataError
from data_prep.read import table, texts, values
from data_prep.read.dialect import Dialect
from data_prep.read.form import Form, form_of
from data_prep.read.readers import Piece, pieces, read
from data_prep.read.texts import BLANK, Broken
from data_prep.row.rules import Problem


def put(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows(path: Path) -> list[tuple[int, Any]]:
    return [each for piece in pieces(path) for each in read(piece)]


def no_json(raw: str, why: str) -> Broken:
    return Broken(Problem("row", f"is not valid JSON: {why}", "json"), raw)


def no_csv(raw: str, why: str) -> Broken:
    return Broken(Problem("row", why, "csv"), raw)


LENIENT = "NaN, Infinity or nesting that other programs refuse"
OPEN = "opens a quotation mark that is not closed: it would swallow the 1 lines after it, which are read as rows"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "a.jsonl",
            b'{"a":1}\n\n \t\n{"a":\n{"a":"\xff"}\n{"a":NaN}\n{"a":"\\ud800"}\n[1]\nnull\n\xef\xbb\xbf{"a":2}',
            [
                (1, {"a": 1}),
                (2, BLANK),
                (3, BLANK),
                (4, no_json('{"a":', "Expecting value: line 2 column 1 (char 6)")),
                (5, Broken(Problem("row", "is not UTF-8 (invalid start byte at byte 7)", "utf8"), '{"a":"�"}')),
                (6, no_json('{"a":NaN}', LENIENT)),
                (
                    7,
                    Broken(
                        Problem("row", "has half of a surrogate pair, \\ud800 to \\udfff", "surrogate"),
                        '{"a":"\\ud800"}',
                    ),
                ),
                (8, [1]),
                (9, None),
                (10, {"a": 2}),
            ],
        ),
        ("deep.jsonl", '{"a":1}\n' + "[" * 3000, [(1, {"a": 1}), (2, no_json("[" * 200, "nested too deeply"))]),
        (
            "comma.jsonl",
            '{"a":1},\n{"a":2} , \n\n{"a":\n{"a":3}',
            [
                (1, {"a": 1}),
                (2, {"a": 2}),
                (3, BLANK),
                (4, no_json('{"a":', "Expecting value: line 2 column 1 (char 6)")),
                (5, {"a": 3}),
            ],
        ),
        (
            "python.jsonl",
            "{'a': None}\n{'a': True, \"b\": 'x'}\n{'a': f()}\n{\"a\": null}\n",
            [
                (1, {"a": None}),
                (2, {"a": True, "b": "x"}),
                (
                    3,
                    no_json(
                        "{'a': f()}", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
                    ),
                ),
                (4, {"a": None}),
            ],
        ),
        (
            "list.json",
            '[{"a":1},\n{"a":},{"b":[1,"]"]}]',
            [(1, {"a": 1}), (2, no_json('{"a":}', "Expecting value: line 1 column 6 (char 5)")), (3, {"b": [1, "]"]})],
        ),
        ("lists.json", '[{"a":1}]\n[{"b":"\\""},]\n\ufeff[]', [(1, {"a": 1}), (2, {"b": '"'})]),
        (
            "below.json",
            '{"version": 1, "x": [1, {"y": 2}], "data": [{"a":1},{"b":2}], "more": {}}',
            [(1, {"a": 1}), (2, {"b": 2})],
        ),
        ("objects.json", '{\n"a":1\n}\n{"b":\n2}\n,{"c":3}', [(1, {"a": 1}), (4, {"b": 2}), (6, {"c": 3})]),
        (
            "a.csv",
            'a,b \n1,2\n\n3\n"4","5,\n6"\na,b \n7,\n"8""",9\n,\n',
            [
                (2, {"a": "1", "b": "2"}),
                (3, BLANK),
                (4, no_csv("3", "has not as many fields as the header")),
                (5, {"a": "4", "b": "5,\n6"}),
                (7, BLANK),
                (8, {"a": "7"}),
                (9, {"a": '8"', "b": "9"}),
                (10, {}),
            ],
        ),
        (
            "latin.csv",
            b"a,b\n1,\xff\n2,3\n",
            [(2, Broken(Problem("row", "is not UTF-8", "utf8"), "['1', '\\udcff']")), (3, {"a": "2", "b": "3"})],
        ),
        (
            "open.csv",
            'a;b\n1;2\n"x;3\n4;5\n',
            [
                (2, {"a": "1", "b": "2"}),
                (3, Broken(Problem("row", OPEN, "open-quote"), '"x;3')),
                (4, {"a": "4", "b": "5"}),
            ],
        ),
        ("said.csv", "sep=|\na|b\n1|2\n", [(3, {"a": "1", "b": "2"})]),
        ("blanks.csv", 'a, b\n"1", "2"\n', [(2, {"a": "1", "b": "2"})]),
        ("marks.csv", "\ufeffa,b\n1,2\n\ufeff3,4\n", [(2, {"a": "1", "b": "2"}), (3, {"a": "3", "b": "4"})]),
        (
            "quoted.csv",
            'a,b\n"1"x,2\n3,4\n',
            [(2, no_csv('"1"x,2', "is not valid CSV: ',' expected after '\"'")), (3, {"a": "3", "b": "4"})],
        ),
        ("nothing.csv", "", []),
        ("header.csv", "a,b\n", []),
    ],
)
def test_all_rows_of_a_file(tmp_path: Path, name: str, content: str | bytes, expected: list[tuple[int, Any]]) -> None:
    assert rows(put(tmp_path / name, content)) == expected


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "a.json",
            '[{"a":1}\n {"b":2}]',
            ":2 is not valid JSON: behind row 1 of the list neither a comma nor its end follows",
        ),
        ("a.json", '\n[{"a":1},{"b":2}', " is cut short: the list that opens in line 2 is not closed after row 2"),
        ("a.json", '[{"a":1},\n{"b":"2', " is cut short: row 2 of the list, in line 2, has no end"),
        ("a.json", '[{"a":1}]\nx', ":2 is not valid JSON: text follows behind the end of the list"),
        ("a.json", '{\n"a":1\n},\n]', ":4 is not valid JSON: ] closes what is not open"),
        ("a.json", '{\n"a":1\n}\n{"b":', " is cut short or not valid JSON: the row that begins in line 4 has no end"),
        ("a.csv", '"a,b\n', ":1 is not valid CSV: unexpected end of data in the header"),
        ("a.csv", "a, a \n1,2\n", " has two columns named a, and one would be lost: rename or remove one"),
    ],
)
def test_a_file_of_which_no_more_can_be_read(tmp_path: Path, name: str, content: str, says: str) -> None:
    path = put(tmp_path / name, content)
    with pytest.raises(DataError) as raised:
        rows(path)
    assert str(raised.value) == f"{path}{says}"


def test_what_is_longer_than_a_row_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (texts, values, table):
        monkeypatch.setattr(module, "MAX_LINE", 2**20)
    long = "x" * (2**20 + 5)
    lines = put(tmp_path / "a.jsonl", f'{{"a":1}}\n{{"b":"{long}"}}\n{{"c":3}}\n')
    too_large = Broken(Problem("row", "must be at most 1 MB as JSON, is longer", "too-large"), '{"b":"' + "x" * 194)
    assert rows(lines) == [(1, {"a": 1}), (2, too_large), (3, {"c": 3})]
    halves = [list(read(Piece(lines, start, stop, form_of(lines)))) for start, stop in ((0, 100), (100, 2**21))]
    assert halves == [[(1, {"a": 1}), (2, too_large)], [(1, {"c": 3})]]
    listed = put(tmp_path / "a.json", f'[{{"a":1}},\n{{"b":"{long}"}}]')
    with pytest.raises(DataError) as raised:
        rows(listed)
    says = "must be at most 1 MB as JSON, is longer; what comes after it cannot be found: take it out"
    assert str(raised.value) == f"{listed}: row 2 {says}"
    spread = put(tmp_path / "b.json", f'{{"a":\n1}}\n{{"b":\n"{long}"}}')
    with pytest.raises(DataError) as raised:
        rows(spread)
    assert str(raised.value) == f"{spread}: the row in line 3 {says}"
    cells = put(tmp_path / "a.csv", f"a,b\n1,2\n{long},3\n4,5\n")
    found = rows(cells)
    assert [place for place, _ in found] == [2, 3, 4] and found[2][1] == {"a": "4", "b": "5"}
    assert found[1][1].problem == Problem("row", "is not valid CSV: line larger than 1 MB", "too-large")


LINES, CSV = Form(layout="lines"), Form(layout="csv")


@pytest.mark.parametrize(
    ("name", "content", "form", "told"),
    [
        ("a.jsonl", '{"a":1}\n{"a":2}', LINES, ""),
        ("a.jsonl", '{"a":1}', LINES, ""),
        ("a.jsonl", "", LINES, ""),
        ("a.jsonl", "text", LINES, ""),
        ("a.jsonl", "[1,2]\n[3,4]", LINES, ""),
        ("a.jsonl", '[{"role":"user"}]\n[{"role":"user"}]', LINES, ""),
        ("a.jsonl", '[{"a":1}]\n[{"b":2}]', Form(layout="list"), ""),
        ("a.json", '[{"role":"user"}]', Form(layout="list"), ""),
        ("a.json", "[\n1]", Form(layout="list"), ""),
        ("a.json", '{"a":1},\n{"a":2}', Form(layout="lines", comma=True), "without the commas behind its lines"),
        ("a.json", "{'a': 1}\n", Form(layout="literals"), "as rows that Python has written"),
        ("a.json", '{"data": [{"a":1}]}', Form(layout="list", below=("data",)), "as the list below `data`"),
        ("a.json", '{"messages": [{"role":"user"}]}', LINES, ""),
        ("a.json", '{"messages": [{"from":"x"}]}', LINES, ""),
        ("a.json", '{"data": [1]}', LINES, ""),
        ("a.json", '{\n"a": 1\n}', Form(layout="objects"), "as objects over several lines"),
        ("a.json", '{"a":\n{"a":1}\n', LINES, ""),
        ("a.jsonl", '{"a":1}'.encode("utf-16"), Form(layout="lines", encoding="utf-16"), "in UTF-16"),
        ("a.jsonl", '{"a":1}'.encode("utf-16-be"), Form(layout="lines", encoding="utf-16-be"), "in UTF-16-BE"),
        ("a.jsonl", '{"a":1}'.encode("utf-32"), Form(layout="lines", encoding="utf-32"), "in UTF-32"),
        ("a.csv", "a,b\n1,2\n", CSV, ""),
        ("a.csv", "a\n1,2\n", CSV, ""),
        ("a.csv", "a;b\n1,0;2\n", Form(layout="csv", dialect=Dialect(";")), "separated by semicolons"),
        ("a.csv", "a; b\n1; 2\n", Form(layout="csv", dialect=Dialect(";", True)), "separated by semicolons and blanks"),
        ("a.csv", "a\tb\n1\t2\n", Form(layout="csv", dialect=Dialect("\t")), "separated by tabs"),
        ("a.csv", "a|b\n1|2\n", Form(layout="csv", dialect=Dialect("|")), "separated by bars"),
        ("a.csv", "SEP=;\na;b\n", Form(layout="csv", dialect=Dialect(";", False, 1)), "separated by semicolons"),
    ],
)
def test_what_a_file_is_is_told_by_its_beginning(
    tmp_path: Path, name: str, content: str | bytes, form: Form, told: str
) -> None:
    found = form_of(put(tmp_path / name, content))
    assert (found, found.told) == (form, told)


def test_a_form_says_what_its_places_are_and_whether_it_can_be_divided() -> None:
    units = [Form(layout=layout).unit for layout in ("parquet", "list", "lines", "csv", "objects", "literals")]
    assert units == ["row", "row", "line", "line", "line", "line"]
    divided = [Form(layout=layout).splits for layout in ("lines", "literals", "csv", "list", "parquet")]
    assert divided == [True, True, False, False, False]
    others = [Form(layout="lines", compression="gzip"), Form(layout="lines", encoding="utf-16")]
    assert not any(form.splits for form in (*others, Form(layout="lines", threads=True)))


@pytest.mark.parametrize("size", [1, 3, 7, 10, 11, 100])
def test_a_file_in_pieces_is_read_once_and_in_order(tmp_path: Path, size: int) -> None:
    path = put(tmp_path / "a.jsonl", "".join(f'{{"a":{at}}}\n' for at in range(12)) + "\n{}")
    found = pieces(path, size)
    total = path.stat().st_size
    assert [(piece.start, piece.stop) for piece in found] == [
        (start, min(start + size, total)) for start in range(0, total, size)
    ]
    assert [row for piece in found for _, row in read(piece)] == [*({"a": at} for at in range(12)), BLANK, {}]


@pytest.mark.parametrize(
    ("start", "why"),
    [
        (b"version https://git-lfs.", "a pointer of Git LFS and not the file itself: `git lfs pull` fetches it"),
        (b" <!DOCTYPE html>", "a web page: download the file itself (the button or link `raw`)"),
        (b"<HTML>", "a web page: download the file itself (the button or link `raw`)"),
        (b"PK\x03\x04", "a zip archive or a workbook: unpack it, or save the sheet as CSV"),
        (b"PAR1", "a parquet file: let its name end in .parquet"),
        (b"\x1f\x8b", "packed by gzip: let its name end in .gz"),
        (b"\x28\xb5\x2f\xfd", "packed by zstd: let its name end in .zst"),
        (b"BZh9", "packed by bzip2: let its name end in .bz2"),
        (b"\xfd7zXZ", "packed by xz: let its name end in .xz"),
        (b"\xef\xbb\xbfSQLite format 3", "a database of SQLite: export its table as CSV"),
    ],
)  # fmt: skip
def test_another_kind_of_file_is_known_by_its_first_bytes(tmp_path: Path, start: bytes, why: str) -> None:
    path = put(tmp_path / "a.jsonl", start + b"rest")
    with pytest.raises(DataError) as raised:
        form_of(path)
    assert str(raised.value) == f"{path} is another kind of file: {why}"
