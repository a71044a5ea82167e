"""The sections of a stack's settings that say how it is run: who may do what, where data lies, who is told."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from settings.fields import Email, Flag, Number, Positive, Section, pattern
from settings.problems import refuse


class Identity(Section):
    """The identity that trains and serves."""

    # The tutorial's is the group; the workspace is all that training and serving need.
    contributor_scope: Literal["group", "workspace"] = "group"


class Storage(Section):
    """The storage account behind workspace, hub and project."""

    # Premium accounts and hierarchical namespaces cannot be a workspace's default storage.
    sku: Literal[
        "Standard_LRS", "Standard_ZRS", "Standard_GRS", "Standard_RAGRS", "Standard_GZRS", "Standard_RAGZRS"
    ] = "Standard_LRS"
    shared_keys: Flag = True
    deployers: dict[str, Literal["User", "Group", "ServicePrincipal"]] = Field(default_factory=dict)

    @field_validator("deployers")
    @classmethod
    def _object_ids(cls, deployers: dict[str, str]) -> dict[str, str]:
        for id_, kind in deployers.items():
            if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", id_):
                rule = "must be an object id of Entra ID in lower case"
                remedy = "az ad signed-in-user show --query id prints yours, az ad group show --group <name> a group's"
                raise refuse(rule, remedy, at=id_, value=kind)
        return deployers


class Vault(Section):
    """The key vault behind workspace, hub and project."""

    purge_protection: Flag = False
    # Azure's own bounds; it cannot be changed afterwards.
    retention_days: Annotated[Positive, Field(ge=7, le=90)] = 7


class Budget(Section):
    """What the resource group may cost in a month."""

    # In the currency the subscription is billed in; 0 is no budget.
    amount: Annotated[Number, Field(ge=0, le=10_000_000)] = 0


class Monitoring(Section):
    """Logs that are kept, and reasons to send an e-mail."""

    diagnostics: Flag = True
    alerts: Flag = False
    email: Email = ""
    # Of the slowest 5 % of answers.
    latency_seconds: Annotated[Number, Field(gt=0, le=180)] = 60
    budget: Budget = Budget()


class Github(Section):
    """The repository whose workflows may deploy the stack; without one, none may."""

    repository: Annotated[
        str, pattern(r"|[\w.-]+/[\w.-]+", "must be a GitHub repository as owner/name, or empty for none")
    ] = ""
    # GitHub's own rule; the name is part of what Entra ID compares, letter by letter. Nothing stands for the stack's.
    environment: Annotated[
        str, pattern(r"|[\w.-]{1,255}", "must be the name of a GitHub environment: letters, digits and - _ .")
    ] = ""
    # Repositories made, renamed or moved since the middle of 2026 have ids in it; `python -m jobs github-subject` asks.
    subject: Annotated[
        str,
        pattern(
            r"|repo:[\w.-]+(@\d+)?/[\w.-]+(@\d+)?",
            "must be how GitHub's tokens for the repository begin: repo:OWNER/NAME or repo:OWNER@ID/NAME@ID",
        ),
    ] = ""

    def subject_of(self, environment: str) -> str:
        """Who GitHub says a job of an environment is, letter by letter."""
        return f"{self.subject or f'repo:{self.repository}'}:environment:{environment}"
