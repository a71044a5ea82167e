"""What the preflight asks Azure Policy about is what the program then declares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from cloud.catalogue import IDENTITY
from cloud.place import Place
from emulator.provider import shapes
from emulator.provider.resources import RESOURCES
from jobs.preflight.locked.declared import declared
from settings.stack import parse
from tests.program.conftest import SUBSCRIPTION, Run
from tests.program.test_private import private

VAULT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-keys/providers/Microsoft.KeyVault/vaults/kv-keys"
KEY = {"key": "https://kv-keys.vault.azure.net/keys/cmk/0123456789abcdef0123456789abcdef", "vault": VAULT}
NAMES = {
    "resource group": "resource-group",
    "log workspace": "log-analytics",
    "application insights": "application-insights",
    "storage account": "storage",
    "key vault": "key-vault",
    "container registry": "container-registry",
    "identity": "identity",
    "AI Services account": "ai-services",
    "workspace": "workspace",
    "hub": "hub",
    "project": "project",
    "cluster": "cluster",
    "endpoint": "endpoint",
    "data cluster": "data-cluster",
}


def as_it_is(config: dict[str, Any]) -> None:
    del config


def sealed(config: dict[str, Any]) -> None:
    private(config)
    config["finetune-phi:localAuth"] = False
    config["finetune-phi:storage"] = {"sharedKeys": False}
    config["finetune-phi:encryption"] = {**KEY, "infrastructure": True}
    config["finetune-phi:highBusinessImpact"] = True
    config["finetune-phi:vault"] = {"purgeProtection": True, "retentionDays": 90}
    config["finetune-phi:purgeOnDestroy"] = False


def approved(config: dict[str, Any]) -> None:
    config["finetune-phi:network"] = "managed"
    config["finetune-phi:outbound"] = {"to": "approved", "hosts": ["pypi.org", "*.pythonhosted.org"]}
    config["finetune-phi:encryption"] = {"infrastructure": True}
    config["finetune-phi:data"] = {**config["finetune-phi:data"], "runOn": "cluster"}


def within(part: Any, whole: Any, at: str) -> list[str]:
    """Where ``part`` says something else than ``whole``."""
    if isinstance(part, Mapping) and isinstance(whole, Mapping):
        return [wrong for key, each in part.items() for wrong in within(each, whole.get(key), f"{at}.{key}")]
    return [] if part == whole else [f"{at}: {part!r} and not {whole!r}"]


@pytest.mark.parametrize("stack", ["local", "prod"])
@pytest.mark.parametrize("change", [as_it_is, sealed, approved])
def test_what_is_asked_about_is_what_is_declared(run: Run, stack: str, change: Any) -> None:
    from settings.stack import load
    from tests.program.conftest import ROOT

    config = load(stack, ROOT).effective()
    change(config)
    settings = parse(config, stack)
    place = Place.of(settings, stack, SUBSCRIPTION)
    program, planned = run(stack, change), declared(settings, place)
    there = [label for label, name in NAMES.items() if name in program.resources]
    assert [each.label for each in planned] == there
    named = [(each.content["type"], each.content["name"], NAMES[each.label]) for each in planned]
    named.append((IDENTITY.arm_type, place.names.key_identity, "key-identity"))
    ids = {place.names.id_of(SUBSCRIPTION, arm_type, name): of for arm_type, name, of in named}
    wrong = []
    for each in planned:
        found = program.resources[NAMES[each.label]]
        row = RESOURCES[found.type]
        body = shapes.body(row, found.inputs)
        content = {key: value for key, value in each.content.items() if key not in ("type", "name")}
        content = made_here(content, ids)
        assert each.version == row.api_version
        assert each.content["name"] == found.inputs[row.name_parameter], each.label
        own = {**body, "tags": {k: v for k, v in (body.get("tags") or {}).items() if k in content["tags"]}}
        wrong += within(content, own, each.label)
        # What it leaves out is not there either: a policy would see its absence.
        wrong += [f"{path}: is declared, and not asked about" for path in left_out(content, own, each.label)]
    assert wrong == [], "\n".join(wrong)


def made_here(content: Any, ids: Mapping[str, str]) -> Any:
    """With the ids that Pulumi's mocks give to what the stack makes."""
    text = json.dumps(content)
    for id_, name in ids.items():
        text = text.replace(f'"{id_}"', f'"/id/{name}"')
    return json.loads(text)


LEFT_OUT = {
    "key vault.properties.tenantId",
    "container registry.properties.encryption.keyVaultProperties.identity",
    "AI Services account.properties.encryption.keyVaultProperties.identityClientId",
}
"""Declared, and not asked about: the ids of the tenant and of an identity's client are not settings."""


def left_out(part: Any, whole: Any, at: str) -> list[str]:
    """What ``whole`` has beyond ``part``."""
    if not (isinstance(part, Mapping) and isinstance(whole, Mapping)):
        return []
    missing = [f"{at}.{key}" for key in whole if key not in part and f"{at}.{key}" not in LEFT_OUT]
    return missing + [path for key in part if key in whole for path in left_out(part[key], whole[key], f"{at}.{key}")]


def test_no_state_has_it(run: Run) -> None:
    assert "planned" not in run("prod").resources["preflight"].inputs["input"]
