"""Who trains and serves."""

from __future__ import annotations

from typing import Literal

from settings.fields import Flag, Section


class IdentitySettings(Section):
    """The identity that trains and serves."""

    # The tutorial's is the group; the workspace is all that training and serving need.
    contributor_scope: Literal["group", "workspace"] = "group"
    """what it may contribute to: group (the tutorial's) | workspace"""
    assign_roles: Flag = True
    """whether the program grants the roles it needs; without, others do, and the preflight says which are missing"""
