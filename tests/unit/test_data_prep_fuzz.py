"""200 files broken by chance, with a seed: each is read or told in a message, and what stood there before stays."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from data_prep import DataError
from data_prep.prepare import Request, prepare

SEED, FILES = 16, 200
ROWS = [
    {"messages": [{"content": f"Is {at} odd, é or 好?", "role": "user"}, {"content": "Look.\n;,", "role": "assistant"}]}
    for at in range(30)
]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()
TABLE = ("question,answer\n" + "".join(f'"Is {at} odd?","See\nhere, {at}."\n' for at in range(30))).encode()


def parquet() -> bytes:
    import pyarrow
    import pyarrow.parquet

    made = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), made, row_group_size=10)
    return made.getvalue()


def zstd() -> bytes:
    import pyarrow

    return bytes(pyarrow.Codec("zstd").compress(LINES, asbytes=True))


MADE: dict[str, Callable[[], bytes]] = {
    "x.jsonl": lambda: LINES,
    "list.jsonl": lambda: json.dumps(ROWS).encode(),
    "x.json": lambda: json.dumps({"data": ROWS}, indent=1).encode(),
    "over.json": lambda: "\n".join(json.dumps(row, indent=1) for row in ROWS).encode(),
    "python.jsonl": lambda: "\n".join(map(repr, ROWS)).encode(),
    "x.csv": lambda: TABLE,
    "x.tsv": lambda: TABLE.replace(b",", b"\t"),
    "wide.csv": lambda: TABLE.decode().encode("utf-16"),
    "x.parquet": parquet,
    "x.jsonl.gz": lambda: gzip.compress(LINES),
    "x.csv.bz2": lambda: bz2.compress(TABLE),
    "x.json.xz": lambda: lzma.compress(json.dumps(ROWS).encode()),
    "x.jsonl.zst": zstd,
}


def broken(content: bytes, chance: random.Random) -> bytes:
    """One to three of the things that happen to files."""
    made = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        at, length = chance.randrange(len(made) + 1), chance.randint(1, 40)
        match chance.randrange(7):
            case 0:
                del made[at:]
            case 1:
                made[at : at + length] = chance.randbytes(length)
            case 2:
                made[at : at + length] = bytes(length)
            case 3:
                made[at:at] = chance.choice((b'"', b"[", b"]", b"{", b"}", b"\\", b"\xef\xbb\xbf", b"\r", b"\x1a"))
            case 4:
                del made[at : at + length]
            case 5:
                made += made[at:]
            case _:
                made[at:at] = made[max(0, at - 300) : at]
        if not made:
            return b" "
    return bytes(made)


@pytest.mark.parametrize("part", range(4))
def test_a_broken_file_is_read_or_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)  # no power is cut here, and a busy disk takes seconds for each
    out = tmp_path / "out"
    (tmp_path / "good.jsonl").write_bytes(LINES)
    prepare(Request(source=str(tmp_path / "good.jsonl"), directory=out), lambda _: None)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    content = {name: make() for name, make in MADE.items()}
    told = 0
    for number in range(part, FILES, 4):
        chance = random.Random(SEED * FILES + number)
        name = chance.choice(list(MADE))
        path = tmp_path / name
        path.write_bytes(broken(content[name], chance))
        policy = chance.choice(("refuse", "skip", "repair"))
        directory = tmp_path / f"new{number}"
        try:
            made = prepare(
                Request(source=str(path), directory=directory, bad_rows=policy, max_rejected="50%"), lambda _: None
            )
        except DataError as error:
            told += 1
            assert str(error)[:1].strip(), (number, name)
            assert not directory.exists(), (number, name)
            with pytest.raises(DataError):
                prepare(Request(source=str(path), directory=out, bad_rows=policy, max_rejected="50%"), lambda _: None)
            assert {each.name: each.read_bytes() for each in out.iterdir()} == before, (number, name)
        else:
            rows = made.card.rows
            assert rows["in"] == rows["train"] + rows["test"] + rows["rejected"] + rows.get("set_aside", 0)
    assert 10 < told < 50
