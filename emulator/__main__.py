# PYTHON_ARGCOMPLETE_OK
"""``python -m emulator``: run a command against Azure on loopback, and look after the emulator."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import uuid
from pathlib import Path

from emulator import fault_rules as faults
from emulator.machine.home import EmulatorError, Home, UsageError
from settings.commandline import parse

LOOK_SECONDS = 1.0
"""How often a command's emulator is looked at."""
KILLED = 128
"""A shell's exit code above this says that a signal ended its command."""


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = _parser()
    options = parse(parser, arguments)
    home = Home.from_environment()
    try:
        return int(COMMANDS[options.command](home, options))
    except UsageError as error:
        parser.error(str(error))
    except EmulatorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        if not Path(str(error.filename)).is_relative_to(home.root):
            raise
        print(
            f"error: {home.root} cannot be the emulator's home: {error.strerror}. Choose a directory of yours with "
            "EMULATOR_HOME.",
            file=sys.stderr,
        )
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m emulator",
        description="Azure on loopback. Its home is .emulator, or $EMULATOR_HOME; its first port is $EMULATOR_PORT.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("exec", help="run a command whose Azure is the emulator, started on demand")
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="and its arguments")
    commands.add_parser("start", help="start the emulator and leave it running")
    commands.add_parser("stop", help="stop it; its state stays")
    status = commands.add_parser("status", help="tell whether it runs, and where")
    status.add_argument("--json", action="store_true", help="print JSON")
    commands.add_parser("reset", help="stop it and forget everything it holds, Pulumi's local state included")
    inventory = commands.add_parser("inventory", help="list every object, process and refused host")
    inventory.add_argument("--json", action="store_true", help="print JSON")
    quota = commands.add_parser("quota", help="show the vCPU quota of a region, or set a family's")
    quota.add_argument("family", nargs="?", help="such as StandardNCADSA100v4Family")
    quota.add_argument("cores", nargs="?", type=int, help="its new limit")
    quota.add_argument("--region", help="default: eastus2 to show, every region to set")
    quota.add_argument("--json", action="store_true", help="print JSON")
    faults.add_parser(commands)
    coverage = commands.add_parser("coverage", help="print what the emulator answers and checks, as Markdown")
    coverage.add_argument("--check", action="store_true", help="compare with docs/emulator-coverage.md instead")
    rehearse = commands.add_parser("rehearse", help="try an environment's settings in a throw-away emulator")
    rehearse.add_argument("--stack", default="local", help="default: local")
    rehearse.add_argument("--with", dest="on_top", type=Path, metavar="FILE", help="settings to try on top of its own")
    rehearse.add_argument("--json", action="store_true", help="print the steps as JSON in the end")
    rehearse.add_argument("--keep", action="store_true", help="leave the throw-away directory where it is")
    conformance = commands.add_parser("conformance", help="take the journey with Pulumi's own programs, where found")
    conformance.add_argument("--json", action="store_true", help="print the steps as JSON in the end")
    conformance.add_argument("--keep", action="store_true", help="leave the throw-away directory where it is")
    commands.add_parser("serve", help="run it in the foreground")
    return parser


