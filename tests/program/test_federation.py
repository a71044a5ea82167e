"""The identity GitHub's workflows deploy as."""

from __future__ import annotations

from typing import Any

from infra.roles import Role
from tests.program.conftest import Program, Run


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
    for role in Role:
        assert access["condition"].count(role.value) == 2, "to write and to delete"
    assert "8e3af657-a8ff-443c-a75c-2fe8c4bcb635" not in access["condition"], "Owner"
    assert contributor["roleAssignmentName"] != access["roleAssignmentName"]


def test_a_destroy_takes_it_with_the_group_and_not_before(run: Run) -> None:
    """The workflow that destroys a stack runs as it, and its rights are these."""
    resources = _github(run).resources
    own = ("deployer", "github", "deployer-contributor", "deployer-access")
    assert {resources[name].request.deletedWith for name in own} == {resources["resource-group"].urn}
    assert not any(resources[name].request.retainOnDelete for name in own), "switched off, nothing of it stays"
    assert not resources["identity"].request.deletedWith
