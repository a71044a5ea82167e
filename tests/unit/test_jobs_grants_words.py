"""Roles that others grant: which there have to be by the settings, how they are looked for, and each finding whole."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from preflight_asked import SPEC
from test_jobs_grants import IDENTITY, PEOPLE, PRINCIPAL, REGISTRY, RG, STORAGE, WANTED, S, arm, grant  # noqa: F401

from cloud.arm import Arm
from cloud.errors import StageError
from cloud.place import Place
from cloud.roles import Role
from jobs.preflight import grants
from jobs.preflight.spec import Grant, GrantsSpec
from settings.stack import parse
from tests.unit.arm_fake import ArmFake

GROUPS = {"11111111-2222-3333-4444-555555555555": "read", "22222222-3333-4444-5555-666666666666": "chat"}
DEPLOYS = {"33333333-4444-5555-6666-777777777777": "deploy"}
KEYLESS = {"storage": {"sharedKeys": False, "deployers": {PEOPLE: "User"}}}
THEIRS = f"{S}/resourceGroups/rg-theirs"
GIVEN = {
    "storage": f"{THEIRS}/providers/Microsoft.Storage/storageAccounts/stshared",
    "registry": f"{THEIRS}/providers/Microsoft.ContainerRegistry/registries/crshared",
    "identity": f"{THEIRS}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-train",
}
CASES: dict[str, tuple[bool, dict[str, Any]]] = {
    "usual": (False, {}),
    "no keys": (False, KEYLESS),
    "GitHub": (False, {"github": {"repository": "a/b"}}),
    "GitHub, no keys": (False, {"github": {"repository": "a/b"}, **KEYLESS}),
    "given": (False, {"existing": GIVEN}),
    "a narrow contributor": (False, {"identity": {"contributorScope": "workspace"}}),
    "a group that is given": (False, {"existing": {"group": THEIRS}}),
    "no team": (True, {}),
    "a team": (True, {"team": {**GROUPS, **DEPLOYS}}),
    "a team in a group that is given": (True, {"team": GROUPS, "existing": {"group": THEIRS}}),
    "a team without keys": (True, {"team": GROUPS, "localAuth": False}),
}
TOLD: dict[str, list[str]] = {
    "usual": [
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: CONTRIBUTOR on "
        "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-phi-dev-abc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: STORAGE_BLOB_DATA_READER on "
        "Storage/storageAccounts/stphidevabc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: ACR_PULL on "
        "ContainerRegistry/registries/crphidevabc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: AZUREML_METRICS_WRITER on "
        "ml mlw-phi-dev-abc123",
    ],
    "no keys": [
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: CONTRIBUTOR on "
        "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-phi-dev-abc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: STORAGE_BLOB_DATA_READER on "
        "Storage/storageAccounts/stphidevabc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: ACR_PULL on "
        "ContainerRegistry/registries/crphidevabc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: AZUREML_METRICS_WRITER on "
        "ml mlw-phi-dev-abc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: STORAGE_BLOB_DATA_CONTRIBUTOR "
        "on Storage/storageAccounts/stphidevabc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: "
        "STORAGE_FILE_DATA_PRIVILEGED_CONTRIBUTOR on Storage/storageAccounts/stphidevabc123",
        "User 00000000-0000-4000-8000-0000000000bb: STORAGE_BLOB_DATA_CONTRIBUTOR on "
        "Storage/storageAccounts/stphidevabc123",
        "User 00000000-0000-4000-8000-0000000000bb: STORAGE_FILE_DATA_PRIVILEGED_CONTRIBUTOR on "
        "Storage/storageAccounts/stphidevabc123",
    ],
    "GitHub": [
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: CONTRIBUTOR on "
        "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-phi-dev-abc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: STORAGE_BLOB_DATA_READER on "
        "Storage/storageAccounts/stphidevabc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: ACR_PULL on "
        "ContainerRegistry/registries/crphidevabc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: AZUREML_METRICS_WRITER on "
        "ml mlw-phi-dev-abc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev-github: CONTRIBUTOR on "
        "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-phi-dev-abc123",
    ],
    "GitHub, no keys": [
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: CONTRIBUTOR on "
        "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-phi-dev-abc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: STORAGE_BLOB_DATA_READER on "
        "Storage/storageAccounts/stphidevabc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: ACR_PULL on "
        "ContainerRegistry/registries/crphidevabc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: AZUREML_METRICS_WRITER on "
        "ml mlw-phi-dev-abc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: STORAGE_BLOB_DATA_CONTRIBUTOR "
        "on Storage/storageAccounts/stphidevabc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: "
        "STORAGE_FILE_DATA_PRIVILEGED_CONTRIBUTOR on Storage/storageAccounts/stphidevabc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev-github: CONTRIBUTOR on "
        "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-phi-dev-abc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev-github: "
        "STORAGE_BLOB_DATA_CONTRIBUTOR on Storage/storageAccounts/stphidevabc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev-github: "
        "STORAGE_FILE_DATA_PRIVILEGED_CONTRIBUTOR on Storage/storageAccounts/stphidevabc123",
        "User 00000000-0000-4000-8000-0000000000bb: STORAGE_BLOB_DATA_CONTRIBUTOR on "
        "Storage/storageAccounts/stphidevabc123",
        "User 00000000-0000-4000-8000-0000000000bb: STORAGE_FILE_DATA_PRIVILEGED_CONTRIBUTOR on "
        "Storage/storageAccounts/stphidevabc123",
    ],
    "given": [
        "ServicePrincipal their ManagedIdentity/userAssignedIdentities/id-train: CONTRIBUTOR on "
        "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-phi-dev-abc123",
        "ServicePrincipal their ManagedIdentity/userAssignedIdentities/id-train: STORAGE_BLOB_DATA_READER on "
        "their Storage/storageAccounts/stshared",
        "ServicePrincipal their ManagedIdentity/userAssignedIdentities/id-train: ACR_PULL on their "
        "ContainerRegistry/registries/crshared",
        "ServicePrincipal their ManagedIdentity/userAssignedIdentities/id-train: AZUREML_METRICS_WRITER on "
        "ml mlw-phi-dev-abc123",
    ],
    "a narrow contributor": [
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: CONTRIBUTOR on ml mlw-phi-dev-abc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: STORAGE_BLOB_DATA_READER on "
        "Storage/storageAccounts/stphidevabc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: ACR_PULL on "
        "ContainerRegistry/registries/crphidevabc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: AZUREML_METRICS_WRITER on "
        "ml mlw-phi-dev-abc123",
    ],
    "a group that is given": [
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: CONTRIBUTOR on ml mlw-phi-dev-abc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: STORAGE_BLOB_DATA_READER on "
        "Storage/storageAccounts/stphidevabc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: ACR_PULL on "
        "ContainerRegistry/registries/crphidevabc123",
        "ServicePrincipal ManagedIdentity/userAssignedIdentities/id-phi-dev: AZUREML_METRICS_WRITER on "
        "ml mlw-phi-dev-abc123",
    ],
    "no team": [],
    "a team": [
        "Group 11111111-2222-3333-4444-555555555555: READER on "
        "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-phi-dev-abc123",
        "Group 22222222-3333-4444-5555-666666666666: CONNECTION_SECRETS_READER on "
        "ml proj-phi-dev-abc123/connections/phi-connection",
        "Group 22222222-3333-4444-5555-666666666666: READER on ml mlw-phi-dev-abc123/onlineEndpoints/phi-dev-abc123",
        "Group 33333333-4444-5555-6666-777777777777: CONNECTION_SECRETS_READER on "
        "ml proj-phi-dev-abc123/connections/phi-connection",
        "Group 33333333-4444-5555-6666-777777777777: AZUREML_DATA_SCIENTIST on ml mlw-phi-dev-abc123",
    ],
    "a team in a group that is given": [
        "Group 11111111-2222-3333-4444-555555555555: READER on ml mlw-phi-dev-abc123",
        "Group 11111111-2222-3333-4444-555555555555: READER on ml proj-phi-dev-abc123",
        "Group 22222222-3333-4444-5555-666666666666: CONNECTION_SECRETS_READER on "
        "ml proj-phi-dev-abc123/connections/phi-connection",
        "Group 22222222-3333-4444-5555-666666666666: READER on ml mlw-phi-dev-abc123/onlineEndpoints/phi-dev-abc123",
    ],
    "a team without keys": [
        "Group 11111111-2222-3333-4444-555555555555: READER on "
        "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-phi-dev-abc123",
        "Group 22222222-3333-4444-5555-666666666666: CONNECTION_SECRETS_READER on "
        "ml proj-phi-dev-abc123/connections/phi-connection",
        "Group 22222222-3333-4444-5555-666666666666: AZUREML_DATA_SCIENTIST on "
        "ml mlw-phi-dev-abc123/onlineEndpoints/phi-dev-abc123",
    ],
}


def told(team: bool, given: dict[str, Any]) -> list[str]:
    """Who gets what on what, by settings; ids of the stack's own group are cut."""
    config = {"suffix": "abc123", "purgeOnDestroy": not given.get("existing"), **given}
    settings = parse({f"finetune-phi:{key}": its for key, its in config.items()}, "dev")
    place = Place.of(settings, "dev", S.rpartition("/")[2])
    found = grants.team(settings, place) if team else grants.grants(settings, place)
    lines = [f"{each.kind} {each.identity or each.principal}: {each.role} on {each.scope}" for each in found]
    cut = (
        (f"{place.group_id}/providers/Microsoft.", ""),
        (f"{THEIRS}/providers/Microsoft.", "their "),
        ("MachineLearningServices/workspaces/", "ml "),
    )
    for long, short in cut:
        lines = [line.replace(long, short) for line in lines]
    return lines


