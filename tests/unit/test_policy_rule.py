"""How a rule becomes a policy of the engine, what it reads of a resource, and what a stack policy finds."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, ResourceValidationPolicy, Severity, StackValidationPolicy
from pulumi_policy.policy import PolicyCustomTimeouts, PolicyResourceOptions

from policy import samples
from policy.example import Declared
from policy.exceptions import objection
from policy.subject import UNKNOWN, Member, Resource, Stack, UndecidedError
from tests.unit.policy_engine import BY_NAME, stack_findings

EXCEPTIONS = {
    "type": "object",
    "default": {},
    "description": "resources it does not apply to, by their name in the program (`stack` for the stack as a whole): "
    "why, by whom, and until which day: {why, by, until: 2027-06-30}",
}


def test_a_rule_as_the_engine_is_told_of_it() -> None:
    rule = BY_NAME["vault-soft-delete"]
    policy = rule.policy()
    assert isinstance(policy, ResourceValidationPolicy)
    assert (policy.name, policy.description, policy.enforcement_level, policy.severity) == (
        "vault-soft-delete",
        "A deleted key vault can be recovered for some days.",
        EnforcementLevel.MANDATORY,
        Severity.HIGH,
    )
    assert policy.remediation_steps == "leave enable_soft_delete on and raise soft_delete_retention_in_days"
    assert policy.framework is rule.framework and policy.framework is not None
    days = {"type": "integer", "default": 7, "description": "fewest days of retention"}
    assert policy.config_schema is not None
    assert policy.config_schema.properties == {"minimumDays": days, "exceptions": EXCEPTIONS}
    assert rule.config({}) == {"minimumDays": 7, "exceptions": {}}
    assert rule.config({"minimumDays": 9, "x": 1}) == {"minimumDays": 9, "exceptions": {}, "x": 1}
    assert rule.message("bad") == f"bad\nWhy: {rule.reason}\nWhat to do: {rule.remedy}"


def test_which_policies_mend_and_which_look_at_the_stack() -> None:
    policies = {name: rule.policy() for name, rule in BY_NAME.items()}
    mending = [name for name, each in policies.items() if getattr(each, "_ResourceValidationPolicy__remediate", None)]
    assert mending == ["tags-present", "tags-true", "connection-secrets"]
    assert [name for name, each in policies.items() if isinstance(each, StackValidationPolicy)] == [
        "cluster-fits-model",
        "one-hub-per-project",
        "connections-one-by-one",
        "role-known-principals",
        "endpoint-identity-roles",
        "public-with-reason",
        "sealed-as-it-says",
        "private-endpoints",
        "diagnostics-on",
        "budget-present",
        "finetune-spending",
    ]


EXCUSED = {"why": "w", "by": "b", "until": "2026-11-29"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (None, ""),
        (EXCUSED, None),
        ({**EXCUSED, "until": "2026-11-28"}, "its exception by b ended on 2026-11-28"),
        ({**EXCUSED, "until": "soon"}, "its exception ends on soon, which is no day like 2027-06-30"),
        ({**EXCUSED, "by": " "}, "its exception does not say by"),
        ({}, "its exception does not say why, by, until"),
        ("text", "its exception does not say why, by, until"),
    ],
)
def test_an_exception(given: Any, told: str | None) -> None:
    assert objection("x", {"exceptions": {"x": given}}, date(2026, 11, 29)) == told
    assert objection("y", {"exceptions": {"x": given}}, date(2026, 11, 29)) == ""
    assert objection("x", {"exceptions": None}) == ""


OPTIONS = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])
URN = "urn:pulumi:org/dev::proj::a:b:C$x:y:Z::name"


def test_what_a_rule_reads_of_a_resource() -> None:
    inputs = {"a": {"b": 1, "u": UNKNOWN, "n": None}, "l": [1]}
    found = Resource(type="t", name="name", urn=URN, inputs=inputs, options=OPTIONS)
    assert found.at("a.b") == 1 and found.at("a.x", 7) == 7 and found.at("a.n", 8) == 8 and found.at("l.x") is None
    assert (
        found.peek("a.u") is UNKNOWN
        and found.peek("a.u.deeper") is UNKNOWN
        and repr(UNKNOWN) == ("(known after the update)")
    )
    with pytest.raises(UndecidedError, match=r"^a\.u$"):
        found.at("a.u")
    assert (found.stack, found.project) == ("org/dev", "proj")


def test_members_of_a_stack_by_type_and_by_what_they_need() -> None:
    def member(name: str, type_: str) -> Member:
        needs = {"x": frozenset({"urn:a"})}
        return Member(type=type_, name=name, urn=f"urn:{name}", inputs={}, options=OPTIONS, by_input=needs)

    from cloud import catalogue

    a, b = member("a", catalogue.STORAGE.type), member("b", catalogue.VAULT.type)
    stack = Stack([a, b])
    assert stack.of(catalogue.STORAGE) == [a] and stack.of(catalogue.STORAGE, catalogue.VAULT) == [a, b]
    assert stack.named(frozenset({"urn:b"}), catalogue.STORAGE, catalogue.VAULT) == [b]
    assert a.needs("x") == {"urn:a"} and a.needs("y") == frozenset()


def hub(name: str) -> Declared:
    return samples.workspace(name, "Hub")


GIVEN = {"principalId": "11111111-0000-4000-8000-000000000000"}
WORKER = samples.endpoint("e").but(identity={"type": "UserAssigned", "userAssignedIdentities": [samples.ref("id")]})


@pytest.mark.parametrize(
    ("rule", "config", "program", "told"),
    [
        ("budget-present", {}, [samples.budget("b").but(notifications=None)], ["b notifies nobody"]),
        ("budget-present", {"maximum": 99}, [samples.budget("b")], ["b is of 100 a month; allowed: 99"]),
        ("budget-present", {"maximum": 0}, [samples.budget("b")], []),
        ("one-hub-per-project", {}, [hub("h"), hub("i"), samples.project("p", "h")], ["the hub i has no project"]),
        ("one-hub-per-project", {}, [samples.project("p", "x")], ["the project p has 0 hubs in this stack"]),
        ("one-hub-per-project", {"hubs": ["/h"]}, [samples.project("p", "x").but(hubResourceId="/h")], []),
        (
            "role-known-principals",
            {"principals": {GIVEN["principalId"]: "x"}},
            [samples.assignment("a", "").but(**GIVEN)],
            [],
        ),
        ("role-known-principals", {"assignments": {"a": "x"}}, [samples.assignment("a", "").but(**GIVEN)], []),
        (
            "role-known-principals",
            {},
            [samples.group("g"), samples.assignment("a", "g")],
            ["a is granted to (known after the update), who is not known"],
        ),
        ("role-known-principals", {}, [samples.storage("s"), samples.assignment("a", "s")], []),
        (
            "endpoint-identity-roles",
            {"roles": {"x": "X", "y": "Y"}},
            [samples.identity("id"), WORKER],
            ["id, the identity of e, has no X", "id, the identity of e, has no Y"],
        ),
        ("public-with-reason", {"reasons": {"s": "why"}}, [samples.storage("s").but(publicNetworkAccess=None)], []),
        (
            "public-with-reason",
            {},
            [samples.storage("s").but(publicNetworkAccess=None)],
            ["s can be reached from the internet, and nobody says why"],
        ),
        (
            "public-with-reason",
            {},
            [samples.storage("s").but(publicNetworkAccess="ENABLED", networkRuleSet={"defaultAction": "Deny"})],
            [],
        ),
        ("public-with-reason", {}, [samples.workspace("p", "Project").but(publicNetworkAccess="Enabled")], []),
        (
            "sealed-as-it-says",
            {},
            [samples.preflight("preflight").but(input__loosened=["a", "b"])],
            ["preflight records that these are looser: a, b"],
        ),
        ("sealed-as-it-says", {}, [samples.preflight("other").but(input__loosened=["a"])], []),
        ("private-endpoints", {}, [samples.storage("s"), samples.private_endpoint("p", "s")], []),
        (
            "private-endpoints",
            {},
            [samples.storage("s"), samples.endpoint("e"), samples.workspace("p", "Project")],
            ["s has no private endpoint"],
        ),
        ("diagnostics-on", {}, [samples.vault("v"), samples.diagnostics("d", "v")], []),
        (
            "diagnostics-on",
            {},
            [samples.vault("v"), samples.diagnostics("d", "v").but(logs=None)],
            ["v sends its logs nowhere"],
        ),
        ("diagnostics-on", {}, [samples.vault("v"), samples.diagnostics("d", "x")], ["v sends its logs nowhere"]),
        ("connections-one-by-one", {}, [samples.connection("a", "p"), samples.connection("b", "q")], []),
        (
            "connections-one-by-one",
            {},
            [
                samples.connection("a", "p"),
                samples.group("g").having(depends_on=("a",)),
                samples.connection("b", "p").having(depends_on=("g",)),
                samples.connection("c", "p"),
            ],
            ["a and c are written at the same time", "b and c are written at the same time"],
        ),
        (
            "connections-one-by-one",
            {},
            [hub("h"), *(samples.connection(name).but(workspaceName=samples.ref("h")) for name in "ab")],
            ["a and b are written at the same time"],
        ),
        ("cluster-fits-model", {"gpuMemory": {}}, [samples.cluster("c"), samples.finetune("f")], []),
        (
            "finetune-spending",
            {"maximumDollars": 0, "dollarsPerHour": {"Standard_NC24ads_A100_v4": 2}},
            [samples.cluster("c"), samples.finetune("f").but(input__max_cost=3, input__max_attempts=2)],
            ["1 epoch(s) on 1 x Standard_NC24ads_A100_v4, 2 attempt(s) at most, may cost 4 US dollars; allowed: 0"],
        ),
        (
            "finetune-spending",
            {"maximumDollars": 0},
            [samples.cluster("c").but(computeName="other"), samples.finetune("f")],
            [],
        ),
    ],
)
def test_what_a_stack_policy_finds(rule: str, config: dict[str, Any], program: list[Declared], told: list[str]) -> None:
    assert stack_findings(rule, program, config) == told
