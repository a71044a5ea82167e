"""Opening plain and compressed files, in bounded memory whatever a file asks for."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

UNPACKING = 128 * 2**20
"""Bytes that unpacking may take: zstd's own limit, set for .xz too. xz -9 takes 65 MB; a file may ask for 4 GB."""

DAMAGED = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)
"""What reading a damaged archive raises; OSError without a number too."""

_CHUNK = 2**16


def opened(path: Path, compression: str | None) -> BinaryIO:
    """A file's content, unpacked while it is read. gzip and bzip2 take little memory for it."""
    if compression == "zstd":
        import pyarrow

        return cast(BinaryIO, io.BufferedReader(pyarrow.input_stream(str(path), compression="zstd")))
    openers: dict[str | None, Callable[..., Any]] = {"gzip": gzip.open, "bz2": bz2.open, "xz": _xz}
    return cast(BinaryIO, openers.get(compression, open)(path, "rb"))


def reason(error: BaseException) -> str:
    """The first line of an error's message."""
    text = str(error).strip().splitlines()
    return text[0].rstrip(".") if text else type(error).__name__


def _xz(path: Path, mode: str) -> BinaryIO:
    return io.BufferedReader(_Xz(cast(IO[bytes], path.open(mode))))


class _Xz(io.RawIOBase):
    """The streams of an .xz file, one after the other; lzma.open knows no limit of memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder: lzma.LZMADecompressor | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        made = self._some(len(view))
        view[: len(made)] = made
        return len(made)

    def _some(self, most: int) -> bytes:
        """At most so many bytes; none at the end. Raises as the standard library's reader does."""
        while True:
            packed = b""
            if self._decoder is None or self._decoder.eof:
                rest = b"" if self._decoder is None else self._decoder.unused_data
                packed = (rest or self._file.read(_CHUNK)).lstrip(b"\0")  # streams may be padded with zeros
                if not packed:
                    return b""
                self._decoder = lzma.LZMADecompressor(memlimit=UNPACKING)
            elif self._decoder.needs_input:
                packed = self._file.read(_CHUNK)
                if not packed:
                    raise EOFError("the file ends before the archive does")
            if made := self._decoder.decompress(packed, most):
                return made

    def close(self) -> None:
        self._file.close()
        super().close()
