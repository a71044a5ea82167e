"""What a row of the tables in `resources.py` says of a type or a function."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

ENVELOPE = frozenset({"location", "tags", "identity", "sku", "kind", "zones", "extendedLocation", "managedBy", "eTag"})
"""Body members beside ``properties``; every other one is nested in it."""


@dataclass(frozen=True)
class ResourceType:
    """One resource type: where it lives and how its inputs become a request body."""

    token: str
    api_version: str
    path: str
    takes_properties: bool = False
    """The SDK's class has a ``properties`` argument instead of flattening it."""
    nested: frozenset[str] = frozenset()
    """Envelope names that this type keeps inside ``properties`` all the same."""
    wire_names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """SDK name, dotted where nested, to its name on the wire."""
    nests: frozenset[str] = frozenset()
    """Inputs that are resources themselves, or lists of some, and flat in the SDK: on the wire all but id and name is
    in their own ``properties``."""
    replaces: frozenset[str] = frozenset()
    """Inputs whose change needs a new resource, besides those in the path; nothing below the first level ever does."""
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """What an update sends for inputs that the program leaves out while the state has them."""
    default_location: bool = True
    """Takes the provider's ``location`` when given none."""

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """The inputs that end up in the URL, without the subscription."""
        return tuple(n for n in re.findall(r"\{(\w+)\}", self.path) if n != "subscriptionId")

    @property
    def name_parameter(self) -> str:
        """The input that holds the resource's own name."""
        return self.path_parameters[-1]

    @property
    def is_child(self) -> bool:
        """Whether the resource lives inside another one that is not a resource group."""
        return len(self.path_parameters) > 2


@dataclass(frozen=True)
class Function:
    """One function (``invoke``): the request whose answer is its result."""

    method: str
    path: str
    api_version: str
    resource: ResourceType | None = None
    """Shape the answer as this type's outputs; None returns it as it is."""
