"""Asks policies as the engine does in a first preview."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pulumi_policy import (
    PolicyResource,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY, deserialize_properties
from pulumi_policy.policy import PolicyCustomTimeouts, PolicyResourceOptions
from pulumi_policy.proxy import UNKNOWN_OBJECT_VALUE, UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policy.example import Declared
from policy.pack import RULES
from policy.rule import Rule
from policy.samples import CONFIG, PROJECT, STACK

CASES = [example for rule in RULES for example in rule.examples]
BY_NAME = {rule.name: rule for rule in RULES}


def urn(declared: Declared) -> str:
    return f"urn:pulumi:{STACK}::{PROJECT}::{declared.type}::{declared.name}"


def options(declared: Declared) -> PolicyResourceOptions:
    return PolicyResourceOptions(
        declared.protect,
        list(declared.ignore_changes),
        None,
        [],
        PolicyCustomTimeouts(0, 0, 0),
        list(declared.secret_outputs),
    )


def wire(value: Any) -> Any:
    """What the engine sends in a first preview: no output of another resource is known."""
    if isinstance(value, dict):
        if "$ref" in value:
            return UNKNOWN_STRING_VALUE
        if "$secret" in value:
            return {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": wire(value["$secret"])}
        return {key: wire(item) for key, item in value.items()}
    if isinstance(value, list):
        return [wire(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for item in value.values():
            yield from refs(item)
    elif isinstance(value, list):
        for item in value:
            yield from refs(item)


def given(rule: Rule) -> dict[str, Any]:
    config = CONFIG.get(rule.name, {})
    return {key: value for key, value in config.items() if key != "enforcementLevel"} if config != "remediate" else {}


def arguments(declared: Declared, config: dict[str, Any], marked: bool = False) -> ResourceValidationArgs:
    """What a policy is called with; secrets are marked for a remediation only."""
    props = unknown_checking_proxy(deserialize_properties(wire(dict(declared.inputs)), marked))
    return ResourceValidationArgs(declared.type, props, urn(declared), declared.name, options(declared), None, config)


def of_stack(program: Sequence[Declared], outputs_known: bool) -> list[PolicyResource]:
    members = {}
    for declared in program:
        inputs = wire(dict(declared.inputs))
        outputs = inputs if outputs_known else dict.fromkeys(inputs, UNKNOWN_OBJECT_VALUE)
        props = unknown_checking_proxy(deserialize_properties(outputs))
        members[declared.name] = PolicyResource(
            declared.type, props, urn(declared), declared.name, options(declared), None, None, [], {}
        )
    for declared in program:
        member = members[declared.name]
        for key, value in declared.inputs.items():
            found = [members[name] for name in refs(value) if name in members]
            member.property_dependencies[key] = found
            member.dependencies.extend(found)
        member.dependencies.extend(members[name] for name in declared.depends_on)
    return list(members.values())


def findings(program: Sequence[Declared], outputs_known: bool = False) -> dict[str, list[str]]:
    """The rules a program breaks, by the resource it breaks them on, as `rule: message`."""
    found: dict[str, list[str]] = {}

    def reporter(rule: Rule, name: str) -> Any:
        def report(message: str, where: str | None = None) -> None:
            on = where.rsplit("::", 1)[-1] if where else name
            found.setdefault(on, []).append(f"{rule.name}: {message}")

        return report

    for rule in RULES:
        policy = rule.policy()
        if isinstance(policy, ResourceValidationPolicy):
            for declared in program:
                policy.validate(arguments(declared, given(rule)), reporter(rule, declared.name))
    for rule in RULES:
        policy = rule.policy()
        if isinstance(policy, StackValidationPolicy):
            policy.validate(StackValidationArgs(of_stack(program, outputs_known), given(rule)), reporter(rule, ""))
    return found


def broken(program: Sequence[Declared]) -> dict[str, list[str]]:
    return {on: sorted({line.split(":")[0] for line in lines}) for on, lines in findings(program).items()}


BUDGET = next(case.passes for case in CASES if case.rule == "budget-present")


def resource_policy(name: str) -> ResourceValidationPolicy:
    policy = BY_NAME[name].policy()
    assert isinstance(policy, ResourceValidationPolicy)
    return policy


def stack_findings(name: str, program: Sequence[Declared], config: dict[str, Any]) -> list[str]:
    """The problems a stack policy finds when all values are known."""
    policy = BY_NAME[name].policy()
    assert isinstance(policy, StackValidationPolicy)
    found: list[str] = []
    args = StackValidationArgs(of_stack(program, outputs_known=True), config)
    policy.validate(args, lambda message, _=None: found.append(message.split("\n")[0]))
    return found


def violating(rule: str) -> tuple[Declared, ...]:
    return next(case.fails for case in CASES if case.rule == rule)
