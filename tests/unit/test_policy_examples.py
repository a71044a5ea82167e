"""The examples of policies are written in Azure's words and in the program's: one with an input that nobody has would
hold nothing."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import BaseModel

from cloud.catalogue import AZURES, STAGE, find
from cloud.roles import Role
from jobs.preflight.spec import PreflightSpec
from jobs.release.spec import ReleaseSpec
from jobs.training.spec import FinetuneSpec
from policy import samples
from policy.beyond import blobs
from policy.example import Declared, Example, but
from policy.pack import RULES
from settings.naming import rule_of
from settings.recipes.recipe import Recipe
from settings.sections.finetune import FinetuneSettings
from settings.sections.serving import ServingSettings
from tests.unit.sdk_inputs import unknown_to_azure

DECLARED = [each for rule in RULES for example in rule.examples for each in (*example.passes, *example.fails)]
GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
KINDS = {row.arm_type for row in AZURES} | {"Microsoft.Authorization/roleDefinitions"}
STAGES: dict[str, tuple[type, ...]] = {
    "recipe": (FinetuneSpec, FinetuneSettings),
    "traffic_steps": (ReleaseSpec, ServingSettings),
    "stack": (PreflightSpec,),
}
"""What a stage's input is made of, by a key that no other stage's has."""


@pytest.mark.parametrize("type_", sorted({each.type for each in DECLARED if each.type != STAGE.type}))
def test_the_provider_knows_every_input_of_an_example(type_: str) -> None:
    found = [
        line for each in DECLARED if each.type == type_ for line in unknown_to_azure(type_, each.inputs, each.name)
    ]
    assert found == []


def test_an_input_that_nobody_knows_would_be_found() -> None:
    wrong = samples.storage("x").but(
        sku={"name": "Standard_XX"}, nothing=1, tags=["a"], allowBlobPublicAccess="no", networkRuleSet__bypas="None"
    )
    assert unknown_to_azure(wrong.type, wrong.inputs, "x") == [
        "x.tags: is no list, but pulumi.Input[Optional[Mapping[str, pulumi.Input[_builtins.str]]]]",
        "x.sku.name: Standard_XX is none of Azure's words",
        "x.allowBlobPublicAccess: no is no bool",
        "x.nothing: there is no such input",
        "x.networkRuleSet.bypas: there is no such input",
    ]


def fields(of: type) -> set[str]:
    if issubclass(of, BaseModel):
        return set(of.model_fields)
    return {each.name for each in dataclasses.fields(of)} | set(of.RENAMED.values())  # type: ignore[attr-defined, arg-type]


def test_a_stage_has_every_input_of_an_example() -> None:
    for each in (each.inputs["input"] for each in DECLARED if each.type == STAGE.type):
        (kinds,) = [kinds for key, kinds in STAGES.items() if key in each]
        assert each.keys() <= set().union(*map(fields, kinds)), each
        assert each.get("recipe", {}).keys() <= fields(Recipe)
        for asset in (each[key] for key in ("base_model", "component") if key in each):
            assert asset.keys() == {"registry", "name", "version"}


def texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text with the key that it stands at."""
    if isinstance(value, Mapping):
        for inner, item in value.items():
            yield from texts(item, inner)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item, key)
    elif isinstance(value, str):
        yield key, value


