"""How the tests share the workers."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
LONGEST = (
    "journey/test_chaos.py",
    "journey/test_local_stack.py",
    "journey/test_needed.py",
    "journey/test_elsewhere.py",
    "journey/test_baselines.py",
    "journey/test_estate.py",
    "journey/test_group_only.py",
    "journey/test_adopt.py",
    "journey/test_recipes.py",
    "journey/test_sealed.py",
    "contract/test_releases.py",
    "contract/test_faults.py",
    "contract/test_faults_of_work.py",
)
"""Begun first: a long one that begins last has one worker wait for the other."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest files first; ``--dist loadfile`` keeps a file's tests together and in this order."""

    def turn(item: pytest.Item) -> int:
        file = item.path.relative_to(HERE).as_posix()
        return LONGEST.index(file) if file in LONGEST else len(LONGEST)

    items.sort(key=turn)
