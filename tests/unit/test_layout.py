"""The layout stays readable: few modules a folder, short files, and a product that outweighs its emulator."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("settings", "cloud", "chat", "flow", "data_prep", "jobs", "infra", "policy", "review")
AROUND = ("toolchain", "documentation")
SOURCE = (*PRODUCT, *AROUND, "emulator")
MOST_MODULES = 15
"""In one folder, its sub-packages and what says what is in it (`__init__`) aside."""
MOST_LINES = 300


def modules(package: str) -> list[Path]:
    return sorted(path for path in (ROOT / package).rglob("*.py") if "__pycache__" not in path.parts)


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("package", SOURCE)
def test_no_folder_has_more_modules_than_one_looks_through(package: str) -> None:
    folders: dict[Path, int] = {}
    for path in modules(package):
        folders[path.parent] = folders.get(path.parent, 0) + (path.name != "__init__.py")
    assert {str(folder.relative_to(ROOT)): held for folder, held in folders.items() if held > MOST_MODULES} == {}


@pytest.mark.parametrize("package", SOURCE)
def test_no_file_is_long(package: str) -> None:
    assert {str(path.relative_to(ROOT)): lines(path) for path in modules(package) if lines(path) > MOST_LINES} == {}


def test_the_product_outweighs_the_emulator() -> None:
    product = sum(lines(path) for package in (*PRODUCT, *AROUND) for path in modules(package))
    assert product >= 1.5 * sum(lines(path) for path in modules("emulator"))
