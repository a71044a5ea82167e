"""python -m jobs pause: the deployments go, so that nothing bills; address, key, model and flow stay."""

from __future__ import annotations

import argparse
import threading

from jobs.console import ask, lease_option, operating, yes_option

ORDER = 9
HELP = "takes the model out of service, so that its machines bill no more; `resume` brings it back"


def arguments(parser: argparse.ArgumentParser) -> None:
    """--while-asked is for an endpoint that never falls silent."""
    yes_option(parser)
    lease_option(parser)
    parser.add_argument("--while-asked", action="store_true", help="also where somebody has asked within 15 minutes")


def run(chosen: argparse.Namespace) -> None:
    """Says what goes and what stays, and pauses after a yes."""
    from jobs.in_service import StackEndpoint
    from jobs.paused import BY_HAND
    from jobs.pausing import pause

    here = StackEndpoint.of(chosen.stack)
    # A question that waits for somebody holds up nobody else: the lease comes after it.
    if not chosen.while_asked:
        pause.refuse_while_asked(here.opened(print, threading.Event()), pause.utc())
    print(f"All deployments behind endpoint {here.endpoint} go: nobody gets an answer until it is resumed.")
    print("Address, key, connection, model and flow stay. `python -m jobs resume` takes about twenty minutes.")
    ask("Pause it?", chosen.yes, "Nothing was changed")
    with operating(here.target, chosen) as stop:
        endpoint = here.opened(print, stop)
        if not chosen.while_asked:
            pause.refuse_while_asked(endpoint, pause.utc())
        pause.pause(endpoint, BY_HAND)
    print(f"Endpoint {here.endpoint} is paused: no deployment of a release bills any more.")
    print(f"`python -m jobs resume --stack {here.stack}` ends it.")
