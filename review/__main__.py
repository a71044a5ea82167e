# PYTHON_ARGCOMPLETE_OK
"""Reviews a stack's next update: `python -m review --stack dev`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloud.services.activity import Write, writes
from cloud.services.prices import PriceBook
from review.approval import provenance
from review.approval.content import Content, approve, differences, is_left, read_approved
from review.approval.policies import Policies, changed, weighed
from review.cost import meters, region_of
from review.difference import without_secrets
from review.durations import Past, past
from review.engine import Recording, command, read_file, read_state, record
from review.errors import ReviewError
from review.events import Step, read
from review.pages.markdown import markdown
from review.report import Report, build
from review.verdict import Thresholds, Verdict
from settings.commandline import StackError, check_stack, parse
from settings.plain_text import plain

APPROVED = "approved.json"
ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the report and returns the exit code.

    0, 1 for a crossed threshold, 2 for a failed preview, 3 where it is not what was approved.
    """
    options = _options(arguments)
    try:
        thresholds = Thresholds.parse(options.fail_on)
        out = options.out or Path(".review") / options.stack
        if options.approve:
            return _approve(out)
        policies = _policies(options)
        approved = options.approved or out / APPROVED
        if options.check and not options.approved and not approved.is_file():
            print(f"No review of stack {options.stack} was approved: the update asks, and its policies decide.")
            return 0
        before = read_approved(approved) if options.check else None  # which this review may write over
        book = PriceBook(out / "prices.json")
        recording = _recording(options, book, policies)
        report = _report(options, recording, book, thresholds, policies)
        book.close()
        texts = _written(report, recording, out, recorded=options.events is None)
        if before is not None:
            return _compared(report, before, approved)
    except (StackError, ReviewError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename} cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    print(texts[options.format], end="")
    for crossed in report.crossed:
        print(f"--fail-on: {crossed}", file=sys.stderr)
    return report.exit_code


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m review",
        description="What a stack's next update does, risks and costs, and if policies allow it.",
    )
    parser.add_argument("--stack", default="local", help="default: local")
    parser.add_argument("--policy-pack", type=Path, help="the policy pack's directory (default: policy)")
    parser.add_argument("--policy-config", type=Path, help="its settings (default: policy/<stack>.json)")
    parser.add_argument(
        "--base", type=Path, help="a checkout of the branch this change goes to: its policies judge, not this one's"
    )
    parser.add_argument("--no-policies", action="store_true", help="without the policy pack")
    parser.add_argument("--refresh", action="store_true", help="also look for what somebody changed by hand")
    parser.add_argument("--destroy", action="store_true", help="review a destroy instead of an update")
    parser.add_argument(
        "--fail-on",
        default="policy=mandatory",
        help="when to exit with 1, for example risk=high,policy=mandatory,cost=+20%% (default: %(default)s)",
    )
    parser.add_argument("--format", choices=("md", "html", "json", "sarif"), default="md", help="what to print")
    parser.add_argument("--out", type=Path, help="where all of them are written (default: .review/<stack>)")
    parser.add_argument("--events", type=Path, help="read a recorded event stream instead of running a preview")
    parser.add_argument("--state", type=Path, help="with --events: the output of pulumi stack export")
    parser.add_argument("--approve", action="store_true", help="approve the last review: make up does that, or nothing")
    parser.add_argument(
        "--check", action="store_true", help="review again, and exit with 3 if it is not what was approved"
    )
    parser.add_argument("--approved", type=Path, help="with --check: what was (default: .review/<stack>/approved.json)")
    return parse(parser, arguments)


def _approve(out: Path) -> int:
    digest = approve(out / "report.json", out / APPROVED)
    print(f"Approved: {digest[:16]}. make up does what that review shows, and stops where it would do anything else.")
    return 0


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


def _policies(options: argparse.Namespace) -> Policies:
    """Those that judge: the other branch's, where one is given."""
    if options.events or options.no_policies:
        return Policies(None, None)
    if options.base:
        return Policies.of(options.base / "policy", options.stack)
    return Policies.of(options.policy_pack or ROOT / "policy", options.stack, options.policy_config)


def _own(options: argparse.Namespace) -> Policies:
    """Those of this checkout; none, where it has taken them away."""
    try:
        return Policies.of(ROOT / "policy", options.stack)
    except ReviewError:
        return Policies(None, None)


def _recording(options: argparse.Namespace, book: PriceBook, policies: Policies) -> Recording:
    if options.events:
        state = read_state(options.state) if options.state else {}
        return Recording(read_file(options.events), past(state, []) if state else Past())
    check_stack(options.stack, "review")
    line = command(options.stack, policies.pack, policies.config, options.refresh, options.destroy)
    return record(line, options.stack, _Prefetch(book))


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
    from review.pages.page import page
    from review.pages.sarif import sarif

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


if __name__ == "__main__":
    sys.exit(main())
