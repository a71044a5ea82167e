"""What rules look at: the resources of a program as plain data, of which a preview need not know everything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pulumi_policy import ResourceValidationArgs
from pulumi_policy.policy import PolicyResource, PolicyResourceOptions
from pulumi_policy.proxy import UnknownValueError

from cloud.catalogue import ResourceType, canonical, types_of


class Unknown:
    """Stands for a value that is known only after the update."""

    def __repr__(self) -> str:
        return "(known after the update)"


UNKNOWN = Unknown()


class UndecidedError(Exception):
    """A rule needs a value that is not known yet."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource as the program declares it; `inputs` is plain data with UNKNOWN where a preview knows nothing."""

    type: str
    name: str
    urn: str
    inputs: Mapping[str, Any]
    options: PolicyResourceOptions

    def at(self, path: str, default: Any = None) -> Any:
        """The input at a dotted path, `default` where there is none. Raises UndecidedError if it is unknown."""
        value = self.peek(path, default)
        if value is UNKNOWN:
            raise UndecidedError(path)
        return value

    def peek(self, path: str, default: Any = None) -> Any:
        """As `at`, with UNKNOWN for an unknown value."""
        value: Any = self.inputs
        for part in path.split("."):
            if value is UNKNOWN:
                return UNKNOWN
            value = value.get(part) if isinstance(value, Mapping) else None
        return default if value is None else value

    @property
    def stack(self) -> str:
        return self.urn.split("::")[0].rsplit(":", 1)[-1]

    @property
    def project(self) -> str:
        return self.urn.split("::")[1]


@dataclass(frozen=True, kw_only=True)
class Member(Resource):
    """A resource among the others: the URNs it depends on, in all and by input."""

    dependencies: frozenset[str] = frozenset()
    by_input: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def needs(self, input_name: str) -> frozenset[str]:
        """The URNs whose outputs go into an input."""
        return self.by_input.get(input_name, frozenset())


@dataclass(frozen=True)
class Stack:
    """All resources of a stack."""

    members: Sequence[Member]

    def of(self, *rows: ResourceType) -> list[Member]:
        return [member for member in self.members if member.type in types_of(*rows)]

    def named(self, urns: frozenset[str], *rows: ResourceType) -> list[Member]:
        """Those of `urns` that are of a type."""
        return [member for member in self.of(*rows) if member.urn in urns]


Problem = tuple[str, Member | None]
"""What is wrong, and with which; None for the stack as a whole."""


def each(members: Iterable[Member], look: Callable[[Member], Iterator[Problem]]) -> Iterator[Problem]:
    """What is wrong with each, one after the other: one that is not known yet hides nothing of the next."""
    for member in members:
        try:
            yield from look(member)
        except UndecidedError:
            continue


def resource_of(args: ResourceValidationArgs | PolicyResource) -> Resource:
    """From what the engine hands to a policy."""
    return Resource(
        type=canonical(args.resource_type), name=args.name, urn=args.urn, inputs=plain(args.props), options=args.opts
    )


def plain(value: Any) -> Any:
    """The engine's view of properties as dicts and lists, with UNKNOWN for what raises when it is touched."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_item(value, index) for index in range(len(value))]
    return value


def _item(container: Any, key: Any) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN
