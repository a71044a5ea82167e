"""A group of somebody else's, in which whoever runs the program may do everything but grant roles; and nothing else.

An update without the roles ends with what is missing; granted, the next goes on from there, and a destroy leaves the
group as it was.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml

from emulator.access import rbac
from emulator.front import admin
from emulator.machine import lifecycle
from emulator.machine.home import CLIENT_OBJECT_ID, SUBSCRIPTION_ID
from tests.journey.by_hand import as_request, asked, assignments, change
from tests.journey.stack import Checkout

pytestmark = pytest.mark.journey

GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-team"
PLACE = {"location": "eastus2", "tags": {"owner": "platform"}}


@contextmanager
def contributor(checkout: Checkout) -> Iterator[None]:
    """Contributor on the group alone, until the block ends; then the subscription's owner again."""
    only = {"principal": CLIENT_OBJECT_ID, "role": "Contributor", "scope": GROUP}
    admin.call(checkout.home, "POST", rbac.ROLES, [only])
    try:
        yield
    finally:
        admin.call(checkout.home, "DELETE", rbac.ROLES)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    checkout = Checkout.make(tmp_path_factory.mktemp("group") / "checkout")
    change(checkout, "recipe", num_train_epochs=1)
    change(checkout, "evaluation", minimumScore=0)  # so little training teaches nothing
    change(checkout, "serving", compareWithBase=False)
    change(checkout, "identity", assignRoles=False)
    change(checkout, "existing", group=GROUP)
    file = checkout.root / "Pulumi.local.yaml"
    settings = yaml.safe_load(file.read_text())
    # Purging is a right in the subscription, not in the group.
    settings["config"]["finetune-phi:purgeOnDestroy"] = False
    file.write_text(yaml.safe_dump(settings))
    assert checkout.python("-m", "data_prep", "--stack", "local").returncode == 0
    assert checkout.emulated("pulumi", "stack", "init", "local").returncode == 0
    asked(checkout, (GROUP, "2024-03-01", PLACE))
    yield checkout
    lifecycle.stop(checkout.home)


def test_contributor_of_one_group_is_enough(checkout: Checkout) -> None:
    before = asked(checkout, (GROUP, "2024-03-01", None))
    with contributor(checkout):
        looked = checkout.emulated(sys.executable, "-m", "jobs", "preflight", "--stack", "local")
        assert looked.returncode == 0, looked.stdout
        assert "you may create resources in resource group rg-team" in " ".join(looked.stdout.split()), looked.stdout
        refused = checkout.up()
    said = refused.stdout + refused.stderr
    assert refused.returncode != 0 and "roles are missing that others grant" in said, said
    # What only a reader of the subscription sees is told as not checked; nothing else was refused.
    assert "preflight: quota: not checked: AuthorizationFailed" in said and "Traceback" not in said, said
    refusals = [line for line in said.splitlines() if "AuthorizationFailed" in line and "not checked" not in line]
    assert refusals == []
    lines = sorted(set(re.findall(r"az role assignment create .*? --scope [^\s;]+", said)))
    assert len(lines) == 4, said
    ours = set(assignments(checkout))

    # Whoever may grants just these, and nothing else.
    asked(checkout, *map(as_request, lines))
    with contributor(checkout):
        done = checkout.up()
        assert done.returncode == 0, done.stdout + done.stderr
        assert checkout.changes() == {"existing-group": "read"}
        answer = checkout.emulated(sys.executable, "-m", "chat", "--stack", "local", "--ask", "Who founded Microsoft?")
        assert answer.returncode == 0 and answer.stdout.strip(), answer.stderr
        done = checkout.emulated("pulumi", "destroy", "--stack", "local", "--yes", "--skip-preview")
        assert done.returncode == 0, done.stdout + done.stderr
    assert asked(checkout, (GROUP, "2024-03-01", None)) == before
    # With what they were granted on went the roles.
    assert set(assignments(checkout)) <= ours
