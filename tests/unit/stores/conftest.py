"""ARM that knows where the registry is."""

from __future__ import annotations

import pytest
from registry_fake import DISCOVERY, WHERE

from tests.unit.arm_fake import ArmFake, install


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    fake = install(monkeypatch)
    fake.get(DISCOVERY, WHERE)
    return fake
