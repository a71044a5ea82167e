"""Whose fault a failure is: the one place that decides what is tried again, put back or left as it is."""

from __future__ import annotations

from enum import Enum

from cloud.errors import ModelFault, NotFinished, StageError
from cloud.tokens import NotRenewed

_PASSING = (408, 429, 500, 502, 503, 504)
"""Statuses that azure-core tries again, too."""


class Fault(Enum):
    """What has failed."""

    STOPPED = "nothing: it was asked to stop, or goes on by itself"
    CONNECTION = "there was no connection to Azure, or it broke: nothing is known, and nothing can be done now"
    CONTROL_PLANE = "Azure has no answer now, and may have one later"
    MODEL = "the model that is being released"
    WORK = "the work itself: a request that Azure refuses, a state that it does not come to"
    OURS = "this program: an error that nobody has foreseen"


def fault(error: BaseException | None) -> Fault:
    """Of an error of Azure's client libraries, or of the StageError that one has become."""
    from azure.core.exceptions import (
        AzureError,
        DecodeError,
        HttpResponseError,
        IncompleteReadError,
        ServiceRequestError,
        ServiceResponseError,
    )

    if isinstance(error, NotFinished):
        return Fault.STOPPED
    if isinstance(error, ModelFault):
        return Fault.MODEL
    stage = isinstance(error, StageError)
    cause = error.__cause__ if stage and error else error
    if isinstance(cause, IncompleteReadError | ServiceRequestError | ServiceResponseError):
        return Fault.CONNECTION
    if isinstance(cause, NotRenewed | DecodeError) or (
        isinstance(cause, HttpResponseError) and cause.status_code in _PASSING
    ):
        return Fault.CONTROL_PLANE
    return Fault.WORK if stage or isinstance(cause, AzureError) else Fault.OURS


def passing(error: BaseException) -> bool:
    """Whether the same request may succeed later."""
    return fault(error) in (Fault.CONNECTION, Fault.CONTROL_PLANE)


def taken(cause: BaseException | None) -> bool:
    """Whether Azure refused to make something because there is one of that name."""
    return getattr(cause, "status_code", None) == 409 or "already exists" in str(cause)


def job_taken(cause: BaseException | None, name: str) -> bool:
    """Whether Azure refused a job because of its name; other things may be in conflict, or exist already, too."""
    text = str(cause).lower()
    return "already exists" in text and (name in text or "job with this name" in text)
