# PYTHON_ARGCOMPLETE_OK
"""Reviews a stack's next update: `python -m review --stack dev`.

Here stands what is needed to start the preview. Pulumi works already while the rest of the review, most of a second
of imports, is read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from review.approval.policies import Policies
from review.engine import command, running
from review.errors import ReviewError
from settings.commandline import StackError, check_stack, parse

APPROVED = "approved.json"
ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the report and returns the exit code.

    0, 1 for a crossed threshold, 2 for a failed preview, 3 where it is not what was approved.
    """
    options = _options(arguments)
    options.out = options.out or Path(".review") / options.stack
    try:
        if options.approve:
            return _approve(options.out)
        policies = _policies(options)
        if options.check and not options.approved and not (options.out / APPROVED).is_file():
            print(f"No review of stack {options.stack} was approved: the update asks, and its policies decide.")
            return 0
        options.approved = options.approved or options.out / APPROVED
        return _reviewed(options, policies)
    except (StackError, ReviewError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename} cannot be written: {error.strerror}", file=sys.stderr)
        return 2


def _reviewed(options: argparse.Namespace, policies: Policies) -> int:
    if not options.events:
        check_stack(options.stack, "review")
    line = command(options.stack, policies.pack, policies.config, options.refresh, options.destroy)
    with nullcontext() if options.events else running(line, options.stack) as preview:
        from review.judging import judged

        return judged(options, policies, preview)


def _approve(out: Path) -> int:
    from review.approval.content import approve

    digest = approve(out / "report.json", out / APPROVED)
    print(f"Approved: {digest[:16]}. make up does what that review shows, and stops where it would do anything else.")
    return 0


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


def _policies(options: argparse.Namespace) -> Policies:
    """Those that judge: the other branch's, where one is given."""
    if options.events or options.no_policies:
        return Policies(None, None)
    if options.base:
        return Policies.of(options.base / "policy", options.stack)
    return Policies.of(options.policy_pack or ROOT / "policy", options.stack, options.policy_config)


if __name__ == "__main__":
    sys.exit(main())
