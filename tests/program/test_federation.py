"""The identity GitHub's workflows deploy as."""

from __future__ import annotations

from typing import Any

from tests.program.conftest import SUBSCRIPTION, Program, Run


def _deployed_by_github(config: dict[str, Any]) -> None:
    config["finetune-phi:github"] = {"repository": "someone/finetune-phi"}


def _renamed_since(config: dict[str, Any]) -> None:
    subject = "repo:someone@1234567/finetune-phi@7654321"
    config["finetune-phi:github"] = {"repository": "someone/finetune-phi", "subject": subject}


def _github(run: Run) -> Program:
    return run(change=_deployed_by_github)


def test_is_off_unless_asked_for(run: Run) -> None:
    assert not run().of_type("FederatedIdentityCredential")
    assert "githubClientId" not in run().outputs


def test_only_one_environment_of_one_repository_is_trusted(run: Run) -> None:
    program = _github(run)
    credential = program.resources["github"].inputs
    assert credential["issuer"] == "https://token.actions.githubusercontent.com"
    assert credential["audiences"] == ["api://AzureADTokenExchange"]
    assert credential["subject"] == "repo:someone/finetune-phi:environment:local"
    assert credential["federatedIdentityCredentialResourceName"] == "github-local"
    assert program.outputs["githubClientId"] == "client"


def test_a_repository_s_ids_are_part_of_what_is_compared(run: Run) -> None:
    credential = run(change=_renamed_since).resources["github"].inputs
    assert credential["subject"] == "repo:someone@1234567/finetune-phi@7654321:environment:local"


def test_is_another_identity_than_the_one_that_serves(run: Run) -> None:
    resources = _github(run).resources
    assert resources["deployer"].inputs["resourceName"] != resources["identity"].inputs["resourceName"]


def test_may_grant_only_what_the_program_grants(run: Run) -> None:
    resources = _github(run).resources
    contributor, access = (resources[name].inputs for name in ("deployer-contributor", "deployer-access"))
    assert contributor["scope"] == access["scope"] == "/id/resource-group"
    assert "condition" not in contributor
    assert access["conditionVersion"] == "2.0"
    definitions = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions"
    # Contributor, and Role Based Access Control Administrator.
    assert contributor["roleDefinitionId"] == f"{definitions}/b24988ac-6180-42a0-ab88-20f7382dd24c"
    assert access["roleDefinitionId"] == f"{definitions}/f58310d9-a9f6-439a-9e8d-f62e7b41a168"
    only = (
        "ForAnyOfAnyValues:GuidEquals {b24988ac-6180-42a0-ab88-20f7382dd24c, 2a2b9908-6ea1-4ae2-8e65-a410df84e7d1, "
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe, 69566ab7-960f-475b-8e7c-b3118f30c6bd, "
        "7f951dda-4ed3-4680-a7ca-43fe172d538d, 635dd51f-9968-44d3-b7fb-6d9a6bd613ae}))"
    )
    assert access["condition"] == (
        "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR "
        f"(@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] {only} AND "
        "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})) OR "
        f"(@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] {only}"
    )
    assert contributor["roleAssignmentName"] != access["roleAssignmentName"]


def test_a_destroy_takes_it_with_the_group_and_not_before(run: Run) -> None:
    """The workflow that destroys a stack runs as it, and its rights are these."""
    resources = _github(run).resources
    own = ("deployer", "github", "deployer-contributor", "deployer-access")
    assert {resources[name].request.deletedWith for name in own} == {resources["resource-group"].urn}
    assert not any(resources[name].request.retainOnDelete for name in own), "switched off, nothing of it stays"
    assert not resources["identity"].request.deletedWith
