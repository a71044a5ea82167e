"""The check of the preflight of names that all of Azure shares, where the settings choose them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cloud.catalogue import AI_SERVICES, AZURES, REGISTRY, STORAGE, VAULT, ResourceType
from cloud.place import Place
from jobs.preflight.findings import Finding, State
from jobs.preflight.spec import PreflightSpec
from settings.estate.existing import not_made

if TYPE_CHECKING:
    from cloud.arm import Arm

NAME = "names"
UNIQUE = (STORAGE, VAULT, REGISTRY, AI_SERVICES)
"""Types whose names are taken for everybody when somebody has them."""
_QUESTION = {AI_SERVICES.type: ("checkDomainAvailability", "subdomainName", "isSubdomainAvailable")}
"""Of a type that asks otherwise: the call, the name's key and the answer's."""
_USUAL = ("checkNameAvailability", "name", "nameAvailable")


def unique(place: Place) -> dict[str, str]:
    """Those of the names of what a stack makes that must be nobody else's, by attribute."""
    given = not_made(place.existing)
    wanted = [attribute for row in UNIQUE for attribute in row.names if attribute not in given]
    return {attribute: str(getattr(place.names, attribute)) for attribute in wanted}


def free(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """Nobody else has a name that must be unique worldwide; one that the stack has itself is its own."""
    taken = list(_taken(spec, arm))
    own = f"{', '.join(spec.unique_names.values())}: free, or this stack's"
    return taken or [Finding(check=NAME, state=State.OK, found=own if spec.unique_names else "the program's own")]


def _taken(spec: PreflightSpec, arm: Arm) -> Iterator[Finding]:
    for attribute, name in spec.unique_names.items():
        (row,) = (each for each in AZURES if attribute in each.names)
        own = f"{spec.group_scope}/providers/{row.arm_type}/{name}"
        if arm.find(own, row.version) is None and (why := _why_not(spec, arm, row, name)):
            fix = "give finetune-phi:names another, or a pattern with {suffix}"
            yield Finding(check=NAME, state=State.REFUSED, found=f"{row.label} {name}: {why}", fix=fix)


def _why_not(spec: PreflightSpec, arm: Arm, row: ResourceType, name: str) -> str:
    call, key, answer = _QUESTION.get(row.type, _USUAL)
    path = f"{spec.scope}/providers/{row.namespace}/{call}"
    found = arm.run("POST", path, {"api-version": row.version}, {key: name, "type": row.arm_type}) or {}
    if found.get(answer) is False:
        return str(found.get("message") or found.get("reason") or "Azure says that it is taken")
    return ""
