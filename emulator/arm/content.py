"""The JSON of a request, as Azure reads it: stricter than Python does."""

from __future__ import annotations

import json
from typing import Any

from emulator.arm.errors import AzureError


def read(body: bytes) -> dict[str, Any] | None:
    """An object; None for an empty body.

    Raises:
        AzureError: it is no JSON, or another JSON than an object.
    """
    if not body:
        return None
    try:
        loaded = json.loads(body)
        # Half a character, and what is no number, are no JSON, though Python reads them.
        json.dumps(loaded, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        message = f"The request content was invalid and could not be deserialized: '{error}'."
        raise AzureError(400, "InvalidRequestContent", message) from error
    if not isinstance(loaded, dict):
        raise AzureError(400, "InvalidRequestContent", "The request content was invalid: not a JSON object.")
    return loaded
