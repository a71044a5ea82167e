"""Judges a preview: makes the report, writes it, and compares it with what was approved."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloud.services.activity import Write, writes
from cloud.services.prices import PriceBook
from review.approval import provenance
from review.approval.content import Content, differences, is_left, read_approved
from review.approval.policies import Policies, changed, weighed
from review.cost import meters, region_of
from review.difference import without_secrets
from review.durations import Past, past
from review.engine import Recording, Running, command, read_file, read_state, record
from review.errors import ReviewError
from review.events import Step, read
from review.pages.markdown import markdown
from review.pages.page import page, template
from review.pages.sarif import sarif
from review.report import Report, build
from review.verdict import Thresholds, Verdict
from settings.plain_text import plain

ROOT = Path(__file__).resolve().parent.parent


def judged(options: argparse.Namespace, policies: Policies, preview: Running | None) -> int:
    """The exit code of `review.__main__.main`, whose options these are, with `out` and `approved` filled in.

    `preview` runs, and is read to its end; without one, a recorded stream is read. Raises ReviewError and OSError.
    """
    thresholds = Thresholds.parse(options.fail_on)
    before = read_approved(options.approved) if options.check else None  # which this review may write over
    book = PriceBook(options.out / "prices.json")
    template()
    recording = preview.read(_Prefetch(book)) if preview else _recorded(options)
    report = _report(options, recording, book, thresholds, policies)
    book.close()
    texts = _written(report, recording, options.out, recorded=preview is not None)
    if before is not None:
        return _compared(report, before, options.approved)
    print(texts[options.format], end="")
    for crossed in report.crossed:
        print(f"--fail-on: {crossed}", file=sys.stderr)
    return report.exit_code


def _recorded(options: argparse.Namespace) -> Recording:
    state = read_state(options.state) if options.state else {}
    return Recording(read_file(options.events), past(state, []) if state else Past())


def _compared(report: Report, before: Content, file: Path) -> int:
    """Exit code; on stderr, what is no longer as it was approved."""
    if report.verdict is Verdict.FAILED:
        return report.exit_code
    if is_left(before, report.content):
        done = len(before["steps"]) - len(report.content["steps"])
        print(f"As approved, and some of it is done already: {done} of {len(before['steps'])} lines of its steps.")
        return report.exit_code
    told = differences(before, report.content)
    if not told:
        print(f"As approved: {report.digest[:16]}.")
        return report.exit_code
    print(
        f"error: stack {report.stack} would not be updated as approved in {file}; nothing was changed.\n"
        + "\n".join(plain(line) for line in told)
        + f"\nReview and approve what is now: make review STACK={report.stack}, make approve STACK={report.stack}.",
        file=sys.stderr,
    )
    return 3


def _report(
    options: argparse.Namespace, recording: Recording, book: PriceBook, thresholds: Thresholds, policies: Policies
) -> Report:
    """With what the change does to the policies, where those of another branch judge."""
    preview = recording.preview()
    made = None if options.events else provenance.of(ROOT, options.stack, policies.pack, policies.config, recording.cli)
    policy_change = None
    if options.base and not options.events:
        own = _own(options)
        if files := changed(policies, own):
            # Their own policies find in the same preview what they find; nothing else of it is read.
            line = command(options.stack, own.pack, own.config, False, options.destroy)
            seen = record(line, options.stack, lambda event: None).preview()
            policy_change = weighed(files, preview.policies, seen.policies)
    return build(
        options.stack,
        preview,
        recording.past,
        book,
        thresholds,
        options.refresh,
        _elsewhere(options),
        made,
        policies.disabled(),
        policy_change,
        None if options.events else _written_since,
    )


def _written_since(group: str, since: datetime) -> list[Write]:
    """Asks Azure's activity log. Raises StageError."""
    from cloud.arm import Arm
    from cloud.errors import azure_errors

    with azure_errors("the activity log could not be read", group):
        return writes(Arm(retries=2), group, since, datetime.now(UTC))


def _own(options: argparse.Namespace) -> Policies:
    """Those of this checkout; none, where it has taken them away."""
    try:
        return Policies.of(ROOT / "policy", options.stack)
    except ReviewError:
        return Policies(None, None)


def _elsewhere(options: argparse.Namespace) -> tuple[str, ...]:
    """The tags that the stack leaves to somebody else; a recorded stream does not tell its stack's settings."""
    if options.events or not options.refresh:
        return ()
    from settings.stack import SettingsError, load

    try:
        return load(options.stack).tags_from_elsewhere
    except SettingsError:  # for which the preview has failed
        return ()


class _Prefetch:
    """Asks for prices as soon as the stream says of what, so that nobody waits for them at the end."""

    def __init__(self, book: PriceBook) -> None:
        self._book = book
        self._region = ""
        self._early: list[Step] = []

    def __call__(self, event: dict[str, Any]) -> None:
        if "resourcePreEvent" not in event:
            return
        for step in read([event]).steps:
            self._region = self._region or region_of(step) or ""
            self._early.append(step)
        if self._region:
            for step in self._early:
                for meter in meters(step, self._region):
                    self._book.want(meter)
            self._early.clear()


def _written(report: Report, recording: Recording, out: Path, recorded: bool) -> dict[str, str]:
    texts = {
        "md": markdown(report),
        "html": page(report),
        "json": json.dumps(report.to_json(), indent=2, ensure_ascii=False) + "\n",
        "sarif": json.dumps(sarif(report, Path.cwd()), indent=2, ensure_ascii=False) + "\n",
    }
    out.mkdir(parents=True, exist_ok=True)
    for suffix, text in texts.items():
        (out / f"report.{suffix}").write_text(text, encoding="utf-8")
    if recorded:
        with (out / "events.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(_lines(recording))
    return texts


def _lines(recording: Recording) -> Iterator[str]:
    for event in recording.events:
        yield json.dumps(without_secrets(event), ensure_ascii=False) + "\n"
