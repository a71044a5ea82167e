# PYTHON_ARGCOMPLETE_OK
"""python -m jobs COMMAND --stack STACK: status, evaluate, logs, cancel, rollback, rotate-keys, preflight, quota …"""

from __future__ import annotations

import argparse
import sys

from cloud.errors import StageError
from settings.commandline import StackError, check_stack, parse
from settings.outputs import OutputsError

MAKE = ("status", "evaluate", "logs", "cancel", "recover")
"""Commands for which `make` has a word."""


def main(arguments: list[str] | None = None) -> None:
    """Exits with 1 and one message when the stack or Azure has no answer, or a preflight refuses."""
    chosen = parse(_parser(), arguments)
    # Neither loads a client library; settings are read without Pulumi.
    from jobs.commands import commands, release_commands, status_commands
    from settings.problems import SettingsError

    try:
        check_stack(chosen.stack, chosen.command if chosen.command in MAKE else "")
        if chosen.command == "status" and chosen.watch:
            status_commands.watch(chosen.stack, as_json=chosen.json)
        elif chosen.command == "status":
            status_commands.status(chosen.stack, as_json=chosen.json)
        elif chosen.command == "evaluate":
            status_commands.evaluate(chosen.stack, as_json=chosen.json, minimum=chosen.min_score)
        elif chosen.command == "logs":
            from jobs.commands import logs

            logs.run(chosen.stack, name=chosen.job, attempt=chosen.attempt, follow=chosen.follow)
        elif chosen.command == "cancel":
            from jobs.commands import cancel

            cancel.run(chosen.stack, name=chosen.job, yes=chosen.yes)
        elif chosen.command == "recover":
            from jobs.commands import recover

            recover.recover(chosen.stack, print)
        elif chosen.command == "preflight":
            commands.preflight(chosen.stack, as_json=chosen.json)
        elif chosen.command == "github-subject":
            commands.github_subject(chosen.stack)
        elif chosen.command == "quota" and chosen.action == "request":
            commands.request_quota(chosen.stack, cores=chosen.cores, yes=chosen.yes)
        elif chosen.command == "quota":
            commands.quota(chosen.stack, as_json=chosen.json)
        elif chosen.command == "rollback":
            release_commands.rollback(chosen.stack, to=chosen.to, yes=chosen.yes)
        elif chosen.command == "rotate-keys":
            release_commands.rotate_keys(chosen.stack, pause=chosen.pause, yes=chosen.yes)
        else:
            commands.purge(chosen.stack, yes=chosen.yes)
    except (StackError, StageError, OutputsError, SettingsError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    stack = argparse.ArgumentParser(add_help=False)
    stack.add_argument("--stack", default="local", help="default: local")
    json_ = argparse.ArgumentParser(add_help=False)
    json_.add_argument("--json", action="store_true", help="print JSON")
    yes = argparse.ArgumentParser(add_help=False)
    yes.add_argument("--yes", action="store_true", help="do not ask")

    parser = argparse.ArgumentParser(prog="python -m jobs", description="A stack on Azure, seen from outside Pulumi.")
    commands = parser.add_subparsers(dest="command", required=True)
    status = commands.add_parser(
        "status", parents=[stack, json_], help="stages, job, model, deployments, traffic and cost of a stack so far"
    )
    status.add_argument(
        "--watch", action="store_true", help="a dashboard until Ctrl-C; lines where there is no terminal, or of JSON"
    )
    evaluate = commands.add_parser(
        "evaluate",
        parents=[stack, json_],
        help="was the fine-tune worth it? losses, and answers beside the base model's",
    )
    evaluate.add_argument(
        "--min-score", type=_share, help="0 to 1; exit with 1 below (default: evaluation.minimumScore)"
    )
    logs = commands.add_parser("logs", parents=[stack], help="what the newest job has written, the failing step first")
    which = logs.add_mutually_exclusive_group()
    which.add_argument("--job", metavar="NAME", help="another job than the newest")
    which.add_argument("--attempt", type=int, metavar="N", help="another attempt at the newest job's work")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until the job ends; exit code 1 if it fails")
    cancel = commands.add_parser("cancel", parents=[stack, yes], help="end the jobs that are under way")
    cancel.add_argument("--job", metavar="NAME", help="this one alone")
    commands.add_parser("preflight", parents=[stack, json_], help="what Azure would refuse, before anything is made")
    commands.add_parser(
        "github-subject",
        parents=[stack],
        help="how GitHub's tokens begin; exit code 1 if the stack file says otherwise",
    )
    quota = commands.add_parser(
        "quota", parents=[stack, json_, yes], help="limit and use of the VM families; `quota request` asks for more"
    )
    quota.add_argument("action", nargs="?", choices=("show", "request"), default="show", help="default: show")
    quota.add_argument("--cores", type=_cores, help="the limit to ask for (default: what the stack needs)")
    rollback = commands.add_parser(
        "rollback", parents=[stack, yes], help="puts an earlier version of the model into service, without training"
    )
    rollback.add_argument("--to", metavar="VERSION", default="", help="default: the one that was in service before")
    rotate = commands.add_parser(
        "rotate-keys", parents=[stack, yes], help="makes the endpoint's keys new, and gives the connection the new one"
    )
    rotate.add_argument(
        "--pause", type=_seconds, default=60, help="seconds in which others read their key again (default: 60)"
    )
    commands.add_parser("recover", parents=[stack], help="after a crash, makes the state agree with Azure again")
    commands.add_parser("purge", parents=[stack, yes], help="frees the names an aborted destroy has left taken")
    return parser


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 1")
    return share


def _seconds(text: str) -> float:
    if not text.isdigit() or int(text) > 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of seconds from 0 to 3600")
    return float(text)


def _cores(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of cores from 1")
    return int(text)


if __name__ == "__main__":
    main()
