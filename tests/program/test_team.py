"""Groups of people get the least roles for what the settings say they may do, or others are asked to grant them."""

from __future__ import annotations

from typing import Any

import pytest

from cloud.roles import Role, passes_on
from jobs.team import granted_to_team
from settings.naming import Names
from settings.problems import SettingsError
from settings.stack import Settings, parse
from tests.program.conftest import SUBSCRIPTION, Run

READERS, CHATTERS, RELEASERS = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
TEAM = {READERS: "read", CHATTERS: "chat", RELEASERS: "deploy"}
NAMES = Names.of("phi", "dev", SUBSCRIPTION)
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{NAMES.resource_group}"
ML = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces"
THEIRS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-platform"
WHERE = {
    "/id/resource-group": GROUP,
    "/id/workspace": f"{ML}/{NAMES.workspace}",
    "/id/endpoint": f"{ML}/{NAMES.workspace}/onlineEndpoints/{NAMES.endpoint}",
    "/id/endpoint-connection": f"{ML}/{NAMES.project}/connections/{NAMES.connection}",
}
ROLES = {
    (READERS, "Reader", "/id/resource-group"),
    (CHATTERS, "Azure Machine Learning Workspace Connection Secrets Reader", "/id/endpoint-connection"),
    (CHATTERS, "Reader", "/id/endpoint"),
    (RELEASERS, "Azure Machine Learning Workspace Connection Secrets Reader", "/id/endpoint-connection"),
    (RELEASERS, "AzureML Data Scientist", "/id/workspace"),
}


def team(config: dict[str, Any], **more: Any) -> None:
    config.update({"finetune-phi:team": TEAM, **{f"finetune-phi:{key}": value for key, value in more.items()}})


def title(definition: str) -> str:
    return next(role.title for role in Role if definition.endswith(role.guid))


def granted(run: Run, **more: Any) -> set[tuple[str, str, str]]:
    found = run("dev", lambda config: team(config, **more)).of_type("RoleAssignment")
    mine = [each.inputs for each in found if each.inputs["principalId"] in TEAM]
    assert {each["principalType"] for each in mine} <= {"Group"}
    names = [each.inputs["roleAssignmentName"] for each in found]
    assert len(set(names)) == len(names)
    return {(each["principalId"], title(each["roleDefinitionId"]), each["scope"]) for each in mine}


def test_each_group_gets_the_least(run: Run) -> None:
    assert granted(run) == ROLES
    assert run("dev").resources.keys() == run("dev", lambda config: team(config, team={})).resources.keys()


def test_no_two_assignments_of_two_stacks_have_a_name(run: Run) -> None:
    """Azure has one of a name in the whole tenant."""
    stacks = [run(stack, team).of_type("RoleAssignment") for stack in ("dev", "prod")]
    names = [each.inputs["roleAssignmentName"] for found in stacks for each in found]
    assert len(set(names)) == len(names)


def test_one_that_is_there_keeps_its_name(run: Run) -> None:
    """Under another name Azure would refuse it, as the group has the role there already."""
    theirs = [each for each in run("dev", team).of_type("RoleAssignment") if each.inputs["principalType"] == "Group"]
    assert theirs
    assert all(each.request.ignoreChanges == ["roleAssignmentName"] for each in theirs)
    assert all(each.request.deleteBeforeReplace for each in theirs)


@pytest.mark.parametrize(
    ("may", "titles"),
    [
        ("read", {"Reader"}),
        ("chat", {"Reader", "Azure Machine Learning Workspace Connection Secrets Reader"}),
        ("deploy", {"AzureML Data Scientist", "Azure Machine Learning Workspace Connection Secrets Reader"}),
    ],
)
def test_who_deploys_may_pass_on_what_the_team_gets_and_no_more(may: str, titles: set[str]) -> None:
    settings = Settings.model_validate({"purgeOnDestroy": True, "team": {READERS: may}})
    assert {role.title for role in granted_to_team(settings)} == titles


def test_an_endpoint_without_keys_is_asked_with_a_token(run: Run) -> None:
    without = {"localAuth": False, "storage": {"sharedKeys": False, "deployers": {RELEASERS: "Group"}}}
    wide = {(CHATTERS, "AzureML Data Scientist", "/id/endpoint")}
    assert granted(run, **without) >= (ROLES - {(CHATTERS, "Reader", "/id/endpoint")}) | wide
    assert (CHATTERS, "Reader", "/id/endpoint") not in granted(run, **without)


def test_in_a_group_of_somebody_elses_readers_see_what_is_the_stacks(run: Run) -> None:
    found = granted(run, existing={"group": THEIRS})
    assert {(role, scope) for group, role, scope in found if group == READERS} == {
        ("Reader", "/id/workspace"),
        ("Reader", "/id/project"),
    }


def test_where_others_grant_roles_these_are_told_and_nothing_waits(run: Run) -> None:
    program = run("dev", lambda config: team(config, identity={"assignRoles": False}))
    assert program.of_type("RoleAssignment") == []
    asked = program.resources["preflight"].inputs["input"]
    told = {(each["principal"], Role[each["role"]].title, each["scope"], each["kind"]) for each in asked["team"]}
    assert told == {(group, role, WHERE[scope], "Group") for group, role, scope in ROLES}
    waits = program.resources["roles"].inputs["input"]["grants"]
    assert not {each["principal"] for each in waits} & TEAM.keys()


def test_workflows_may_grant_them_only_where_there_is_a_team(run: Run) -> None:
    github = {"repository": "someone/finetune-phi"}

    def bound(change: Any) -> frozenset[str]:
        (access,) = (each for each in run("dev", change).of_type("RoleAssignment") if each.name == "deployer-access")
        return passes_on(access.inputs["condition"]) or frozenset()

    alone = bound(lambda config: config.update({"finetune-phi:github": github}))
    more = bound(lambda config: team(config, github=github))
    assert {title(guid) for guid in more - alone} == {role for _, role, _ in ROLES}


@pytest.mark.parametrize(
    ("given", "said"),
    [({"team-chat": "chat"}, "must be an object id of Entra ID"), ({READERS: "owner"}, "'chat', 'deploy' or 'read'")],
)
def test_what_is_no_group_or_no_such_thing_is_refused(given: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse({"finetune-phi:purgeOnDestroy": False, "finetune-phi:team": given}, "test")
    assert said in str(refused.value)
