"""A status for people: tables for a terminal, lines for a log."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from cloud.states import GIVEN_UP, IN_TRANSITION
from jobs.paused import BY_HOURS, BY_RELEASE
from jobs.status.progress import in_words
from jobs.status.spending import dollars
from jobs.status.status import NOT_THERE, Status
from settings.sections.hours import hours_of

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

_LATE = timedelta(hours=3)
"""An hour later than what was made after the hours may stay."""
_GOOD, _BUSY, _BAD = "green", "yellow", "red"


def view(status: Status) -> Group:
    """What `python -m jobs status` prints."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    things = Table("what", "name", "state", "traffic", "details", title=f"Stack {status.stack}", title_justify="left")
    for stage in status.stages:
        things.add_row(f"stage {stage.name}", "", coloured(stage.state), "", Text(stage.detail))
    things.add_section()
    for one in status.attempts or (None,):
        if one is None:
            things.add_row("job", "", coloured(NOT_THERE))
        else:
            took = in_words(one.hours(status.at) * 3600) if one.started else ""
            left = str(status.progress) if status.progress and one is status.job else ""
            things.add_row("job", one.name, coloured(one.status), "", Text("; ".join(filter(None, (took, left)))))
    for other in status.others:
        took = f"{in_words(other.hours(status.at) * 3600)}; " if other.started else ""
        of_recipe = f"of the recipe {other.recipe}" if other.recipe else "of another recipe"
        details = Text(f"{took}{of_recipe if other.version else 'prepares the data'}")
        things.add_row("job", other.name, coloured(other.status), "", details)
    things.add_row("model", status.model, coloured(status.model_state))
    things.add_row("endpoint", status.endpoint, coloured(status.endpoint_state))
    for each in status.deployments:
        details = Text(f"{each.short_model}, {each.instances}{requests(status, each.name)}")
        things.add_row("deployment", each.name, coloured(each.state), f"{each.traffic} %", details)
    parts = [things, _costs(status) if status.spending.lines else Text("Cost so far: no machine has run yet.")]
    if half := half_way(status):
        parts.append(Text(half, style="yellow"))
    parts += [Text(told, style="yellow") for told in (pausing(status), overtime(status), keeping(status)) if told]
    if idle := idleness(status):
        parts.append(Text(idle, style="yellow"))
    parts += [Text(told, style="red") for told in status.not_read]
    notes = [*status.spending.notes(), *([f"job: {status.job.url}"] if status.job and status.job.url else [])]
    return Group(*parts, *(Text(note, style="dim", overflow="fold") for note in notes))


def _costs(status: Status) -> Table:
    from rich.table import Table
    from rich.text import Text

    spent = status.spending
    title = "Cost so far in USD (an estimate: machines only)"
    table = Table("what", "machines", "hours", "cost", title=title, title_justify="left", show_footer=True)
    for column in table.columns[2:]:
        column.justify = "right"
    for line in spent.lines:
        hours = f"{line.use.hours:,.2f}"
        table.add_row(Text(line.use.what), f"{line.use.count} x {line.use.vm_size}", hours, dollars(line.cost))
    table.columns[0].footer = "so far"
    table.columns[1].footer = f"goes on: {dollars(spent.hourly)} an hour" if spent.hourly != 0 else "nothing runs"
    table.columns[3].footer = dollars(spent.so_far)
    return table


def requests(status: Status, deployment: str) -> str:
    """What the deployment was asked in the last hour, or nothing where that is not known."""
    if status.usage.trouble or not status.deployments:
        return ""
    found = status.usage.recent.get(deployment)
    return f"; in the last hour {found}" if found else "; in the last hour no request"


def half_way(status: Status) -> str:
    """What to do about a release that has not come to its end; nothing where all have."""
    if not status.half_released:
        return ""
    return (
        f"The release of {status.half_released} has not come to its end, and its machines bill. `pulumi up` goes on "
        f"with it if the stack file asks for it; `python -m jobs rollback --stack {status.stack}` takes it back."
    )


