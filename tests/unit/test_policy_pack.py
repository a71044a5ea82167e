"""The pack as a whole: what a reader is told, and what the environments configure."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi_policy import EnforcementLevel

from policy import document, exceptions
from policy.exceptions import objection
from policy.frameworks import benchmark, cis, well_architected
from policy.pack import BY_AREA, RULES
from policy.rule import Rule
from policy.rules.placement import PATTERNS
from settings.naming import Names
from settings.stack import load

ROOT = Path(__file__).resolve().parents[2]
TYPES = {"array": list, "object": dict, "string": str, "integer": int, "number": (int, float), "boolean": bool}
LEVELS = {level.value for level in EnforcementLevel}


IDS = """
    allowed-locations
    names-by-convention
    tags-present
    tags-true
    workspace-customer-tags
    vm-size-allowed
    vm-size-retired
    release-fits-model
    cluster-fits-model
    cluster-scales-to-zero
    cluster-max-nodes
    cluster-idle-time
    cluster-dedicated
    cluster-login-closed
    cluster-no-local-auth
    model-from-approved-registry
    component-pinned
    connection-target
    endpoint-auth-mode
    endpoint-public-access
    endpoint-instances
    endpoint-identity
    endpoint-traffic-sum
    endpoint-keeps-traffic
    release-in-steps
    release-answers-throughout
    storage-tls
    storage-no-public-blob
    storage-no-shared-key
    storage-https-only
    vault-rbac
    vault-soft-delete
    vault-purge-protection
    registry-no-admin
    registry-sku
    registry-no-anonymous-pull
    ai-services-no-keys
    registry-no-export
    storage-recoverable
    storage-trusted-services
    workspace-user-identity
    workspace-customer-key
    workspace-managed-network
    workspace-high-business-impact
    one-hub-per-project
    connection-secrets
    connections-one-by-one
    trust-one-environment
    role-no-owner
    role-no-subscription-scope
    role-no-wildcard
    role-known-principals
    endpoint-identity-roles
    public-with-reason
    sealed-as-it-says
    private-endpoints
    diagnostics-on
    budget-present
    stateful-protected
    logs-kept
    alerts-on
    finetune-spending
    serving-spending
"""


def test_ids_never_change() -> None:
    """Configurations of stacks name them: a rule is added or goes, and is never called otherwise."""
    assert [rule.name for rule in RULES] == IDS.split()


def test_names_are_unique_and_readable() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", name) for name in names)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_says_everything(rule: Rule) -> None:
    assert rule.description.endswith(".")
    assert len(rule.reason) > 15 and not rule.reason.endswith(".")
    assert len(rule.remedy) > 10 and not rule.remedy.endswith(".")
    assert bool(rule.check) != bool(rule.stack_check)
    for option in rule.options.values():
        assert isinstance(option.default, TYPES[option.type]), rule.name
    policy = rule.policy()
    assert policy.severity and policy.remediation_steps and policy.description


def test_every_rule_is_in_exactly_one_area() -> None:
    assert sorted(rule.name for rules in BY_AREA.values() for rule in rules) == sorted(rule.name for rule in RULES)


def test_frameworks_are_those_that_were_looked_up() -> None:
    for make in (benchmark, cis, well_architected):
        with pytest.raises(KeyError):
            make("XX-1")


@pytest.mark.parametrize("environment", document.ENVIRONMENTS)
def test_an_environment_configures_what_there_is(environment: str) -> None:
    rules = {rule.name: rule for rule in RULES}
    for name, value in document.settings(environment).items():
        rule = rules[name]
        configured: dict[str, Any] = {"enforcementLevel": value} if isinstance(value, str) else dict(value)
        assert configured.pop("enforcementLevel", rule.level.value) in LEVELS
        for key, chosen in configured.items():
            if key == exceptions.KEY:
                assert [objection(each, {key: chosen}, date(2026, 12, 1)) for each in chosen] == [None] * len(chosen)
                continue
            assert isinstance(chosen, TYPES[rule.options[key].type]), f"{environment}: {name}.{key}"


def test_every_stack_has_a_configuration() -> None:
    stacks = {path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml")}
    assert stacks == set(document.ENVIRONMENTS)


def test_production_is_at_least_as_strict_as_dev() -> None:
    order = ["disabled", "advisory", "mandatory", "remediate"]
    dev, prod = document.settings("dev"), document.settings("prod")
    for rule in RULES:
        assert order.index(document.level(rule, prod)) >= order.index(document.level(rule, dev)), rule.name


def test_names_of_the_program_follow_the_convention() -> None:
    names = Names.of("phi", "dev", "00000000-0000-0000-0000-000000000001")
    found = {
        "resource group": names.resource_group,
        "log analytics": names.log_analytics,
        "application insights": names.application_insights,
        "storage": names.storage_account,
        "key vault": names.key_vault,
        "container registry": names.container_registry,
        "identity": names.identity,
        "workspace": names.workspace,
        "hub": names.hub,
        "project": names.project,
        "AI services": names.ai_services,
        "endpoint": names.endpoint,
    }
    assert set(found) == set(PATTERNS)
    for kind, name in found.items():
        assert re.fullmatch(PATTERNS[kind], name), kind


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_machines_of_an_environment_are_allowed(environment: str) -> None:
    sizes = document.settings(environment)["vm-size-allowed"]["sizes"]
    settings = load(environment, ROOT)
    assert settings.compute.vm_size in sizes and settings.serving.vm_size in sizes
    assert settings.location in document.settings(environment)["allowed-locations"]["locations"]


def test_the_page_is_made_from_the_pack() -> None:
    assert document.PAGE.read_text(encoding="utf-8") == document.page(), "run: python -m policy.document"


def test_the_project_file_names_the_environment_of_the_project() -> None:
    project = yaml.safe_load((ROOT / "policy" / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    assert project["runtime"] == {"name": "python", "options": {"virtualenv": "../.venv"}}


def test_the_pack_loads_nothing_heavy() -> None:
    """It stands between the user and every reviewed preview."""
    heavy = (
        "{'pulumi_azure_native', 'azure.ai.ml', 'azure.identity', 'datasets', 'pydantic', 'emulator', 'jobs', 'flow'}"
    )
    code = f"import sys, policy.pack; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_no_module_hides_one_of_the_standard_library() -> None:
    """The engine starts the pack in its directory, so its files come first on the path."""
    assert not {path.stem for path in (ROOT / "policy").glob("*.py")} & set(sys.stdlib_module_names)
