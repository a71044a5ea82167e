"""In which code page a text file is."""

from __future__ import annotations

import codecs
from pathlib import Path

from data_prep.errors import DataError

_MARKS = (
    *((b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32")),
    *((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")),
)
_PAGES = ("windows-1252", "windows-1251", "mac-roman")
_LINES = 2  # with bytes that are no UTF-8, from which a file is taken for one in another code page


def encoding_of(head: bytes) -> str:
    """By its mark, or by where the zeros of its first characters are (RFC 4627, 3); else UTF-8."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if len(head) >= 4 and head[0] and not head[1] and head[2] and not head[3]:
        return "utf-16-le"
    if len(head) >= 4 and not head[0] and head[1] and not head[2] and head[3]:
        return "utf-16-be"
    return "utf-8"


def decoded(head: bytes, encoding: str) -> bytes:
    """The beginning of a file in UTF-8."""
    return head[: len(head) // 4 * 4].decode(encoding, errors="ignore").encode(errors="ignore")


def refuse_other(path: Path, head: bytes) -> None:
    """Raise :class:`DataError` for a file in another code page than UTF-8.

    Which one it is nobody can know from its bytes, and a wrong one would change the texts. Single lines that are no
    UTF-8, or some beside others that are, are told row by row.
    """
    if _is_utf8(head):
        return
    lines = [line for line in head.split(b"\n")[:-1] if not line.isascii()]
    if len(lines) < _LINES or any(_is_utf8(line) for line in lines):
        return
    number = head[: head.index(lines[0])].count(b"\n") + 1
    read = [f"{page}: {shown}" for page in _PAGES if (shown := _shown(lines[0], page))]
    raise DataError(
        f"{path} is not UTF-8 (line {number}), and its bytes do not say in which code page it is. {'; '.join(read)}. "
        f"Save it as UTF-8, for example: iconv -f {_PAGES[0].upper()} -t UTF-8 {path.name} > utf8-{path.name}"
    )


def _is_utf8(text: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(text)  # the end may be within a character
    except UnicodeDecodeError:
        return False
    return True


def _shown(line: bytes, page: str) -> str:
    """What stands around the first character beyond ASCII; empty where the code page has no such byte."""
    try:
        text = line.decode(page).strip()
    except UnicodeDecodeError:
        return ""
    at = next((at for at, sign in enumerate(text) if ord(sign) > 127), 0)
    return f"“{text[max(0, at - 15) : at + 25]}”"
