"""What a rule is, and how it becomes a policy of the engine.

A rule looks at one resource, or at all of them, and yields what is wrong in words. Rules read the inputs a
program gives, under the names of azure-native (camelCase). A value that a preview cannot know yet ends the rule
without a finding: it is looked at again in the update, before the resource is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from pulumi_policy.policy import PolicyResource

from cloud.catalogue import ResourceType, canonical, types_of
from policy import exceptions
from policy.example import Example, Examples, of_rule
from policy.subject import Member, Problem, Resource, Stack, UndecidedError, resource_of

Config = Mapping[str, Any]
Inputs = dict[str, Any]

LOW, MEDIUM, HIGH, CRITICAL = Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL
ADVISORY, MANDATORY = EnforcementLevel.ADVISORY, EnforcementLevel.MANDATORY
REMEDIATE, DISABLED = EnforcementLevel.REMEDIATE, EnforcementLevel.DISABLED


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


_EXCEPTIONS = Option("object", {}, exceptions.MEANING)
"""Of every rule."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A policy with everything a reader needs; exactly one of the two checks is set.

    `name` never changes: configurations of stacks name it.
    """

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
    examples: tuple[Example, ...] = ()
    covers: tuple[str, ...] = ()
    """Ids of the same rule, or of one that this does the work of, elsewhere: Checkov's, PSRule's, Azure's policies."""

    def config(self, given: Mapping[str, Any]) -> Config:
        """The configuration in effect."""
        return {**{name: option.default for name, option in self.options.items()}, exceptions.KEY: {}, **given}

    def message(self, problem: str) -> str:
        return f"{problem}\nWhy: {self.reason}\nWhat to do: {self.remedy}"

    def told(self, problem: str, name: str, config: Config) -> str | None:
        """What a reader is told of a problem with a resource; None where an exception excuses it."""
        objection = exceptions.objection(name, config)
        if objection is None:
            return None
        return self.message(f"{problem}; {objection}" if objection else problem)

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
                    for name, option in {**self.options, exceptions.KEY: _EXCEPTIONS}.items()
                }
            ),
        }
        if self.stack_check:
            return StackValidationPolicy(validate=self._validate_stack, **common)
        remediate = self._remediate if self.mending else None
        return ResourceValidationPolicy(validate=self._validate, remediate=remediate, **common)

    def _validate(self, args: ResourceValidationArgs, report: ReportViolation) -> None:
        _declared[args.urn] = args
        if self.check is None or canonical(args.resource_type) not in self.types:
            return
        resource = resource_of(args)
        try:
            config = self.config(args.get_config())
            for problem in self.check(resource, config):
                if told := self.told(problem, resource.name, config):
                    report(told, None)
        except UndecidedError:
            return

    def _remediate(self, args: ResourceValidationArgs) -> Any:
        if self.mending is None or canonical(args.resource_type) not in self.types:
            return None
        resource = resource_of(args)
        config = self.config(args.get_config())
        if exceptions.objection(resource.name, config) is None:
            return None
        # In this form secrets and unknown values are marked, and stay so.
        inputs: Inputs = dict(serialize_properties(args.props))
        return inputs if self.mending(resource, config, inputs) else None

    def _validate_stack(self, args: StackValidationArgs, report: ReportViolation) -> None:
        if self.stack_check is None:
            return
        stack = Stack([_member(resource) for resource in args.resources])
        try:
            config = self.config(args.get_config())
            for problem, member in self.stack_check(stack, config):
                if told := self.told(problem, member.name if member else exceptions.WHOLE, config):
                    report(told, member.urn if member else None)
        except UndecidedError:
            return


_declared: dict[str, ResourceValidationArgs] = {}
"""What the program has declared in this run, as it came: most of it no rule looks at. The engine hands a stack policy
the resources' outputs, of which a first preview knows next to nothing; their inputs came by one by one before."""


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
    covers: Sequence[str] = (),
    examples: Examples,
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
            examples=of_rule(name, examples),
            covers=tuple(covers),
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
    covers: Sequence[str] = (),
    examples: Examples,
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
            examples=of_rule(name, examples),
            covers=tuple(covers),
        )

    return rule


def _member(found: PolicyResource) -> Member:
    seen = resource_of(_declared.get(found.urn) or found)
    return Member(
        type=seen.type,
        name=seen.name,
        urn=seen.urn,
        inputs=seen.inputs,
        options=seen.options,
        dependencies=frozenset(other.urn for other in found.dependencies),
        by_input={key: frozenset(other.urn for other in others) for key, others in found.property_dependencies.items()},
    )
