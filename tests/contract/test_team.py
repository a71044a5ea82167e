"""The roles of a team (jobs/team.py) let each do what it is for, and no more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chat import deployments
from chat.connection import read_connection
from emulator.machine.home import CLIENT_OBJECT_ID
from jobs.team import Thing, team_roles
from settings.stack import parse
from tests.contract.arm import Refusal
from tests.contract.bodies import endpoint_body
from tests.contract.lab import Lab

SCORE = "https://refusals-live.eastus2.inference.ml.azure.com/score"
WIDE = {"principal": CLIENT_OBJECT_ID, "role": "Owner", "scope": "/subscriptions/none"}
VERSION = "2025-12-01"


@pytest.fixture(scope="module")
def connection(lab: Lab) -> Iterator[str]:
    """A project's connection as the program declares it, and one of somebody else's beside."""
    hub = lab.make_workspace("hub-team", "Hub")
    project = lab.make_workspace("proj-team", "Project", hubResourceId=hub)
    for name in ("phi-connection", "salaries"):
        keys = {"keys": {"key": f"the-key-of-{name}"}}
        properties = {"authType": "CustomKeys", "category": "CustomKeys", "target": "_", "credentials": keys}
        lab.put(f"{project}/connections/{name}", {"properties": {**properties, "metadata": {"endpoint": SCORE}}})
    yield f"{project}/connections/phi-connection"
    lab.delete(project)
    lab.delete(hub)


def as_a(lab: Lab, may: str, connection: str) -> list[dict[str, str]]:
    """The roles of somebody who may do that, in the emulator's words, and nothing else."""
    group = "00000000-0000-4000-8000-0000000000bb"
    settings = parse({"finetune-phi:purgeOnDestroy": False, "finetune-phi:team": {group: may}}, "test")
    project = connection.rsplit("/", 2)[0]
    things: dict[Thing, str] = {
        "group": project.split("/providers/")[0],
        "workspace": lab.workspace,
        "project": project,
        "endpoint": lab.live,
        "connection": connection,
    }
    found = [(each.role, things[each.on]) for each in team_roles(settings)]
    return [{"principal": CLIENT_OBJECT_ID, "role": role.title, "scope": scope} for role, scope in found]


def refused(lab: Lab, method: str, path: str) -> bool:
    """Whether it is refused for want of a role."""
    try:
        if method == "POST":
            lab.arm.post(path, VERSION)
        elif method == "PUT":
            lab.put(path, {**endpoint_body(), "tags": {"somebody": "else"}})
        else:
            lab.get(path)
    except Refusal as refusal:
        assert refusal.code == "AuthorizationFailed", refusal.body
        return True
    return False


def test_who_may_chat_reads_one_connection_and_one_endpoint(lab: Lab, connection: str) -> None:
    endpoint, other = lab.live, connection.replace("phi-connection", "salaries")
    with lab.setting("roles", as_a(lab, "chat", connection)):
        found = read_connection(connection)
        assert (found.endpoint, found.key) == (SCORE, "the-key-of-phi-connection")
        assert deployments.learn(found.endpoint, endpoint).keys() == {"blue"}
        assert refused(lab, "POST", f"{other}/listsecrets")
        assert refused(lab, "POST", f"{endpoint}/listKeys")
        assert refused(lab, "GET", lab.workspace) and refused(lab, "PUT", endpoint)


def test_who_may_read_sees_everything_but_secrets(lab: Lab, connection: str) -> None:
    endpoint = lab.live
    with lab.setting("roles", as_a(lab, "read", connection)):
        assert not refused(lab, "GET", lab.workspace) and not refused(lab, "GET", endpoint)
        assert refused(lab, "POST", f"{connection}/listsecrets") and refused(lab, "POST", f"{endpoint}/listKeys")
        assert refused(lab, "PUT", endpoint)


def test_who_may_deploy_changes_what_is_in_the_workspace_and_nothing_else(lab: Lab, connection: str) -> None:
    endpoint, cluster = lab.idle, lab.make_cluster("team-cluster")
    storage = lab.storage
    with lab.setting("roles", as_a(lab, "deploy", connection)):
        assert read_connection(connection).key == "the-key-of-phi-connection"
        assert not refused(lab, "PUT", endpoint)
        assert refused(lab, "PUT", lab.workspace) and refused(lab, "GET", storage)
        assert refused(lab, "PUT", f"{storage}/providers/Microsoft.Authorization/roleAssignments/{'0' * 8}")
        assert not refused(lab, "GET", cluster)
