"""python -m jobs resume: what was in service before a pause comes back, without a fine-tune."""

from __future__ import annotations

import argparse

from jobs.console import lease_option, operating

ORDER = 10
HELP = "brings back what a pause has taken out of service, without training"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Asks nothing: nothing is lost by it."""
    lease_option(parser)


def run(chosen: argparse.Namespace) -> None:
    """Deploys the version that was in service, or the one that came meanwhile, and asks it before it gets traffic."""
    from jobs.in_service import StackEndpoint
    from jobs.pausing.resume import resume

    here = StackEndpoint.of(chosen.stack)
    with operating(here.target, chosen) as stop:
        version = resume(here.opened(print, stop), here.release_of_number)
    print(f"{here.model}:{version} is in service.")
