"""Bad input: each kind gets one clear message, and leaves what was there before."""

from __future__ import annotations

import bz2
import errno
import gzip
import json
import lzma
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_prep import DataError
from data_prep.prepare import Request, prepare
from data_prep.read import readers
from data_prep.run import scratch

MESSAGES = [{"content": "Why?", "role": "user"}, {"content": "Because.", "role": "assistant"}]


def rows(number: int = 20) -> list[dict[str, Any]]:
    return [
        {"messages": [{"content": f"Is {at} odd?", "role": "user"}, {"content": "Look.", "role": "assistant"}]}
        for at in range(number)
    ]


def lines(made: list[Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in made).encode()


GOOD = lines(rows())


def parquet(path: Path, made: list[dict[str, Any]], **options: Any) -> Path:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(made), path, **options)
    return path


def zstd(content: bytes) -> bytes:
    import pyarrow

    return bytes(pyarrow.Codec("zstd").compress(content, asbytes=True))


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., str]:
    """Prepare good data, then what is given; the message, once it is seen that the good data are untouched."""
    out = tmp_path / "out"
    (tmp_path / "good.jsonl").write_bytes(GOOD)
    prepare(Request(source=str(tmp_path / "good.jsonl"), directory=out), lambda _: None)
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def refuse(path: Path, content: bytes | None = None, **options: Any) -> str:
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(DataError) as raised:
            prepare(Request(source=str(path), directory=out, **options), lambda _: None)
        assert {each.name: each.read_bytes() for each in out.iterdir()} == before
        return str(raised.value)

    return refuse


def test_a_truncated_parquet_file(tmp_path: Path, refused: Callable[..., str]) -> None:
    content = parquet(tmp_path / "x.parquet", rows()).read_bytes()
    assert "is no parquet file, or one cut short" in refused(tmp_path / "x.parquet", content[:-40])


def test_a_parquet_file_damaged_inside(tmp_path: Path, refused: Callable[..., str]) -> None:
    content = bytearray(parquet(tmp_path / "x.parquet", rows(500), compression="zstd").read_bytes())
    content[60:400] = bytes(340)
    assert "is damaged after row 0 of row group 0" in refused(tmp_path / "x.parquet", bytes(content))


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress), (".zst", zstd)],
)
def test_a_truncated_archive(
    tmp_path: Path, refused: Callable[..., str], suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    content = compress(lines(rows(3000)))
    assert "is damaged or cut short" in refused(tmp_path / f"x.jsonl{suffix}", content[: len(content) // 2])


def test_an_archive_that_is_none(tmp_path: Path, refused: Callable[..., str]) -> None:
    assert "is damaged or cut short" in refused(tmp_path / "x.jsonl.gz", GOOD)


def test_mixed_encodings_name_the_line(tmp_path: Path, refused: Callable[..., str]) -> None:
    latin = '{"messages": "caf\xe9"}\n'.encode("latin-1")
    message = refused(tmp_path / "x.jsonl", GOOD + latin)
    assert "x.jsonl:21: row is not UTF-8" in message
    assert message.count("\n") == 2  # a headline, the line, the remedy


def test_mixed_encodings_in_csv(tmp_path: Path, refused: Callable[..., str]) -> None:
    content = b"prompt,completion\nWhy?,Because.\ncaf\xe9,x\n"
    assert "x.csv:3: row is not UTF-8" in refused(tmp_path / "x.csv", content)


def test_a_row_of_100_megabytes_is_not_read_into_memory(tmp_path: Path, refused: Callable[..., str]) -> None:
    path = tmp_path / "x.jsonl"
    with path.open("wb") as file:
        file.write(GOOD + b'{"messages": "')
        file.truncate(len(GOOD) + 100 * 2**20)  # zeros, without taking the space
        file.seek(0, os.SEEK_END)
        file.write(b'"}\n{"text": 1}\n')
    message = refused(path)
    assert "x.jsonl:21: row must be at most 32 MB as JSON, is longer" in message
    assert "x.jsonl:22: messages is missing" in message


def test_a_row_that_is_too_large_in_parquet(tmp_path: Path, refused: Callable[..., str]) -> None:
    large = {"messages": [MESSAGES[0], {"content": "x" * (9 * 2**20), "role": "assistant"}]}
    path = parquet(tmp_path / "x.parquet", [*rows(3), large])
    assert "x.parquet, row 4: messages must be at most 8 MB of text, are 9.0 MB" in refused(path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"messages": None}, "messages is missing"),
        ({"messages": [None]}, "messages[0] must be an object with role and content, is null"),
        ({"messages": [{"role": None, "content": None}]}, "messages[0].role is missing"),
        ({"messages": [[[None]]]}, "messages[0] must be an object with role and content, is a list"),
        ({"messages": [{**MESSAGES[0], "role": "narrator"}, MESSAGES[1]]}, "messages[0].role must be one of"),
        ({"messages": MESSAGES[::-1]}, "messages[0].role must be user here, is assistant"),
        ({"messages": MESSAGES * 501}, "messages must be at most 1000 messages, are 1002"),
        ({"messages": [{**MESSAGES[0], "content": "a\x00b"}, MESSAGES[1]]}, "has NUL at character 2"),
        ({"messages": [{**MESSAGES[0], "content": "a\x85"}, MESSAGES[1]]}, "has U+0085 at character 2"),
    ],
)
def test_nested_nulls_roles_and_control_characters(
    tmp_path: Path, refused: Callable[..., str], row: dict[str, Any], message: str
) -> None:
    assert f"x.jsonl:21: {message}" in refused(tmp_path / "x.jsonl", GOOD + lines([row])).replace(
        "messages[0].content must hold no control characters, ", ""
    )


