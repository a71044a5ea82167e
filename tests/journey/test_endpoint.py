"""An endpoint whose creation fails, with the real engine: the next update makes it anew."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from emulator.machine import lifecycle
from emulator.machine.store import Store
from emulator.resources.endpoints import OnlineEndpoint
from tests.journey.stack import Checkout

pytestmark = pytest.mark.journey


def test_an_endpoint_that_never_came_to_life_is_made_anew_by_the_next_update(tmp_path: Path) -> None:
    checkout = Checkout.make(tmp_path / "checkout")
    path = checkout.root / "Pulumi.local.yaml"
    stack = yaml.safe_load(path.read_text())
    few = {"recipe": {"num_train_epochs": 1}, "evaluation": {"minimumScore": 0}, "serving": {"compareWithBase": False}}
    for section, values in few.items():
        stack["config"].setdefault(f"finetune-phi:{section}", {}).update(values)
    path.write_text(yaml.safe_dump(stack))
    try:
        assert checkout.python("-m", "data_prep", "--stack", "local").returncode == 0
        assert checkout.emulated("pulumi", "stack", "init", "local").returncode == 0
        rule = ("operation-fails", "--method", "PUT", "--path", "*/onlineEndpoints/*", "--count", "1")
        assert checkout.emulated(sys.executable, "-m", "emulator", "faults", "add", *rule).returncode == 0

        failed = checkout.emulated("pulumi", "up", "--stack", "local", "--yes", "--skip-preview")
        assert failed.returncode != 0
        (endpoint,) = Store(checkout.home.database).of_type(OnlineEndpoint.type)
        assert endpoint.properties["provisioningState"] == "Failed"

        done = checkout.emulated("pulumi", "up", "--stack", "local", "--yes", "--skip-preview")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "has failed and holds no deployment: it is deleted and made anew" in done.stdout
        (anew,) = Store(checkout.home.database).of_type(OnlineEndpoint.type)
        assert anew.properties["provisioningState"] == "Succeeded"
        assert list(anew.properties["traffic"].values()) == [100]
        assert checkout.changes() == {}
    finally:
        lifecycle.stop(checkout.home)
