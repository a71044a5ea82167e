"""Text of others' on its way to a person: a terminal is not steered by it, a comment or a page not written by it.

Answers of models, logs of jobs, names and tags on Azure, rows of data: whoever wrote them is nobody's colleague.
Everything that a command line prints goes through `guard`; what this program itself draws, in colours or in place, is
drawn on a `console`, which lets its own orders through and takes those out of what it is given to draw.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from rich.console import Console

# What a terminal takes as an order: CSI, OSC, DCS and their kin with all they carry (to the end of the line, where the
# end is missing), the other escapes, then every control character but tab and newline; and what turns the direction of
# writing, by which a text reads otherwise than it is.
_ORDERS = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]|\x9b[0-?]*[ -/]*[@-~]"
    "|(?:\x1b[\\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\\\|\x9c)?"
    "|\x1b[ -/]*[0-~]?"
    "|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_LINE_ENDS = re.compile("\r\n?")
# A run of backticks, what follows up to the next run of the same length on the line, and that: code, which stays.
_CODE = re.compile(r"(?<![`\\])(`{1,3})(?!`)(?:(?!\1)[^\n`]|(?!\1(?!`))`+){1,2000}?\1(?!`)")
# Addresses that this program shows itself, and where nobody else chooses what is there.
_KNOWN = "|".join(
    (
        r"(?:[\w-]+\.)*inference\.ml\.azure\.com",
        r"[\w-]+\.cognitiveservices\.azure\.com",
        r"(?:ml|portal|management)\.azure\.com",
        r"token\.actions\.githubusercontent\.com",
    )
)
_ELSEWHERE = rf":[/]/(?!(?:{_KNOWN})(?![\w.@:-]))"
_SIGNS = rf"[<@]|&(?=[#\w])|!(?=\[)|#(?=\d)|{_ELSEWHERE}|(?<=www)\.|\\(?=`)"
_MARKED = re.compile(_SIGNS, re.IGNORECASE)
_MARKED_LINKS = re.compile(rf"\[|{_SIGNS}", re.IGNORECASE)
_DEFINED = re.compile(r"\[[^\]]*\]:")
_INSTEAD = {
    "[": "&#91;",
    "<": "&lt;",
    "@": "@&#8203;",
    "&": "&amp;",
    "!": "&#33;",
    "#": "#&#8203;",
    "://": ":&#47;&#47;",
    ".": "&#46;",
    "\\": "&#92;",
}


def plain(text: str) -> str:
    """The text without anything by which it would steer a terminal; where it began a line anew, a new line."""
    return _ORDERS.sub("", _LINE_ENDS.sub("\n", text))


def markdown(text: str) -> str:
    """The text on one line of Markdown: no HTML, link, image, mention or reference of its own; code stays code."""
    text = " ".join(plain(text).split())
    parts: list[str] = []
    at = 0
    for code in _CODE.finditer(text):
        parts += (_marked(text[at : code.start()]), code[0])
        at = code.end()
    return "".join((*parts, _marked(text[at:])))


def _marked(text: str) -> str:
    links = "](" in text or "][" in text or _DEFINED.match(text) is not None
    return (_MARKED_LINKS if links else _MARKED).sub(lambda found: _INSTEAD[found[0]], text)


class _Guarded:
    """A stream that takes plain text. A carriage return that begins what is written is a progress bar's own."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        start = "\r" if text.startswith("\r") else ""
        self.stream.write(start + plain(text[len(start) :]))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def guard() -> None:
    """Has this process print plain text from here on."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, _Guarded):
            setattr(sys, name, cast("TextIO", _Guarded(stream)))


def console(*, stderr: bool = False, **options: Any) -> Console:
    """A rich console for output; what it is given to draw is plain text, whoever wrote it."""
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class Drawn(Console):
        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Any:
            for part in super().render(renderable, options):
                yield part if part.control else Segment(plain(part.text), part.style)

    stream = sys.stderr if stderr else sys.stdout
    return Drawn(file=stream.stream if isinstance(stream, _Guarded) else stream, stderr=stderr, **options)
