"""What the local stack asks for, in a group of its own, and the emulator's settings for the length of a test."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from cloud import credentials
from cloud.place import described
from emulator.front import admin
from emulator.machine.home import Home
from emulator.subscription import quota
from jobs import specs
from jobs.preflight.spec import PreflightSpec
from settings.naming import Names
from tests.contract.arm import Arm
from tests.contract.preflight.finding import A100, GROUP, SCOPE, Setting


@pytest.fixture(scope="package")
def local(home: Home) -> tuple[PreflightSpec, Names]:
    """What the local stack asks for, in a group of its own."""
    del home
    credentials.credential.cache_clear()
    spec, place = specs.preflight_of("local"), described("local")[1]
    return dataclasses.replace(spec, resource_group=GROUP), place.names


@pytest.fixture
def spec(local: tuple[PreflightSpec, Names]) -> PreflightSpec:
    return local[0]


@pytest.fixture(autouse=True)
def room(home: Home) -> Iterator[None]:
    """Quota for what other tests have deployed in the same subscription."""
    admin.call(home, "POST", quota.LIMITS, {f"{A100}@eastus2": 1_000})
    yield
    admin.call(home, "DELETE", quota.LIMITS)


@pytest.fixture
def setting(home: Home) -> Iterator[Setting]:
    """Sets one of the emulator's settings for the length of a test."""
    changed: list[str] = []

    def change(name: str, value: Any) -> None:
        changed.append(name)
        admin.call(home, "POST", name, value)

    yield change
    for name in changed:
        admin.call(home, "DELETE", name)


@pytest.fixture
def group(arm: Arm) -> str:
    arm.put(f"{SCOPE}/resourceGroups/{GROUP}", "2024-03-01", {"location": "eastus2"})
    return f"{SCOPE}/resourceGroups/{GROUP}/providers"
