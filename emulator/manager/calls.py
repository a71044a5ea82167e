"""A request to Azure Resource Manager and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """One request to ARM. ``body`` is the parsed JSON, ``path`` without the query."""

    method: str
    path: str
    query: Mapping[str, str]
    body: dict[str, Any] | None = None


@dataclass
class Answer:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
