"""A workspace that is a fake, and what the stage says."""

from __future__ import annotations

import pytest
from jobs_fake import FakeMl, install


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    return install(monkeypatch)


@pytest.fixture
def said() -> list[str]:
    return []
