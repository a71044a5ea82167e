"""Text in UTF-16 or UTF-32 as UTF-8, while it is read."""

from __future__ import annotations

import codecs
import io
from typing import Any, BinaryIO, cast

from data_prep.errors import DataError

_CHUNK = 2**16


def recoded(file: BinaryIO, encoding: str) -> BinaryIO:
    """``file`` in UTF-8. Raises :class:`DataError`, when read, where it is not what it says."""
    return file if encoding == "utf-8" else cast(BinaryIO, io.BufferedReader(_Recoded(file, encoding)))


class _Recoded(io.RawIOBase):
    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file, self._encoding = file, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="surrogatepass")
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        while not self._ready:
            packed = self._file.read(_CHUNK)
            try:
                text = self._decoder.decode(packed, final=not packed)
            except UnicodeDecodeError as error:
                raise DataError(f"the file is not the {self._encoding.upper()} it begins as: {error.reason}") from error
            self._ready = text.encode("utf-8", errors="surrogatepass")
            if not packed:
                break
        made = self._ready[: len(view)]
        view[: len(made)] = made
        self._ready = self._ready[len(made) :]
        return len(made)
