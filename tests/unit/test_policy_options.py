"""How an environment tunes the rules, and the finer points of some of them."""

from __future__ import annotations

from typing import Any

import pytest

from policy import rule
from policy.example import Declared
from policy.samples import STACK, TAGS, cluster, endpoint, release, storage, trust, workspace
from tests.unit.policy_engine import (
    BUDGET,
    BY_NAME,
    CASES,
    arguments,
    broken,
    findings,
    given,
    resource_policy,
    stack_findings,
    violating,
)


@pytest.fixture(autouse=True)
def _nothing_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule, "_declared", {})


@pytest.mark.parametrize(
    "type_name",
    ["azure-native:storage/v20230101:StorageAccount", "azure-native_storage_v20230101:storage:StorageAccount"],
)
def test_a_type_with_an_api_version_is_the_same_type(type_name: str) -> None:
    wrong = storage("versioned").but(minimumTlsVersion="TLS1_0").having(type=type_name)
    assert broken([wrong, *BUDGET]) == {"versioned": ["storage-tls"]}


@pytest.mark.parametrize(
    ("rule", "config", "declared"),
    [
        ("allowed-locations", {"locations": ["westeurope"]}, storage("x")),
        ("vm-size-allowed", {"sizes": ["Standard_NC40ads_H100_v5"]}, cluster("x")),
        ("cluster-max-nodes", {"maximum": 0.0}, cluster("x")),
        ("cluster-idle-time", {"maximumSeconds": 60.0}, cluster("x")),
        ("endpoint-auth-mode", {"modes": ["AADToken"]}, endpoint("x")),
        ("endpoint-instances", {"minimum": 2.0}, release("x")),
        ("release-in-steps", {"minimumSoakSeconds": 300.0}, release("x")),
        ("vault-soft-delete", {"minimumDays": 90.0}, next(c.passes[0] for c in CASES if c.rule == "vault-rbac")),
        ("workspace-high-business-impact", {"always": True}, workspace("x")),
        ("workspace-customer-tags", {"tags": ["unit"]}, workspace("x")),
    ],
)
def test_an_environment_tunes_a_rule(rule: str, config: dict[str, Any], declared: Declared) -> None:
    policy = resource_policy(rule)
    found: list[str] = []
    policy.validate(arguments(declared, given(BY_NAME[rule])), lambda message, _=None: found.append(message))
    assert found == []
    policy.validate(arguments(declared, config), lambda message, _=None: found.append(message))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("steps", "problem"),
    [([50, 10, 100], "do not rise"), ([10, 50], "do not rise"), ([], "do not rise")],
)
def test_traffic_steps_rise_to_all(steps: list[int], problem: str) -> None:
    found = findings([release("bad").but(input__traffic_steps=steps), *BUDGET])
    assert [line for line in found["bad"] if problem in line]


def test_max_steps_decide_what_a_fine_tune_costs() -> None:
    machines, stage = next(c.passes for c in CASES if c.rule == "finetune-spending")
    long = stage.having(name="long").but(input__recipe__max_steps=100_000)
    short = stage.having(name="short").but(input__recipe__max_steps=10, input__recipe__num_train_epochs=1000)
    assert broken([machines, long, short, *BUDGET]) == {"long": ["finetune-spending"]}


H100 = "Standard_NC40ads_H100_v5"


def test_an_h100_does_not_pass_at_the_price_of_an_a100() -> None:
    """3,000 a month are allowed."""
    found = findings([release("a100"), release("h100").but(input__instance_type=H100), *BUDGET])
    assert list(found) == ["h100"]
    (line,) = found["h100"]
    told = f"serving-spending: 1 instance(s) of {H100} cost 6,373 US dollars a month; allowed: 3,000"
    assert line.startswith(told)


