"""A workspace for the stages, for each file of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.machine.home import Home
from tests.contract.arm import Arm
from tests.contract.stages import Place


@pytest.fixture(scope="module")
def place(arm: Arm, home: Home, train_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("states")
    # Another name for each file: jobs of the former one are still there.
    place = Place(arm, home, train_file, folder, folder.name)
    place.hold()
    yield place
    place.release()