def test_an_empty_file(tmp_path: Path, refused: Callable[..., str]) -> None:
    assert "is empty: at least two rows" in refused(tmp_path / "x.parquet", b"")


def test_one_row(tmp_path: Path, refused: Callable[..., str]) -> None:
    message = refused(tmp_path / "x.jsonl", lines(rows(1)))
    assert "leaves no test row: " in message
    assert "use more rows with different questions" in message


def test_all_rows_bad_under_skip(tmp_path: Path, refused: Callable[..., str]) -> None:
    message = refused(tmp_path / "x.jsonl", lines([{"text": 1}] * 30), bad_rows="skip")
    assert "30 of 30 rows cannot be used, and at most 0 may be rejected (maxRejected: 1%)" in message
    assert message.count("messages is missing") == 1
    assert "; 29 more like it (:2, :3, …): name the columns" in message
    message = refused(tmp_path / "x.jsonl", lines([{"text": 1}] * 30), bad_rows="skip", max_rejected="100%")
    assert "leaves no test row: " in message


def test_a_share_that_yields_no_test_row(tmp_path: Path, refused: Callable[..., str]) -> None:
    message = refused(tmp_path / "x.jsonl", lines(rows(40)), rows="0.001%")
    assert "leaves no test row: " in message
    assert "of which 0.001% were asked for" in message


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.skipif(os.name != "posix", reason="only POSIX has such a limit")
def test_a_disk_that_takes_no_more(
    tmp_path: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    import resource

    pieces = readers.pieces
    monkeypatch.setattr("data_prep.run.opening.pieces", lambda file: pieces(file, 2**20))
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines([*rows(30_000)]))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The system's own refusal, in the middle of a file; of a full disk only the reason reads otherwise.
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))
    try:
        message = refused(path, processes=processes)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert message == f"{tmp_path / 'out'}: File too large; nothing was written, earlier files are as they were"


def test_a_source_that_cannot_be_read_again(
    tmp_path: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> str:
        raise OSError(errno.EIO, "Input/output error", str(tmp_path / "x.jsonl"))

    # The digest is taken beside everything else, and asked for when the rows have been written.
    monkeypatch.setattr("data_prep.card.digests.digest_of", gone)
    assert "x.jsonl: Input/output error; nothing was written" in refused(tmp_path / "x.jsonl", GOOD, seed=1)


def test_no_permission(tmp_path: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(**_: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "out"))

    # Not by chmod: the tests may run as root, who may do everything.
    monkeypatch.setattr(scratch.tempfile, "mkdtemp", forbidden)
    assert "out: Permission denied; nothing was written" in refused(tmp_path / "x.jsonl", GOOD, seed=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": "many"}, "the rows to take must be a whole number or a share like 5%, is 'many'"),
        ({"rows": "0"}, "the rows to take must be"),
        ({"rows": "101%"}, "the rows to take must be"),
        ({"bad_rows": "ignore"}, "the policy for bad rows must be one of refuse, skip, repair, is 'ignore'"),
        ({"repairs": ("magic",)}, "there is no repair magic: they are role-names"),
        ({"shape": "vicuna"}, "the shape must be one of auto, messages, sharegpt, alpaca, pair"),
        ({"duplicates": "all"}, "the treatment of duplicates must be one of report, near, drop"),
        ({"tokenizer": "nosuch/tokenizer.json"}, "there is no tokenizer file nosuch/tokenizer.json"),
    ],
)
def test_settings_that_cannot_be(
    tmp_path: Path, refused: Callable[..., str], options: dict[str, Any], message: str
) -> None:
    assert message in refused(tmp_path / "good.jsonl", **{"seed": 1, **options})


class FakeHub:
    """Answers for the hub inside the real client."""

    def __init__(self, status: int, headers: dict[str, str], body: str) -> None:
        self.answer = (status, headers, body)

    def __call__(self, request: Any) -> Any:
        import httpx

        status, headers, body = self.answer
        if not status:
            raise httpx.ConnectError("Connection refused")
        return httpx.Response(status, headers=headers, text=body, request=request)


@pytest.mark.parametrize(
    ("status", "headers", "message"),
    [
        (0, {}, "Connection refused. It needs HTTPS to"),
        (429, {}, "asks to slow down (429)"),
        (401, {"X-Error-Code": "RepoNotFound"}, "or it is private or gated: check its name"),
        (403, {"X-Error-Code": "GatedRepo"}, "accept its terms there and set HF_TOKEN"),
        (500, {}, "from the Hugging Face hub: "),
    ],
)
def test_a_hub_that_does_not_answer_as_hoped(
    tmp_path: Path,
    refused: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    headers: dict[str, str],
    message: str,
) -> None:
    import httpx
    import huggingface_hub
    from huggingface_hub.utils import _http

    monkeypatch.setattr(_http.time, "sleep", lambda _: None)
    transport = httpx.MockTransport(FakeHub(status, headers, "no"))
    huggingface_hub.set_client_factory(lambda: httpx.Client(transport=transport))
    try:
        text = refused(Path("someone/chats"))
    finally:
        huggingface_hub.set_client_factory(lambda: httpx.Client())
    assert message in text
    assert "set data.source to `sample`" in text
