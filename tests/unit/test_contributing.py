"""CONTRIBUTING's table of where a change goes names what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ROWS = [line for line in TEXT.partition("| to …")[2].partition("\n\n")[0].splitlines()[2:] if line.startswith("|")]
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|__main__\.py|Pulumi\.yaml)`")
NAME = re.compile(r"`(\w+)` in `([\w/]+\.py)`")


def what(row: str) -> str:
    return row.split("|")[1].strip()


def test_it_opens_with_the_table() -> None:
    assert TEXT.index("| to …") < TEXT.index("## ", TEXT.index("| to …"))
    assert TEXT.index("## ") == TEXT.index("## Where a change goes")
    assert len(ROWS) >= 14


@pytest.mark.parametrize("row", ROWS, ids=what)
def test_what_a_row_names_is_there(row: str) -> None:
    paths = PATH.findall(row)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []
    for name, path in NAME.findall(row):
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^{name}\b[^\n]*=", source, re.MULTILINE), f"{path} has no {name}"