def test_office_hours_bring_a_dear_machine_under_the_limit() -> None:
    short = release("short").but(input__instance_type=H100, input__hours="Mon-Fri 07:00-19:00 Europe/Berlin")
    assert "short" not in findings([short, *BUDGET])  # 6,373 x 60 / 168 = 2,276
    long = release("long").but(input__instance_type=H100, input__hours="Mon-Fri 00:00-24:00 UTC")
    (line,) = findings([long, *BUDGET])["long"]
    assert "cost 4,552 US dollars a month in Mon-Fri 00:00-24:00 UTC; allowed: 3,000" in line


def test_a_fine_tune_costs_what_its_clusters_machines_do() -> None:
    machines, stage = next(c.passes for c in CASES if c.rule == "finetune-spending")
    dear = machines.but(properties__properties__vmSize=H100.upper())
    five = stage.but(input__recipe__num_train_epochs=5)
    limit = {"maximumDollars": 60.0}
    assert stack_findings("finetune-spending", [machines, five], limit) == []
    assert stack_findings("finetune-spending", [dear, five], limit) == [
        f"5 epoch(s) on 1 x {H100.upper()}, 3 attempt(s) at most, may cost 134 US dollars; allowed: 60"
    ]
    two = five.but(input__recipe__num_nodes_finetune=2)
    assert stack_findings("finetune-spending", [machines, two], limit) == [
        "5 epoch(s) on 2 x Standard_NC24ads_A100_v4, 3 attempt(s) at most, may cost 113 US dollars; allowed: 60"
    ]


def test_a_size_nobody_knows_the_price_of_is_over_every_limit() -> None:
    machines, stage = next(c.passes for c in CASES if c.rule == "finetune-spending")
    unknown = machines.but(properties__properties__vmSize="Standard_ND96isr_H200_v5")
    told = "what Standard_ND96isr_H200_v5 costs an hour is unknown; name it in dollarsPerHour"
    assert stack_findings("finetune-spending", [unknown, stage], {}) == [told]
    named = {"dollarsPerHour": {"standard_nd96isr_h200_v5": 10.0}}
    assert stack_findings("finetune-spending", [unknown, stage], named) == []
    assert stack_findings("finetune-spending", [unknown, stage], {"dollarsPerHour": {}}) == []


def test_a_cluster_that_says_nothing_of_ssh_is_open() -> None:
    silent = cluster("silent").but(properties__properties__remoteLoginPortPublicAccess=None)
    default = cluster("default").but(properties__properties__remoteLoginPortPublicAccess="NotSpecified")
    assert broken([silent, default, *BUDGET]) == {
        "silent": ["cluster-login-closed"],
        "default": ["cluster-login-closed"],
    }


def test_a_fine_tune_s_waits_count_for_each_attempt_and_node() -> None:
    machines, stage = next(c.passes for c in CASES if c.rule == "finetune-spending")
    machines = machines.but(properties__properties__vmSize="Standard_NC96ads_A100_v4")
    stage = stage.but(input__recipe__max_steps=1, input__max_attempts=10, input__gpus_per_node=4)
    one = stage.having(name="one")  # 10 attempts x 7 minutes x 14.68 dollars: 17
    eight = stage.having(name="eight").but(input__recipe__num_nodes_finetune=8)
    assert broken([machines, one, eight, *BUDGET]) == {"eight": ["finetune-spending"]}


def test_other_kinds_of_compute_have_no_nodes_to_scale() -> None:
    instance = cluster("instance").but(
        properties__computeType="ComputeInstance", properties__properties__vmPriority="LowPriority"
    )
    assert broken([instance, *BUDGET]) == {}


def test_a_budget_has_a_limit_and_a_reader() -> None:
    silent = BUDGET[0].but(notifications=None, amount=5000)
    found = stack_findings("budget-present", [silent], {"maximum": 1000.0})
    assert found == ["budget is of 5000 a month; allowed: 1000", "budget notifies nobody"]


def test_a_project_may_have_a_hub_of_another_stack() -> None:
    hub = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/hub"
    lone = workspace("lone", "Project").but(hubResourceId=hub)
    assert broken([lone, *BUDGET]) == {"lone": ["one-hub-per-project"]}
    assert stack_findings("one-hub-per-project", [lone], {"hubs": [hub]}) == []


