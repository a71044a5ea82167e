"""`python -m documentation` writes the pages and draws the pictures that are made from the code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from documentation import pictures, programs
from documentation.graph import fingerprinted, parts
from documentation.program import Program, program
from documentation.settings import page, project, schema
from emulator import coverage
from jobs.training.failures import causes
from policy import crosswalk, document
from settings.commandline import parse
from settings.estate import outputs

ROOT = Path(__file__).resolve().parent.parent
MADE: dict[Path, Callable[[], str]] = {
    project.FILE: project.text,  # first: the others read stacks, whose defaults are its
    programs.PAGE: programs.page,
    page.PAGE: page.page,
    schema.FILE: schema.text,
    document.PAGE: document.page,
    crosswalk.PAGE: crosswalk.page,
    ROOT / coverage.PAGE: coverage.page,
    ROOT / "docs" / "failures.md": causes.page,
    ROOT / "docs" / "outputs.md": outputs.page,
}
"""Page → what it should hold."""
DRAWN: dict[Path, Callable[[Program], str]] = {
    ROOT / "docs" / "architecture.svg": lambda program: pictures.draw(
        parts(program), "What the program registers, each below what it waits for"
    ),
    ROOT / "docs" / "stages.svg": lambda program: pictures.draw(
        fingerprinted(program), "The stages, and what each is compared by", width_of_card=620
    ),
}
"""Picture → what it should hold, drawn from what the stack `local` registers."""


def main(arguments: list[str] | None = None) -> int:
    """Writes what is not current and says so; with --check it only says so, and returns 1."""
    parser = argparse.ArgumentParser(prog="python -m documentation", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is out of date")
    chosen = parse(parser, arguments)
    stale = False
    for path, make in MADE.items():
        stale |= _written(path, make(), check=chosen.check)
        if stale and chosen.check and path == project.FILE:
            return 1  # no stack can be read on defaults that Pulumi.yaml does not have yet
    local = program("local")
    for path, draw in DRAWN.items():
        stale |= _written(path, draw(local), check=chosen.check)
    return int(stale and chosen.check)


def _written(path: Path, text: str, *, check: bool) -> bool:
    """Whether the page is not what it should be; where it is not a ``check``, it is then."""
    stale = _read(path) != text
    if stale:
        print(f"{path.relative_to(ROOT)} {'is out of date: make diagram' if check else 'written'}")
        if not check:
            path.write_text(text, encoding="utf-8")
    return stale


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
