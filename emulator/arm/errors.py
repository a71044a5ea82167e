"""Refusals in the shapes Azure uses."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from emulator.arm import clock


class AzureError(Exception):
    """A refusal: HTTP status, ARM error code and message.

    Args:
        status: HTTP status code.
        code: ARM error code, such as ``ResourceNotFound``.
        message: Azure's wording where it is known.
        details: inner errors, each ``{"code", "message"}``.
        headers: extra response headers, such as ``Retry-After``.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        target: str | None = None,
        details: list[dict[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.target = target
        self.details = details or []
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """``{"error": {"code", "message", …}}``."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.target:
            error["target"] = self.target
        if self.details:
            error["details"] = self.details
        return {"error": error}


class MachineLearningError(AzureError):
    """A refusal of Azure ML's front end: the ARM envelope plus ``additionalInfo``."""

    def __init__(self, status: int, code: str, message: str, *, inner: str | None = None, **more: Any) -> None:
        super().__init__(status, code, message, **more)
        self.inner = inner

    def body(self) -> dict[str, Any]:
        error = super().body()["error"]
        error.setdefault("details", [])
        error["additionalInfo"] = [
            {"type": "ComponentName", "info": {"value": "managementfrontend"}},
            {"type": "Correlation", "info": {"value": {"operation": uuid.uuid4().hex, "request": uuid.uuid4().hex}}},
            {"type": "Environment", "info": {"value": "emulator"}},
            {"type": "Time", "info": {"value": now()}},
        ]
        if self.inner:
            error["additionalInfo"].append(
                {"type": "InnerError", "info": {"value": {"code": self.inner, "innerError": None}}}
            )
        return {"error": error}


def not_found(kind: str, name: str, resource_group: str | None) -> AzureError:
    """404 as ARM says it; ``kind`` is the full type, ``name`` the slash-joined names."""
    return AzureError(
        404,
        "ResourceNotFound",
        f"The Resource '{kind}/{name}' under resource group '{resource_group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def user_error(message: str, status: int = 400, inner: str | None = None) -> MachineLearningError:
    """Azure ML's everyday refusal."""
    return MachineLearningError(status, "UserError", message, inner=inner)


def endpoint_invalid(text: str, key: str = "") -> AzureError:
    """400 of endpoint and deployment validation with one reason."""
    return endpoint_errors({key: [text]})


def endpoint_errors(errors: Mapping[str, list[str]]) -> AzureError:
    """400 of endpoint and deployment validation: the reasons, by member, hide in a string of JSON in ``details``."""
    inner = json.dumps({"errors": errors, "title": "One or more validation errors occurred."})
    return AzureError(
        400,
        "BadRequest",
        "The request is invalid.",
        # The service formats this string twice and leaves its braces doubled.
        details=[{"code": "InferencingClientCallFailed", "message": inner.replace("{", "{{").replace("}", "}}")}],
    )


def endpoint_missing() -> MachineLearningError:
    """404 of an endpoint or deployment, as the service behind Azure ML's front end says it."""
    inner = {"code": "InferencingClientCallFailed", "message": '{{"title":"Not Found"}}'}
    return MachineLearningError(404, "NotFound", "The specified resource was not found.", details=[inner])


def now() -> str:
    """The current time in UTC, as Azure writes it."""
    return clock.now().isoformat().replace("+00:00", "Z")
