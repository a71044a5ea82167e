"""What the stages `workspace-network`, `hub-network` and `reach` work on."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

from cloud.target import Target
from jobs.preflight.spec import Grant
from jobs.spec import Spec, digest


@dataclass(frozen=True, kw_only=True)
class ProvisionSpec(Spec):
    """The managed network of a workspace or hub, and on what its identity approves private endpoints.

    `grants` have no principal: the identity is the workspace's own, which is known when that is made. `stack` is for
    what is told.
    """

    stack: str
    target: Target
    grants: tuple[Grant, ...]

    @functools.cached_property
    def fingerprint(self) -> str:  # type: ignore[override]
        return digest(dataclasses.asdict(self))


@dataclass(frozen=True, kw_only=True)
class ReachSpec(Spec):
    """The workspace whose storage this machine has to reach, and the subnet of its private endpoints."""

    stack: str
    target: Target
    subnet: str

    @functools.cached_property
    def fingerprint(self) -> str:  # type: ignore[override]
        return digest(dataclasses.asdict(self))
