"""A review as Markdown, for a comment on a pull request or a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from review.cost import Amount, Cost
from review.pages.wording import OPERATIONS, TITLES, UNKNOWN, capital, change, drift_note, unchanged, usd
from review.report import Change, Report
from review.verdict import Verdict
from settings.plain_text import markdown as in_markdown
from settings.plain_text import plain

LONGEST = 60_000
"""GitHub refuses a comment of more than 65,536 characters."""


def markdown(report: Report) -> str:
    """The whole report; one line when there is nothing to say."""
    if report.verdict is Verdict.UNCHANGED:
        return in_markdown(unchanged(report)) + "\n"
    text = "\n".join(_parts(report)) + "\n"
    if len(text) <= LONGEST:
        return text
    return "\n".join(_parts(report, short=True))[:LONGEST] + "\n\nThe property diff is too long for here.\n"


def _parts(report: Report, short: bool = False) -> Iterator[str]:
    yield f"## Stack {report.stack}: {TITLES[report.verdict]}\n"
    if report.provenance:
        yield f"{in_markdown(report.provenance.header())} Digest `{report.digest[:16]}`.\n"
    yield from (f"{number}. {in_markdown(reason)}" for number, reason in enumerate(report.reasons, 1))
    if report.verdict is Verdict.FAILED:
        yield "\nNothing can be said about this change until the preview succeeds.\n"
        yield from ("```", *(plain(error).replace("```", "'''") for error in report.errors), "```")
        return
    if report.happening:
        yield "\n### What will happen\n"
        yield from (f"- {capital(in_markdown(sentence))}." for sentence in report.happening)
    if report.risks:
        yield f"\n### Risk: {report.worst}\n"
        yield "| risk | what | why |\n|---|---|---|"
        yield from (f"| {risk.level} | {_cell(risk.resource)} | {_cell(risk.sentence)} |" for risk in report.rows)
    if report.cost:
        yield from _cost(report.cost)
    yield from _policies(report)
    yield from _policy_change(report)
    yield from _drift(report)
    if report.changes and not short:
        yield from _changes(report.changes)


def _cost(cost: Cost) -> Iterator[str]:
    yield "\n### Cost in USD\n"
    yield "| | before | after | change |\n|---|---:|---:|---:|"
    rows = {
        "an hour idle": cost.idle,
        "an hour serving": cost.serving,
        **{f"the fine-tune by {name or 'the only recipe'}": amount for name, amount in cost.recipes.items()},
        f"{'all fine-tunes' if cost.recipes else 'a fine-tune'}": cost.finetune,
        "a month of serving": cost.month,
    }
    yield from (f"| {name} | {_amounts(amount)} |" for name, amount in rows.items())
    yield "\n<details><summary>By resource, an hour</summary>\n"
    yield "| resource | what | before | after | price an hour | asked |\n|---|---|---:|---:|---|---|"
    for line in cost.lines:
        price = f"{usd(line.price.hourly)} ({_cell(line.price.meter)})" if line.price else UNKNOWN
        before, after = usd(line.serving.before), usd(line.serving.after)
        asked = line.price.asked if line.price else ""
        yield f"| {_cell(line.resource)} | {_cell(line.what)} | {before} | {after} | {price} | {asked} |"
    if cost.unpriced:
        named = in_markdown(", ".join(cost.unpriced))
        yield f"\nNot priced, so what it costs is unknown: {len(cost.unpriced)} of the resources, {named}."
    if cost.by_use:
        yield f"\nBilled by use, so not in these numbers: {in_markdown(', '.join(cost.by_use))}."
    yield "\n</details>"


def _amounts(amount: Amount) -> str:
    return f"{usd(amount.before)} | {usd(amount.after)} | {change(amount)}"


def _policies(report: Report) -> Iterator[str]:
    if not report.policies and not report.ran:
        return
    yield "\n### Policies\n"
    if report.ran:
        yield f"{in_markdown(str(report.ran))}\n"
    if not report.policies:
        return
    yield "| level | severity | policy | resource | message |\n|---|---|---|---|---|"
    for found in report.policies:
        name = found.resource.rsplit("::", 1)[-1]
        yield f"| {found.level} | {found.severity} | {found.policy} | {_cell(name)} | {_cell(found.message)} |"


def _policy_change(report: Report) -> Iterator[str]:
    change = report.policy_change
    if change is None:
        return
    yield "\n### The policies themselves change\n"
    yield "This change was judged by the policies of the branch it goes to.\n"
    yield from (f"- {in_markdown(file)}" for file in change.files)
    for found, does in ((change.hidden, "no longer find"), (change.found, "newly find")):
        if found:
            yield f"\nThey would {does}:\n"
            yield "| level | policy | resource | message |\n|---|---|---|---|"
        for one in found:
            name = one.resource.rsplit("::", 1)[-1]
            yield f"| {one.level} | {one.policy} | {_cell(name)} | {_cell(one.message)} |"


def _drift(report: Report) -> Iterator[str]:
    if not report.refreshed:
        return
    yield "\n### Changed by hand\n"
    if not report.drift:
        yield "Nothing."
        return
    yield "| resource | property | recorded | found | who wins | who wrote to it since |\n|---|---|---|---|---|---|"
    for one in report.drift:
        cells = (one.resource, one.path, one.recorded, one.found, one.winner, one.who)
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"
    if note := drift_note(report):
        yield f"\n{in_markdown(note)}"


def _changes(changes: list[Change]) -> Iterator[str]:
    yield "\n<details><summary>Properties</summary>\n"
    yield "```diff"
    for one in changes:
        yield f"{OPERATIONS.get(one.op, '~')} {one.op} {one.resource}"
        for prop in one.properties:
            if not prop.noise:
                yield (
                    f"    {_fence(str(prop))}"
                    if one.op != "create"
                    else f"    {_fence(prop.path)}: {_fence(prop.after)}"
                )
        if folded := sum(prop.noise for prop in one.properties):
            yield f"    ({folded} more: fingerprints, defaults, timestamps)"
    yield "```\n\n</details>"


def _cell(text: str) -> str:
    return in_markdown(text).replace("|", "\\|") or " "


def _fence(text: str) -> str:
    return " ".join(plain(text).split()).replace("```", "'''")
