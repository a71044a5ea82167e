"""What Azure answers and what it does not: one answer that fails takes nothing else from a look at the whole."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeVar

from cloud.errors import StageError, first_line, refusal
from jobs.status.status import Stage

T = TypeVar("T")
UNKNOWN = "unknown"
"""The state of what could not be read."""
PARTS = JOBS, ENDPOINT, DEPLOYMENTS, WANTED = "the jobs", "the endpoint", "the deployments", "data and model"
"""What is asked first, side by side: where nothing of it is answered, nothing is known."""
_NEEDS: dict[str, set[str]] = {
    "dataset": {WANTED},
    "finetune": {JOBS, WANTED},
    "promotion": set(),
    "release": {ENDPOINT, DEPLOYMENTS},
}


class Answers:
    """`missing` says of what there is no answer, and why, by its name."""

    def __init__(self) -> None:
        self.missing: dict[str, str] = {}

    def of(self, what: str, read: Callable[[], T], otherwise: T) -> T:
        """What ``read`` gives, or ``otherwise``, which is noted: Azure had no answer, or none that makes sense."""
        from azure.core.exceptions import AzureError, HttpResponseError

        try:
            return read()
        except StageError as error:
            why = error.why
        except HttpResponseError as error:
            why = ": ".join(filter(None, refusal(error)))
        except AzureError as error:
            why = first_line(str(error))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            why = f"the answer makes no sense ({type(error).__name__}: {first_line(str(error))})"
        self.missing[what] = why
        return otherwise

    def silence(self, on: str) -> StageError:
        """What to raise where nothing was answered."""
        why = next(iter(self.missing.values()), "no answer")
        return StageError("the state could not be read", on=on, why=why, todo="Run it again.")

    def told(self) -> list[str]:
        """For people, a sentence each, in the same order whichever answer came first."""
        return [f"Not read just now: {what} ({why})" for what, why in sorted(self.missing.items())]


def known(stages: tuple[Stage, ...], answers: Answers) -> tuple[Stage, ...]:
    """A stage is nothing but unknown where what tells of it was not read."""
    missing = set(answers.missing)
    return tuple(
        dataclasses.replace(each, state=UNKNOWN) if _NEEDS[each.name.partition("-")[0]] & missing else each
        for each in stages
    )
