"""What keeps its names and its place in the state: a stack that is renamed, a resource that moves in the program."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from infra.lifecycle import moved
from infra.lifecycle.moved import Moved
from infra.lifecycle.origin import OwnState
from settings.naming import Names
from settings.stack import parse
from tests.program.conftest import SUBSCRIPTION, Azure, Program, Run

PREFLIGHT = "urn:pulumi:dev::finetune-phi::finetune-phi:infra:Preflight$pulumi:index:Stash::preflight"
RECORD = {"stack": "first", "subscription_id": SUBSCRIPTION}


def named(program: Program) -> dict[str, Any]:
    """Inputs that say what resources are called, and their tags."""
    return {
        f"{each.name}.{key}": value
        for each in program.resources.values()
        if each.type.startswith("azure-native:")
        for key, value in each.inputs.items()
        if key == "tags" or key.endswith(("Name", "Name_")) or key == "name"
    }


def remembering(run: Run, monkeypatch: pytest.MonkeyPatch, record: dict[str, Any], **own: Any) -> Program:
    """The stack `dev` with a state in which the preflight has recorded that."""
    monkeypatch.setattr(Azure, "state", {PREFLIGHT: {"type": "pulumi:index:Stash", "outputs": {"output": record}}})
    # A function of its own for each: what a program registers is kept by its arguments.
    return run("dev", lambda config: config.update(own))


def test_a_stack_that_is_renamed_is_called_what_it_was(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    renamed = remembering(run, monkeypatch, RECORD)
    first, dev = Names.of("phi", "first", SUBSCRIPTION), Names.of("phi", "dev", SUBSCRIPTION)
    found = named(renamed)
    assert found["resource-group.resourceGroupName"] == first.resource_group != dev.resource_group
    assert found["endpoint.endpointName"] == first.endpoint
    assert {tags["stack"] for key, tags in found.items() if key.endswith(".tags")} == {"first"}
    assert not {value for value in found.values() if isinstance(value, str)} & {dev.workspace, dev.storage_account}
    # The next update, and the one after it, remember the same.
    recorded = renamed.resources["preflight"].inputs["input"]
    assert recorded["stack"] == "dev" and recorded["origin"] == RECORD
    assert named(remembering(run, monkeypatch, recorded)) == found


def test_one_that_is_not_has_nothing_more_in_its_state(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    same = remembering(run, monkeypatch, {"stack": "dev", "subscription_id": SUBSCRIPTION})
    assert "origin" not in same.resources["preflight"].inputs["input"]
    assert named(same) == named(run("dev"))


def test_other_names_are_other_names_all_the_same(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {"finetune-phi:names": {"pattern": "{kind}-{project}-{stack}", "keyVault": "kv-platform"}}
    found = named(remembering(run, monkeypatch, RECORD, **chosen))
    assert found["resource-group.resourceGroupName"] == "rg-phi-first"
    assert found["key-vault.vaultName"] == "kv-platform"


def test_what_moves_into_another_component_is_known_by_where_it_was(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (
        Moved(
            name="storage",
            type="azure-native:storage:StorageAccount",
            component="finetune-phi:infra:Data::data",
            earlier_name="account",
        ),
        Moved(name="endpoint", type="azure-native:machinelearningservices:OnlineEndpoint", earlier_name="shell"),
    )
    monkeypatch.setattr(moved, "MOVED", rows)
    program = run("dev", lambda config: None)

    def aliases(name: str) -> list[tuple[str, str]]:
        given = [each.spec for each in program.resources[name].request.aliases]
        return [(each.name, each.parentUrn) for each in given if not each.type]  # azure-native's own are types

    parent = "urn:pulumi:dev::finetune-phi::finetune-phi:infra:Data::data"
    assert aliases("storage") == [("account", parent)]
    assert aliases("endpoint") == [("shell", "")]
    assert aliases("key-vault") == []


GROUP_ROW = "urn:pulumi:dev::finetune-phi::azure-native:resources:ResourceGroup::resource-group"
STORAGE_ROW = "urn:pulumi:dev::finetune-phi::azure-native:storage:StorageAccount::storage"


_PRIVATE = "urn:pulumi:dev::finetune-phi::finetune-phi:infra:Private"
ENDPOINT_ROW = f"{_PRIVATE}$azure-native:network:PrivateEndpoint::storage-blob-endpoint"


@pytest.mark.parametrize("network", ["managed", "public"])
def test_a_way_out_of_its_own_network_is_refused(network: str) -> None:
    settings = parse({"finetune-phi:network": network, "finetune-phi:purgeOnDestroy": False}, "dev")
    OwnState({STORAGE_ROW: {"outputs": {"publicNetworkAccess": "Disabled"}}}).refuse_move(settings)  # by somebody else
    with pytest.raises(pulumi.RunError) as raised:
        OwnState({ENDPOINT_ROW: {}}).refuse_move(settings)
    assert str(raised.value) == (
        f"finetune-phi:network: this stack answers by private endpoints alone, and {network} would delete them. Azure "
        "keeps storage account, key vault and registry closed all the same, so nobody would reach its data. Nothing "
        "was changed. Set it back to private, or make a second stack beside this one "
        "(docs/network.md#private-endpoints)."
    )


def test_a_private_stack_stays_so() -> None:
    network = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/vnet"
    config = {"finetune-phi:network": "private", "finetune-phi:privateEndpoints": {"subnet": f"{network}/subnets/snet"}}
    settings = parse({**config, "finetune-phi:purgeOnDestroy": False}, "dev")
    OwnState({ENDPOINT_ROW: {}}).refuse_move(settings)


@pytest.mark.parametrize(
    ("urn", "location", "refused"),
    [
        (STORAGE_ROW, "westeurope", True),
        (STORAGE_ROW, "eastus2", False),
        (STORAGE_ROW, "East US 2", False),
        (STORAGE_ROW, None, False),
        (GROUP_ROW, "westeurope", False),  # an empty group loses nothing
    ],
)
def test_another_region_is_refused_where_data_would_be_lost(urn: str, location: str | None, *, refused: bool) -> None:
    state = OwnState({urn: {"outputs": {"location": location}}})
    settings = parse({"azure-native:location": "eastus2", "finetune-phi:purgeOnDestroy": False}, "dev")
    if not refused:
        state.refuse_move(settings)
        return
    with pytest.raises(pulumi.RunError) as raised:
        state.refuse_move(settings)
    said = str(raised.value)
    assert said.startswith("azure-native:location: this stack is in westeurope, and would be deleted there")
    assert "12 h of Standard_NC24ads_A100_v4 x 3.67 USD = 44.04 USD" in said
