"""What the probes need where the emulator answers: it serves no models but its own."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from emulator.training.base import write_base_model

CLOCK = 1 / 60
"""What takes Azure a minute takes the emulator a second at most."""


def stand_in() -> Path:
    """A folder with the emulator's base model, removed when the process ends."""
    place = Path(tempfile.mkdtemp(prefix="prove-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    write_base_model(place / "model", "Phi-4-mini-instruct", "1", epochs=0)
    return place / "model"
