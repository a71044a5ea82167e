"""How the tests share the workers, and what their processes need not do."""

from __future__ import annotations

import gc
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
    "contract/releases/test_answers.py",
    "contract/releases/test_load.py",
    "contract/releases/test_states.py",
    "contract/test_faults.py",
    "contract/test_faults_of_work.py",
)
"""Begun first: a long one that begins last has one worker wait for the other."""


# With some thousand tests and Azure's clients in memory, looking for garbage is a third of all work: Python looks after
# each 700 new objects, at all there are again and again. So it looks less often, and never at what is imported.
gc.set_threshold(50_000, 20, 50)


def pytest_collection_finish() -> None:
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest files first; ``--dist loadfile`` keeps a file's tests together and in this order."""

    def turn(item: pytest.Item) -> int:
        file = item.path.relative_to(HERE).as_posix()
        return LONGEST.index(file) if file in LONGEST else len(LONGEST)

    items.sort(key=turn)
