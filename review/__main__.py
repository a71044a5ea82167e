# PYTHON_ARGCOMPLETE_OK
"""Reviews a stack's next update: `python -m review --stack dev`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cloud.services.prices import PriceBook
from review.cost import meters, region_of
from review.difference import without_secrets
from review.durations import Past, past
from review.engine import Recording, command, read_file, read_state, record
from review.errors import ReviewError
from review.events import Step, read
from review.pages.markdown import markdown
from review.report import Report, build
from review.verdict import Thresholds
from settings.commandline import StackError, check_stack, parse

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the report and returns the exit code: 0, 1 for a crossed threshold, 2 for a failed preview."""
    options = _options(arguments)
    try:
        thresholds = Thresholds.parse(options.fail_on)
        out = options.out or Path(".review") / options.stack
        book = PriceBook(out / "prices.json")
        recording = _recording(options, book)
        preview, elsewhere = recording.preview(), _elsewhere(options)
        report = build(options.stack, preview, recording.past, book, thresholds, options.refresh, elsewhere)
        book.close()
        texts = _written(report, recording, out, recorded=options.events is None)
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
    parser.add_argument("--policy-config", type=Path, help="its settings (default: policy/<stack>.json, if there)")
    parser.add_argument("--no-policies", action="store_true", help="without the policy pack")
    parser.add_argument("--refresh", action="store_true", help="also look for what somebody changed by hand")
    parser.add_argument("--destroy", action="store_true", help="review a destroy instead of an update")
    parser.add_argument(
        "--fail-on",
        default="policy=mandatory",
        help="when to exit with 1, for example risk=high,policy=mandatory,cost=+20%% (default: %(default)s)",
    )
    parser.add_argument("--format", choices=("md", "html", "json"), default="md", help="what to print")
    parser.add_argument("--out", type=Path, help="where all three are written (default: .review/<stack>)")
    parser.add_argument("--events", type=Path, help="read a recorded event stream instead of running a preview")
    parser.add_argument("--state", type=Path, help="with --events: the output of pulumi stack export")
    return parse(parser, arguments)


def _recording(options: argparse.Namespace, book: PriceBook) -> Recording:
    if options.events:
        state = read_state(options.state) if options.state else {}
        return Recording(read_file(options.events), past(state, []) if state else Past())
    check_stack(options.stack, "review")
    pack = None if options.no_policies else options.policy_pack or ROOT / "policy"
    if pack and not (pack / "PulumiPolicy.yaml").is_file():
        raise ReviewError(f"there is no policy pack in {pack}; give another one, or --no-policies")
    config = options.policy_config or (pack / f"{options.stack.rsplit('/', 1)[-1]}.json" if pack else None)
    if config and not config.is_file():
        if options.policy_config:
            raise ReviewError(f"there is no policy configuration {config}")
        config = None
    line = command(options.stack, pack, config, options.refresh, options.destroy)
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

    texts = {
        "md": markdown(report),
        "html": page(report),
        "json": json.dumps(report.to_json(), indent=2, ensure_ascii=False) + "\n",
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
