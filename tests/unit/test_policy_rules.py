"""Every rule takes what is clean and finds what is not, as the engine would ask it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY

from cloud.catalogue import STAGE
from cloud.roles import Role
from infra.federation import granting_only
from policy import rule, samples
from policy.example import Declared, Example
from policy.pack import RULES
from policy.rule import Rule
from policy.rules.grants import _is_given
from policy.samples import KEY, assignment, connection, identity, storage
from tests.unit.policy_engine import BUDGET, BY_NAME, CASES, arguments, broken, findings, given, resource_policy
from tests.unit.policy_problems import TOLD


@pytest.fixture(autouse=True)
def _nothing_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule, "_declared", {})


def test_every_rule_has_a_case() -> None:
    assert {case.rule for case in CASES} == set(BY_NAME)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.on}")
def test_clean(case: Example) -> None:
    assert broken([*case.passes, *(BUDGET if case.passes != BUDGET else ())]) == {}


FAILING = [case for case in CASES if not case.mended]


@pytest.mark.parametrize(("case", "told"), zip(FAILING, TOLD.strip().split("\n\n"), strict=True))
def test_a_failing_example_fails_for_its_own_reason(case: Example, told: str) -> None:
    found = findings([*case.fails, *(BUDGET if case.on else ())])
    lines = [f"{on or 'stack'} < {line.split(chr(10))[0]}" for on, lines in found.items() for line in lines]
    assert lines == told.split("\n")
    expected = {name: sorted(also) for name, also in case.also.items()}
    expected[case.on] = sorted([*case.also.get(case.on, ()), case.rule])
    assert {on: sorted({line.split(":")[0] for line in lines}) for on, lines in found.items()} == expected


@pytest.mark.parametrize("case", FAILING, ids=lambda case: case.rule)
def test_a_message_says_what_why_and_what_to_do(case: Example) -> None:
    rule = BY_NAME[case.rule]
    lines = [line for line in findings(case.fails)[case.on] if line.startswith(f"{rule.name}: ")]
    problem, why, what = lines[0].removeprefix(f"{rule.name}: ").split("\n")
    assert len(problem) > 10
    assert why == f"Why: {rule.reason}" and what == f"What to do: {rule.remedy}"


@pytest.mark.parametrize("case", [c for c in CASES if c.mended], ids=lambda case: case.on)
def test_remedied(case: Example) -> None:
    """What a remedy returns is clean, and a clean resource is left alone."""
    rule = BY_NAME[case.rule]
    policy = resource_policy(rule.name)
    (wrong,), (right,) = case.fails, case.passes
    mended = policy.remediate(arguments(wrong, given(rule), marked=True))
    assert mended is not None
    assert policy.remediate(arguments(right, given(rule), marked=True)) is None
    again = wrong.having(inputs=mended)  # already in the engine's form, of which wire() changes nothing
    assert policy.remediate(arguments(again, given(rule), marked=True)) is None


def test_a_plain_key_becomes_a_secret_and_a_secret_stays_one() -> None:
    policy = resource_policy("connection-secrets")
    plain = connection("mixed").but(properties__credentials={"keys": {"a": "plain", "b": {"$secret": KEY}}})
    mended: Any = policy.remediate(arguments(plain, {}, marked=True))
    keys = mended["properties"]["credentials"]["keys"]
    assert keys == {
        name: {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": value} for name, value in (("a", "plain"), ("b", KEY))
    }


def test_an_unknown_key_is_left_alone() -> None:
    policy = resource_policy("connection-secrets")
    later = connection("later").but(properties__credentials={"keys": {"key": {"$ref": "endpoint"}}})
    assert policy.remediate(arguments(later, {}, marked=True)) is None


def test_no_message_holds_a_secret() -> None:
    program = [declared for case in CASES for declared in case.fails]
    assert KEY in json.dumps([dict(declared.inputs) for declared in program])
    assert KEY not in str(findings(program))


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.check], ids=lambda rule: rule.name)
def test_what_is_not_known_yet_breaks_no_rule(rule: Rule) -> None:
    policy = resource_policy(rule.name)
    found: list[str] = []
    for case in CASES:
        for declared in case.passes:
            unknown = declared.having(inputs={key: {"$ref": "other"} for key in declared.inputs})
            policy.validate(arguments(unknown, given(rule)), lambda message, _=None: found.append(message))
    assert found == []


def test_remedies_leave_unknown_tags_alone() -> None:
    for name in ("tags-present", "tags-true"):
        policy = resource_policy(name)
        unknown = storage("later").but(tags={"$ref": "other"})
        assert policy.remediate(arguments(unknown, {}, marked=True)) is None


def test_stack_rules_read_what_the_program_gave() -> None:
    """The engine hands them outputs, which a first preview does not know."""
    case = next(case for case in CASES if case.rule == "public-with-reason")
    assert broken([*case.fails, *BUDGET]) == {case.on: ["public-with-reason"]}
    seen = findings([*case.fails, *BUDGET], outputs_known=True)
    assert [line.split(":")[0] for line in seen[case.on]] == ["public-with-reason"]


ADMINISTRATOR, ACR_PULL = Role.ROLE_BASED_ACCESS_CONTROL_ADMINISTRATOR, Role.ACR_PULL.guid
BOUND = granting_only([ACR_PULL])
SWAPPED = BOUND.replace("@Request", "@X").replace("@Resource", "@Request").replace("@X", "@Resource")


@pytest.mark.parametrize(
    ("role", "condition", "found"),
    [
        (ADMINISTRATOR, BOUND, []),
        (ADMINISTRATOR, "", ["role-no-owner"]),
        (ADMINISTRATOR, BOUND.split(" AND ")[0], ["role-no-owner"]),
        (ADMINISTRATOR, f"{BOUND} OR (true)", ["role-no-owner"]),
        (ADMINISTRATOR, BOUND.replace("@Request", "@Resource"), ["role-no-owner"]),
        (ADMINISTRATOR, SWAPPED, ["role-no-owner"]),
        (ADMINISTRATOR, granting_only([ACR_PULL, ADMINISTRATOR.guid]), ["role-no-owner"]),
        # Whoever owns the group needs no role to do everything in it.
        (Role.OWNER, BOUND, ["role-no-owner"]),
    ],
)
def test_who_grants_roles_may_grant_only_some(role: Role, condition: str, found: list[str]) -> None:
    program = [identity("deployer"), assignment("grants", "deployer", role, condition), *BUDGET]
    assert broken(program).get("grants", []) == found


def test_an_identity_that_the_stack_file_names_is_known() -> None:
    given = "urn:pulumi:dev::p::azure-native:managedidentity:UserAssignedIdentity::existing-identity"
    assert _is_given(given) and not _is_given(given.replace("existing-identity", "somebody"))
    assert not _is_given(given.replace("managedidentity:UserAssignedIdentity", "x:Y"))


def test_roles_that_others_grant_are_not_missing() -> None:
    def program(*roles: str) -> list[Declared]:
        endpoint = samples.endpoint("e").but(
            identity={"type": "UserAssigned", "userAssignedIdentities": [samples.ref("worker")]}
        )
        look = Declared(type=STAGE.type, name="roles", inputs={"input": {"grants": [{"role": each} for each in roles]}})
        return [identity("worker"), endpoint, look, *BUDGET]

    names = ("ACR_PULL", "STORAGE_BLOB_DATA_READER", "AZUREML_METRICS_WRITER")
    assert "endpoint-identity-roles" not in broken(program(*names)).get("e", [])
    assert "endpoint-identity-roles" in broken(program(*names[1:]))["e"]
