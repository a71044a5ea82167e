"""What the running stack was made as, read in its own state.

Names derive from it, so a stack that was renamed since has the names it had.
"""

from __future__ import annotations

import pulumi
from pulumi.runtime import invoke

from settings.naming import Origin
from settings.outputs import PREFLIGHT
from settings.redaction import redact


def origin() -> Origin | None:
    """None for a stack that is not there yet. Raises RunError where the state cannot be read: names hang on it."""
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    try:
        answer = invoke("pulumi:pulumi:readStackResourceOutputs", {"stackName": stack})
        rows = (answer.value or {}).get("outputs") or {}
    # A failed call is a plain Exception for Pulumi.
    except Exception as error:  # noqa: BLE001
        raise pulumi.RunError(
            f"stack {stack}: its own state could not be read ({redact(str(error))}), so it is not known what it is "
            "called on Azure. Nothing was changed. Run the same again; `pulumi stack export` has to work."
        ) from None
    for urn, row in rows.items():
        if urn.endswith(PREFLIGHT) and (found := Origin.of((row.get("outputs") or {}).get("output"))):
            return found
    return None
