"""`make prove STACK=dev`: tries on Azure what nobody could confirm, in a resource group of its own that goes again.

Without --gpu it takes about an hour and less than 10 US dollars. It says first what it will make and cost, and asks.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from cloud.errors import StageError
from cloud.place import described
from cloud.services.prices import MACHINES, Meter, PriceBook
from jobs.console import ask
from settings.commandline import EMULATED, StackError, check_stack, parse
from settings.problems import SettingsError
from tests.prove import catalogue
from tests.prove.azure import Azure
from tests.prove.emulated import CLOCK, stand_in
from tests.prove.group import leftovers
from tests.prove.probes import Probe
from tests.prove.recording import RECORDINGS, Disguise, Recording
from tests.prove.run import Run, verdicts

FALLBACK = {"Standard_D4s_v3": 0.192, "Standard_DS3_v2": 0.293, "Standard_NC24ads_A100_v4": 3.673}
"""USD an hour where the price list does not answer: Azure's retail prices for East US 2 in 2025."""


def main(arguments: list[str] | None = None) -> int:
    """0 where all was as believed or is known now, 1 where Azure did otherwise, 2 where something was not tried."""
    options = parse(_parser(), arguments)
    try:
        return _prove(options)
    except KeyError as error:
        sys.exit(f"error: there is no probe {error.args[0]}\n  What to do: choose from python -m tests.prove --list")
    except (StackError, SettingsError, StageError) as error:
        sys.exit(f"error: {error}")


def _prove(options: argparse.Namespace) -> int:
    lanes = catalogue.chosen(options.probes, gpu=options.gpu)
    probes = [probe for lane in lanes for probe in lane]
    if options.list:
        _tell(probes, None)
        return 0
    check_stack(options.stack, "prove")
    settings, place = described(options.stack)
    subscription, emulated = place.subscription_id, place.stack in EMULATED
    where = "the emulator" if emulated else "Azure"
    for each in leftovers(Azure(Disguise({}), threading.Event()), subscription):
        print(f"An earlier run left resource group {each}: az group delete --name {each}")
    print(f"Tries {len(probes)} claims on {where}, subscription {subscription}, region {settings.location}:")
    _tell(probes, _prices(probes, settings.location))
    if not emulated:
        print("All of it is made in a resource group of its own and removed at the end, also after Ctrl-C.")
    ask("Begin?", options.yes, "Nothing was made")
    run = Run(
        subscription,
        settings.location,
        lambda line: print(f"  {line}", flush=True),
        on=where,
        clock=CLOCK if emulated else 1.0,
        model=stand_in() if emulated else None,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: run.stop.set())
    recordings = run.run(lanes)
    for recording in recordings:
        recording.write(options.out or (Path(".runs") / "prove" if emulated else RECORDINGS))
    return _told({probe.name: probe for probe in probes}, recordings, run.broken, stopped=run.stop.is_set())


def _told(probes: dict[str, Probe], recordings: Sequence[Recording], broken: Sequence[str], *, stopped: bool) -> int:
    from rich.console import Console
    from rich.table import Table

    table = Table("claim", "fact", "believed", "seen", "", title="Claim and what was seen")
    otherwise = 0
    for recording in recordings:
        for number, row in enumerate(verdicts(probes[recording.probe], recording)):
            table.add_row("" if number else f"{recording.probe}: {recording.claim}", *row)
            otherwise += row[-1] == "OTHERWISE"
        for what, value in recording.measured.items():
            table.add_row("", what, "", value, "measured")
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    untried = sorted(set(probes) - {recording.probe for recording in recordings})
    for line in broken:
        print(f"NOT TRIED, OR NOT REMOVED: {line}")
    print(
        f"{len(recordings)} of {len(probes)} claims tried, {otherwise} facts otherwise than believed"
        + (f"; not tried: {', '.join(untried)}" if untried else "")
        + ("; stopped on request" if stopped else "")
    )
    return 2 if broken or untried else int(bool(otherwise))


def _tell(probes: Sequence[Probe], prices: dict[str, float] | None) -> None:
    """What will be tried, made and paid."""
    cost = 0.0
    for probe in probes:
        paid = sum(hours * (prices or FALLBACK).get(size, 0) for size, hours in (probe.hours or {}).items())
        cost += paid
        print(f"  {probe.name:<22} {probe.claim}\n{'':24} makes {probe.makes}; {probe.minutes} min, {paid:.2f} USD")
    if prices is not None:
        longest = max(sum(probe.minutes for probe in lane) for lane in _lanes(probes))
        print(f"In all about {longest} minutes and {cost:.2f} US dollars; storage and logs add some cents.")
    for what, why in catalogue.UNSETTLED.items():
        print(f"  not tried: {what}: {why}")


def _lanes(probes: Sequence[Probe]) -> list[list[Probe]]:
    return [[probe for probe in lane if probe in probes] for lane in catalogue.LANES]


def _prices(probes: Sequence[Probe], region: str) -> dict[str, float]:
    """US dollars an hour by size, from Azure's price list."""
    book = PriceBook(Path(".runs") / "prices.json")
    wanted = {size for probe in probes for size in probe.hours or {}}
    found = {size: book.price(Meter(MACHINES, region, size)) for size in wanted}
    book.close()
    return {size: price.hourly if price else FALLBACK[size] for size, price in found.items()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.prove", description=__doc__)
    parser.add_argument("probes", nargs="*", metavar="PROBE", help="these alone; all but those with a GPU by default")
    parser.add_argument(
        "--stack",
        default="dev",
        help="whose subscription and region (default: dev); a stack of the emulator's tries the probes themselves",
    )
    parser.add_argument("--gpu", action="store_true", help="also fine-tune on twelve rows: about an hour of an A100")
    parser.add_argument("--list", action="store_true", help="tell of the probes and try nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--out", type=Path, help="where recordings go (default: tests/recordings)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
