"""Pages and pictures that are made from the code are as the code is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from documentation.__main__ import MADE, ROOT


# The coverage page takes seconds to make and has a test of its own.
@pytest.mark.parametrize(
    "path", [path for path in MADE if path.name != "emulator-coverage.md"], ids=lambda path: str(path.name)
)
def test_it_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == MADE[path](), "run: make diagram"


def test_pre_commit_runs_what_lint_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    (recipe,) = re.findall(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    programs = re.findall(r"^\t@?(\S+)", recipe, re.MULTILINE)
    assert [hook["entry"].split()[0] for hook in hooks] == programs
