"""Pages and pictures that are made from the code are as the code is."""

from __future__ import annotations

from pathlib import Path

import pytest

from documentation.__main__ import MADE


@pytest.mark.parametrize("path", MADE, ids=lambda path: str(path.name))
def test_it_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == MADE[path](), "run: make diagram"
