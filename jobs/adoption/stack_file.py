"""The file of a stack that uses what was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.adoption.found import Found
from settings.estate.existing import AzureId
from settings.problems import SettingsError
from settings.stack import parse

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
        # Nobody wants to lose by a destroy what somebody has made by hand.
        "finetune-phi:protect": True,
        "finetune-phi:purgeOnDestroy": False,
    }
    try:
        parse(config, stack)
    except SettingsError as error:
        # A size that this project does not know, or that is gone: the rest is good without it.
        for section in found.sizes:
            if any(each.key.startswith(f"finetune-phi:{section}.") for each in error.problems):
                config.pop(f"finetune-phi:{section}")
        parse(config, stack)
    return config


def text(config: Mapping[str, Any]) -> str:
    """As it is written."""
    import yaml

    group = AzureId.of(config["finetune-phi:existing"]["group"])
    head = _HEAD.format(group=group.name if group else "the group")
    return head + yaml.safe_dump({"config": dict(config)}, sort_keys=False)
