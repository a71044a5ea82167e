"""python -m jobs quota: what the stack's VM families may use; `quota request` asks Azure for more."""

from __future__ import annotations

import argparse
import threading
from typing import TYPE_CHECKING, Any

from jobs.console import ask, json_option, show, yes_option

if TYPE_CHECKING:
    from jobs.preflight.spec import PreflightSpec

ORDER = 7
HELP = "limit and use of the VM families; `quota request` asks for more"
_DECISION_SECONDS = 300
"""How long to wait for Azure's decision on a quota request; a person's takes days."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """--cores and --yes are for `quota request`."""
    json_option(parser)
    yes_option(parser)
    parser.add_argument("action", nargs="?", choices=("show", "request"), default="show", help="default: show")
    parser.add_argument("--cores", type=_cores, help="the limit to ask for (default: what the stack needs)")


def run(chosen: argparse.Namespace) -> None:
    """Prints a table, or files a request and what came of it."""
    from jobs import specs

    spec = specs.preflight_of(chosen.stack)
    if chosen.action == "request":
        _request(spec, chosen.cores, chosen.yes)
    elif chosen.json:
        show([need.to_json() for need in _needs(spec)])
    else:
        _table(spec, chosen.stack)


def _table(spec: PreflightSpec, stack: str) -> None:
    from rich.table import Table

    table = Table("family", "limit", "in use", "needed", "for", "next release", title=f"Quota of stack {stack}")
    for need in _needs(spec):
        limit, used = (str(need.usage.limit), str(need.usage.used)) if need.usage else ("none", "none")
        limit = "unlimited" if limit == "-1" else limit
        used = "not counted yet" if need.usage and not need.usage.counted else used
        table.add_row(need.family, limit, used, str(need.needed), ", ".join(need.parts), f"+{need.peak}")
    show(table)


def _request(spec: PreflightSpec, cores: int | None, yes: bool) -> None:
    from jobs.preflight import quota

    wanted: dict[str, int] = {}
    for need in _needs(spec):
        target = cores or need.limit_needed + need.peak
        if need.fits(target):
            print(f"{need.family}: nothing to ask for, {target} cores fit into the limit")
        else:
            wanted[quota.resource_name(need)] = target
            limit = need.usage.limit if need.usage else "none"
            print(f"{need.family} in {spec.location}: limit {limit}, to be {target} ({', '.join(need.parts)})")
    print(quota.TUTORIAL_RETIRED)
    if not wanted:
        return
    ask("File this with Azure?", yes, "Nothing was filed")
    stop = threading.Event()
    timer = threading.Timer(_DECISION_SECONDS, stop.set)
    timer.daemon = True
    timer.start()
    try:
        for line in quota.request(spec, wanted, print, stop):
            print(line)
    finally:
        timer.cancel()


def _needs(spec: PreflightSpec) -> list[Any]:
    from cloud import client as azure
    from cloud.arm import Arm
    from cloud.errors import azure_errors
    from jobs.preflight import quota

    with azure_errors("the quota could not be read", f"subscription {spec.subscription_id}, {spec.location}"):
        return quota.needs(Arm(retries=azure.PROMPT_RETRIES), spec)


def _cores(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of cores from 1")
    return int(text)
