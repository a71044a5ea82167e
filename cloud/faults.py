"""What kind of failure an error of Azure's client libraries is."""

from __future__ import annotations

from cloud.tokens import NotRenewed


def taken(cause: BaseException | None) -> bool:
    """Whether Azure refused to make something because there is one of that name."""
    return getattr(cause, "status_code", None) == 409 or "already exists" in str(cause)


def disconnected(error: BaseException | None) -> bool:
    """Whether there was no connection, or it broke."""
    from azure.core.exceptions import IncompleteReadError, ServiceRequestError, ServiceResponseError

    return isinstance(error, IncompleteReadError | ServiceRequestError | ServiceResponseError)


def passing(error: BaseException) -> bool:
    """Whether the same request may succeed later: no connection, no new token, or a status that azure-core retries."""
    from azure.core.exceptions import HttpResponseError

    status = error.status_code if isinstance(error, HttpResponseError) else None
    return disconnected(error) or isinstance(error, NotRenewed) or status in (408, 429, 500, 502, 503, 504)
