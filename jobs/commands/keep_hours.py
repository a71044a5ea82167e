"""python -m jobs keep-hours: pauses and resumes by serving.hours; a workflow calls it every half hour."""

from __future__ import annotations

import argparse

from jobs.console import operating

ORDER = 11
HELP = "pauses and resumes by serving.hours, and removes what serving.keepPreviousHours kept until now"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Takes the stack alone: what is to be done stands in its file."""


def run(chosen: argparse.Namespace) -> None:
    """Does what the clock says, or nothing."""
    from jobs.in_service import StackEndpoint
    from jobs.pausing.by_hours import keep

    here = StackEndpoint.described(chosen.stack)
    with operating(here.target, chosen) as stop:
        keep(here.opened(print, stop), here.release_of_number)
