"""What each kind of step puts at risk, every sentence whole."""

from __future__ import annotations

from typing import Any

import pytest
from review_sentences import TOLD

from infra.federation import granting_only
from review.events import Preview, State, Step
from review.known.judge import Level
from review.risks import Risk, is_first, ranked, risks, together

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
N = "azure-native:"
S = "/subscriptions/s/resourceGroups/rg"


def step(type_: str, name: str, op: str, old: Any = None, new: Any = None, *, protected: bool = False) -> Step:
    states = [
        State(old, {}, protect=protected) if old is not None else None,
        State(new, {}) if new is not None else None,
    ]
    return Step(f"urn:pulumi:dev::p::{type_}::{name}", type_, op, *states, "")


def role(
    guid: str = "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    scope: str = S,
    who: str = "11111111-0000-4000-8000-000000000001",
    **more: str,
) -> dict[str, Any]:
    return {"roleDefinitionId": f"/x/{guid}", "scope": scope, "principalId": who, **more}


R = f"{N}authorization:RoleAssignment"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
RBAC = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
COND = granting_only(["7f951dda-4ed3-4680-a7ca-43fe172d538d"])
OTHER = step(f"{N}resources:ResourceGroup", "rg", "same", {}, {})
CASES = [
    step(f"{N}storage:StorageAccount", "st", "delete", {"accountName": "st1"}),
    step(
        f"{N}storage:StorageAccount",
        "st",
        "replace",
        {"accountName": "st1", "azureApiVersion": "1"},
        {"accountName": "st2", "azureApiVersion": "1"},
    ),
    step(f"{N}storage:StorageAccount", "st", "replace", {"accountName": "st1"}, {"accountName": UNKNOWN}),
    step(f"{N}keyvault:Vault", "kv", "delete", {"vaultName": "kv1"}),
    step(f"{N}operationalinsights:Workspace", "log", "delete", {"workspaceName": "l"}),
    step(f"{N}machinelearningservices:OnlineEndpoint", "ep", "delete", {"endpointName": "e"}),
    step(f"{N}machinelearningservices:OnlineEndpoint", "ep", "replace", {"endpointName": "e"}, {"endpointName": "e"}),
    step(f"{N}machinelearningservices:OnlineEndpoint", "ep", "replace", {"endpointName": "e"}, {"endpointName": "f"}),
    step(f"{N}machinelearningservices:Compute", "c", "delete", {"computeName": "c"}),
    step(f"{N}managedidentity:UserAssignedIdentity", "id", "replace", {"resourceName": "a"}, {"resourceName": "a"}),
    step(f"{N}consumption:Budget", "b", "delete", {"budgetName": "b"}),
    step(f"{N}consumption:Budget", "b", "replace", {"budgetName": "b"}, {"budgetName": "b"}),
    step("pulumi-python:dynamic:Purge", "p", "delete", {"names": {}}),
    step("pulumi-python:dynamic:Purge", "p", "replace", {"names": {}}, {"names": {}}),
    step("pulumi-python:dynamic:ClusterSize", "p", "delete", {}),
    step(f"{N}managedidentity:FederatedIdentityCredential", "f", "delete", {}),
    step(f"{N}cognitiveservices:Account", "ai", "replace", {"accountName": "a"}, {"accountName": "a"}),
    step(R, "r", "delete", role()),
    step(R, "r", "create", None, role()),
    step(R, "r", "create", None, role(OWNER)),
    step(R, "r", "create", None, role(OWNER, condition="x")),
    step(R, "r", "create", None, role(RBAC, condition=COND)),
    step(R, "r", "create", None, role(RBAC, condition=granting_only([OWNER]))),
    step(R, "r", "create", None, role(scope="/subscriptions/s/")),
    step(R, "r", "create", None, role(scope="/providers/Microsoft.Management/managementGroups/m")),
    step(R, "r", "create", None, role(scope=UNKNOWN, who=UNKNOWN)),
    step(R, "r", "replace", role(), role()),
    step(R, "r", "replace", role(), role(who=UNKNOWN)),
    step(R, "r", "replace", role(), role(who="2")),
    step(R, "r", "replace", role(), role(scope=f"{S}/providers/a/b/c")),
    step(R, "r", "replace", role(), role(OWNER, who="2")),
    step(
        f"{N}managedidentity:FederatedIdentityCredential",
        "f",
        "create",
        None,
        {"subject": "repo:a/b", "issuer": "https://i", "resourceName": "id-x"},
    ),
    step(
        f"{N}managedidentity:FederatedIdentityCredential",
        "f",
        "update",
        {"subject": "repo:a/b", "issuer": "https://i", "resourceName": "id-x"},
        {"subject": "repo:a/c", "issuer": "https://i", "resourceName": UNKNOWN},
    ),
    step(
        f"{N}machinelearningservices:WorkspaceConnection", "co", "create", None, {"properties": {"target": "https://t"}}
    ),
    step(f"{N}machinelearningservices:WorkspaceConnection", "co", "create", None, {"properties": {"target": UNKNOWN}}),
    step(
        f"{N}machinelearningservices:Workspace",
        "w",
        "update",
        {"identity": {"type": "SystemAssigned"}},
        {
            "identity": {
                "type": "SystemAssigned,UserAssigned",
                "userAssignedIdentities": ["/subscriptions/s/id1", UNKNOWN],
            }
        },
    ),
    step(f"{N}machinelearningservices:Workspace", "w", "update", {"identity": {"type": "None"}}, {}),
    step(f"{N}machinelearningservices:Workspace", "w", "update", {"tags": {"a": "b"}}, {"tags": {"a": "c"}}),
    step(
        f"{N}machinelearningservices:Workspace",
        "w",
        "update",
        {"description": "a", "friendlyName": "b"},
        {"description": "c", "friendlyName": "d"},
    ),
    step(f"{N}machinelearningservices:Workspace", "w", "update", {}, {}),
    step(f"{N}machinelearningservices:Workspace", "w", "same", {}, {}, protected=True),
    step(f"{N}nobody:Knows", "w", "create", None, {}),
    step(f"{N}storage:StorageAccount", "st", "rename", {"a": 1}, {"a": 1}),
    step("pulumi:providers:azure-native", "az", "update", {"version": "1"}, {"version": "2", "subscriptionId": "x"}),
    step("finetune-phi:infra:X", "x", "create", None, {}),
    step(
        "pulumi:index:Stash",
        "finetune",
        "update",
        {"input": {"fingerprint": "a", "recipe": {"learning_rate": 1}}},
        {"input": {"fingerprint": "b", "recipe": {"learning_rate": 2}}},
    ),
    step("pulumi:index:Stash", "finetune", "update", {"input": {"fingerprint": "a"}}, {"input": {"fingerprint": "b"}}),
    step("pulumi:index:Stash", "finetune", "delete", {"input": {"fingerprint": "a"}}),
    step(
        f"{N}machinelearningservices:OnlineEndpoint",
        "ep",
        "update",
        {"properties": {"traffic": {"a": 100}}},
        {"properties": {"traffic": {"a": 50, "b": 50}}},
    ),
    step(
        f"{N}storage:StorageAccount",
        "st",
        "create",
        None,
        {"minimumTlsVersion": "TLS1_0", "unheard": 1, "allowBlobPublicAccess": True},
    ),
    step(
        f"{N}storage:StorageAccount",
        "st",
        "update",
        {"minimumTlsVersion": "TLS1_2", "x1": 1},
        {"x2": 1, "x3": 1, "x4": 1, "x5": 1, "x6": 1},
    ),
]


