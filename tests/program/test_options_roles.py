"""Which roles the settings give to those who deploy and to the identity."""

from __future__ import annotations

from typing import Any

import pytest

from tests.program.conftest import SUBSCRIPTION, Azure, Program, Run


def keyless(config: dict[str, Any]) -> None:
    config["finetune-phi:storage"] = {"sharedKeys": False}


def test_storage_without_keys_is_reached_by_identity_and_role(run: Run) -> None:
    program = run(change=keyless)
    assert program.resources["storage"].inputs["allowSharedKeyAccess"] is False
    for name in ("workspace", "hub"):
        assert program.resources[name].inputs["systemDatastoresAuthMode"] == "Identity"
    extra = {"storage-blob-data-contributor", "storage-file-data-privileged-contributor"}
    roles = {found.name: found.inputs for found in program.of_type("RoleAssignment")}
    assert extra | {f"caller-{role}" for role in extra} <= roles.keys()
    assert len({role["roleAssignmentName"] for role in roles.values()}) == len(roles) == 8
    definitions = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/"
    assert {name: roles[name]["roleDefinitionId"].removeprefix(definitions) for name in extra} == {
        "storage-blob-data-contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "storage-file-data-privileged-contributor": "69566ab7-960f-475b-8e7c-b3118f30c6bd",
    }
    for name in extra:
        assert roles[name]["scope"] == roles[f"caller-{name}"]["scope"] == "/id/storage"
        assert roles[name]["principalType"] == "ServicePrincipal"
        assert roles[f"caller-{name}"]["principalId"] == "object"
        assert roles[f"caller-{name}"]["principalType"] == "ServicePrincipal"
    assert {"caller-storage-blob-data-contributor"} <= program.waits_for("dataset")


TEAM, SOMEBODY = "11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555"


def named(config: dict[str, Any]) -> None:
    config["finetune-phi:storage"] = {"sharedKeys": False, "deployers": {TEAM: "Group", SOMEBODY: "User"}}


def named_and_github(config: dict[str, Any]) -> None:
    named(config)
    config["finetune-phi:github"] = {"repository": "someone/finetune-phi", "environment": "local"}


def roles_of(program: Program) -> dict[str, Any]:
    return {found.name: found.inputs for found in program.of_type("RoleAssignment")}


def test_the_roles_of_those_who_deploy_are_the_same_whoever_does(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    roles = roles_of(run(change=named_and_github))
    wanted = {
        f"{who}-{role}": (id_, kind)
        for who, id_, kind in (
            (TEAM, TEAM, "Group"),
            (SOMEBODY, SOMEBODY, "User"),
            ("github", "principal", "ServicePrincipal"),
        )
        for role in ("storage-blob-data-contributor", "storage-file-data-privileged-contributor")
    }
    assert {name: (roles[name]["principalId"], roles[name]["principalType"]) for name in wanted} == wanted
    assert not any(name.startswith("caller-") for name in roles)
    assert len({role["roleAssignmentName"] for role in roles.values()}) == len(roles)

    nobody_named = roles_of(run(change=keyless))  # kept, so asked for before the caller is another
    # Another caller, and a person instead of an application.
    monkeypatch.setattr(Azure, "claims", {"scp": "user_impersonation"})
    monkeypatch.setattr(Azure, "caller", "somebody-else")
    assert roles_of(run(change=lambda config: named_and_github(config))) == roles
    assert roles_of(run(change=lambda config: keyless(config))) != nobody_named


def test_the_data_wait_for_the_roles_of_all_who_deploy(run: Run) -> None:
    who = (TEAM, SOMEBODY, "github")
    assert {f"{one}-storage-blob-data-contributor" for one in who} <= run(change=named_and_github).waits_for("dataset")


def test_who_is_named_keeps_the_role_that_followed_the_caller(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure refuses a second assignment of the same role, scope and principal."""
    monkeypatch.setattr(Azure, "caller", SOMEBODY)
    before = run(change=lambda config: keyless(config))
    after = run(change=lambda config: named(config))
    role = "storage-blob-data-contributor"
    kept = after.resources[f"{SOMEBODY}-{role}"]
    assert kept.inputs["roleAssignmentName"] == before.resources[f"caller-{role}"].inputs["roleAssignmentName"]
    aliases = {name: {alias.spec.name for alias in after.resources[name].request.aliases} for name in roles_of(after)}
    assert f"caller-{role}" in aliases[f"{SOMEBODY}-{role}"]
    assert f"caller-{role}" not in aliases[f"{TEAM}-{role}"]


def test_a_person_who_runs_the_program_is_a_user(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Azure, "claims", {"scp": "user_impersonation"})
    answer, audiences = Azure.call, set[str]()

    def call(self: Azure, args: Any) -> Any:
        audiences.add(args.args.get("endpoint", ""))
        return answer(self, args)

    monkeypatch.setattr(Azure, "call", call)
    caller = run(change=lambda config: keyless(config)).resources["caller-storage-blob-data-contributor"]
    assert caller.inputs["principalType"] == "User"
    assert audiences - {""} == {"https://management.azure.com"}


def test_with_keys_nobody_gets_more_than_the_tutorials_roles(run: Run) -> None:
    local = run()
    assert len(local.of_type("RoleAssignment")) == 4
    assert local.resources["storage"].inputs["allowSharedKeyAccess"] is True
    assert "systemDatastoresAuthMode" not in local.resources["workspace"].inputs


def test_the_identity_may_be_kept_to_the_workspace(run: Run, prod: Program) -> None:
    assert prod.resources["contributor"].inputs["scope"] == "/id/workspace"
    names = [run(stack).resources["contributor"].inputs["roleAssignmentName"] for stack in ("dev", "prod")]
    assert len(set(names)) == 2
