"""The pages people read, taken apart: headings, links, commands. As a forge shows them (CommonMark)."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
SHELLS = ("console", "sh", "bash", "shell")


@dataclass(frozen=True)
class Command:
    """One line that a reader would type, with where it stands."""

    page: str
    line: int
    text: str
    run: bool
    """Whether the page marks it with `<!-- run -->`: a journey runs it and expects it to work."""
    output: tuple[str, ...] = ()
    """The lines that the page shows below it, up to the next command; those with … are not compared."""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Page:
    """A Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tokens(self) -> list[Token]:
        return MarkdownIt("commonmark").enable("table").parse(self.text)

    @cached_property
    def headings(self) -> list[str]:
        """Their texts, without markup."""
        found = []
        for at, token in enumerate(self.tokens):
            if token.type == "heading_open":
                children = self.tokens[at + 1].children or []
                found.append("".join(child.content for child in children if child.type in ("text", "code_inline")))
        return found

    @cached_property
    def anchors(self) -> set[str]:
        """What a link may have behind its #, as forges make it."""
        found: set[str] = set()
        for heading in self.headings:
            slug = anchor(heading)
            number = 0
            while (f"{slug}-{number}" if number else slug) in found:
                number += 1
            found.add(f"{slug}-{number}" if number else slug)
        return found | set(re.findall(r'<a (?:id|name)="([^"]+)"', self.text))

    def links(self) -> Iterator[str]:
        """Targets of links and pictures."""
        for token in self.tokens:
            for child in token.children or ():
                target = child.attrGet("href") or child.attrGet("src")
                if target:
                    yield str(target)

    def commands(self) -> Iterator[Command]:
        """Lines with a prompt in console blocks, all lines of shell blocks; joined where they end in a backslash."""
        marked = False
        for token in self.tokens:
            if token.type == "html_block":
                marked = token.content.strip() == "<!-- run -->"
                continue
            if token.type == "fence" and token.info in SHELLS:
                yield from self._block(token, marked)
            marked = False

    def _block(self, token: Token, marked: bool) -> Iterator[Command]:
        first = token.map[0] + 2 if token.map else 0
        lines = re.sub(r"\\\n\s*", "", token.content).splitlines()
        if token.info != "console":
            yield from (Command(self.name, first, line, marked) for line in lines if line and not line.startswith("#"))
            return
        starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            output = tuple(line for line in lines[start + 1 : end] if line.strip() and "…" not in line)
            yield Command(self.name, first + start, lines[start][2:], marked, output)


def anchor(heading: str) -> str:
    """A heading's anchor: lower case, no punctuation, hyphens for spaces."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@functools.cache
def page_at(path: Path) -> Page:
    """The page, taken apart once."""
    return Page(path)


def pages() -> list[Page]:
    """Every page of the project; recorded reviews are a program's output and left out."""
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return [page_at(path) for path in sorted(paths) if "examples/reviews/" not in str(path) or path.name == "README.md"]


def words(command: str) -> list[str]:
    """A command's words, without a comment behind it."""
    return shlex.split(command, comments=True)