SHAPES = {
    "tenantId": GUID,
    "principalId": GUID,
    "roleAssignmentName": GUID,
    "conditionVersion": r"2\.0",
    "location": "eastus2|westeurope",
    "resourceGroupName": "rg-phi-dev-abcdef|rg-checked",
    "accountName": "stphidevabcdef|ais-phi-dev-abcdef|mystorage",
    "workspaceName": "(mlw|hub|proj)-phi-dev-abcdef|log-phi-dev|proj(-.*)?",
    "keyIdentifier": r"https://kv\.vault\.azure\.net/keys/k",
    "blobServicesName": "default",
    "categoryGroup": "audit|allLogs",
    "groupIds": "blob|file",
    "evaluationFrequency": "PT1M",
    "windowSize": "PT5M",
    "nodeIdleTimeBeforeScaleDown": "PT120S|PT1H",
    "issuer": r"https://(vs)?token\.actions\.githubusercontent\.com",
    "audiences": "api://AzureADTokenExchange",
    "subject": "repo:someone.*",
    "contactEmails": r"\w+@example\.org",
    "startDate": r"\d{4}-\d\d-01T00:00:00Z",
    "vmSize": "Standard_.*",
    "resourceName": "id-phi-dev|id-checked",
    "project": "policies",
    "stack": "checked|another",
    "owner": "team",
    "cost-center": "42",
    "federatedIdentityCredentialResourceName": "github-checked",
    "connectionName": "phi-connection",
    "family": "A",
    "odataType": r"Microsoft\.Azure\.Monitor\.SingleResourceMultipleMetricCriteria",
    "actions": r"\*|Microsoft\.\w+/(\*|storageAccounts/listKeys/action)|/subscriptions/.*",
    "dataActions": r"Microsoft\.\w+/\*/read",
}
"""What the texts of some inputs look like on Azure, as regular expressions over the whole."""


def test_texts_of_examples_are_as_azure_writes_them() -> None:
    for each in DECLARED:
        row = find(each.type, each.inputs)
        if row and row.names and (name := each.inputs.get(row.name_input)) and each.type != samples.SEARCH:
            assert any(re.fullmatch(rule_of(own)[0], name) for own in row.names), name
        for key, text in texts(each.inputs):
            assert re.fullmatch(SHAPES.get(key, ".*"), text), (key, text)
            if text.startswith("/subscriptions/"):
                found = re.fullmatch(
                    rf"/subscriptions/{GUID}(/resourceGroups/[\w-]+)?(/providers/(?P<kind>[\w.]+(/\w+)+))?", text
                ) or re.fullmatch(r".*/providers/(?P<kind>.*)", text)
                kind = found["kind"] if found else "nothing"
                parts = (kind or "").split("/")
                assert not kind or "/".join([parts[0], *parts[1::2]]) in KINDS, text


def test_a_declaration_is_changed_at_any_depth_and_only_there() -> None:
    first = Declared(type="t", name="n", inputs={"a": {"b": {"c": 1, "d": 2}}, "e": 3})
    changed = first.but(a__b__c=4, a__b__d=None, e=None, f__g=5, h=None)
    assert changed == Declared(type="t", name="n", inputs={"a": {"b": {"c": 4}}, "f": {"g": 5}})
    assert first.inputs == {"a": {"b": {"c": 1, "d": 2}}, "e": 3}
    assert first.having(protect=True, depends_on=("m",)) == dataclasses.replace(first, protect=True, depends_on=("m",))


def test_an_example_of_one_resource() -> None:
    made = but(samples.group, ("other",), location="x")("rule")
    assert made == Example(
        passes=(samples.group("rule-clean"),),
        fails=(samples.group("rule").but(location="x"),),
        on="rule",
        also={"rule": ("other",)},
    )
    assert but(samples.group, location="x")("rule").also == {}


def test_samples_that_a_program_would_protect_are_protected() -> None:
    made = [
        samples.storage,
        samples.vault,
        samples.registry,
        samples.log_analytics,
        samples.workspace,
        samples.endpoint,
    ]
    assert [make("x").protect for make in made] == [True] * 6
    assert [make("x").protect for make in (samples.group, samples.cluster, samples.identity)] == [False] * 3
    assert samples.endpoint("x").ignore_changes == ("tags", "properties")
    assert samples.connection("x").secret_outputs == ("properties",)
    assert samples.connection("x").inputs["workspaceName"] == "proj-x"
    assert samples.cluster("x").inputs["workspaceName"] == samples.workspace("x").inputs["workspaceName"]
    assert samples.endpoint("x").inputs["workspaceName"] == samples.workspace("x").inputs["workspaceName"]
    assert blobs("x").inputs["accountName"] == samples.storage("x").inputs["accountName"]
    assert samples.assignment("x", "y").inputs["roleDefinitionId"].endswith(Role.ACR_PULL.guid)
