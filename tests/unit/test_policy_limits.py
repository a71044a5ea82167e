"""A rule with a limit takes what is at the limit, and finds what is a unit beyond it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pulumi_policy import ResourceValidationPolicy

from policy import inputs as policy_inputs
from policy import rule
from policy.beyond import blobs
from policy.example import Declared
from policy.samples import budget, cluster, finetune, log_analytics, release, vault
from tests.unit.policy_engine import BY_NAME, arguments, stack_findings

SIZE, MODEL = "Standard_NC24ads_A100_v4", "Phi-4-mini-instruct"
PRICES = {SIZE: 4.0}
SCALE = "properties__properties__scaleSettings__"
# 15 steps of 2 s beside 420 s of waiting are an eighth of an hour: 50 cents an attempt.
TRAINED = {"dollarsPerHour": PRICES, "secondsPerStep": 2.0}
STAGE = finetune("x").but(input__recipe__max_steps=15, input__max_attempts=2)


@pytest.fixture(autouse=True)
def _nothing_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule, "_declared", {})


def found(rule: str, program: Sequence[Declared], config: dict[str, Any]) -> list[str]:
    policy, problems = BY_NAME[rule].policy(), list[str]()
    if not isinstance(policy, ResourceValidationPolicy):
        return stack_findings(rule, program, config)
    for declared in program:
        policy.validate(arguments(declared, config), lambda message, _=None: problems.append(message.split("\n")[0]))
    return problems


def steps(*shares: int) -> Declared:
    return release("x").but(input__traffic_steps=list(shares))


@pytest.mark.parametrize(
    ("rule", "at", "beyond", "problem"),
    [
        (
            "cluster-scales-to-zero",
            cluster("x").but(**{f"{SCALE}minNodeCount": 0}),
            cluster("x").but(**{f"{SCALE}minNodeCount": 1}),
            "x keeps 1 node(s) running; allowed: 0",
        ),
        (
            "cluster-max-nodes",
            cluster("x").but(**{f"{SCALE}maxNodeCount": 4}),
            cluster("x").but(**{f"{SCALE}maxNodeCount": 5}),
            "x grows to 5 nodes; allowed: 4",
        ),
        (
            "cluster-idle-time",
            cluster("x").but(**{f"{SCALE}nodeIdleTimeBeforeScaleDown": "PT10M"}),
            cluster("x").but(**{f"{SCALE}nodeIdleTimeBeforeScaleDown": "PT10M1S"}),
            "x keeps idle nodes for 601 s; allowed: 600 s",
        ),
        (
            "endpoint-instances",
            release("x").but(input__instance_count=1),
            release("x").but(input__instance_count=0),
            "x has 0 instance(s); allowed: 1 to 4",
        ),
        (
            "endpoint-instances",
            release("x").but(input__instance_count=4),
            release("x").but(input__instance_count=5),
            "x has 5 instance(s); allowed: 1 to 4",
        ),
        (
            "endpoint-instances",
            release("x").but(input__scale={"max": 4}),
            release("x").but(input__scale={"max": 5}),
            "x has 5 instance(s); allowed: 1 to 4",
        ),
        ("release-in-steps", steps(100), steps(99), "the traffic steps [99] do not rise to 100"),
        (
            "release-in-steps",
            steps(49, 50, 100),
            steps(50, 50, 100),
            "the traffic steps [50, 50, 100] do not rise to 100",
        ),
        (
            "vault-soft-delete",
            vault("x").but(properties__softDeleteRetentionInDays=7),
            vault("x").but(properties__softDeleteRetentionInDays=6),
            "x keeps what is deleted for 6 days; at least: 7",
        ),
        (
            "storage-recoverable",
            blobs("x").but(deleteRetentionPolicy__days=7),
            blobs("x").but(deleteRetentionPolicy__days=6),
            "x keeps deleted blobs for 6 days; at least: 7",
        ),
        (
            "logs-kept",
            log_analytics("x").but(retentionInDays=30),
            log_analytics("x").but(retentionInDays=29),
            "x keeps logs for 29 days; allowed: 30 to 730",
        ),
        (
            "logs-kept",
            log_analytics("x").but(retentionInDays=730),
            log_analytics("x").but(retentionInDays=731),
            "x keeps logs for 731 days; allowed: 30 to 730",
        ),
    ],
)
def test_as_the_rule_is_delivered(rule: str, at: Declared, beyond: Declared, problem: str) -> None:
    assert found(rule, [at], {}) == []
    assert found(rule, [beyond], {}) == [problem]


@pytest.mark.parametrize(
    ("rule", "program", "at", "beyond", "problem"),
    [
        (
            "release-in-steps",
            [steps(10, 100)],
            {"maximumFirstStep": 10},
            {"maximumFirstStep": 9},
            "the first traffic step is 10 %; allowed: 9 %",
        ),
        (
            "release-in-steps",
            [release("x")],
            {"minimumSoakSeconds": 60},
            {"minimumSoakSeconds": 61},
            "a traffic step is watched for 60 s; at least: 61 s",
        ),
        (
            "budget-present",
            [budget("x")],
            {"maximum": 100},
            {"maximum": 99},
            "x is of 100 a month; allowed: 99",
        ),
        (
            "release-fits-model",
            [release("x")],
            {"gpuMemory": {MODEL: 80}},
            {"gpuMemory": {MODEL: 81}},
            f"{MODEL} needs 81 GB of GPU memory to answer; {SIZE} has 80 GB",
        ),
        (
            "cluster-fits-model",
            [cluster("machines"), finetune("x")],
            {"gpuMemory": {MODEL: 80}},
            {"gpuMemory": {MODEL: 81}},
            f"{MODEL} needs 81 GB of GPU memory to be trained; machines has 80 GB",
        ),
        (
            "finetune-spending",
            [cluster("machines"), STAGE],
            {**TRAINED, "maximumDollars": 1.0},
            {**TRAINED, "maximumDollars": 0.99},
            f"15 steps on 1 x {SIZE}, 2 attempt(s) at most, may cost 1 US dollars; allowed: 1",
        ),
        (
            "serving-spending",
            [release("x")],
            {"dollarsPerHour": PRICES, "maximumDollarsPerMonth": 2920},
            {"dollarsPerHour": PRICES, "maximumDollarsPerMonth": 2919},
            f"1 instance(s) of {SIZE} cost 2,920 US dollars a month; allowed: 2,919",
        ),
    ],
)
def test_as_an_environment_sets_it(
    rule: str, program: list[Declared], at: dict[str, Any], beyond: dict[str, Any], problem: str
) -> None:
    assert found(rule, program, at) == []
    assert found(rule, program, beyond) == [problem]


@pytest.mark.parametrize(
    ("rule", "config"),
    [("cluster-fits-model", {"gpuMemory": {MODEL: 81}}), ("finetune-spending", {**TRAINED, "maximumDollars": 0.99})],
)
def test_what_is_not_known_of_one_stage_hides_nothing_of_the_next(rule: str, config: dict[str, Any]) -> None:
    unknown = STAGE.having(name="first").but(input__cluster={"$ref": "cluster"})
    assert len(found(rule, [cluster("machines"), unknown, STAGE], config)) == 1


def dataset(**inputs: Any) -> Declared:
    own = {"fingerprint": "0123456789ab", "directory": "data", **inputs}
    return Declared(type=STAGE.type, name="dataset", inputs={"input": own})


@pytest.mark.parametrize(
    ("card", "given", "hours"),
    [
        ({}, {}, 5.0),  # 420 s of waiting beside two passes of it
        ({"model": "Phi-4"}, {}, None),
        ({"vm_size": "Standard_NC40ads_H100_v5"}, {}, None),
        ({"hours": "unknown"}, {}, None),
        ({}, {"source": "azureml:chats:3"}, None),  # prepared on a cluster: what lies here is of other data
        ({}, {"fingerprint": "ba9876543210"}, None),
    ],
)
def test_a_hundred_times_the_data_is_not_the_same_price(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, card: dict[str, Any], given: dict[str, Any], hours: float | None
) -> None:
    monkeypatch.setattr(policy_inputs, "ROOT", tmp_path)
    recipe = {"model": MODEL, "vm_size": SIZE.lower(), "epochs": 2, "hours": 10 + 420 / 3600, **card}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "card.json").write_text(json.dumps({"recipe": recipe}))
    stage = finetune("x").but(
        input__recipe__num_train_epochs=3, input__max_attempts=1, input__dataset_fingerprint="0123456789ab"
    )
    config = {"dollarsPerHour": PRICES, "hoursPerEpoch": 1.0, "maximumDollars": 1.0}
    (told,) = found("finetune-spending", [cluster("machines"), dataset(**given), stage], config)
    much = f" of {hours:.1f} h, by the data card," if hours else ""
    dollars = ((hours or 1.0) * 3 + 420 / 3600) * 4
    assert told == (
        f"3 epoch(s){much} on 1 x {SIZE}, 1 attempt(s) at most, may cost {dollars:,.0f} US dollars; allowed: 1"
    )


def test_several_recipes_have_one_limit_together_and_each_no_more_than_its_own() -> None:
    both = [cluster("machines"), STAGE.having(name="finetune-a"), STAGE.having(name="finetune-b")]
    assert found("finetune-spending", both, {**TRAINED, "maximumDollars": 2.0}) == []
    assert found("finetune-spending", both, {**TRAINED, "maximumDollars": 1.99}) == [
        "2 fine-tunes together may cost 2 US dollars; allowed: 2"
    ]
    capped = [stage.but(input__max_cost=0.25) if stage.name.startswith("finetune") else stage for stage in both]
    assert found("finetune-spending", capped, {**TRAINED, "maximumDollars": 1.0}) == []


def test_a_job_costs_no_more_than_its_longest_hours() -> None:
    stages = [cluster("machines"), finetune("x").but(input__max_attempts=1, input__recipe__num_train_epochs=100)]
    config = {"dollarsPerHour": PRICES, "hoursPerEpoch": 1.0}
    assert found("finetune-spending", stages, {**config, "maximumDollars": 400.0})
    limited = [stages[0], stages[1].but(input__max_hours=2)]
    assert found("finetune-spending", limited, {**config, "maximumDollars": 8.0}) == []
    (told,) = found("finetune-spending", limited, {**config, "maximumDollars": 7.9})
    assert "100 epoch(s) on 1 x Standard_NC24ads_A100_v4, 1 attempt(s) at most, may cost 8 US dollars" in told


def test_every_limit_of_a_rule_is_in_these_tables() -> None:
    numbers = {
        rule.name
        for rule in BY_NAME.values()
        if {option.type for option in rule.options.values()} & {"integer", "number"}
    }
    tables = (test_as_the_rule_is_delivered, test_as_an_environment_sets_it)
    tried = {case[0] for table in tables for case in table.pytestmark[0].args[1]}
    assert tried == numbers | {"release-fits-model", "cluster-fits-model"}
