"""What a reviewer calls resources, roles and machines."""

from __future__ import annotations

import re
from typing import Any

from cloud.adoption import UNKNOWN
from cloud.catalogue import ResourceType, find
from cloud.roles import role_of
from review.events import Step

GPU = re.compile(r"_(A100|H100|H200|A10|T4|V100)_")


def type_of(step: Step) -> ResourceType:
    """Its row of the catalogue; what is not in it goes by the last part of its type."""
    known = find(step.type, step.state.inputs)
    return known or ResourceType(type=step.type, label=_in_words(step.type.rsplit(":", 1)[-1]))


def is_work(step: Step) -> bool:
    """Whether it is nothing on Azure, but work that the program does there."""
    known = find(step.type)
    return known is not None and not known.path


def shown(step: Step) -> str:
    """Kind and name, as a person would call it: `storage account stphidev`."""
    row = type_of(step)
    name = step.state.inputs.get(row.name_input) if row.name_input else None
    return f"{row.label} {name if isinstance(name, str) and name != UNKNOWN else step.name}"


def role_named(definition: Any) -> str:
    """The role of a definition's id, by name if it is a known one."""
    role = role_of(str(definition))
    return role.title if role else f"role {str(definition).rsplit('/', 1)[-1].lower()}"


def gpus(vm_size: str, count: int) -> str:
    """`1× A100` for Standard_NC24ads_A100_v4; the size itself where it says nothing."""
    found = GPU.search(vm_size)
    return f"{count}× {found.group(1) if found else vm_size}"


def _in_words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
