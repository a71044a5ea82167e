"""What is fetched from storage lands where it belongs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.machine.azurite import Azurite


@pytest.fixture
def azurite(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Storage whose every blob holds its own name; the names are the test's."""
    azurite: Any = Azurite.__new__(Azurite)
    azurite.stored = []
    blob = lambda name: SimpleNamespace(readall=name.encode)  # noqa: E731
    monkeypatch.setattr(Azurite, "names", lambda self, *_: self.stored)
    monkeypatch.setattr(Azurite, "container", lambda self, *_: SimpleNamespace(download_blob=blob))
    return azurite


def test_blobs_below_a_prefix_keep_their_folders(azurite: Any, tmp_path: Path) -> None:
    azurite.stored = ["code/a.py", "code/b/c.py", "codex/d.py"]
    azurite.download("st", "c", "code", tmp_path / "there")
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.py")) == ["there/a.py", "there/b/c.py"]


@pytest.mark.parametrize("name", ["code/../planted.py", "code/a/../../planted.py", "code/../there2/planted.py"])
def test_a_blob_that_leads_out_of_the_folder_is_refused(azurite: Any, tmp_path: Path, name: str) -> None:
    azurite.stored = [name]
    with pytest.raises(PermissionError, match="leads out"):
        azurite.download("st", "c", "code", tmp_path / "there")
    assert not list(tmp_path.rglob("planted.py"))
