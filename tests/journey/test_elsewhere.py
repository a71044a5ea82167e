"""What others do to a stack's resources: Azure itself, a policy, a hand, a plugin with another default version."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from emulator.front import admin
from emulator.machine import lifecycle
from emulator.machine.store import Store
from emulator.resources.endpoints import OnlineEndpoint
from emulator.resources.filled import POLICY_TAGS
from emulator.resources.workspaces import Connection, Workspace
from tests.journey.stack import Checkout

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """The local stack in a managed network, as others may change it, after a fine-tune of one epoch."""
    checkout = Checkout.make(tmp_path_factory.mktemp("elsewhere") / "checkout")
    change(checkout, "recipe", num_train_epochs=1)
    change(checkout, "evaluation", minimumScore=0)  # so little training teaches nothing
    change(checkout, "serving", compareWithBase=False)
    change(checkout, "network", "managed")
    change(checkout, "tagsFromElsewhere", ["costCenter"])
    assert checkout.python("-m", "data_prep", "--stack", "local").returncode == 0
    assert checkout.emulated("pulumi", "stack", "init", "local").returncode == 0
    done = checkout.up()
    assert done.returncode == 0, done.stdout + done.stderr
    yield checkout
    lifecycle.stop(checkout.home)


def change(checkout: Checkout, section: str, value: Any = None, **values: object) -> None:
    path = checkout.root / "Pulumi.local.yaml"
    stack = yaml.safe_load(path.read_text())
    key = f"finetune-phi:{section}"
    stack["config"][key] = {**stack["config"].get(key, {}), **values} if values else value
    path.write_text(yaml.safe_dump(stack))


def drift(checkout: Checkout) -> tuple[int, list[str]]:
    code, report, _ = checkout.review("--refresh", "--fail-on", "drift=any,policy=mandatory")
    return code, [f"{one['resource']} {one['path']}" for one in report["drift"]]


def traffic(checkout: Checkout) -> Any:
    (endpoint,) = Store(checkout.home.database).of_type(OnlineEndpoint.type)
    return endpoint.properties["traffic"]


def test_what_azure_writes_and_a_policy_tags_is_no_drift(deployed: Checkout) -> None:
    admin.call(deployed.home, "POST", POLICY_TAGS, {"costCenter": "research"})
    store = Store(deployed.home.database)
    (hub,) = (each for each in store.of_type(Workspace.type) if each.body["kind"] == "Hub")
    assert "associatedWorkspaces" not in hub.body["properties"], "it is in what a GET shows alone"
    assert drift(deployed) == (0, [])
    assert deployed.changes() == {}


def test_a_tag_that_nobody_has_named_is_drift(deployed: Checkout) -> None:
    admin.call(deployed.home, "POST", POLICY_TAGS, {"costCenter": "research", "touchedBy": "somebody"})
    code, told = drift(deployed)
    assert code == 1 and told
    assert all("tags" in each and "costCenter" not in each for each in told), told
    admin.call(deployed.home, "POST", POLICY_TAGS, {"costCenter": "research"})


def test_a_refresh_and_an_update_after_it_leave_those_tags_and_the_traffic(deployed: Checkout) -> None:
    before = traffic(deployed)
    assert list(before.values()) == [100]
    change(deployed, "tags", owner="somebody-else")
    done = deployed.emulated("pulumi", "up", "--stack", "local", "--yes", "--skip-preview", "--refresh")
    assert done.returncode == 0, done.stdout + done.stderr
    assert traffic(deployed) == before
    assert deployed.changes() == {}
    assert drift(deployed) == (0, [])


def test_a_plugin_with_another_default_version_takes_nobody_off_the_air(deployed: Checkout) -> None:
    before, table = traffic(deployed), deployed.root / "emulator/provider/resources.py"
    rows = table.read_text()
    name = '"machinelearningservices:OnlineEndpoint",\n        "2025-12-01"'
    assert name in rows
    table.write_text(rows.replace(name, name.replace("2025-12-01", "2025-09-01")))
    try:
        assert deployed.changes() == {}, "the endpoint is as it was"
        change(deployed, "tags", owner="the-next-one")
        done = deployed.up()
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        table.write_text(rows)
    assert traffic(deployed) == before
    assert deployed.changes() == {}


def test_what_was_deleted_by_hand_is_recovered_whatever_azure_calls_it(deployed: Checkout) -> None:
    store = Store(deployed.home.database)
    (connection,) = (each for each in store.of_type(Connection.type) if "/connections/ai-services" in each.id)
    store.remove(connection.id)
    refused = deployed.emulated("pulumi", "refresh", "--stack", "local", "--yes", "--skip-preview")
    assert refused.returncode != 0
    assert 'Status=404 Code="UserError"' in refused.stdout + refused.stderr

    done = deployed.emulated(sys.executable, "-m", "jobs", "recover", "--stack", "local")
    assert "taken out of the state: ai-services-connection" in done.stdout, done.stdout + done.stderr
    changes = deployed.changes()
    assert changes.pop("ai-services-connection") == "create"
    # The refresh has stored what Azure wrote into them; one update each is quiet about it again.
    assert changes.keys() <= {"hub", "workspace"} and set(changes.values()) <= {"update"}
    again = deployed.up()
    assert again.returncode == 0, again.stdout + again.stderr
    assert deployed.changes() == {}
    assert drift(deployed) == (0, [])


def test_a_stack_that_is_renamed_and_a_part_that_moves_replace_nothing(deployed: Checkout) -> None:
    """Last, as the stack has another name from here on."""
    inventory = deployed.python("-m", "emulator", "inventory", "--json").stdout
    assert deployed.emulated("pulumi", "stack", "rename", "renamed", "--stack", "local").returncode == 0
    # The component of the identity is another one by now, and its table says so.
    identity, table = deployed.root / "infra/identity.py", deployed.root / "infra/lifecycle/moved.py"
    identity.write_text(identity.read_text().replace("finetune-phi:infra:Identity", "finetune-phi:infra:Actor"))
    row = """MOVED: tuple[Moved, ...] = (
    Moved(
        name="identity",
        type="azure-native:managedidentity:UserAssignedIdentity",
        component="finetune-phi:infra:Identity::identity",
    ),
)"""
    empty = "MOVED: tuple[Moved, ...] = ()"
    assert empty in table.read_text()
    table.write_text(table.read_text().replace(empty, row))
    # The component alone is another one, which is nothing on Azure. What stages say of the stack to people is its name
    # of today; they find their work done.
    done = deployed.emulated("pulumi", "preview", "--stack", "renamed", "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    changes = {(step["op"], step["urn"].split("::", 2)[2]) for step in json.loads(done.stdout)["steps"]}
    assert {change for change in changes if change[0] != "same"} == {
        ("create", "finetune-phi:infra:Actor::identity"),
        ("delete", "finetune-phi:infra:Identity::identity"),
        ("update", "finetune-phi:infra:Preflight$pulumi:index:Stash::preflight"),
        ("update", "finetune-phi:infra:Stages$pulumi:index:Stash::finetune"),
    }
    # A command that asks no program reads the same names.
    before = {each["name"] for each in deployed.status("renamed")["deployments"]}
    assert before
    done = deployed.up("renamed")
    assert done.returncode == 0, done.stdout + done.stderr
    assert deployed.changes("renamed") == {}
    assert {each["name"] for each in deployed.status("renamed")["deployments"]} == before
    assert deployed.python("-m", "emulator", "inventory", "--json").stdout == inventory
