"""An endpoint with one deployment, and the clock."""

from __future__ import annotations

import pytest
from endpoint_steps import Clock
from jobs_fake import FakeMl, install


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    ml = install(monkeypatch)
    ml.online_endpoints.deployment("m1")
    return ml
