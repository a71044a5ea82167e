"""The states of jobs and resources, as Azure ML spells them."""

from __future__ import annotations

COMPLETED = "Completed"
SILENT = "NotResponding"
ENDED = (COMPLETED, "Failed", "Canceled")
"""A job does not leave these."""
GIVEN_UP = (*ENDED, SILENT)
"""A job in one of these is no longer waited for; one that does not respond may still hold its node, and bill."""
CANCELLED = ("Canceled", "CancelRequested")

HEALTHY = "Succeeded"
IN_TRANSITION = ("Creating", "Updating", "Scaling", "Deleting")
"""An endpoint or a deployment refuses every change meanwhile."""
