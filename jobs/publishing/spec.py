"""What the stage `flow` works on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from cloud.target import Target
from jobs.spec import Spec, digest


@dataclass(frozen=True, kw_only=True)
class FlowSpec(Spec):
    """The prompt flow in a Foundry project, bound to the project's connection.

    `target` is the project; `content` the fingerprint of the flow's files.
    """

    CHANGES: ClassVar = "flow"

    target: Target
    name: str
    connection: str
    content: str

    @property
    def fingerprint(self) -> str:  # type: ignore[override]
        return digest(dataclasses.asdict(self))
