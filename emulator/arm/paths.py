"""ARM resource ids taken apart. Ids are matched without case, as on Azure."""

from __future__ import annotations

from dataclasses import dataclass

GROUP_TYPE = "Microsoft.Resources/resourceGroups"
SUBSCRIPTION_TYPE = "Microsoft.Resources/subscriptions"


@dataclass(frozen=True)
class ArmPath:
    """One request path.

    Attributes:
        id: the id of the resource the path is about, or of the parent of a collection.
        type: full resource type, such as ``Microsoft.Storage/storageAccounts``, as the caller spells it.
        names: names along the type, outermost first.
        tail: what stands behind the resource: a child collection (GET) or an action (POST), or None.
    """

    id: str
    type: str
    names: tuple[str, ...]
    subscription: str | None
    resource_group: str | None
    tail: str | None = None

    @property
    def name(self) -> str:
        return self.names[-1] if self.names else ""

    @property
    def parent_id(self) -> str:
        """Id of the resource this one lies in: ``…/workspaces/w`` for ``…/workspaces/w/jobs/j``."""
        if len(self.names) > 1:
            return self.id.rsplit("/", 2)[0]
        return self.id[: self.id.lower().rindex("/providers/")]

    @property
    def collection_type(self) -> str:
        """The type that ``tail`` names as a collection."""
        return f"{self.type}/{self.tail}"


def parse(path: str) -> ArmPath | None:
    """The parts of a request path, or None where it is no resource path."""
    segments = [segment for segment in path.split("/") if segment]
    lowered = [segment.lower() for segment in segments]
    subscription = segments[1] if len(segments) > 1 and lowered[0] == "subscriptions" else None
    group = segments[3] if len(segments) > 3 and lowered[2] == "resourcegroups" else None
    if "providers" not in lowered:
        return _scope(segments, subscription, group)
    at = len(lowered) - 1 - lowered[::-1].index("providers")
    if len(segments) < at + 3:
        return None
    namespace, rest = segments[at + 1], segments[at + 2 :]
    pairs = len(rest) // 2
    types, names = rest[0 : pairs * 2 : 2], rest[1 : pairs * 2 : 2]
    tail = rest[-1] if len(rest) % 2 else None
    resource_id = "/" + "/".join(segments[: at + 2 + pairs * 2])
    if not pairs:  # a collection right below the namespace
        resource_id = "/" + "/".join(segments[:at])
    kind = "/".join([namespace, *types])
    return ArmPath(resource_id, kind, tuple(names), subscription, group, tail)


def _scope(segments: list[str], subscription: str | None, group: str | None) -> ArmPath | None:
    if subscription is None:
        return None
    if group is not None:
        tail = segments[4] if len(segments) == 5 else None
        return ArmPath("/" + "/".join(segments[:4]), GROUP_TYPE, (group,), subscription, group, tail)
    tail = segments[2] if len(segments) == 3 else None
    return ArmPath(f"/subscriptions/{subscription}", SUBSCRIPTION_TYPE, (subscription,), subscription, None, tail)
