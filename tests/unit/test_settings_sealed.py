"""`sealed: true` says what other keys are, where those are not given; what is looser is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.preflight.locked import sealing
from settings import stack_file
from settings.implied import SEALED
from settings.stack import Settings, SettingsError, parse

GROUP = "/subscriptions/00000000-0000-4000-8000-0000000000a1/resourceGroups/rg/providers"
SUBNET = {"subnet": f"{GROUP}/Microsoft.Network/virtualNetworks/vnet/subnets/snet"}
KEY = {
    "key": "https://kv-keys.vault.azure.net/keys/cmk/0123456789abcdef0123456789abcdef",
    "vault": f"{GROUP}/Microsoft.KeyVault/vaults/kv-keys",
}


def sealed(**own: Any) -> Settings:
    config = {"sealed": True, "purgeOnDestroy": False, "privateEndpoints": SUBNET, "encryption": KEY, **own}
    return parse({f"finetune-phi:{key}": value for key, value in config.items()}, "dev")


def test_it_says_all_that_is_in_the_profile() -> None:
    settings = sealed()
    assert settings.loosened == {}
    assert settings.network == "private" and not settings.local_auth and settings.high_business_impact
    assert not settings.storage.shared_keys, "which follows from localAuth"
    assert settings.encryption.infrastructure and settings.encryption.key == KEY["key"]
    assert settings.identity.contributor_scope == "workspace"
    assert settings.vault.purge_protection and settings.vault.retention_days == 90
    assert settings.monitoring.diagnostics and settings.monitoring.all_resources
    assert settings.protect
    assert settings.outbound.to == "internet", "which cannot be undone"


@pytest.mark.parametrize(
    ("own", "looser"),
    [
        ({"localAuth": True}, {"localAuth": True}),
        ({"protect": "false"}, {"protect": False}),
        ({"vault": {"purgeProtection": False}}, {"vault.purgeProtection": False}),
        ({"encryption": {**KEY, "infrastructure": False}}, {"encryption.infrastructure": False}),
        ({"encryption": {"key": ""}}, {"encryption.key": ""}),
        ({"network": "managed", "privateEndpoints": {}}, {"network": "managed"}),
        ({"identity": {"contributorScope": "group"}}, {"identity.contributorScope": "group"}),
    ],
)
def test_each_key_can_be_otherwise_and_that_is_told(own: dict[str, Any], looser: dict[str, Any]) -> None:
    settings = sealed(**own)
    assert settings.loosened == looser
    (key,) = looser
    (finding,) = sealing.looser(settings)
    assert finding.found.startswith(f"finetune-phi:{key} is ")


def test_what_only_the_stack_can_know_is_asked_for() -> None:
    with pytest.raises(SettingsError) as caught:
        sealed(encryption={}, privateEndpoints={})
    assert "finetune-phi:encryption.key" in str(caught.value)
    assert "finetune-phi:privateEndpoints.subnet" in str(caught.value)


def test_without_it_nothing_is_looser() -> None:
    settings = parse({"finetune-phi:purgeOnDestroy": True}, "dev")
    assert not settings.sealed and settings.loosened == {} and not list(sealing.looser(settings))
    assert all(getattr(settings, name) != SEALED[key] for name, key in (("network", "network"), ("protect", "protect")))


DEFAULTS = {"finetune-phi:localAuth": True, "finetune-phi:storage": {"sku": "Standard_LRS", "sharedKeys": True}}


def test_what_pulumi_adds_from_the_project_is_not_given(tmp_path: Path) -> None:
    """Pulumi hands the program the project's defaults as if the stack had said them."""
    told = {"finetune-phi:sealed": "true", "finetune-phi:localAuth": "true", "finetune-phi:storage": DEFAULTS[
        "finetune-phi:storage"]}  # fmt: skip
    assert stack_file.given(told, "dev", tmp_path, DEFAULTS) == {"finetune-phi:sealed": "true"}
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  finetune-phi:localAuth: true\n")
    kept = stack_file.given(told, "dev", tmp_path, DEFAULTS)
    assert kept == {"finetune-phi:sealed": "true", "finetune-phi:localAuth": "true"}
    other = {"finetune-phi:localAuth": "false"}
    assert stack_file.given(other, "prod", tmp_path, DEFAULTS) == other
