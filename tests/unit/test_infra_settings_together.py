"""What goes together across sections, and what does not."""

from __future__ import annotations

from typing import Any

import pytest
from settings_parsed import GROUP, parse

from settings.stack import SettingsError, load
from settings.stack import parse as parse_config


def test_prod_differs_where_production_does() -> None:
    dev, prod = load("dev"), load("prod")
    assert (prod.network, dev.network) == ("managed", "public")
    assert (prod.vault.purge_protection, prod.purge_on_destroy) == (True, False)
    assert prod.storage.sku == "Standard_GRS"
    assert (prod.serving.instances, prod.serving.traffic_steps) == (2, (10, 50, 100))
    assert prod.serving.soak_seconds > 0
    assert prod.monitoring.alerts
    assert prod.monitoring.budget.amount > 0
    assert (dev.recipe, dev.model) == (prod.recipe, prod.model)


def test_names_of_a_pattern_and_names_beside_each_other_are_told_all_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        parse(names={"pattern": "{kind}-contoso-platforms-{stack}", "hub": "ml-1", "project": "ML-1"})
    told = [(problem.key, problem.value, problem.rule.partition(":")[0]) for problem in refused.value.problems]
    assert told == [
        ("finetune-phi:names.keyVault", '"kv-contoso-platforms-test"', "is no name for it"),
        ("finetune-phi:names.hub", '"ml-1"', "is the name of its project too, and Azure ignores case"),
    ]


def test_what_somebody_else_has_made_is_neither_named_nor_tagged_nor_budgeted() -> None:
    vault = f"{GROUP}/providers/microsoft.keyvault/Vaults/kv-platform"
    assert parse(existing={"group": GROUP, "vault": vault}).existing.ids() == {"group": GROUP, "vault": vault}
    with pytest.raises(SettingsError) as refused:
        parse(
            existing={"group": GROUP, "vault": vault},
            names={"keyVault": "kv-ours", "hub": "hub-ours"},
            commitTag=True,
            monitoring={"budget": {"amount": 5}, "email": "me@contoso.com"},
        )
    assert sorted((problem.key, problem.rule) for problem in refused.value.problems) == [
        ("finetune-phi:commitTag", "would tag existing.group, which is somebody else's"),
        (
            "finetune-phi:monitoring.budget.amount",
            "would be a budget on existing.group, whose owner pays and may have one",
        ),
        ("finetune-phi:names.keyVault", "names what existing.vault has made already"),
    ]
    with pytest.raises(SettingsError, match=r"existing\.group.*"):
        parse_config(
            {
                "finetune-phi:purgeOnDestroy": False,
                "azure-native:subscriptionId": "00000000-0000-4000-8000-000000000009",
                "finetune-phi:existing": {"group": GROUP},
            },
            "test",
        )


LOCKED_GROUP = "/subscriptions/00000000-1111-2222-3333-444444444444/resourceGroups/rg"
LOCKED_VAULT = f"{LOCKED_GROUP}/providers/Microsoft.KeyVault/vaults/kv-k"
LOCKED_KEY = "https://kv-k.vault.azure.net/keys/cmk/0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("sections", "key", "rule"),
    [
        ({"localAuth": False, "storage": {"sharedKeys": True}}, "storage.sharedKeys", "by which no key opens anything"),
        ({"encryption": {"key": LOCKED_KEY}}, "encryption.vault", "is needed beside encryption.key"),
        (
            {"encryption": {"key": LOCKED_KEY.replace("kv-k", "kv-other"), "vault": LOCKED_VAULT}},
            "encryption.vault",
            "is another vault",
        ),
        ({"encryption": {"vault": LOCKED_VAULT}}, "encryption.vault", "has no effect without encryption.key"),
        ({"encryption": {"key": LOCKED_KEY[:-33], "vault": LOCKED_VAULT}}, "encryption.key", "with its version"),
        (
            {
                "encryption": {"key": LOCKED_KEY, "vault": LOCKED_VAULT},
                "identity": {"assignRoles": False},
            },
            "encryption.identity",
            "is needed with identity.assignRoles: false",
        ),
    ],
)
def test_what_does_not_go_with_being_locked_down(sections: dict[str, Any], key: str, rule: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse(**sections)
    assert [(each.key, rule in each.rule) for each in raised.value.problems] == [(f"finetune-phi:{key}", True)]


@pytest.mark.parametrize("off", [False, "false"])
def test_without_local_auth_the_storage_account_takes_no_keys(off: Any) -> None:
    assert parse(localAuth=off).storage.shared_keys is False
    assert parse(localAuth=off, storage={"sku": "Standard_GRS"}).storage.shared_keys is False
    assert parse(localAuth=True).storage.shared_keys is True


@pytest.mark.parametrize(
    ("test", "validation", "remedy"), [(0.5, 0.5, "set it to 0.1"), (0.95, 0.1, "set it to 0.025")]
)
def test_test_and_validation_rows_leave_some_to_train_on(test: float, validation: float, remedy: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse(data={"testRatio": test, "validationRatio": validation})
    told = str(refused.value)
    assert f"leaves no row to train on beside testRatio, which is {test:g}" in told and remedy in told
    parse(data={"testRatio": test, "validationRatio": float(remedy.rpartition(" ")[2])})
