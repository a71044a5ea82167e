"""Which version of the model is meant."""

from __future__ import annotations

from azure.core.exceptions import ResourceNotFoundError

from cloud.errors import StageError
from jobs.in_service import StackEndpoint
from jobs.release import rollback
from jobs.release.rollback import Version


def chosen(here: StackEndpoint, number: str) -> Version:
    """The one of that number, or the one in service, or where none is, the newest. Raises StageError."""
    known = here.versions
    if number:
        return rollback.registered(known, here.model, number)
    if not known:
        raise StageError(
            "there is no version of the model",
            on=f"model {here.model}",
            why="none is registered",
            todo=f"Run `make up STACK={here.stack}` first.",
        )
    try:
        live = rollback.in_service(here.client, here.endpoint, here.model).version
    except StageError as error:
        # Azure's refusal, but for an endpoint that is not there, is not that nothing is in service.
        if error.__cause__ is not None and not isinstance(error.__cause__, ResourceNotFoundError):
            raise
        live = ""
    return next((each for each in known if each.version == live), known[0])
