"""Set-up of a clone from nothing: environment, Pulumi CLI and Azurite, side by side where they can be."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from toolchain import azurite, bin_directory, cache, environment, pulumi_cli
from toolchain.commands import Processes, Runner
from toolchain.environment import Report
from toolchain.errors import SetupError
from toolchain.stamp import Stamp, inputs, to_deploy


class Progress:
    """Prints one line per event, with the seconds since the start and the step it belongs to."""

    def __init__(self, write: Callable[[str], None] = print) -> None:
        self._start = time.monotonic()
        self._write = write
        self._lock = threading.Lock()

    def step(self, name: str) -> Report:
        """The reporter of one step."""

        def report(text: str) -> None:
            with self._lock:
                self._write(f"setup {time.monotonic() - self._start:4.0f} s  {name:<8} {text}")
                sys.stdout.flush()

        return report


def up_to_date(root: Path) -> bool:
    """Whether the clone is set up and nothing it was set up from has changed."""
    stamp = Stamp.read(root)
    return stamp is not None and stamp.holds(root)


def set_up(root: Path, run: Runner, progress: Progress) -> None:
    """Set the clone up. Raises SetupError; whatever was finished by then is kept and not done again."""
    stamp = Stamp.read(root)
    if stamp is not None and stamp.root != str(root):
        # The scripts in .venv/bin name the interpreter by its absolute path, so a moved environment is
        # broken.
        shutil.rmtree(root / ".venv", ignore_errors=True)
    Stamp.path(root).unlink(missing_ok=True)
    wanted = inputs(root)
    report = progress.step("python")
    with cache.locked(_lock_file(root), lambda: report("waiting: another set-up of this clone is running")):
        uv = environment.create(root, run, report)
        steps: dict[str, Callable[[Report], list[Path]]] = {
            "python": lambda report: _requirements(root, uv, run, report),
            "pulumi": lambda report: bin_directory.link_pulumi(root, pulumi_cli.find(root, uv, run, report)),
        }
        if not to_deploy():
            node = azurite.system_node(run)
            if node is None:
                report("fetching Node")
                environment.install(root, uv, run, azurite.needed_package(root))
            steps["azurite"] = lambda report: _azurite(root, node, run, report)
            steps["agent"] = lambda report: environment.install_agent(root, uv, run, report)
        files = _side_by_side(progress, **steps)
        Stamp(wanted, str(root), tuple(str(path) for path in files)).write(root)
    report("ready")


def _lock_file(root: Path) -> Path:
    return cache.cache_root() / f"clone-{cache.digest((), str(root))}.lock"


def _requirements(root: Path, uv: Path, run: Runner, report: Report) -> list[Path]:
    files = environment.REQUIREMENTS[:1] if to_deploy() else environment.REQUIREMENTS
    environment.install_requirements(root, uv, run, report, files)
    return [environment.python_of(root)]


def _azurite(root: Path, node: azurite.Node | None, run: Runner, report: Report) -> list[Path]:
    node = node or azurite.packaged_node(root)
    return bin_directory.write_azurite(root, node, azurite.find(node, run, report))


def _step(step: Callable[[Report], list[Path]], report: Report) -> list[Path]:
    try:
        return step(report)
    except SetupError as error:
        report(f"failed: {error.what}")
        raise


def _side_by_side(progress: Progress, **steps: Callable[[Report], list[Path]]) -> list[Path]:
    """Run the steps in threads; returns what they return, joined. All failures become one SetupError."""
    with ThreadPoolExecutor(len(steps)) as pool:
        futures = [pool.submit(_step, step, progress.step(name)) for name, step in steps.items()]
    refused: list[SetupError] = []
    files: list[Path] = []
    for future in futures:
        try:
            files += future.result()
        except SetupError as error:
            refused.append(error)
    if len(refused) > 1:
        remedies = dict.fromkeys(error.remedy for error in refused if error.remedy)
        why = [line for error in refused for line in (error.what, *(f"  {text}" for text in error.why))]
        raise SetupError(f"{len(refused)} steps of the set-up failed", why, "\n    ".join(remedies)) from refused[0]
    if refused:
        raise refused[0]
    return files


def main(arguments: list[str], root: Path) -> int:
    """Set the clone at `root` up; `--quiet` prints nothing when there is nothing to do.

    Returns the exit code.
    """
    if up_to_date(root):
        if "--quiet" not in arguments:
            print("setup: up to date")
        return 0
    processes = Processes()

    def interrupt(_signal: int, _frame: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # one is enough: the steps now clean up after themselves
        # The steps wait for their programs in threads, so those have to end before anything else can.
        processes.end_all()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        set_up(root, processes, Progress())
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        place = error.filename or cache.cache_root()
        print(f"error: cannot write {place}: {error.strerror}\n  What to do: {cache.REMEDY}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: make setup goes on from here", file=sys.stderr)
        return 130
    return 0
