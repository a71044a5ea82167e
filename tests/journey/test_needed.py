"""Every role the program declares, and the quota it counts on, is needed: without one of them `pulumi up` fails."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
import yaml

from emulator.machine import lifecycle
from tests.journey.stack import Checkout

pytestmark = pytest.mark.journey

FAMILY = "StandardNCADSA100v4Family"
numbers = itertools.count(91)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """The local stack after a fine-tune of one epoch.

    Contributor is kept to the workspace: on the whole group it includes pulling from the registry.
    """
    checkout = Checkout.make(tmp_path_factory.mktemp("needed") / "checkout")
    change(checkout, "recipe", num_train_epochs=1)
    change(checkout, "evaluation", minimumScore=0)  # so little training teaches nothing
    change(checkout, "identity", contributorScope="workspace")
    change(checkout, "serving", compareWithBase=False)
    assert checkout.python("-m", "data_prep", "--stack", "local").returncode == 0
    assert checkout.emulated("pulumi", "stack", "init", "local").returncode == 0
    done = checkout.up()
    assert done.returncode == 0, done.stdout + done.stderr
    yield checkout
    lifecycle.stop(checkout.home)


def change(checkout: Checkout, section: str, **values: object) -> None:
    path = checkout.root / "Pulumi.local.yaml"
    stack = yaml.safe_load(path.read_text())
    stack["config"].setdefault(f"finetune-phi:{section}", {}).update(values)
    path.write_text(yaml.safe_dump(stack))


@pytest.mark.parametrize(
    ("role", "asks", "refusal"),
    [
        ("STORAGE_BLOB_DATA_READER", "serving", "Storage Blob Data Reader"),
        ("ACR_PULL", "serving", "does not have pull permission"),
        ("CONTRIBUTOR", "recipe", "does not have the role Contributor"),
    ],
)
def test_without_a_role_it_fails(deployed: Checkout, role: str, asks: str, refusal: str) -> None:
    roles = deployed.root / "infra" / "role_assignments.py"
    program = roles.read_text()
    (line,) = [line for line in program.splitlines() if line.startswith(f"            Role.{role}: ")]
    roles.write_text(program.replace(f"{line}\n", "", 1))
    try:
        # The role goes at the end of the update that no longer declares it ...
        assert deployed.up().returncode == 0
        # ... and then something is to be done for which it is needed: a new deployment, or a new job.
        value = next(numbers)
        change(deployed, asks, **({"seed": value} if asks == "recipe" else {"requestTimeoutSeconds": value}))
        done = deployed.up()
    finally:
        roles.write_text(program)
    assert done.returncode != 0, done.stdout
    assert refusal in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_with_all_roles_it_goes_on(deployed: Checkout) -> None:
    done = deployed.up()
    assert done.returncode == 0, done.stdout + done.stderr
    (deployment,) = deployed.status()["deployments"]
    assert deployment["traffic"] == 100


def test_without_quota_it_is_refused_before_anything_happens(deployed: Checkout) -> None:
    assert deployed.python("-m", "emulator", "quota", FAMILY, "24").returncode == 0
    change(deployed, "serving", instances=2)
    done = deployed.up()
    assert done.returncode != 0
    assert "quota" in (done.stdout + done.stderr).lower()
    (deployment,) = deployed.status()["deployments"]
    assert deployment["instances"].startswith("1 x")
    assert deployed.python("-m", "emulator", "quota", FAMILY, "120").returncode == 0
