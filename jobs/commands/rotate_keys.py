"""python -m jobs rotate-keys: both of the endpoint's keys are made new, and the connection follows."""

from __future__ import annotations

import argparse

from jobs.console import ask, lease_option, operating, yes_option

ORDER = 12
HELP = "makes the endpoint's keys new, and gives the connection the new one"


def arguments(parser: argparse.ArgumentParser) -> None:
    """--pause is for those who keep a key of their own."""
    yes_option(parser)
    lease_option(parser)
    parser.add_argument(
        "--pause", type=_seconds, default=60, help="seconds in which others read their key again (default: 60)"
    )


def run(chosen: argparse.Namespace) -> None:
    """Says who has to read a key again, and rotates after a yes."""
    from cloud.place import recorded
    from cloud.target import Target
    from jobs import keys

    needed = ("subscriptionId", "resourceGroup", "workspace", "endpoint", "project", "connection")
    found = recorded(chosen.stack, *needed)
    target = Target(found["subscriptionId"], found["resourceGroup"], found["workspace"])
    ring = keys.Keyring(
        target=target,
        endpoint=found["endpoint"],
        project=found["project"],
        connection=found["connection"],
        pause=chosen.pause,
    )
    print(f"Both keys of endpoint {ring.endpoint} are made new one by one; connection {ring.connection} follows.")
    print(f"Who keeps a key of its own must read it again. Between the two there are {chosen.pause:g} s for that.")
    ask("Rotate the keys?", chosen.yes, "Nothing was changed")
    with operating(target, chosen) as stop:
        keys.rotate(ring, print, stop)
    print("The next `pulumi up` writes the same key into the connection once more, as its state has the old one.")


def _seconds(text: str) -> float:
    if not text.isdigit() or int(text) > 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of seconds from 0 to 3600")
    return float(text)
