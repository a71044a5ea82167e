"""Who deploys from GitHub."""

from __future__ import annotations

from typing import Annotated

from settings.fields import Pattern, Section


class GithubSettings(Section):
    """An identity that GitHub's workflows deploy as, without a stored secret (docs/environments.md)."""

    repository: Annotated[
        str, Pattern(r"|[\w.-]+/[\w.-]+", "must be a GitHub repository as owner/name, or empty for none")
    ] = ""
    """owner/name of the repository whose jobs may use it; empty for no such identity"""
    # GitHub's own rule; the name is part of what Entra ID compares, letter by letter. Nothing stands for the stack's.
    environment: Annotated[
        str, Pattern(r"|[\w.-]{1,255}", "must be the name of a GitHub environment: letters, digits and - _ .")
    ] = ""
    """the GitHub environment those jobs run in: the stack's name, and no other"""
    # Repositories made, renamed or moved since the middle of 2026 have ids in it; `python -m jobs github-subject` asks.
    subject: Annotated[
        str,
        Pattern(
            r"|repo:[\w.-]+(@\d+)?/[\w.-]+(@\d+)?",
            "must be how GitHub's tokens for the repository begin: repo:OWNER/NAME or repo:OWNER@ID/NAME@ID",
        ),
    ] = ""
    """how GitHub's tokens for the repository begin, such as repo:OWNER@ID/NAME@ID; empty for repo:owner/name (`python
    -m jobs github-subject` asks GitHub)
    """

    def subject_of(self, environment: str) -> str:
        """Who GitHub says a job of an environment is, letter by letter."""
        return f"{self.subject or f'repo:{self.repository}'}:environment:{environment}"
