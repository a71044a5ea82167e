"""A stack whose models are asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from evaluation_made import finetune, said, stack
from status_azure import azure

__all__ = ["azure", "finetune", "said", "stack"]


@pytest.fixture(autouse=True)
def no_data_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of their own: a checkout whose stack was up has training data, and these tests say what there is."""
    monkeypatch.chdir(tmp_path)
