"""`make mutate`: it finds what a test would notice and what none would, and leaves the files alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.mutate import concern
from tests.mutate.__main__ import difference, report
from tests.mutate.places import Text
from tests.mutate.trial import ROOT, Copy

PRODUCT = '''"""A shop."""

from __future__ import annotations

LIMIT = 10


def dear(price: int | None = 1) -> bool:
    """Says so."""
    return price > LIMIT
'''
TEST = """from shop.price import dear


def test_dear():
    assert dear(100) and not dear(5)
"""

OF_A_TABLE = """from shop.price import LIMIT


def test_limit():
    assert LIMIT == 10
"""


def test_the_places_of_a_text() -> None:
    text = Text(PRODUCT)
    found = {(place.line, place.operator, place.in_function) for place in text.places}
    assert found == {
        (5, "operator_number", False),
        (8, "operator_number", False),
        (10, "operator_swap_op", True),
    }
    compared = next(place for place in text.places if place.line == 10)
    assert difference(PRODUCT, text.changed(compared, 0)) == "return price > LIMIT → return price >= LIMIT"


@pytest.mark.parametrize(
    "line",
    [
        "x: Literal['a'] = y",
        "from a import b",
        "raise_('a sentence for people')",
        "Check = Callable[[int], 'str']",
        "@dataclass(frozen=True)\nclass X:\n    pass",
        "if TYPE_CHECKING:\n    x = 1",
    ],
)
def test_what_no_test_could_notice_is_left_out(line: str) -> None:
    assert [place for place in Text(line).places if place.operator != "operator_arg_removal"] == []


@pytest.mark.parametrize(
    ("line", "never"),
    [
        ("print(a, flush=True)", ["flush=False", "print(a)", "flush=None"]),
        ("zip(a, b, strict=True)", ["strict=False", "zip(a, b)", "strict=None"]),
        ("a.split('/', 1)[0]", ["'/', 2"]),
        ("a.rsplit('/', 1)[-1]", ["'/', 2"]),
    ],
)
def test_what_changes_nothing_is_no_place(line: str, never: list[str]) -> None:
    text = Text(line)
    changed = [text.changed(place, number) for place in text.places for number in range(place.changes)]
    assert changed and not [each for each in changed if any(part in each for part in never)]


def test_a_change_that_no_test_notices_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = tmp_path / "tree"
    files = {"shop/price.py": PRODUCT, "tests/unit/test_price.py": TEST, "tests/unit/test_limit.py": OF_A_TABLE}
    for name, text in (*files.items(), ("tests/program/keep", "")):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    (tree / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n')
    (tree / ".gitignore").write_text("/.venv\n")
    (tree / ".venv").symlink_to(ROOT / ".venv")
    subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)
    copy = Copy(tmp_path, of=tree)
    concerned = concern.recorded(copy, ["shop"], tmp_path / "kept")
    report(tree, [copy], concerned, ["shop"], seed=3, number=1)
    survivor = "shop/price.py:10 return price > LIMIT → return price >= LIMIT"
    assert capsys.readouterr().out.splitlines() == [
        "recording which test runs which line, once for this state of the files",
        f"SURVIVED {survivor}   (1 tests run it)",
        "",
        "shop         0 of   1",
        "0 of 1 noticed (0 %), 0 of them by made pages alone",
        "0 are run by no test of tests/unit and tests/program; not noticed:",
        survivor,
    ]
    by = copy.noticed(
        "shop/price.py", PRODUCT.replace("price >", "price <"), ["tests/unit/test_price.py::test_dear"], 60
    )
    assert by == "tests/unit/test_price.py::test_dear"
    assert (tree / "shop/price.py").read_text() == (copy.root / "shop/price.py").read_text() == PRODUCT
    at = {place.line: concerned.of("shop/price.py", place) for place in Text(PRODUCT).places}
    assert at[10] == ["tests/unit/test_price.py::test_dear"]
    assert at[5] == ["tests/unit/test_limit.py", "tests/unit/test_price.py"]
    other = PRODUCT.replace("LIMIT = 10", "LIMIT = 11")
    assert copy.noticed("shop/price.py", other, at[5], 60) == "tests/unit/test_limit.py::test_limit"
