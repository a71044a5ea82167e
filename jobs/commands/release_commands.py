"""What `rollback` and `rotate-keys` of the command line do. Both end with StageError, OutputsError or SettingsError."""

from __future__ import annotations

import dataclasses
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cloud.credentials import work_in
from cloud.place import Place
from cloud.target import Target
from jobs.commands.shared import ask
from settings import outputs
from settings.commandline import own_name

_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_NEEDED = ("subscriptionId", "resourceGroup", "workspace", "endpoint")


def rollback(stack: str, *, to: str, yes: bool) -> None:
    """Puts an earlier model version into service, by the way every release takes."""
    from cloud import client as azure
    from jobs import specs
    from jobs.release import rollback, rollout
    from settings.stack import load

    found = _found(stack)
    target = Target(found["subscriptionId"], found["resourceGroup"], found["workspace"])
    name = own_name(stack)
    settings = load(stack)
    model = settings.finetune.model_name
    client = azure.ml_client(target)
    live = rollback.in_service(client, found["endpoint"], model)
    chosen = rollback.choose(live, rollback.versions(client, model), model, to)

    place = Place.of(settings, name, target.subscription_id)
    spec = specs.release(settings, place, chosen.version, chosen.fingerprint)
    # Who goes back knows that the older model may score less.
    evaluation = spec.evaluation.model_copy(update={"maximum_drop": 1.0})
    spec = dataclasses.replace(spec, target=target, endpoint=found["endpoint"], evaluation=evaluation)
    steps = " -> ".join(f"{step} %" for step in spec.serving.traffic_steps)
    stands = "in service: " if live.share == 100 else "half way:   "
    print(f"{stands}{model}:{live.version or 'unknown'}, deployment {live.deployment} with {live.share} %")
    print(f"back to:    {model}:{chosen}")
    print(f"Nothing is trained. It is tested without traffic, then gets {steps}; the one in service goes last.")
    print(
        f"An unchanged stack {stack} keeps it: `pulumi up` has nothing to do. A change of its data, recipe or serving "
        "settings releases the version they stand for."
    )
    ask("Go back?", yes, "Nothing was changed")
    with _interruptible() as stop:
        rollout.run(spec, print, stop)
    print(f"{model}:{chosen.version} is in service.")


def rotate_keys(stack: str, *, pause: float, yes: bool) -> None:
    """Makes both of the endpoint's keys new, the connection following."""
    from jobs.release import keys

    found = _found(stack, "project", "connection")
    target = Target(found["subscriptionId"], found["resourceGroup"], found["workspace"])
    ring = keys.Keyring(target, found["endpoint"], found["project"], found["connection"], pause)
    print(f"Both keys of endpoint {ring.endpoint} are made new one by one; connection {ring.connection} follows.")
    print(f"Who keeps a key of its own must read it again. Between the two there are {pause:g} s for that.")
    ask("Rotate the keys?", yes, "Nothing was changed")
    with _interruptible() as stop:
        keys.rotate(ring, print, stop)
    print("The next `pulumi up` writes the same key into the connection once more, as its state has the old one.")


def _found(stack: str, *more: str) -> dict[str, Any]:
    """The stack's outputs; Azure is asked in their subscription's tenant from here on."""
    found = outputs.read(stack, *_NEEDED, *more)
    work_in(found["subscriptionId"])
    return found


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Ctrl-C sets the event, and the work ends where it can be taken up again; a second one ends the command.

    A terminal that is closed and a CI that ends the job count as a Ctrl-C.
    """
    stop = threading.Event()

    def interrupt(_signal: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, interrupt) for number in _INTERRUPTS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
