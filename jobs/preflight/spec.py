"""What a stack needs of Azure before anything is made: machines, quota, names and assets of the registry."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from cloud.target import RegistryAsset, Target
from jobs.spec import Spec, digest
from settings.naming import Origin

CLUSTER, ENDPOINT, BASE, DATA_CLUSTER = "cluster", "endpoint", "base model", "data cluster"
CLUSTERS = (CLUSTER, DATA_CLUSTER)
"""What machines are used for; the base model is a deployment of its own on the endpoint."""


@dataclass(frozen=True, kw_only=True)
class Machines:
    """VMs of one size that something needs at the same time.

    `use` is CLUSTER, DATA_CLUSTER, ENDPOINT or BASE; `reserve` the share of its instances an endpoint sets aside on
    top for upgrades; `retired` the day Azure took the size away, or "".
    """

    use: str
    vm_size: str
    family: str
    cores: int
    count: int
    reserve: float = 0
    retired: str = ""
    successor: str = ""

    def __post_init__(self) -> None:
        # 0 and 0.0 must not make two fingerprints.
        object.__setattr__(self, "reserve", float(self.reserve))

    @property
    def cores_needed(self) -> int:
        """Cores of quota."""
        return self.cores_of(self.count)

    def cores_of(self, count: int) -> int:
        """Cores of quota that so many of them take; Azure rounds the reserved instances up."""
        return math.ceil(round(count * (1 + self.reserve), 6)) * self.cores


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """The prepared files on this machine, and what of the recipe decides whether they can be trained on."""

    directory: str
    fingerprint: str
    max_seq_length: int
    model: str


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A role that somebody needs on something: an ``identity`` by its id on Azure, or a ``principal`` of Entra ID's."""

    role: str
    scope: str
    identity: str = ""
    principal: str = ""
    kind: str = "ServicePrincipal"


@dataclass(frozen=True, kw_only=True)
class OwnKey:
    """A key of one's own, by its address and `name`, the id of its vault, who uses it where that is given, and the id
    of the registry that is to lie under it.
    """

    key: str
    name: str
    vault: str
    identity: str
    registry: str


@dataclass(frozen=True, kw_only=True)
class PrivateNetwork:
    """The subnet that private endpoints are made in, the id of its network, and who has the zones of their names."""

    subnet: str
    network: str
    zones: str


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What Azure will be asked for: in words, its API version, and the content of the request, in part."""

    label: str
    version: str
    content: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class GrantsSpec(Spec):
    """All that others have to grant."""

    stack: str
    subscription_id: str
    grants: tuple[Grant, ...]

    @functools.cached_property
    def fingerprint(self) -> str:  # type: ignore[override]
        return digest(dataclasses.asdict(self))


@dataclass(frozen=True, kw_only=True)
class PreflightSpec(Spec):
    """What Azure has to offer for a stack: subscription, region, quota, names and assets of the registry.

    `base_model_successor` names the model to take if the base model is gone; `releasing` is how many instances a
    new release runs beside the old one for a while; `namespaces` are resource providers that not every stack needs.
    `data` is None where a cluster prepares them. `origin` is what the stack was made as, where it is called otherwise
    by now: the state remembers it here, and all names derive from it. `unique_names` are those that the settings
    choose and nobody else may have, by attribute of `Names`. `in_turn` says that clusters and endpoint have machines
    one after the other. `existing` is what somebody else has made, by the keys of that setting, and `shared_access`
    whether its storage account has to take keys, `isolated` whether its workspace has to have a managed network, and
    `connection` what the stack makes in its project;
    `grants` are roles that others grant, `team` those among them that nothing waits for, `own_key` what the
    data lie under in place of Microsoft's keys, `private` the network that all of it answers in,
    `loosened` keys that a sealed stack has opened again. `planned` is what Azure Policy is asked about, and recorded
    nowhere.
    """

    BETWEEN: ClassVar = frozenset({"planned"})
    WHERE_SET: ClassVar = frozenset(
        {"origin", "unique_names", "in_turn", "existing", "shared_access", "isolated", "connection"}
        | {"grants", "team", "own_key", "private", "loosened"}
    )

    stack: str
    subscription_id: str
    location: str
    resource_group: str
    workspace: str
    cluster_name: str
    data_cluster_name: str
    endpoint: str
    vault: str
    ai_services: str
    machines: tuple[Machines, ...]
    releasing: int
    base_model: RegistryAsset
    base_model_successor: str
    component: RegistryAsset
    namespaces: tuple[str, ...] = ()
    data: TrainingData | None = None
    origin: Origin | None = None
    unique_names: Mapping[str, str] = field(default_factory=dict)
    in_turn: bool = False
    existing: Mapping[str, str] = field(default_factory=dict)
    shared_access: bool = False
    isolated: bool = False
    connection: str = ""
    grants: tuple[Grant, ...] = ()
    team: tuple[Grant, ...] = ()
    own_key: OwnKey | None = None
    private: PrivateNetwork | None = None
    loosened: tuple[str, ...] = ()
    planned: tuple[Planned, ...] = ()

    @functools.cached_property
    def fingerprint(self) -> str:  # type: ignore[override]
        content = dataclasses.asdict(self)
        recorded = {key: value for key, value in content.items() if key not in self.BETWEEN}
        return digest({key: value for key, value in recorded.items() if value or key not in self.WHERE_SET})

    @property
    def scope(self) -> str:
        return f"/subscriptions/{self.subscription_id}"

    @property
    def group_scope(self) -> str:
        return f"{self.scope}/resourceGroups/{self.resource_group}"

    @property
    def workspace_scope(self) -> str:
        return Target(self.subscription_id, self.resource_group, self.workspace).path
