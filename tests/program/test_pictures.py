"""The pictures in docs/ show the program as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from documentation.__main__ import DRAWN
from documentation.graph import Part, parts
from documentation.pictures import draw
from tests.program.conftest import Run


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: str(path.name))
def test_a_picture_is_current(path: Path, run: Run) -> None:
    assert path.read_text(encoding="utf-8") == DRAWN[path](run("local")), "run: make diagram"


def test_every_resource_is_in_one_part_and_the_stages_are_parts(run: Run) -> None:
    program = run("local")
    found = parts(program)
    assert sum(len(part.holds) for part in found) == len(program.resources)
    assert {part.name for part in found if part.stage} >= {"preflight", "dataset", "finetune", "release"}
    needs = {part.name: part.needs for part in found}
    assert needs["foundation"] == {"preflight"}
    assert needs["finetune"] == {"dataset", "roles"}, "what these need in turn is left out"


def test_an_arrow_that_passes_a_row_has_a_place_in_it() -> None:
    picture = draw([_part("a"), _part("b", "a"), _part("c", "a", "b")], "test")
    assert picture.count("<path d=") == 1 + 4, "the arrow's head, a to b, b to c, and a to c in two pieces"


def test_parts_that_need_each_other_cannot_be_drawn(run: Run) -> None:
    with pytest.raises(KeyError):
        draw([_part("a", "b"), _part("b", "a")], "test")


def _part(name: str, *needs: str) -> Part:
    return Part(name, f"infra/{name}.py", (name,), frozenset(needs))
