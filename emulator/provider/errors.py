"""What can go wrong in the provider, worded as the user will read it."""

from __future__ import annotations

import json
from typing import Any


class ProviderError(Exception):
    """A refusal whose text goes to the user as it is."""


GONE = frozenset(
    {
        "NotFound",
        "ResourceNotFound",
        "ResourceGroupNotFound",
        "LockNotFound",
        "ParentResourceNotFound",
        "EntityNotFound",
        "SubscriptionNotFound",
        "RoleAssignmentNotFound",
        "VulnerabilityAssessmentBaselineDoesNotExists",
    }
)
"""The codes by which the official provider tells, since 3.11.0, that a resource is gone; another 404 is an error."""


class ArmError(ProviderError):
    """ARM refused a request, or could not be reached."""

    def __init__(self, message: str, *, status: int = 0, code: str = "", accepted: bool = False) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status, 0 without an answer."""
        self.code = code
        """ARM's error code, empty where the body has none."""
        self.accepted = accepted
        """ARM had taken the request when its operation failed, so the resource exists."""

    @classmethod
    def from_answer(cls, method: str, path: str, status: int, text: str, accepted: bool = False) -> ArmError:
        """The error of an answer, in the official provider's wording."""
        # A failed operation is told by a poll that itself succeeds.
        shown = f"Status={status} " if status >= 400 else ""
        said = f"{method} {path}: {shown}{describe(text)}"
        return cls(said, status=status, code=str(_error(text).get("code", "")), accepted=accepted)

    @property
    def gone(self) -> bool:
        """Whether a resource that was asked for is taken for deleted."""
        return self.status == 404 and self.code in GONE


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
    error = _error(text)
    if not (error.get("code") or error.get("message")):
        return text.strip()[:500] or "(no body)"
    return _described(error)


def _error(text: str) -> dict[str, Any]:
    """The error object of an answer, which may be the whole body; empty where it is none of ARM's."""
    try:
        parsed = json.loads(text)
    except ValueError:
        return {}
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else None
    return error if isinstance(error, dict) else {}


def _described(error: dict[str, Any]) -> str:
    said = f'Code="{error.get("code", "")}" Message="{error.get("message", "")}"'
    details = [_described(d) for d in error.get("details") or [] if isinstance(d, dict)]
    return f"{said} Details=[{', '.join(details)}]" if details else said
