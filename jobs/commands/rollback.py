"""python -m jobs rollback: an earlier version of the model goes into service, by the way every release takes."""

from __future__ import annotations

import argparse
import dataclasses

from jobs.console import ask, lease_option, operating, yes_option

ORDER = 8
HELP = "puts an earlier version of the model into service, without training"


def arguments(parser: argparse.ArgumentParser) -> None:
    """--to chooses another version than the last one."""
    yes_option(parser)
    lease_option(parser)
    parser.add_argument(
        "--now", action="store_true", help="only moves the traffic, to what serving.keepPreviousHours has kept"
    )
    parser.add_argument("--to", metavar="VERSION", default="", help="default: the one that was in service before")


def _at_once(chosen: argparse.Namespace) -> None:
    from jobs.in_service import StackEndpoint
    from jobs.release import keeping

    here = StackEndpoint.of(chosen.stack)
    ask("Give all traffic to the deployment that was in service before?", chosen.yes, "Nothing was changed")
    with operating(here.target, chosen) as stop:
        name = keeping.back_now(here.opened(print, stop))
    print(f"Deployment {name} is in service. What was is kept for a while without traffic, and bills.")


def run(chosen: argparse.Namespace) -> None:
    """Says what goes and what comes, and releases after a yes."""
    if chosen.now:
        _at_once(chosen)
        return
    from jobs.in_service import StackEndpoint
    from jobs.release import rollback, rollout

    here = StackEndpoint.of(chosen.stack)
    model = here.model
    live = rollback.in_service(here.client, here.endpoint, model)
    version = rollback.choose(live, here.versions, model, chosen.to)
    spec = here.release_of(version)
    # Who goes back knows that the older model may score less.
    evaluation = spec.evaluation.model_copy(update={"maximum_drop": 1.0})
    spec = dataclasses.replace(spec, evaluation=evaluation)
    steps = " -> ".join(f"{step} %" for step in spec.serving.traffic_steps)
    stands = "in service: " if live.share == 100 else "half way:   "
    print(f"{stands}{model}:{live.version or 'unknown'}, deployment {live.deployment} with {live.share} %")
    print(f"back to:    {model}:{version}")
    print(f"Nothing is trained. It is tested without traffic, then gets {steps}; the one in service goes last.")
    print(
        f"An unchanged stack {chosen.stack} keeps it: `pulumi up` has nothing to do. A change of its data, recipe or "
        "serving settings releases the version they stand for."
    )
    ask("Go back?", chosen.yes, "Nothing was changed")
    with operating(spec.target, chosen) as stop:
        rollout.run(spec, print, stop)
    print(f"{model}:{version.version} is in service.")
