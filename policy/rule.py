"""What a rule is, and how it becomes a policy of the engine.

A rule looks at one resource, or at all of them, and yields what is wrong in words. Rules read the inputs a
program gives, under the names of azure-native (camelCase). A value that a preview cannot know yet ends the rule
without a finding: it is looked at again in the update, before the resource is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.deserialize import serialize_properties
from pulumi_policy.policy import PolicyResource, PolicyResourceOptions
from pulumi_policy.proxy import UnknownValueError

from cloud.catalogue import ResourceType, canonical, types_of

Config = Mapping[str, Any]
Inputs = dict[str, Any]

LOW, MEDIUM, HIGH, CRITICAL = Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL
ADVISORY, MANDATORY = EnforcementLevel.ADVISORY, EnforcementLevel.MANDATORY
REMEDIATE, DISABLED = EnforcementLevel.REMEDIATE, EnforcementLevel.DISABLED


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


ResourceCheck = Callable[[Resource, Config], Iterator[str]]
StackCheck = Callable[[Stack, Config], Iterator[Problem]]
Mending = Callable[[Resource, Config, Inputs], bool]
"""Changes the inputs, given in the engine's own form; tells whether it did."""


@dataclass(frozen=True)
class Option:
    """A key of a rule's configuration: JSON type, default, and what it means."""

    type: str
    default: Any
    meaning: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A policy with everything a reader needs; exactly one of the two checks is set."""

    name: str
    description: str
    reason: str
    remedy: str
    severity: Severity
    level: EnforcementLevel
    framework: PolicyComplianceFramework | None
    options: Mapping[str, Option]
    types: tuple[str, ...] = ()
    check: ResourceCheck | None = None
    stack_check: StackCheck | None = None
    mending: Mending | None = None

    def config(self, given: Mapping[str, Any]) -> Config:
        """The configuration in effect."""
        return {**{name: option.default for name, option in self.options.items()}, **given}

    def message(self, problem: str) -> str:
        return f"{problem}\nWhy: {self.reason}\nWhat to do: {self.remedy}"

    def policy(self) -> Policy:
        """For the engine."""
        common: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "enforcement_level": self.level,
            "severity": self.severity,
            "framework": self.framework,
            "remediation_steps": self.remedy,
            "config_schema": PolicyConfigSchema(
                {
                    name: {"type": option.type, "default": option.default, "description": option.meaning}
                    for name, option in self.options.items()
                }
            ),
        }
        if self.stack_check:
            return StackValidationPolicy(validate=self._validate_stack, **common)
        remediate = self._remediate if self.mending else None
        return ResourceValidationPolicy(validate=self._validate, remediate=remediate, **common)

    def _validate(self, args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = resource_of(args)
        _declared[resource.urn] = resource
        if self.check is None or resource.type not in self.types:
            return
        try:
            for problem in self.check(resource, self.config(args.get_config())):
                report(self.message(problem), None)
        except UndecidedError:
            return

    def _remediate(self, args: ResourceValidationArgs) -> Any:
        resource = resource_of(args)
        if self.mending is None or resource.type not in self.types:
            return None
        # In this form secrets and unknown values are marked, and stay so.
        inputs: Inputs = dict(serialize_properties(args.props))
        return inputs if self.mending(resource, self.config(args.get_config()), inputs) else None

    def _validate_stack(self, args: StackValidationArgs, report: ReportViolation) -> None:
        if self.stack_check is None:
            return
        stack = Stack([_member(resource) for resource in args.resources])
        try:
            for problem, member in self.stack_check(stack, self.config(args.get_config())):
                report(self.message(problem), member.urn if member else None)
        except UndecidedError:
            return


_declared: dict[str, Resource] = {}
"""What the program has declared in this run. The engine hands a stack policy the resources' outputs, of which a first
preview knows next to nothing; their inputs came by one by one before."""


def resource_rule(
    name: str,
    description: str,
    *,
    types: Sequence[ResourceType],
    reason: str,
    remedy: str,
    severity: Severity,
    level: EnforcementLevel = MANDATORY,
    framework: PolicyComplianceFramework | None = None,
    options: Mapping[str, Option] | None = None,
    mending: Mending | None = None,
) -> Callable[[ResourceCheck], Rule]:
    """Makes a rule of a function that looks at one resource of certain types."""

    def rule(check: ResourceCheck) -> Rule:
        return Rule(
            name=name,
            description=description,
            reason=reason,
            remedy=remedy,
            severity=severity,
            level=level,
            types=types_of(*types),
            framework=framework,
            options=options or {},
            check=check,
            mending=mending,
        )

    return rule


def stack_rule(
    name: str,
    description: str,
    *,
    reason: str,
    remedy: str,
    severity: Severity,
    level: EnforcementLevel = MANDATORY,
    framework: PolicyComplianceFramework | None = None,
    options: Mapping[str, Option] | None = None,
) -> Callable[[StackCheck], Rule]:
    """Makes a rule of a function that looks at all resources of a stack."""

    def rule(check: StackCheck) -> Rule:
        return Rule(
            name=name,
            description=description,
            reason=reason,
            remedy=remedy,
            severity=severity,
            level=level,
            framework=framework,
            options=options or {},
            stack_check=check,
        )

    return rule


def resource_of(args: ResourceValidationArgs | PolicyResource) -> Resource:
    """From what the engine hands to a policy."""
    return Resource(
        type=canonical(args.resource_type), name=args.name, urn=args.urn, inputs=plain(args.props), options=args.opts
    )


def _member(found: PolicyResource) -> Member:
    seen = _declared.get(found.urn) or resource_of(found)
    return Member(
        type=seen.type,
        name=seen.name,
        urn=seen.urn,
        inputs=seen.inputs,
        options=seen.options,
        dependencies=frozenset(other.urn for other in found.dependencies),
        by_input={key: frozenset(other.urn for other in others) for key, others in found.property_dependencies.items()},
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
