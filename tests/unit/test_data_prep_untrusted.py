"""Downloaded rows are data: none of their code runs, nothing of them is unpickled, and they take bounded memory."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import pickle
import tarfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from data_prep import DataError
from data_prep.prepare import Prepared, Request, prepare
from data_prep.read import readers, texts
from data_prep.read.texts import MAX_LINE
from data_prep.source import hub

ROWS = [
    {"messages": [{"content": f"Is {at} odd?", "role": "user"}, {"content": "Look.", "role": "assistant"}]}
    for at in range(20)
]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def run(path: Path, content: bytes, **options: Any) -> Prepared:
    path.write_bytes(content)
    return prepare(Request(source=str(path), directory=path.parent / "out", **options), lambda _: None)


def refused(path: Path, content: bytes, **options: Any) -> str:
    with pytest.raises(DataError) as raised:
        run(path, content, **options)
    assert not (path.parent / "out").exists()
    return str(raised.value)


class Mine:
    """Leaves a file where somebody unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("script", "is made by a program of its own (Dataset scripts are no longer supported, but found chats.py), "),
        ("archive", "holds files that are read as webdataset; rows are read of arrow, csv, json, parquet alone"),
        ("pictures", "holds files that are read as imagefolder; rows are read of arrow, csv, json, parquet alone"),
        ("pickle", "No (supported) data files found"),
    ],
)
def test_a_hub_data_set_runs_no_code_here(tmp_path: Path, kind: str, message: str) -> None:
    # A folder laid out as a hub repository is: `datasets` takes the same way through it, without the network.
    folder, ran = tmp_path / "chats", tmp_path / "ran"
    folder.mkdir()
    mine = pickle.dumps(Mine(ran))
    if kind == "script":
        (folder / "chats.py").write_text(f"open({str(ran)!r}, 'w')")
        (folder / "train.jsonl").write_bytes(LINES)
    elif kind == "archive":
        (tmp_path / "0.pyd").write_bytes(mine)
        with tarfile.open(folder / "train.tar", "w") as archive:
            archive.add(tmp_path / "0.pyd", "0.pyd")
    else:
        (folder / {"pictures": "train.png", "pickle": "train.pkl"}[kind]).write_bytes(mine)
    with pytest.raises(DataError) as raised:
        hub.opened(str(folder), "default", "train", "")
    assert message in str(raised.value)
    assert "set data.source to `sample`" in str(raised.value) or kind == "pickle"
    assert not ran.exists()
    pickle.loads(mine)
    assert ran.exists()  # it would have


class Counted(io.BytesIO):
    """Counts what is read of it."""

    read_bytes = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        Counted.read_bytes += len(line)
        return line


def test_a_line_of_many_pieces_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MAX_LINE", 2**21)
    piece, good = 2**20, b'{"a": 1}\n'
    content = good * 3 + b'"' + b"x" * 20 * piece + b'"\n' + good * 2
    found = [
        row
        for start in range(0, len(content), piece)
        for _, row in texts.from_lines(Counted(content), start, min(start + piece, len(content)))
    ]
    assert [isinstance(row, texts.Broken) for row in found] == [False, False, False, True, False, False]
    assert Counted.read_bytes < 2.5 * len(content)


def test_a_local_pickle_is_no_source(tmp_path: Path) -> None:
    assert "cannot be read: its name must end in one of .jsonl" in refused(tmp_path / "x.pkl", pickle.dumps(ROWS))


def test_an_archive_does_not_say_how_much_memory_it_takes(tmp_path: Path) -> None:
    packed = bytearray(lzma.compress(LINES))
    size = (packed[12] + 1) * 4  # of the block header, which follows the 12 bytes of the stream's
    header = packed[12 : 12 + size - 4]
    assert header[2:4] == b"\x21\x01"  # LZMA2 and one byte about it: the size of its dictionary
    header[4] = 36  # 1 GB
    packed[12 : 12 + size] = header + zlib.crc32(header).to_bytes(4, "little")
    assert "needs more than 128 MB to unpack" in refused(tmp_path / "x.jsonl.xz", bytes(packed))


def test_zstd_does_not_either(tmp_path: Path) -> None:
    window = (30 - 10) << 3  # 2**30 bytes, as RFC 8878 writes it
    block = len(LINES) << 3 | 1  # the last one, of bytes as they are
    frame = b"\x28\xb5\x2f\xfd" + bytes([0, window]) + block.to_bytes(3, "little") + LINES
    assert "needs more than 128 MB to unpack" in refused(tmp_path / "x.jsonl.zst", frame)


