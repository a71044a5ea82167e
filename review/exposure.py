"""Properties that open a resource, cannot be undone, or cost more: what a changed one puts at risk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from review.difference import PropertyChange, at


class Level(IntEnum):
    """`low` needs nobody; from `medium` on a person should look."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Exposure:
    """A property whose value opens something; `opens` tells whether a value does."""

    path: str
    opens: Callable[[Any], bool]
    level: Level
    consequence: str


def _is(*values: Any) -> Callable[[Any], bool]:
    wanted = [str(value).lower() for value in values]
    return lambda found: str(found).lower() in wanted


EXPOSURES = (
    Exposure(r"publicNetworkAccess", _is("Enabled"), Level.HIGH, "it can be reached from the internet"),
    Exposure(r"(networkRuleSet|networkAcls|networkRules)\.defaultAction", _is("Allow"), Level.HIGH,
              "its firewall lets everybody through"),
    Exposure(r"allowBlobPublicAccess", _is(True), Level.HIGH, "its blobs can be made readable by anybody"),
    Exposure(r"anonymousPullEnabled", _is(True), Level.HIGH, "anybody can pull its images"),
    Exposure(r"adminUserEnabled", _is(True), Level.HIGH, "a shared password opens it to whoever holds it"),
    Exposure(r"enableHttpsTrafficOnly", _is(False), Level.HIGH, "it can be used without encryption"),
    Exposure(r"minimumTlsVersion", _is("TLS1_0", "TLS1_1"), Level.HIGH, "it accepts broken versions of TLS"),
    Exposure(r"enableRbacAuthorization", _is(False), Level.HIGH, "roles no longer decide who reads it"),
    Exposure(r"enableSoftDelete", _is(False), Level.HIGH, "what is deleted in it cannot be recovered"),
    Exposure(r"allowSharedKeyAccess", _is(True), Level.MEDIUM, "whoever holds its key can do everything"),
    Exposure(r"disableLocalAuth", _is(False), Level.MEDIUM, "keys open it beside roles"),
    Exposure(r"managedNetwork\.isolationMode", _is("Disabled", "None"), Level.HIGH,
              "what runs in it reaches, and can send data to, the whole internet"),
    Exposure(r"remoteLoginPortPublicAccess", _is("Enabled", "NotSpecified"), Level.HIGH,
              "its nodes can be logged in to from outside"),
    Exposure(r"authMode", _is("Key"), Level.LOW, "a key that does not expire opens it"),
)  # fmt: skip

FOR_GOOD = {
    "enablePurgeProtection": "it can never be switched off again, and the vault's name stays taken after a delete",
    "hbiWorkspace": "it cannot be changed on a workspace that exists",
    "encryption.keySource": "the key it is encrypted with cannot simply be changed back",
    "isHnsEnabled": "a storage account cannot go back to flat names",
}
"""Properties that cannot be undone once they are true or set, and why."""

_NETWORK = re.compile(r"(publicNetworkAccess|network\w*|privateEndpoint\w*|ipRules|virtualNetwork\w*|subnet\w*)", re.I)


def about(change: PropertyChange, old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[Level, str]]:
    """What a change of a property puts at risk, in a sentence that begins with the change."""
    was, will = at(old, change.path), at(new, change.path)
    for exposure in EXPOSURES:
        if re.search(rf"(^|\.){exposure.path}$", change.path):
            if exposure.opens(will):
                yield exposure.level, f"{change}: {exposure.consequence}."
                return
            if exposure.opens(was) or was is None:
                yield Level.LOW, f"{change}: closes it further; whoever came in that way is locked out."
                return
    for name, why in FOR_GOOD.items():
        if change.path.endswith(name):
            yield Level.HIGH, f"{change}: {why}."
            return
    if _NETWORK.search(change.path):
        yield Level.MEDIUM, f"{change}: the network around it changes."
    elif change.path.endswith(("retentionInDays", "softDeleteRetentionInDays")) and _less(was, will):
        yield Level.HIGH, f"{change}: what is older is deleted for good."
    elif change.path in ("sku.name", "sku.tier"):
        yield Level.MEDIUM, f"{change}: another tier has other limits and another price."
    elif change.path.endswith("maxNodeCount") and not _less(was, will):
        yield Level.MEDIUM, f"{change}: more machines can run, and be paid for, at once."
    elif change.path.endswith("minNodeCount") and not _less(was, will):
        yield Level.MEDIUM, f"{change}: machines run, and are paid for, without a job."


def _less(was: Any, will: Any) -> bool:
    return isinstance(was, int | float) and isinstance(will, int | float) and will < was
