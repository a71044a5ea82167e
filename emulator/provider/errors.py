"""What can go wrong in the provider, worded as the user will read it."""

from __future__ import annotations

import json
from typing import Any


class ProviderError(Exception):
    """A refusal whose text goes to the user as it is."""


class ArmError(ProviderError):
    """ARM refused a request, or could not be reached."""

    def __init__(self, message: str, *, status: int = 0, accepted: bool = False) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status, 0 without an answer."""
        self.accepted = accepted
        """ARM had taken the request when its operation failed, so the resource exists."""

    @classmethod
    def from_answer(cls, method: str, path: str, status: int, text: str, accepted: bool = False) -> ArmError:
        """The error of an answer, in the official provider's wording."""
        # A failed operation is told by a poll that itself succeeds.
        shown = f"Status={status} " if status >= 400 else ""
        return cls(f"{method} {path}: {shown}{describe(text)}", status=status, accepted=accepted)


class PartlyCreated(ProviderError):
    """A resource exists in Azure although its creation or update failed.

    The engine records it, so that the next operation repairs or deletes it.
    """

    def __init__(self, message: str, resource_id: str, outputs: dict[str, Any], inputs: dict[str, Any]) -> None:
        super().__init__(message)
        self.resource_id = resource_id
        self.outputs = outputs
        self.inputs = inputs


def describe(text: str) -> str:
    """``Code="…" Message="…"`` of an ARM error body, with its details; other bodies as they are."""
    try:
        parsed = json.loads(text)
    except ValueError:
        return text.strip()[:500] or "(no body)"
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else None
    if not isinstance(error, dict) or not (error.get("code") or error.get("message")):
        return text.strip()[:500]
    return _described(error)


def _described(error: dict[str, Any]) -> str:
    said = f'Code="{error.get("code", "")}" Message="{error.get("message", "")}"'
    details = [_described(d) for d in error.get("details") or [] if isinstance(d, dict)]
    return f"{said} Details=[{', '.join(details)}]" if details else said
