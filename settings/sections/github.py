"""Who deploys from GitHub."""

from __future__ import annotations

from typing import Annotated

from settings.fields import Section, pattern


class GithubSettings(Section):
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
