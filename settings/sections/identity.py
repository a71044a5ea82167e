"""Who trains and serves, and who of a team may do what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator

from settings.fields import Flag, Section, object_ids

Team = Annotated[dict[str, Literal["chat", "deploy", "read"]], AfterValidator(object_ids)]
"""Object ids of groups, and what they may do; jobs/team.py has the roles."""


class IdentitySettings(Section):
    """The identity that trains and serves."""

    # The tutorial's is the group; the workspace is all that training and serving need.
    contributor_scope: Literal["group", "workspace"] = "group"
    """what it may contribute to: group (the tutorial's) | workspace"""
    assign_roles: Flag = True
    """whether the program grants the roles it needs; without, others do, and the preflight says which are missing"""
