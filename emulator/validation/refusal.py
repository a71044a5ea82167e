"""Bad bodies refused, each in the envelope of the service that reads it."""

from __future__ import annotations

from typing import Any

from emulator.arm.errors import AzureError, MachineLearningError, endpoint_errors
from emulator.validation import bodies
from emulator.validation.check import Problem, problems
from emulator.validation.shapes import Record

INFERENCING = "microsoft.machinelearningservices/workspaces/onlineendpoints"
MACHINE_LEARNING = "microsoft.machinelearningservices/"


def check_put(kind: str, body: dict[str, Any]) -> None:
    """Refuse a PUT body that the type's model does not allow.

    Raises:
        AzureError: 400, with everything that is wrong.
    """
    _check(kind, bodies.put_shape(kind), body)


def check_post(kind: str, action: str, body: dict[str, Any]) -> None:
    """Refuse an action's body that its model does not allow.

    Raises:
        AzureError: 400, with everything that is wrong.
    """
    _check(kind, bodies.post_shape(kind, action), body)


def _check(kind: str, shape: Record | None, body: dict[str, Any]) -> None:
    found = list(problems(shape, body)) if shape is not None else []
    if found:
        raise _refusal(kind.lower(), found)


def _refusal(kind: str, found: list[Problem]) -> AzureError:
    if any(problem.path == "location" and problem.rule == "required" for problem in found):
        return AzureError(400, "LocationRequired", "The location property is required for this definition.")
    if kind.startswith(INFERENCING):
        errors: dict[str, list[str]] = {}
        for problem in found:
            errors.setdefault(problem.path, []).append(problem.message)
        return endpoint_errors(errors)
    details = [{"code": "InvalidRequestContent", "message": each.message, "target": each.path} for each in found[1:]]
    if kind.startswith(MACHINE_LEARNING):
        return MachineLearningError(400, "UserError", found[0].message, target=found[0].path, details=details)
    message = f"The request content was invalid and could not be deserialized: '{found[0].message}'."
    return AzureError(400, "InvalidRequestContent", message, target=found[0].path, details=details)