def _exec(home: Home, options: argparse.Namespace) -> int:
    from emulator import described
    from emulator.machine import environment, lifecycle

    argv = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
    if not argv:
        raise UsageError("exec needs a command: python -m emulator exec -- pulumi preview --stack local")
    ports = lifecycle.start(home)
    described.tell(home, Path.cwd())
    files = environment.StackFiles(Path.cwd())
    # A terminal sends Ctrl-C to the child as well, which knows better what to do with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    mark = {environment.RUN: uuid.uuid4().hex}
    try:
        child = subprocess.Popen(
            argv,
            env=environment.build(home, ports) | mark,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    except FileNotFoundError:
        raise EmulatorError(f"the command {argv[0]!r} is not found on PATH. Is set-up done? make setup") from None
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    code = _awaited(home, child)
    files.restore()
    if code < 0 or code > KILLED:
        lifecycle.end_run(mark)
    if code and lifecycle.alive(home) is None:
        print(
            "error: the emulator stopped while the command ran. Its state is kept: run the same command again, and "
            f"it starts the emulator and goes on from there. (log: {home.log_file})",
            file=sys.stderr,
        )
    return code if code >= 0 else 128 - code


def _awaited(home: Home, child: subprocess.Popen[bytes]) -> int:
    """The command's exit code. An emulator that dies meanwhile is started again, as Azure does not end either."""
    from emulator.machine import lifecycle

    keeping = True
    while True:
        try:
            return child.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if not keeping or not lifecycle.died(home):
                continue
        try:
            lifecycle.start(home)
            print(f"the emulator was gone and is started again (log: {home.log_file})", file=sys.stderr)
        except EmulatorError as error:
            print(f"error: {error}", file=sys.stderr)
            keeping = False


def _start(home: Home, options: argparse.Namespace) -> int:
    from emulator import described
    from emulator.machine import lifecycle

    lifecycle.start(home)
    described.tell(home, Path.cwd())
    return _status(home, options)


def _stop(home: Home, options: argparse.Namespace) -> int:
    from emulator.machine import lifecycle

    del options
    print("stopped" if lifecycle.stop(home) else "it was not running")
    return 0


def _status(home: Home, options: argparse.Namespace) -> int:
    from emulator.machine import lifecycle

    ports = lifecycle.alive(home)
    if getattr(options, "json", False):
        print(
            json.dumps({"running": ports is not None, "home": str(home.root), "ports": vars(ports) if ports else None})
        )
        return 0 if ports else 3
    if ports is None:
        print("not running; start it with: python -m emulator start")
        return 3
    print(f"running; proxy 127.0.0.1:{ports.proxy}, https 127.0.0.1:{ports.https}, blobs 127.0.0.1:{ports.blobs}")
    print(f"home {home.root}")
    return 0


def _reset(home: Home, options: argparse.Namespace) -> int:
    from emulator.machine import lifecycle

    del options
    lifecycle.reset(home)
    print("reset; nothing is left")
    return 0


def _inventory(home: Home, options: argparse.Namespace) -> int:
    from emulator.machine import inventory

    found = inventory.take(home)
    print(found.json() if options.json else found.text())
    return 0


def _quota(home: Home, options: argparse.Namespace) -> int:
    from emulator.machine.store import Store
    from emulator.subscription import regions, skus
    from emulator.subscription.quota import ANY_REGION, Quota

    region = (options.region or "").lower()
    if region and region not in regions.REGIONS:
        raise UsageError(f"{options.region} is no region the emulator knows: write it as in eastus2")
    store = Store(home.database)
    try:
        quota = Quota(store)
        if options.family is not None:
            family = skus.family(options.family)
            if family is None or options.cores is None or options.cores < 0:
                known = ", ".join(each.name for each in skus.FAMILIES)
                raise UsageError(f"quota needs a family and a number of cores from 0; families: {known}")
            quota.set_limit(family, options.cores, region or ANY_REGION)
        rows = quota.rows(region or "eastus2")
        if options.json:
            print(json.dumps([{"family": row.family.name, "used": row.used, "limit": row.limit} for row in rows]))
        else:
            print("\n".join(f"{row.family.label:<32} {row.used:>5} of {row.limit:>5} cores" for row in rows))
    finally:
        store.close()
    return 0


def _faults(home: Home, options: argparse.Namespace) -> int:
    print(faults.run(home, options))
    return 0


def _coverage(home: Home, options: argparse.Namespace) -> int:
    from emulator import coverage

    del home
    page = coverage.page()
    if not options.check:
        print(page, end="")
    elif not coverage.PAGE.exists() or coverage.PAGE.read_text() != page:
        raise EmulatorError(f"{coverage.PAGE} is out of date: python -m emulator coverage > {coverage.PAGE}")
    return 0


def _rehearse(home: Home, options: argparse.Namespace) -> int:
    from emulator import rehearse

    del home
    try:
        return rehearse.rehearse(options.stack, options.keep, as_json=options.json, on_top=options.on_top)
    except KeyboardInterrupt:
        print("error: interrupted; what the rehearsal had made is gone", file=sys.stderr)
        return 130


def _conformance(home: Home, options: argparse.Namespace) -> int:
    from emulator.conformance import journey

    del home
    try:
        return journey.conform(options.keep, as_json=options.json)
    except KeyboardInterrupt:
        print("error: interrupted; what the journey had made is gone", file=sys.stderr)
        return 130


def _serve(home: Home, options: argparse.Namespace) -> int:
    from emulator.front import server
    from emulator.machine import lifecycle

    del options
    server.serve(home, lifecycle.ports_given())
    return 0


COMMANDS = {
    "exec": _exec,
    "start": _start,
    "stop": _stop,
    "status": _status,
    "reset": _reset,
    "inventory": _inventory,
    "quota": _quota,
    "faults": _faults,
    "coverage": _coverage,
    "rehearse": _rehearse,
    "conformance": _conformance,
    "serve": _serve,
}

if __name__ == "__main__":
    sys.exit(main())
