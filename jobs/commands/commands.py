"""What the command line does; each prints its answer and raises StageError, OutputsError or SettingsError."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from cloud.errors import StageError
from jobs.commands.shared import ask, asked, show
from settings.commandline import own_name

if TYPE_CHECKING:
    from jobs.preflight.spec import PreflightSpec

_DECISION_SECONDS = 300
"""How long to wait for Azure's decision on a quota request; a person's takes days."""


def preflight(stack: str, *, as_json: bool) -> None:
    """Exits with 1 when anything is refused."""
    from jobs.preflight import findings, run

    spec, _ = asked(stack)
    found = run.check(spec)
    refused = run.refuses(found)
    if as_json:
        show({"stack": stack, "refused": refused, "findings": [finding.to_json() for finding in found]})
    else:
        show(findings.table(found, f"Preflight of stack {stack}, subscription {spec.subscription_id}"))
    if refused:
        sys.exit(1)


def github_subject(stack: str) -> None:
    from jobs.commands import github
    from settings.stack import load

    name = own_name(stack)
    chosen = load(stack).github
    if not chosen.repository:
        todo = "Set finetune-phi:github.repository to owner/name first (docs/environments.md)."
        why = "no workflow of GitHub's deploys it"
        raise StageError("the stack trusts no repository", on=f"stack {name}", why=why, todo=todo)
    lines, right = github.described(name, chosen)
    print("\n".join(lines))
    if not right:
        sys.exit(1)


def quota(stack: str, *, as_json: bool) -> None:
    from rich.table import Table

    needs = _needs(asked(stack)[0])
    if as_json:
        show([need.to_json() for need in needs])
        return
    table = Table("family", "limit", "in use", "needed", "for", "next release", title=f"Quota of stack {stack}")
    for need in needs:
        limit, used = (str(need.usage.limit), str(need.usage.used)) if need.usage else ("none", "none")
        limit = "unlimited" if limit == "-1" else limit
        used = "not counted yet" if need.usage and not need.usage.counted else used
        table.add_row(need.family, limit, used, str(need.needed), ", ".join(need.parts), f"+{need.peak}")
    show(table)


def request_quota(stack: str, *, cores: int | None, yes: bool) -> None:
    from jobs.preflight import quota

    spec, _ = asked(stack)
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


def purge(stack: str, *, yes: bool) -> None:
    from cloud.removal import purge

    spec, place = asked(stack)
    where = (spec.subscription_id, spec.location, spec.resource_group)
    found = purge.remainders(*where, place.names.soft_deleted())
    words = {
        "live": "live, left alone (pulumi destroy removes it)",
        "soft-deleted": "soft-deleted, to be purged",
        "unknown": "not live; if it is soft-deleted, which Azure does not tell, asked to purge it",
        "gone": "nothing left",
    }
    for each in found:
        print(f"{each}: {words[each.state]}")
    todo: dict[str, list[str]] = {}
    for each in found:
        if each.state in ("soft-deleted", "unknown"):
            todo.setdefault(each.kind, []).append(each.name)
    if not todo:
        print("Nothing to purge.")
        return
    ask("Purge for good? Nobody can recover it afterwards.", yes, "Nothing was purged")
    for line in purge.purge(*where, todo):
        print(line)


def _needs(spec: PreflightSpec) -> list[Any]:
    from cloud import client as azure
    from cloud.arm import Arm
    from cloud.errors import azure_errors
    from jobs.preflight import quota

    with azure_errors("the quota could not be read", f"subscription {spec.subscription_id}, {spec.location}"):
        return quota.needs(Arm(retries=azure.PROMPT_RETRIES), spec)
