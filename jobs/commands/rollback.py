"""python -m jobs rollback: an earlier version of the model goes into service, by the way every release takes."""

from __future__ import annotations

import argparse
import dataclasses

from jobs.console import ask, interruptible, yes_option

ORDER = 8
HELP = "puts an earlier version of the model into service, without training"


def arguments(parser: argparse.ArgumentParser) -> None:
    """--to chooses another version than the last one."""
    yes_option(parser)
    parser.add_argument("--to", metavar="VERSION", default="", help="default: the one that was in service before")


def run(chosen: argparse.Namespace) -> None:
    """Says what goes and what comes, and releases after a yes."""
    from cloud import client as azure
    from cloud.place import Place, recorded
    from cloud.target import Target
    from jobs import specs
    from jobs.release import rollback, rollout
    from settings.commandline import own_name
    from settings.stack import load

    found = recorded(chosen.stack, "subscriptionId", "resourceGroup", "workspace", "endpoint")
    target = Target(found["subscriptionId"], found["resourceGroup"], found["workspace"])
    name = own_name(chosen.stack)
    settings = load(chosen.stack)
    model = settings.finetune.model_name
    client = azure.ml_client(target)
    live = rollback.in_service(client, found["endpoint"], model)
    version = rollback.choose(live, rollback.versions(client, model), model, chosen.to)

    place = Place.of(settings, name, target.subscription_id)
    spec = specs.release(settings, place, version.version, version.fingerprint)
    # Who goes back knows that the older model may score less.
    evaluation = spec.evaluation.model_copy(update={"maximum_drop": 1.0})
    spec = dataclasses.replace(spec, target=target, endpoint=found["endpoint"], evaluation=evaluation)
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
    with interruptible() as stop:
        rollout.run(spec, print, stop)
    print(f"{model}:{version.version} is in service.")
