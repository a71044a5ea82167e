"""Where a stack is: its names by its origin, its tags, and what is not its own."""

from __future__ import annotations

from typing import Any

import pytest

from cloud import place as place_module
from cloud.place import Place, described, recorded
from cloud.target import RegistryAsset, Target
from settings.naming import Names, Origin
from settings.problems import SettingsError
from settings.stack import parse

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-team"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-team"


def settings(location: str = "eastus2", **config: Any) -> Any:
    own = {f"finetune-phi:{key}": value for key, value in config.items()}
    return parse({"finetune-phi:purgeOnDestroy": False, "azure-native:location": location, **own}, "dev")


def test_a_place_is_what_settings_stack_and_subscription_say() -> None:
    found = Place.of(settings(location="westeurope", tags={"team": "a"}), "dev", SUBSCRIPTION)
    assert found == Place(
        stack="dev",
        origin=Origin("dev", SUBSCRIPTION),
        subscription_id=SUBSCRIPTION,
        location="westeurope",
        names=Names.of("phi", "dev", SUBSCRIPTION),
        tags={"team": "a", "project": "finetune-phi", "stack": "dev"},
        existing={},
    )
    assert found.renamed is None
    assert found.group_id == f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-phi-dev-hczmwz"
    assert found.workspace == Target(SUBSCRIPTION, "rg-phi-dev-hczmwz", "mlw-phi-dev-hczmwz")
    assert found.project == Target(SUBSCRIPTION, "rg-phi-dev-hczmwz", "proj-phi-dev-hczmwz")
    assert found.workspace.path == (
        f"{found.group_id}/providers/Microsoft.MachineLearningServices/workspaces/mlw-phi-dev-hczmwz"
    )
    assert found.soft_deleted == {
        "logs": ["log-phi-dev"],
        "vaults": ["kvphidevhczmwz"],
        "workspaces": ["mlw-phi-dev-hczmwz", "proj-phi-dev-hczmwz", "hub-phi-dev-hczmwz"],
        "accounts": ["ais-phi-dev-hczmwz"],
    }


def test_a_stack_that_is_called_otherwise_by_now_keeps_its_names_and_tags() -> None:
    origin = Origin("old", SUBSCRIPTION.replace("1", "2"))
    found = Place.of(settings(), "dev", SUBSCRIPTION, origin)
    assert (found.stack, found.origin, found.renamed) == ("dev", origin, origin)
    assert found.subscription_id == SUBSCRIPTION
    assert found.names == Names.of("phi", "old", origin.subscription_id)
    assert found.tags["stack"] == "old"
    assert Place.of(settings(), "dev", SUBSCRIPTION, Origin("dev", origin.subscription_id)).renamed is not None


def test_names_are_of_suffix_pattern_and_region_as_well() -> None:
    found = Place.of(
        settings(
            suffix="abc", location="uksouth", names={"pattern": "{kind}-{stack}-{suffix}-{location}", "hub": "hub-x"}
        ),
        "dev",
        SUBSCRIPTION,
    )
    assert (found.names.workspace, found.names.hub) == ("mlw-dev-abc-uksouth", "hub-x")


def test_what_somebody_else_has_made_is_called_as_it_is_and_is_not_ours() -> None:
    found = Place.of(settings(existing={"group": GROUP, "vault": VAULT}), "dev", SUBSCRIPTION)
    assert found.existing == {"group": GROUP, "vault": VAULT}
    assert (found.names.resource_group, found.names.key_vault) == ("rg-team", "kv-team")
    assert found.ours({"group": 1, "vault": 2, "storage": 3}) == {"storage": 3}
    assert sorted(found.soft_deleted) == ["accounts", "logs", "workspaces"]


def test_a_pattern_that_does_not_fit_the_name_of_the_start_is_refused() -> None:
    chosen = settings(names={"pattern": "{kind}-{stack}-contoso"})
    old = "a-name-that-is-much-longer"
    with pytest.raises(SettingsError) as raised:
        Place.of(chosen, "dev", SUBSCRIPTION, Origin(old, SUBSCRIPTION))
    (problem,) = [each for each in raised.value.problems if each.key == "finetune-phi:names.keyVault"]
    assert problem.value == '"kv-a-name-that-is-much-longer-contoso"'
    assert problem.rule.endswith(f" (the stack was made as {old})")
    assert problem.remedy
    assert Place.of(chosen, "dev", SUBSCRIPTION).names.key_vault == "kv-dev-contoso"


def test_a_place_is_described_from_the_stack_file_and_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    worked: list[str | None] = []
    monkeypatch.setattr(place_module, "load", lambda stack: settings(name="abc", location=stack.split("/")[-1]))
    monkeypatch.setattr(place_module, "work_in", worked.append)
    monkeypatch.setattr(place_module, "subscription_id", lambda: SUBSCRIPTION)
    monkeypatch.setattr(place_module.outputs, "origin", lambda stack: Origin(stack, "s"))
    found, place = described("org/project/uksouth")
    assert (found.name, place.stack, place.location) == ("abc", "uksouth", "uksouth")
    assert (place.origin, place.subscription_id) == (Origin("org/project/uksouth", "s"), SUBSCRIPTION)
    assert worked == [None]


def test_what_is_recorded_is_asked_in_its_own_subscription(monkeypatch: pytest.MonkeyPatch) -> None:
    worked: list[str | None] = []
    asked: list[Any] = []
    monkeypatch.setattr(place_module, "work_in", worked.append)
    monkeypatch.setattr(place_module.outputs, "read", lambda *names: asked.append(names) or {"subscriptionId": "s"})
    assert recorded("dev", "endpointName") == {"subscriptionId": "s"}
    assert (asked, worked) == ([("dev", "endpointName")], ["s"])


def test_a_model_of_a_registry_by_its_address() -> None:
    asset = RegistryAsset("azureml", "Phi-4-mini-instruct", "1")
    assert asset.model_uri == "azureml://registries/azureml/models/Phi-4-mini-instruct/versions/1"
