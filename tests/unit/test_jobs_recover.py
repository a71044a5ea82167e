"""What a state takes over from Azure after a crash."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cloud import adoption
from cloud.catalogue import AUTOSCALE, AZURES
from emulator.provider.resources import RESOURCES
from jobs.commands import recover
from tests.unit.arm_fake import ArmFake, install
from tests.unit.state_fake import GROUP, GROUP_URN, STACK, resource, state


def named(template: str) -> str:
    """A path with its parameters numbered: their names differ between the SDK and the table."""
    return re.sub(r"\{\w+\}", "{}", template)


def test_ids_are_those_of_the_provider() -> None:
    """The emulator's table is compared with the SDK's own."""
    for row in AZURES:
        if row is AUTOSCALE:
            continue  # the release makes it by REST, and the provider here declares none
        its = RESOURCES[row.type]
        assert named(row.path) == named(its.path), row.type
        wanted = re.findall(r"\{(\w+)\}", row.path.replace("{subscription}", ""))
        assert wanted == list(its.path_parameters), row.type
        assert row.version == its.api_version, row.type


def adopt(deployment: dict[str, Any], wanted: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    """Where Azure has everything that it is asked for."""
    return adoption.adopt(deployment, wanted, there=lambda id_: id_, **more)


def urns(rows: list[dict[str, Any]]) -> list[str]:
    return [row["urn"] for row in rows]


def test_what_azure_may_have_is_adopted_under_its_id_below_its_parent() -> None:
    deployment = state()
    component = resource("base", "finetune-phi:infra:Foundation") | {"inputs": {}}
    vault = resource("vault", vaultName="kv") | {"parent": component["urn"], "dependencies": ["urn:gone", STACK]}
    assert urns(adopt(deployment, [component, vault])) == [vault["urn"]]
    added = deployment["resources"][-1]
    assert added["id"] == f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
    assert (added["parent"], added["dependencies"], added["inputs"]) == (component["urn"], [STACK], vault["inputs"])


def test_an_id_is_as_azure_spells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    arm = install(monkeypatch)
    arm.get(GROUP, {"id": GROUP.replace("resourceGroups", "resourcegroups")})
    silent = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
    arm.get(silent, {})
    gone = f"{GROUP}/providers/Microsoft.KeyVault/vaults/gone"
    versions = {GROUP: "2024-03-01", silent: "2024-11-01", gone: "2024-11-01"}
    assert recover._there(versions, "local")[0] == {
        GROUP: GROUP.replace("resourceGroups", "resourcegroups"),
        silent: silent,
        gone: None,
    }


def test_what_azure_does_not_have_is_not_adopted_and_what_it_has_keeps_azures_spelling() -> None:
    deployment, kv = state(), f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
    wanted = [resource("vault", vaultName="kv"), resource("phantom", vaultName="other")]
    spelt = kv.replace("resourceGroups", "resourcegroups")
    assert urns(adoption.adopt(deployment, wanted, there={kv: spelt}.get)) == [wanted[0]["urn"]]
    assert [row["id"] for row in deployment["resources"][3:]] == [spelt]


def test_azure_is_asked_for_what_it_may_have_in_the_version_of_the_row() -> None:
    known = resource("known", vaultName="a", azureApiVersion="2024-11-01") | {"id": "/of/known"}
    wanted = resource("wanted", vaultName="b", azureApiVersion="2025-05-01")
    stash = resource("stash", "pulumi:index:Stash")
    old = resource("old", vaultName="c") | {"id": "/of/an/old/provider"}
    assert adoption.ids_with_versions(state(known, old)["resources"], [wanted, stash]) == {
        "/of/known": "2024-11-01",
        f"{GROUP}/providers/Microsoft.KeyVault/vaults/b": "2025-05-01",
    }


def test_what_is_gone_is_taken_out_and_nothing_refers_to_it() -> None:
    gone = resource("gone", vaultName="kv") | {"id": "/gone"}
    left = resource("left", vaultName="other") | {
        "id": "/left",
        "dependencies": [GROUP_URN, gone["urn"]],
        "propertyDependencies": {"name": [gone["urn"]], "tags": []},
        "deletedWith": gone["urn"],
    }
    deployment = state(gone, left)
    assert adoption.take_out(deployment, {"/gone"}) == ["gone"]
    (row,) = deployment["resources"][3:]
    assert (row["dependencies"], row["propertyDependencies"]) == ([GROUP_URN], {"name": [], "tags": []})
    assert "deletedWith" not in row


@pytest.mark.parametrize("why", ["a parent", "half replaced"])
def test_what_others_are_below_or_is_being_replaced_is_left_to_the_engine(why: str) -> None:
    gone = resource("gone", vaultName="kv") | {"id": "/gone"}
    child = resource("child", vaultName="other") | {"id": "/child", "parent": gone["urn"]}
    deployment = state(gone, child) if why == "a parent" else state(gone | {"pendingReplacement": True})
    assert adoption.take_out(deployment, {"/gone"}) == []
    assert gone["urn"] in urns(deployment["resources"])


def test_after_a_refresh_an_adopted_row_has_what_was_sent() -> None:
    sent = resource("vault", vaultName="kv", tags={"a": "1"}) | {"id": "/kv", "outputs": {}}
    found = sent | {"inputs": {"vaultName": "kv", "tags": {"a": "1"}, "sku": {"name": "standard"}}, "outputs": {"x": 1}}
    deployment = state(found)
    (before,) = adoption.without_outputs(state(sent))
    assert adoption.give_back(deployment, [before])
    assert deployment["resources"][-1]["inputs"] == sent["inputs"]
    assert not adoption.give_back(deployment, [before]), "nothing is left to do"


def test_a_secret_that_a_preview_has_hidden_is_not_written_into_the_state() -> None:
    sent = resource("vault", vaultName="kv", key="[secret]") | {"id": "/kv", "outputs": {}}
    found = sent | {"inputs": {"vaultName": "kv"}, "outputs": {"x": 1}}
    deployment = state(found)
    assert not adoption.give_back(deployment, [sent])
    assert deployment["resources"][-1]["inputs"] == {"vaultName": "kv"}


@pytest.mark.parametrize(
    ("outputs", "marked"),
    [
        ({"provisioningState": "Creating"}, ["Azure said that it is Creating"]),
        ({"properties": {"provisioningState": "Failed"}}, ["Azure said that it is Failed"]),
        ({"provisioningState": "Succeeded"}, None),
        ({"name": "a role assignment has none"}, None),
    ],
)
def test_what_is_not_yet_what_was_asked_for_is_sent_once_more(outputs: dict[str, Any], marked: Any) -> None:
    sent = resource("vault", vaultName="kv") | {"id": "/kv", "outputs": {}}
    deployment = state(sent | {"outputs": outputs})
    assert adoption.give_back(deployment, [sent]) is bool(marked)
    assert deployment["resources"][-1].get("initErrors") == marked


def test_the_providers_own_subscription_comes_first() -> None:
    deployment, other = state(), "00000000-0000-4000-8000-0000000000b2"
    deployment["resources"][1]["inputs"] = {"subscriptionId": other}
    adopt(deployment, [resource("vault", vaultName="kv")])
    assert deployment["resources"][-1]["id"].startswith(f"/subscriptions/{other}/resourceGroups/rg/")


@pytest.mark.parametrize(
    "other",
    [
        resource("step", "pulumi:index:Stash"),
        resource("unnamed"),
        resource("vault", vaultName="kv", tenant=adoption.UNKNOWN),
        resource("vault", vaultName="kv") | {"parent": "urn:not-there"},
        resource("vault", vaultName="kv") | {"provider": "urn:not-there::1"},
    ],
    ids=["not Azure's", "without a name", "with an unknown input", "below nothing", "of no provider"],
)
def test_what_cannot_have_been_made_is_not_adopted(other: dict[str, Any]) -> None:
    other["custom"] = True
    deployment = state()
    assert adopt(deployment, [other]) == []
    assert deployment == state()


def test_what_the_state_knows_is_left_alone() -> None:
    vault = resource("vault", vaultName="kv")
    deployment = state(vault)
    assert adopt(deployment, [vault]) == []


def test_the_new_one_of_an_interrupted_replacement_takes_the_row_of_the_old_one() -> None:
    old = resource("vault", vaultName="kv", sku="old") | {"id": "of old", "pendingReplacement": True}
    new = resource("vault", vaultName="kv", sku="new") | {"dependencies": [GROUP_URN, "urn:later"]}
    later = resource("later", vaultName="other") | {"urn": "urn:later"}
    deployment = state(old, later)
    assert urns(adopt(deployment, [new])) == [old["urn"]]
    row = deployment["resources"][-2]
    assert row["id"] == f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
    assert row["inputs"] == new["inputs"] and "pendingReplacement" not in row
    assert row["dependencies"] == [GROUP_URN], "the engine takes no state where one follows what depends on it"
    assert urns(deployment["resources"]) == [*urns(state()["resources"]), old["urn"], "urn:later"]


def test_a_replacement_that_has_not_begun_leaves_the_old_one_alone() -> None:
    old = resource("vault", vaultName="kv") | {"id": "of old"}
    deployment = state(old)
    assert adopt(deployment, [resource("vault", vaultName="another")]) == []
    assert deployment == state(old)


def test_a_replacement_begun_beside_the_old_one_is_left_for_the_next_update_to_delete() -> None:
    old = resource("vault", vaultName="kv") | {"id": f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"}
    new = resource("vault", vaultName="kv2")
    deployment = state(old)
    assert urns(adopt(deployment, [resource("vault", vaultName="kv3")], begun=[new])) == [old["urn"]]
    assert deployment["resources"][-2] == old
    row = deployment["resources"][-1]
    assert (row["id"], row["delete"]) == (f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv2", True)

    deployment = state(old)
    assert adopt(deployment, [], begun=[resource("vault", vaultName="kv")]) == []
    assert deployment == state(old), "it would be deleted under the old one's feet"


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    return install(monkeypatch)


def vault(name: str = "vault", **inputs: Any) -> dict[str, Any]:
    return resource(name, vaultName="kv", azureApiVersion="2024-11-01", **inputs)
