"""What can go wrong in training and scoring because of what the user gave."""

from __future__ import annotations

import json


class TrainingError(Exception):
    """A bad job description, data file or model folder; the message says what, where and what to do."""

    @property
    def report(self) -> str:
        """What the process prints last."""
        return f"error: {self}"


class ComponentError(TrainingError):
    """The fine-tune component refuses what it was given, in its own words."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self._kind = f"azureml.acft.common_components.utils.error_handling.exceptions.{kind}: {kind}"

    @property
    def report(self) -> str:
        return "\n".join(
            ("Traceback (most recent call last):", *component_error(self._kind, str(self), "ACFTUserError"))
        )


class FirstRowError(TrainingError):
    """The fine-tune component crashes on a file whose first row has nothing to learn from."""

    @property
    def report(self) -> str:
        return "\n".join(
            (
                "Traceback (most recent call last):",
                '  File "…/azureml/acft/contrib/hf/nlp/tasks/chat_completion/preprocess/base.py", line 500, in '
                "encode_dataset",
                '  File "…/datasets/arrow_dataset.py", line 3667, in _map_single',
                "    writer.write(example)",
                "AttributeError: 'NoneType' object has no attribute 'write'",
            )
        )


def component_error(kind: str, message: str, *inner: str) -> tuple[str, ...]:
    """The last lines of a log of the component: the exception, and the same as JSON."""
    error: dict[str, object] = {}
    for code in reversed(inner):
        error = {"code": code, **({"inner_error": error} if error else {})}
    response = {"error": {"code": "UserError", "message": message, "inner_error": error}}
    said = f"{kind}:\n\tMessage: {message}\n\tInnerException None\n\tErrorResponse \n"
    lines = f"{said}{json.dumps(response, indent=4)}".splitlines()
    return tuple(line for line in lines if line.strip())
