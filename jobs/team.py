"""What groups of a team may do (the setting `team`): the least of Azure's built-in roles for it, and on what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cloud.roles import TEAM, Role
from settings.stack import Settings

Thing = Literal["group", "workspace", "project", "endpoint", "connection"]


@dataclass(frozen=True, kw_only=True)
class TeamRole:
    """A group of Entra ID by its object id, what it gets, and on which of the stack's things."""

    group: str
    role: Role
    on: Thing


def team_roles(settings: Settings) -> tuple[TeamRole, ...]:
    """All of them, group by group."""
    return tuple(
        TeamRole(group=group, role=role, on=on)
        for group, may in settings.team.items()
        for role, on in _roles(settings, may)
    )


def granted_to_team(settings: Settings) -> tuple[Role, ...]:
    """Those that any group gets, each once, in the order of `cloud.roles.TEAM`."""
    wanted = {each.role for each in team_roles(settings)}
    return tuple(role for role in TEAM if role in wanted)


def _roles(settings: Settings, may: str) -> Iterator[tuple[Role, Thing]]:
    """Of one group, by what it may do.

    By Microsoft's role definitions: Reader has `*/read` and no `listSecrets`, whose action is all that the Connection
    Secrets Reader has; AzureML Data Scientist has all of a workspace but the workspace itself and writing computes.
    """
    if may == "read":
        # In a group of somebody else's, no further than what the stack works in.
        wide: tuple[Thing, ...] = ("workspace", "project") if settings.existing.group else ("group",)
        yield from ((Role.READER, on) for on in wide)
        return
    # The chat reads the connection, and from the endpoint how its deployments are asked.
    yield Role.CONNECTION_SECRETS_READER, "connection"
    if may == "deploy":
        yield Role.AZUREML_DATA_SCIENTIST, "workspace"
    elif settings.local_auth:
        yield Role.READER, "endpoint"
    else:
        # No built-in role has `onlineEndpoints/score/action` and less than this.
        yield Role.AZUREML_DATA_SCIENTIST, "endpoint"