@pytest.mark.parametrize("case", CASES)
def test_the_settings_say_who_needs_what(case: str) -> None:
    assert told(*CASES[case]) == TOLD[case]


def test_the_stage_asks_azure_for_each_and_says_what_is_missing(arm: ArmFake) -> None:  # noqa: F811
    said: list[str] = []
    with pytest.raises(StageError) as refused:
        grants.run(GrantsSpec(stack="dev", subscription_id="s", grants=WANTED[:1]), said.append, threading.Event())
    assert str(refused.value) == (
        "roles are missing that others grant (stack dev): one assignment is not there. Somebody who may assign roles "
        "runs these lines (`python -m jobs preflight --stack dev` has them as Bicep, too); then `pulumi up` goes on "
        f"from here:\n  az role assignment create --assignee-object-id {PRINCIPAL} --assignee-principal-type "
        f'ServicePrincipal --role "Contributor" --scope {RG}'
    )
    assert said == ["looking which roles others have granted"]
    asked = [(method, urlsplit(url).path, dict(parse_qsl(urlsplit(url).query))) for method, url in arm.sent]
    assert asked == [
        ("GET", IDENTITY, {"api-version": "2023-01-31"}),
        (
            "GET",
            f"{RG}/providers/Microsoft.Authorization/roleAssignments",
            {"api-version": "2022-04-01", "$filter": f"assignedTo('{PRINCIPAL}')"},
        ),
    ]
    arm.sent.clear()
    grants.missing(Arm(), WANTED[3:])
    assert [dict(parse_qsl(urlsplit(url).query)) for _, url in arm.sent] == [
        {"api-version": "2022-04-01", "$filter": f"principalId eq '{PEOPLE}'"}
    ]