@pytest.mark.parametrize(("case", "told"), zip(CASES, TOLD.strip().split("\n\n"), strict=True))
def test_every_sentence_of_a_step(case: Step, told: str) -> None:
    found = risks(Preview(steps=[case, OTHER]))
    assert ("\n".join(f"{risk.level} {risk}" for risk in found) or "nothing") == told
    assert {risk.urn for risk in found} <= {case.urn}


@pytest.mark.parametrize(
    ("alone", "level"),
    [
        (step(R, "r", "create", None, role()), Level.LOW),
        (step(R, "r", "create", None, role(OWNER)), Level.HIGH),
        (step(f"{N}machinelearningservices:WorkspaceConnection", "c", "create", None, {}), Level.LOW),
    ],
)
def test_what_a_first_deployment_may_do(alone: Step, level: Level) -> None:
    stack = step("pulumi:pulumi:Stack", "s", "update", {}, {})
    provider = step("pulumi:providers:azure-native", "p", "same", {}, {})
    assert is_first(Preview(steps=[alone, stack, provider])) and not is_first(Preview(steps=[alone, OTHER]))
    assert [each.level for each in risks(Preview(steps=[alone, stack, provider]))] == [level]


def test_which_risks_lose_data() -> None:
    lost = [
        step(f"{N}{kind}", "x", "delete", {}) for kind in ("keyvault:Vault", "machinelearningservices:OnlineEndpoint")
    ]
    assert [risk.data for risk in risks(Preview(steps=lost))] == [True, False, False]


def test_the_worst_come_first_and_of_equals_what_nobody_knows() -> None:
    unknown = Risk(Level.MEDIUM, "d", "this review does not know it")
    found = [Risk(Level.LOW, "a", "x"), Risk(Level.MEDIUM, "b", "x"), Risk(Level.HIGH, "c", "x"), unknown]
    assert [risk.resource for risk in ranked(found)] == ["c", "d", "b", "a"]
    assert [risk.unknown for risk in found] == [False, False, False, True]


def test_what_is_said_of_several_is_said_once() -> None:
    said = [Risk(Level.LOW, name, "is open") for name in "abcde"] + [Risk(Level.HIGH, "f", "is open")]
    assert together(said) == [
        Risk(Level.LOW, "5 resources: a, b, c and 2 more", "is open"),
        Risk(Level.HIGH, "f", "is open"),
    ]
    assert together(said[:3]) == [Risk(Level.LOW, "a, b, c", "is open")]


@pytest.mark.parametrize("verb", ["is", "gets", "gives", "takes", "changes", "acts", "lets"])
def test_a_sentence_goes_on_from_its_resource(verb: str) -> None:
    assert str(Risk(Level.LOW, "vault v", f"{verb} x.")) == f"vault v {verb} x"
    assert str(Risk(Level.LOW, "vault v", f"{verb}x y.")) == f"vault v: {verb}x y"


def test_live_traffic_that_an_update_carries_is_no_change() -> None:
    kind, live = f"{N}machinelearningservices:OnlineEndpoint", {"mf": 100}
    one = step(kind, "endpoint", "update", {"properties": {"traffic": {"mo": 9}}}, {"properties": {"traffic": live}})
    release = step("pulumi:index:Stash", "release", "same", {"input": {"fingerprint": "f"}}, {})
    told = [f"{risk.level} {risk}" for risk in risks(Preview(steps=[one, release]))]
    assert told == ["low endpoint endpoint is changed in properties.traffic.mf, properties.traffic.mo"]
    assert [risk.level for risk in risks(Preview(steps=[one, OTHER]))] == [Level.HIGH]