@pytest.mark.parametrize(
    "config",
    [
        {"principals": {"11111111-0000-4000-8000-000000000000": "the operators' group"}},
        {"assignments": {"role-known-principals": "whoever runs the program"}},
    ],
)
def test_known_principals_are_on_a_list(config: dict[str, Any]) -> None:
    assert stack_findings("role-known-principals", violating("role-known-principals"), config) == []


@pytest.mark.parametrize(
    ("ignored", "clean"),
    [
        (("properties",), True),
        (("properties.traffic", "tags"), True),
        (("properties.traf",), False),
        (("tags",), False),
    ],
)
def test_traffic_is_kept_by_ignoring_it_or_what_holds_it(ignored: tuple[str, ...], clean: bool) -> None:
    found = broken([endpoint("kept").having(ignore_changes=ignored), *BUDGET])
    assert found == ({} if clean else {"kept": ["endpoint-keeps-traffic"]})
    declared = endpoint("kept").having(ignore_changes=()).but(properties__traffic={})
    assert broken([declared, *BUDGET]) == {}


@pytest.mark.parametrize(
    ("exception", "told"),
    [
        ({"why": "nobody calls it", "by": "somebody", "until": "2999-12-31"}, None),
        (
            {"why": "nobody calls it", "by": "somebody", "until": "2020-01-31"},
            "its exception by somebody ended on 2020-01-31",
        ),
        ({"why": "nobody calls it", "by": "somebody"}, "its exception does not say until"),
        ({"why": " ", "until": "2999-12-31"}, "its exception does not say why, by"),
        ({"why": "w", "by": "b", "until": "next year"}, "its exception ends on next year, which is no day"),
        ("nobody calls it", "its exception does not say why, by, until"),
    ],
)
def test_an_exception_says_why_by_whom_and_until_when_and_excuses_one_resource(
    exception: object, told: str | None
) -> None:
    found = stack_findings("diagnostics-on", violating("diagnostics-on"), {"exceptions": {"diagnostics-on": exception}})
    assert (found == []) if told is None else (len(found) == 1 and told in found[0])
    other = stack_findings("diagnostics-on", violating("diagnostics-on"), {"exceptions": {"another": exception}})
    assert len(other) == 1 and "exception" not in other[0]


def _asked(rule: str, declared: Declared, config: dict[str, Any]) -> list[str]:
    found: list[str] = []
    resource_policy(rule).validate(arguments(declared, config), lambda message, _=None: found.append(message))
    return found


def test_every_rule_takes_exceptions_of_its_own() -> None:
    good = {"why": "w", "by": "b", "until": "2999-12-31"}
    wide = storage("wide").but(minimumTlsVersion="TLS1_0", allowBlobPublicAccess=True)
    config = {"exceptions": {"wide": good}}
    assert _asked("storage-tls", wide, config) == []
    assert len(_asked("storage-no-public-blob", wide, {})) == 1


def test_no_tag_opens_anything() -> None:
    tagged = storage("tagged").but(publicNetworkAccess="Enabled", tags={**TAGS, "public-reason": "because"})
    assert broken([tagged, *BUDGET]) == {"tagged": ["public-with-reason"]}


def test_only_repositories_on_the_list_are_trusted_where_there_is_one() -> None:
    config = {"repositories": ["someone/finetune-phi"]}
    assert _asked("trust-one-environment", trust("t"), config) == []
    ids = trust("t").but(subject=f"repo:someone@1/finetune-phi@2:environment:{STACK}")
    assert _asked("trust-one-environment", ids, config) == []
    other = trust("t").but(subject=f"repo:somebody/finetune-phi:environment:{STACK}")
    assert len(_asked("trust-one-environment", other, config)) == 1
    assert _asked("trust-one-environment", other, {}) == []
