"""Roles that others grant: what is there is seen, what is missing is told to the letter."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any
from urllib.parse import unquote_plus

import pytest
from preflight_asked import SPEC

from cloud.arm import Arm
from cloud.errors import StageError
from cloud.roles import Role
from jobs.preflight import grants
from jobs.preflight.findings import State
from jobs.preflight.spec import Grant, GrantsSpec
from tests.unit.arm_fake import ArmFake, install

S = "/subscriptions/00000000-0000-4000-8000-000000000001"
RG = f"{S}/resourceGroups/rg-ours"
IDENTITY = f"{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-train"
STORAGE = f"{S}/resourceGroups/rg-shared/providers/Microsoft.Storage/storageAccounts/stshared"
REGISTRY = f"{S}/resourceGroups/rg-shared/providers/Microsoft.ContainerRegistry/registries/crshared"
PRINCIPAL, PEOPLE = "00000000-0000-4000-8000-0000000000aa", "00000000-0000-4000-8000-0000000000bb"
WANTED = (
    Grant(role="CONTRIBUTOR", scope=RG, identity=IDENTITY),
    Grant(role="STORAGE_BLOB_DATA_READER", scope=STORAGE, identity=IDENTITY),
    Grant(role="ACR_PULL", scope=REGISTRY, identity=IDENTITY),
    Grant(role="STORAGE_BLOB_DATA_CONTRIBUTOR", scope=STORAGE, principal=PEOPLE, kind="Group"),
)


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    """All that roles are granted on and to is there, and nothing is granted."""
    fake = install(monkeypatch)
    fake.get(IDENTITY, {"properties": {"principalId": PRINCIPAL}})
    for scope in (RG, STORAGE, REGISTRY):
        fake.get(scope, {"id": scope})
        grant(fake, scope)
    return fake


def grant(arm: ArmFake, scope: str, *rows: tuple[Role, str] | tuple[Role, str, str]) -> None:
    """What Azure lists at a scope: a role, where it is granted, and under which condition."""
    value = [
        {
            "properties": {
                "roleDefinitionId": f"{S}/providers/Microsoft.Authorization/roleDefinitions/{role.guid}",
                "scope": at,
                "condition": condition[0] if condition else None,
            }
        }
        for role, at, *condition in rows
    ]
    arm.get(f"{scope}/providers/Microsoft.Authorization/roleAssignments", {"value": value})


def roles(found: list[Grant]) -> list[str]:
    return [each.role for each in found]


def test_all_are_missing_where_nothing_is_granted(arm: ArmFake) -> None:
    found = grants.missing(Arm(), WANTED)
    assert roles(found) == [each.role for each in WANTED]
    assert [each.principal for each in found] == [PRINCIPAL] * 3 + [PEOPLE]
    asked = [url for method, url in arm.sent if "roleAssignments" in url]
    # With the groups that it is in; of a group itself Azure does not take that.
    assert [f"assignedTo('{PRINCIPAL}')" in unquote_plus(url) for url in asked] == [True, True, True, False]
    assert f"principalId eq '{PEOPLE}'" in unquote_plus(asked[3])


@pytest.mark.parametrize(
    ("scope", "row", "left"),
    [
        (RG, (Role.CONTRIBUTOR, RG), ["STORAGE_BLOB_DATA_READER", "ACR_PULL", "STORAGE_BLOB_DATA_CONTRIBUTOR"]),
        (RG, (Role.OWNER, S), ["STORAGE_BLOB_DATA_READER", "ACR_PULL", "STORAGE_BLOB_DATA_CONTRIBUTOR"]),
        # On what is below it, under a condition, or of no known kind it is not there.
        (RG, (Role.CONTRIBUTOR, IDENTITY), [each.role for each in WANTED]),
        (RG, (Role.CONTRIBUTOR, RG, "some condition"), [each.role for each in WANTED]),
        (RG, (Role.READER, RG), [each.role for each in WANTED]),
        (RG, (Role.CONTRIBUTOR, f"{RG}-other"), [each.role for each in WANTED]),
        (STORAGE, (Role.STORAGE_BLOB_DATA_CONTRIBUTOR, STORAGE), ["CONTRIBUTOR", "ACR_PULL"]),
        (STORAGE, (Role.STORAGE_BLOB_DATA_READER, S), ["CONTRIBUTOR", "ACR_PULL", "STORAGE_BLOB_DATA_CONTRIBUTOR"]),
        (REGISTRY, (Role.ACR_PUSH, REGISTRY), [each.role for each in WANTED if each.role != "ACR_PULL"]),
    ],
)
def test_what_is_granted_is_not_missing(arm: ArmFake, scope: str, row: Any, left: list[str]) -> None:
    grant(arm, scope, row)
    assert roles(grants.missing(Arm(), WANTED)) == left


LINES = [
    f"az role assignment create --assignee-object-id {PRINCIPAL} --assignee-principal-type ServicePrincipal --role "
    f'"Contributor" --scope {RG}',
    f"az role assignment create --assignee-object-id {PRINCIPAL} --assignee-principal-type ServicePrincipal --role "
    f'"AcrPull" --scope {REGISTRY}',
    f"az role assignment create --assignee-object-id {PEOPLE} --assignee-principal-type Group --role "
    f'"Storage Blob Data Contributor" --scope {STORAGE}',
]


def test_the_stage_ends_with_the_lines_that_mend_it(arm: ArmFake) -> None:
    grant(arm, STORAGE, (Role.STORAGE_BLOB_DATA_READER, S))
    spec = GrantsSpec(stack="dev", subscription_id="s", grants=WANTED)
    with pytest.raises(StageError) as refused:
        grants.run(GrantsSpec.from_inputs(spec.to_inputs()), print, threading.Event())
    assert "3 assignments are not there" in str(refused.value)
    said = [line.strip() for line in str(refused.value).splitlines()]
    assert [line for line in said if line.startswith("az ")] == LINES
    assert "python -m jobs preflight --stack dev" in str(refused.value)
    grant(arm, RG, (Role.CONTRIBUTOR, RG))
    grant(arm, REGISTRY, (Role.ACR_PULL, REGISTRY))
    grant(arm, STORAGE, (Role.STORAGE_BLOB_DATA_OWNER, STORAGE))
    grants.run(spec, print, threading.Event())


def test_bicep_is_a_file_for_each_group(arm: ArmFake) -> None:
    grant(arm, STORAGE, (Role.STORAGE_BLOB_DATA_CONTRIBUTOR, STORAGE))
    (ours, shared) = grants.bicep(grants.missing(Arm(), WANTED)).split("// roles-")[1:]
    assert ours.startswith("rg-ours.bicep: az deployment group create --subscription 00000000")
    assert "scope: on" not in ours and "existing" not in ours
    assert shared.splitlines()[1:] == [
        "targetScope = 'resourceGroup'",
        "resource on0 'Microsoft.ContainerRegistry/registries@2023-01-01-preview' existing = {",
        "  name: 'crshared'",
        "}",
        "resource grant0 'Microsoft.Authorization/roleAssignments@2022-04-01' = {",
        "  name: '017debba-a711-5c2e-b164-98fdd417c8f1' // AcrPull",
        "  scope: on0",
        "  properties: {",
        f"    principalId: '{PRINCIPAL}'",
        "    principalType: 'ServicePrincipal'",
        "    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', "
        "'7f951dda-4ed3-4680-a7ca-43fe172d538d')",
        "  }",
        "}",
    ]


def test_the_preflight_tells_what_can_be_granted_and_what_is_not_there_yet(arm: ArmFake) -> None:
    spec = dataclasses.replace(SPEC, grants=WANTED[:2])
    (refused,) = grants.granted(spec, Arm())
    assert refused.state is State.REFUSED and refused.found == "2 missing" and LINES[0] in refused.fix
    # What is not there yet can have nothing granted on it.
    del arm.routes[next(key for key in arm.routes if key[-1].endswith("rg-ours") or str(key).endswith("rg-ours"))]
    (warned,) = grants.granted(spec, Arm())
    assert warned.state is State.WARNING and "rg-ours is not there yet" in warned.found
    arm.get(IDENTITY, {"error": {"code": "ResourceNotFound", "message": "no"}}, 404)
    (later,) = grants.granted(spec, Arm())
    assert later.state is State.WARNING and later.found.startswith("2 to be granted to what is not there yet")
    assert grants.granted(SPEC, Arm())[0].found == "the program grants them"


ML = f"{RG}/providers/Microsoft.MachineLearningServices/workspaces"


def test_what_a_team_lacks_is_told_and_stands_in_nobodys_way(arm: ArmFake) -> None:
    grant(arm, RG, (Role.CONTRIBUTOR, RG))
    team = (
        Grant(role="READER", scope=RG, principal=PEOPLE, kind="Group"),
        Grant(role="CONNECTION_SECRETS_READER", scope=f"{ML}/proj/connections/phi", principal=PEOPLE, kind="Group"),
    )
    (warned,) = grants.granted(dataclasses.replace(SPEC, grants=WANTED[:1], team=team), Arm())
    assert (warned.state, warned.found) == (State.WARNING, "1 missing that groups of the team are to have")
    assert warned.fix.endswith(
        f'--assignee-object-id {PEOPLE} --assignee-principal-type Group --role "Azure Machine Learning Workspace '
        f'Connection Secrets Reader" --scope {ML}/proj/connections/phi'
    )
    # What lies in something else is named with it.
    lines = grants.bicep(grants.missing(Arm(), team)).splitlines()
    at = lines.index("resource on0 'Microsoft.MachineLearningServices/workspaces/connections@2025-12-01' existing = {")
    assert lines[at + 1] == "  name: 'proj/phi'"