def test_who_asks_to_stop_is_told_that_it_was(arm: ArmFake) -> None:  # noqa: F811
    grant(arm, RG, (Role.OWNER, f"{RG}/"))
    stop = threading.Event()
    stop.set()
    with pytest.raises(StageError) as stopped:
        grants.run(GrantsSpec(stack="dev", subscription_id="s", grants=WANTED[:1]), print, stop)
    assert str(stopped.value) == "the look at roles was stopped (dev): you asked to stop. Run it again."
    arm.refuse("GET", f"{RG}/providers/Microsoft.Authorization/roleAssignments", 403, "AuthorizationFailed", "not you")
    with pytest.raises(StageError, match=r"it could not be read who has which role \(subscription s\).*not you"):
        grants.run(GrantsSpec(stack="dev", subscription_id="s", grants=WANTED[:1]), print, threading.Event())


def test_rows_that_say_nothing_grant_nothing(arm: ArmFake) -> None:  # noqa: F811
    rows = [{}, {"properties": {"scope": RG}}, {"properties": {"roleDefinitionId": f"/{Role.OWNER.guid}"}}]
    arm.get(f"{RG}/providers/Microsoft.Authorization/roleAssignments", {"value": rows})
    assert grants.missing(Arm(), WANTED[:1]) == [dataclasses.replace(WANTED[0], principal=PRINCIPAL)]
    grant(arm, RG, (Role.OWNER, "/"))
    assert grants.missing(Arm(), WANTED[:1]) == [], "at the root of all subscriptions"


def findings(**changes: Any) -> list[str]:
    return [f"{each.state} {each}" for each in grants.granted(dataclasses.replace(SPEC, **changes), Arm())]


def test_each_finding_is_told_in_these_words(arm: ArmFake) -> None:  # noqa: F811
    assert findings() == ["ok roles: the program grants them"]
    line = (
        "az role assignment create --assignee-object-id {} --assignee-principal-type ServicePrincipal --role "
        '"{}" --scope {}'
    ).format
    contributor, pull = line(PRINCIPAL, "Contributor", RG), line(PRINCIPAL, "AcrPull", REGISTRY)
    assert findings(grants=(WANTED[0], WANTED[2])) == [f"refused roles: 2 missing -> {contributor}; {pull}"]
    # What is not there yet can have nothing granted on it, and who is not there yet is granted nothing.
    new, other = f"{STORAGE}2", f"{IDENTITY}2"
    wanted = (*WANTED[:1], Grant(role="ACR_PULL", scope=new, identity=IDENTITY))
    later = tuple(Grant(role="READER", scope=RG, identity=each) for each in (f"{IDENTITY}3", other))
    people = Grant(role="READER", scope=RG, principal=PEOPLE, kind="Group")
    assert findings(grants=(*wanted, *later), team=(people,)) == [
        "warning roles: 1 missing that groups of the team are to have -> az role assignment create "
        f'--assignee-object-id {PEOPLE} --assignee-principal-type Group --role "Reader" --scope {RG}',
        f"warning roles: 2 to be granted to what is not there yet: {other}, {IDENTITY}3 -> pulumi up makes it, then "
        "stops and says which roles it lacks",
        f"warning roles: 2 missing; {new} is not there yet -> {contributor}; {line(PRINCIPAL, 'AcrPull', new)}",
    ]
    grant(arm, RG, (Role.OWNER, f"{S}/"))
    assert findings(grants=WANTED[:1]) == ["ok roles: all 1 are granted"]
    assert grants.az_lines(later[:1]) == [line(f"<principal of {IDENTITY}3>", "Reader", RG)]
    assert grants.bicep(later) == "", "it cannot name who is not there"
