"""The file of a stack that uses what was found."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from pydantic.alias_generators import to_camel

from jobs.adoption.found import Found
from settings.estate.existing import AzureId
from settings.naming import Names
from settings.problems import SettingsError
from settings.stack import Settings, parse

_HEAD = """\
# Written by `python -m jobs adopt` from what was found in {group}. What stands under existing is used, and neither
# changed nor deleted; the rest the stack makes beside what is there.
"""


def config_of(found: Found, stack: str, subscription: str) -> dict[str, Any]:
    """The settings, checked as the program checks them. Raises SettingsError."""
    config: dict[str, Any] = {
        "azure-native:location": found.location,
        "azure-native:subscriptionId": subscription,
        "finetune-phi:existing": dict(found.existing),
        **{f"finetune-phi:{section}": {"vmSize": size} for section, size in found.sizes.items()},
        # Azure grants no role twice, under whatever name: the preflight says which are missing.
        **({"finetune-phi:identity": {"assignRoles": False}} if found.granted else {}),
        # With both, the settings ask who runs the program, which nobody but its reader knows; the preflight says it.
        **({} if found.by_keys or found.granted else {"finetune-phi:storage": {"sharedKeys": False}}),
        **({"finetune-phi:network": "managed"} if found.managed else {}),
        # Nobody wants to lose by a destroy what somebody has made by hand.
        "finetune-phi:protect": True,
        "finetune-phi:purgeOnDestroy": False,
    }
    try:
        settings = parse(config, stack)
    except SettingsError as error:
        # A size that this project does not know, or that is gone: the rest is good without it.
        for section in found.sizes:
            if any(each.key.startswith(f"finetune-phi:{section}.") for each in error.problems):
                config.pop(f"finetune-phi:{section}")
                # A cluster of such machines is none to train on here.
                if section == "compute":
                    config["finetune-phi:existing"].pop("cluster", None)
        settings = parse(config, stack)
    if own := _own_names(found, settings, stack, subscription):
        config["finetune-phi:names"] = own
        parse(config, stack)
    return config


def _own_names(found: Found, settings: Settings, stack: str, subscription: str) -> dict[str, str]:
    """Names of what the stack makes where something has its usual one: Azure would refuse it, or change the other's."""
    chosen = settings.existing.names()
    usual = Names.of(settings.name, stack, subscription, settings.suffix, chosen, settings.location)
    own = {}
    for attribute, names in found.taken.items():
        name, lower = str(getattr(usual, attribute)), {each.lower() for each in names}
        if attribute not in chosen and name.lower() in lower:
            others = (f"{name}-{number}" for number in itertools.count(2))
            own[to_camel(attribute)] = next(each for each in others if each.lower() not in lower)
    return own


def text(config: Mapping[str, Any]) -> str:
    """As it is written."""
    import yaml

    group = AzureId.of(config["finetune-phi:existing"]["group"])
    head = _HEAD.format(group=group.name if group else "the group")
    return head + yaml.safe_dump({"config": dict(config)}, sort_keys=False)
