"""The roles are Azure's: names and GUIDs are written out, as one that is swapped opens more than it should."""

from __future__ import annotations

import pytest

from cloud import roles
from cloud.roles import Role
from emulator.access import rbac
from policy.rules.grants import FORBIDDEN, NEEDED
from review.words import role_named

AZURES = {
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "User Access Administrator": "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
    "Role Based Access Control Administrator": "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage File Data Privileged Contributor": "69566ab7-960f-475b-8e7c-b3118f30c6bd",
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    "AcrPush": "8311e382-0749-4cb8-b61a-304f252e45ec",
    "AzureML Metrics Writer": "635dd51f-9968-44d3-b7fb-6d9a6bd613ae",
    "AzureML Data Scientist": "f6c7c914-8db3-469d-8ca1-694a8f32e121",
    "Azure Machine Learning Workspace Connection Secrets Reader": "ea01e6af-a1c1-4350-9563-ad00f8c72ec5",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Key Vault Administrator": "00482a5a-887f-4fb3-b363-3b7fe8e74483",
    "Network Contributor": "4d97b98b-1d4f-4787-a291-c67834d212e7",
    "Private DNS Zone Contributor": "b12aa53e-6015-4669-85d0-8515ebb3ae7f",
    "Key Vault Crypto Service Encryption User": "e147488a-f6f5-4113-8e2d-b22465e65bf6",
    "Azure AI Enterprise Network Connection Approver": "b556d68e-0be0-4f35-a333-ad7ee1ce17ea",
}
"""Microsoft's list of built-in roles, as much of it as is spoken of here."""
EMULATED = {
    "AzureML Registry User": "1823dd4f-9b8c-4ab6-ab4e-7397a3684615",
    "Key Vault Crypto User": "12338af0-0e69-4776-bea7-57ae8d297424",
    "Key Vault Crypto Officer": "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
}
"""What only the emulator knows."""


def test_every_role_is_azures() -> None:
    assert {role.title: role.guid for role in Role} == AZURES


def test_the_emulator_has_the_same_roles() -> None:
    emulated = {role.name: role.guid for role in rbac.BUILT_IN}
    assert emulated == {name: guid for name, guid in (AZURES | EMULATED).items() if name in emulated}
    assert {role.title for role in roles.GRANTED} <= emulated.keys()


def test_what_is_granted_needed_and_forbidden() -> None:
    assert [role.title for role in roles.GRANTED] == [
        "Contributor",
        "Storage Blob Data Reader",
        "Storage Blob Data Contributor",
        "Storage File Data Privileged Contributor",
        "AcrPull",
        "AzureML Metrics Writer",
    ]
    assert NEEDED == {
        "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
        "635dd51f-9968-44d3-b7fb-6d9a6bd613ae": "AzureML Metrics Writer",
    }
    assert FORBIDDEN == {
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
    }


@pytest.mark.parametrize(("name", "guid"), AZURES.items())
def test_a_review_names_it_however_its_id_is_spelled(name: str, guid: str) -> None:
    definition = f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{guid}"
    assert role_named(definition) == role_named(definition.upper()) == name


def test_a_role_nobody_lists_is_told_by_its_guid() -> None:
    assert role_named("/roleDefinitions/11111111-2222-3333-4444-555555555555") == (
        "role 11111111-2222-3333-4444-555555555555"
    )


def test_roles_of_the_team_of_an_endpoint_and_those_that_give_every_other() -> None:
    assert [role.title for role in roles.TEAM] == [
        "Reader",
        "AzureML Data Scientist",
        "Azure Machine Learning Workspace Connection Secrets Reader",
    ]
    assert [role.title for role in roles.SERVING] == ["AcrPull", "Storage Blob Data Reader", "AzureML Metrics Writer"]
    administrators = ["User Access Administrator", "Role Based Access Control Administrator"]
    assert [role.title for role in roles.GRANTING] == administrators
    assert [role.title for role in roles.POWERFUL] == ["Owner", *administrators]


def test_a_role_by_its_label_and_by_its_definition() -> None:
    definition = (
        "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/7f951dda-4ed3-4680-a7ca-43fe172d538d"
    )
    assert Role.ACR_PULL.definition("s") == definition
    assert roles.role_of(definition.upper()) is Role.ACR_PULL
    assert roles.role_of("7f951dda-4ed3-4680-a7ca-43fe172d538d/") is None
    assert [role.label for role in (Role.OWNER, Role.ACR_PULL)] == ["owner", "acr-pull"]


WRITE = (
    "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR "
    "(@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] "
    "ForAnyOfAnyValues:GuidEquals {A, b}))"
)
DELETE = WRITE.replace("/write", "/delete").replace("@Request", "@Resource").replace("{A, b}", "{c}")


@pytest.mark.parametrize(
    ("condition", "roles_passed_on"),
    [
        (f"{WRITE} AND {DELETE}", {"a", "b", "c"}),
        (f"{DELETE.lower()} AND  {WRITE.upper()} ", {"a", "b", "c"}),
        (f"{WRITE} AND {DELETE} AND {DELETE}", {"a", "b", "c"}),
        (WRITE, None),
        (DELETE, None),
        (f"{WRITE} AND {DELETE} AND (true)", None),
        (f"{WRITE} OR {DELETE}", None),
        (f"{WRITE} AND {DELETE.replace('@Resource', '@Request')}", None),
        (f"{WRITE.replace('@Request', '@Resource')} AND {DELETE}", None),
        (f"{WRITE} AND {DELETE.replace('ForAnyOfAnyValues', 'ForAllOfAnyValues')}", None),
        ("", None),
    ],
)
def test_what_a_condition_passes_on(condition: str, roles_passed_on: set[str] | None) -> None:
    assert roles.passes_on(condition.replace(" and ", " AND ")) == roles_passed_on
