"""Names: stable, distinct and within Azure's rules, whatever the stack is called."""

from __future__ import annotations

import re
import uuid
from dataclasses import asdict, replace

import pytest

from settings.naming import Names, Origin, patterns_of, role_assignment_name, wrong

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
STACKS = ["dev", "local", "Feature_X.2", "a", "9", "___", "production-europe-west-blue", "-x-", "ünï"]


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("prefix", ["ab", "phi", "eightchr"])
def test_names_are_within_azures_rules(prefix: str, stack: str) -> None:
    names = Names.of(prefix, stack, SUBSCRIPTION)  # checks itself
    assert len(names.storage_account) <= 24
    assert len(names.key_vault) <= 24
    assert len(names.endpoint) <= 32


def test_names_are_stable() -> None:
    # Another value here would orphan every resource that exists.
    names = Names.of("phi", "dev", SUBSCRIPTION)
    assert names == Names.of("phi", "dev", SUBSCRIPTION.upper())
    assert asdict(names) == {
        "resource_group": "rg-phi-dev-hczmwz",
        "log_analytics": "log-phi-dev",
        "application_insights": "appi-phi-dev",
        "storage_account": "stphidevhczmwz",
        "key_vault": "kvphidevhczmwz",
        "container_registry": "crphidevhczmwz",
        "identity": "id-phi-dev",
        "workspace": "mlw-phi-dev-hczmwz",
        "cluster": "gpu-cluster",
        "data_cluster": "cpu-cluster",
        "ai_services": "ais-phi-dev-hczmwz",
        "hub": "hub-phi-dev-hczmwz",
        "project": "proj-phi-dev-hczmwz",
        "endpoint": "phi-dev-hczmwz",
        "connection": "phi-connection",
        "flow": "phi-chat",
        "ai_services_connection": "ai-services",
        "action_group": "ag-phi-dev",
        "error_alert": "alert-phi-dev-5xx",
        "model_alert": "alert-phi-dev-model",
        "latency_alert": "alert-phi-dev-latency",
        "budget": "budget-phi-dev",
    }
    assert names.github == "id-phi-dev-github"


def test_stacks_and_subscriptions_do_not_share_names() -> None:
    worldwide = ("storage_account", "key_vault", "container_registry", "ai_services", "endpoint", "resource_group")
    every = [
        Names.of("phi", stack, subscription)
        for stack in ("production-a", "production-b", "Production-a")
        for subscription in (SUBSCRIPTION, SUBSCRIPTION.replace("1", "2"))
    ]
    for attribute in worldwide:
        assert len({getattr(names, attribute) for names in every}) == len(every), attribute


def test_a_name_azure_would_refuse_is_refused_here() -> None:
    with pytest.raises(ValueError, match="storage account name 'No' breaks"):
        replace(Names.of("phi", "dev", SUBSCRIPTION), storage_account="No")


def test_role_assignments_have_stable_distinct_guids() -> None:
    first = role_assignment_name("scope", "role", "principal")
    assert first == "3bea8e6c-48d8-57cd-a296-2dec22663e3b"
    assert first == role_assignment_name("SCOPE", "role", "principal")
    others = {role_assignment_name(*parts) for parts in (("b", "r", "p"), ("s", "b", "p"), ("s", "r", "b"))}
    assert len(others | {first}) == 4
    assert str(uuid.UUID(first)) == first


def test_a_pattern_names_all_but_what_lies_in_a_workspace() -> None:
    names = Names.of("phi", "Prod.EU", SUBSCRIPTION, "", {"pattern": "{kind}-{project}-{stack}-01"}, "westeurope")
    own = Names.of("phi", "Prod.EU", SUBSCRIPTION)
    assert names.resource_group == "rg-phi-prod-eu-01"
    assert (names.storage_account, names.container_registry) == ("stphiprodeu01", "crphiprodeu01")
    assert (names.key_vault, names.endpoint) == ("kv-phi-prod-eu-01", "oep-phi-prod-eu-01")
    assert (names.workspace, names.hub, names.project) == tuple(f"{k}-phi-prod-eu-01" for k in ("mlw", "hub", "proj"))
    assert names.model_alert == "alert-model-phi-prod-eu-01"
    inside = ("cluster", "data_cluster", "connection", "flow", "ai_services_connection")
    assert [getattr(names, each) for each in inside] == [getattr(own, each) for each in inside]


def test_one_that_is_given_wins() -> None:
    chosen = {"pattern": "{kind}-{stack}-{suffix}-{location}", "key_vault": "kv-platform", "cluster": "a100"}
    names = Names.of("phi", "dev", SUBSCRIPTION, "abc", chosen, "eastus2")
    assert (names.key_vault, names.cluster, names.workspace) == ("kv-platform", "a100", "mlw-dev-abc-eastus2")
    assert Names.of("phi", "dev", SUBSCRIPTION, "", {}) == Names.of("phi", "dev", SUBSCRIPTION)


def test_everything_that_is_wrong_with_names_is_found_at_once() -> None:
    pattern = {"pattern": "{kind}-contoso-{location}-{project}-{stack}", "hub": "MLW-contoso-uksouth-phi-prod"}
    found = [(each.attribute, each.name) for each in wrong("phi", "prod", "", pattern, "uksouth")]
    assert found == [("key_vault", "kv-contoso-uksouth-phi-prod"), ("hub", "MLW-contoso-uksouth-phi-prod")]
    assert list(wrong("phi", "prod", "")) == []


@pytest.mark.parametrize(
    ("record", "origin"),
    [
        ({"stack": "dev", "subscription_id": "s"}, Origin("dev", "s")),
        (
            {"stack": "now", "subscription_id": "t", "origin": {"stack": "dev", "subscription_id": "s"}},
            Origin("dev", "s"),
        ),
        ({}, None),
        ({"stack": 3, "subscription_id": "s"}, None),
        (None, None),
        ("text", None),
    ],
)
def test_the_origin_is_read_in_what_the_preflight_has_recorded(record: object, origin: Origin | None) -> None:
    assert Origin.of(record) == origin


@pytest.mark.parametrize(
    "pattern", ["{kind}-{project}-{stack}", "{kind}_{location}-v1-{suffix}", "Contoso-{kind}-{stack}"]
)
def test_the_policies_patterns_are_those_of_the_names_that_are_chosen(pattern: str) -> None:
    chosen = {
        "pattern": pattern,
        "key_vault": "kv-shared",
        "log_analytics": "log-a",
        "ai_services": "ai",
        "endpoint": "e-p",
    }
    names, found = Names.of("phi", "prod-eu", SUBSCRIPTION, "", chosen, "westeurope"), patterns_of(chosen)
    assert found["key_vault"] == "kv\\-shared"
    for attribute, expression in found.items():
        assert re.fullmatch(expression, getattr(names, attribute)), attribute
        assert not re.fullmatch(expression, "mlw-somebody-else's"), attribute
    assert patterns_of({}) == {}
