"""Names: stable, distinct and within Azure's rules, whatever the stack is called."""

from __future__ import annotations

import uuid
from dataclasses import asdict, replace

import pytest

from settings.naming import Names, role_assignment_name

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