def pausing(status: Status) -> str:
    """Since when nobody is answered, and what ends that; nothing where the endpoint is not paused."""
    pause = status.pause
    if pause is None:
        return ""
    if pause.by == BY_RELEASE:
        return (
            f"A release took version {pause.version} away on {pause.at:%Y-%m-%d at %H:%M} UTC and has not come to its "
            f"end: nobody is answered. `pulumi up` goes on with it, `python -m jobs rollback --stack {status.stack}` "
            f"brings version {pause.version} back."
        )
    by = "as its office hours were over" if pause.by == BY_HOURS else "by hand"
    since = f"Paused {by} on {pause.at:%Y-%m-%d at %H:%M} UTC"
    left = ", ".join(one.name for one in status.deployments)
    if left:
        return (
            f"{since}, and {left} still stands and bills: `python -m jobs pause --stack {status.stack}` or `resume` "
            "goes on where it stopped."
        )
    coming = f"; version {pause.coming} came meanwhile and is released then" if pause.coming else ""
    return (
        f"{since}: no deployment bills. `python -m jobs resume --stack {status.stack}` brings version {pause.version} "
        f"back{coming}.{_opening(status)}"
    )


def keeping(status: Status) -> str:
    """What is kept of before, and until when; nothing where nothing is."""
    kept = status.kept
    if kept is None:
        return ""
    until = f"until {kept.until:%Y-%m-%d at %H:%M} UTC, and bills"
    if kept.until <= status.at:
        return f"{kept.deployment} was to stay {until}: `python -m jobs keep-hours --stack {status.stack}` removes it."
    return f"{kept.deployment} stays {until}: `python -m jobs rollback --now --stack {status.stack}` goes back to it."


def _opening(status: Status) -> str:
    hours = hours_of(status.hours)
    if hours is None or hours.open_at(status.at) or status.pause is None or status.pause.by != BY_HOURS:
        return ""
    return f" Its office hours ({status.hours}) begin again on {hours.next_opening(status.at):%Y-%m-%d at %H:%M} UTC."


def overtime(status: Status) -> str:
    """That office hours are over and nobody has paused the endpoint; nothing for as long as that may be on purpose."""
    if status.overtime < _LATE:
        return ""
    return (
        f"The office hours ({status.hours}) are over for {in_words(status.overtime.total_seconds())}, and machines "
        f"still bill. `python -m jobs keep-hours --stack {status.stack}` ends that; does the workflow run that should "
        "(hours.yml)?"
    )


def idleness(status: Status) -> str:
    """That nobody asks, and what it costs; or that this is not known; or nothing."""
    if status.usage.trouble:
        return f"Requests are not known: {status.usage.trouble}"
    if not status.idle:
        return ""
    hours = in_words(status.idle.total_seconds())
    return (
        f"Nobody has asked the endpoint for {hours} or more; its machines have cost {dollars(status.idle_cost)} USD "
        f"meanwhile. `pulumi destroy --stack {status.stack}` ends that."
    )


def lines(status: Status) -> list[str]:
    """The same, each a line that stands for itself; the first ones change with every step of a run."""
    told = [
        f"stage {stage.name}: {stage.state}{f' ({stage.detail})' if stage.detail else ''}" for stage in status.stages
    ]
    told += [f"job {one.name}: {one.status}" for one in (*status.attempts, *status.others)]
    told.append(f"endpoint {status.endpoint}: {status.endpoint_state}")
    told += [f"deployment {one.name}: {one.state}, {one.traffic} % of the traffic" for one in status.deployments]
    told += filter(None, (half_way(status), pausing(status), overtime(status), keeping(status)))
    failed = sum(each.failed for each in status.usage.recent.values())
    if failed:
        told = [*told, f"failed requests in the last hour: {failed}"]
    busy = sum(each.busy for each in status.usage.recent.values())
    more = "serving.maxConcurrentRequests or serving.instances let more in"
    return [*told, f"requests turned away for load (429) in the last hour: {busy}; {more}"] if busy else told


def cost_line(status: Status) -> str:
    """The sum in one line, with where its prices are from."""
    spent = status.spending
    sources = "; ".join(dict.fromkeys(price.source for price in spent.prices.values()))
    from_ = f"an estimate, {sources}" if sources else "no machine has run yet"
    return f"cost so far: {dollars(spent.so_far)} USD, {dollars(spent.hourly)} USD an hour now ({from_})"


def coloured(state: str) -> Text:
    """Green for what is well, red for what failed, yellow for what is under way."""
    from rich.text import Text

    word = state.lower()
    if word in ("failed", "canceled", "notresponding"):
        return Text(state, _BAD)
    if word in ("succeeded", "completed", "done", "registered"):
        return Text(state, _GOOD)
    busy = state in IN_TRANSITION or word in (
        "under way",
        "running",
        "queued",
        "preparing",
        "starting",
        "finalizing",
        "registering",
    )
    return Text(state, _BUSY if busy and state not in GIVEN_UP else "")