def test_an_archive_of_several_streams_is_read_to_its_end(tmp_path: Path) -> None:
    middle = LINES.index(b"\n", len(LINES) // 2) + 1
    content = lzma.compress(LINES[:middle]) + bytes(8) + lzma.compress(LINES[middle:])
    made = run(tmp_path / "x.jsonl.xz", content)
    assert made.card.rows["in"] == len(ROWS)
    assert made.card.fingerprint == run(tmp_path / "x.jsonl", LINES).card.fingerprint


def test_a_line_that_unpacks_to_more_than_a_row_may_be(tmp_path: Path) -> None:
    content = gzip.compress(LINES + b'{"messages": "' + bytes(MAX_LINE) + b'"}\n{"text": 1}\n', 1)
    message = refused(tmp_path / "x.jsonl.gz", content)
    assert "x.jsonl.gz:21: row must be at most 32 MB as JSON, is longer" in message
    assert "x.jsonl.gz:22: messages is missing" in message


def test_a_row_of_a_list_that_is_longer_than_a_row_may_be(tmp_path: Path) -> None:
    content = b"[" + LINES.replace(b"\n", b",") + b'{"messages": "' + b"x" * (MAX_LINE + 2**20) + b'"}]'
    message = refused(tmp_path / "x.json", content)
    assert "x.json: row 21 must be at most 32 MB as JSON, is longer; what comes after it cannot be found" in message
    assert "\n" not in message


def test_a_line_of_csv_that_is_longer_than_a_row_may_be(tmp_path: Path) -> None:
    pairs = "".join(f"Is {at} odd?,Look.\n" for at in range(20))
    content = f"prompt,completion\n{pairs}x,{'y' * MAX_LINE}\n\nWhy?,Because.\nWhy?\n".encode()
    message = refused(tmp_path / "x.csv", content)
    assert "2 of 23 rows cannot be used" in message
    assert "x.csv:22: row is not valid CSV: line larger than 32 MB" in message
    assert "x.csv:25: row has not as many fields as the header" in message


def test_rows_of_a_parquet_file_are_in_memory_a_few_megabytes_at_a_time(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    path = tmp_path / "x.parquet"
    rows = [{"prompt": f"{at}{'x' * 2**20}", "completion": "y"} for at in range(48)]
    table = pyarrow.Table.from_pylist(rows)
    pyarrow.parquet.write_table(table, path, use_dictionary=False, write_batch_size=1)  # a page for each row
    before = pyarrow.total_allocated_bytes()
    seen = [pyarrow.total_allocated_bytes() - before for _ in readers.read(readers.pieces(path)[0])]
    assert len(seen) == 48
    assert max(seen) < 24 * 2**20


DEEP, LONG = "[" * 900 + "]" * 900, "9" * 5000


@pytest.mark.parametrize("value", [DEEP, LONG, f'"{"[" * 50_000}"'], ids=["deep", "long", "text"])
@pytest.mark.parametrize("name", ["x.jsonl", "x.json"])
@pytest.mark.parametrize(
    "row",
    [
        '{"messages": V}',
        '{"messages": [V]}',
        '{"messages": [{"role": V, "content": "x"}, {"role": "assistant", "content": V}], "prompt": V}',
        '{"conversations": [{"from": V, "value": V}]}',
        '{"instruction": V}',
        "V",
    ],
)
def test_values_that_no_program_likes_are_rejected_like_others(tmp_path: Path, row: str, name: str, value: str) -> None:
    row = row.replace("V", value)
    if name == "x.json":
        content = b"[" + LINES.replace(b"\n", b",") + row.encode() + b"]"
    else:
        content = LINES + row.encode() + b"\n"
    try:
        made = run(tmp_path / name, content, bad_rows="repair", max_rejected="1")
    except DataError as error:
        # The parser of a list cannot go on after such a number; it can after anything else.
        assert name == "x.json" and value == LONG, error
        assert "x.json is not valid JSON after row 20: " in str(error)
        return
    assert (made.card.rows["in"], made.card.rows["rejected"]) == (21, 1)
    (rejected,) = map(json.loads, (tmp_path / "out" / "rejected.jsonl").read_bytes().splitlines())
    assert rejected["problems"][0]["rule"]
