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
from policy import document
from settings.commandline import parse

ROOT = Path(__file__).resolve().parent.parent
MADE: dict[Path, Callable[[], str]] = {
    programs.PAGE: programs.page,
    project.FILE: project.text,
    page.PAGE: page.page,
    schema.FILE: schema.text,
    document.PAGE: document.page,
    ROOT / coverage.PAGE: coverage.page,
    ROOT / "docs" / "failures.md": causes.page,
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
    # Pulumi.yaml first: no stack's settings are loaded beside defaults that are not the program's.
    first = {project.FILE: MADE[project.FILE]}
    stale = _renewed({path: make() for path, make in first.items()}, chosen.check)
    stale |= _renewed({path: make() for path, make in MADE.items() if path not in first}, chosen.check)
    local = program("local")
    stale |= _renewed({path: draw(local) for path, draw in DRAWN.items()}, chosen.check)
    return int(stale and chosen.check)


def _renewed(made: dict[Path, str], check: bool) -> bool:
    """Whether any page is not what it should be; what is not is said, and written unless it is a check."""
    stale = [(path, text) for path, text in made.items() if _read(path) != text]
    for path, text in stale:
        print(f"{path.relative_to(ROOT)} {'is out of date: make diagram' if check else 'written'}")
        if not check:
            path.write_text(text, encoding="utf-8")
    return bool(stale)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
