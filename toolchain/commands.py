"""Running other programs: one place that starts them, reads their output and ends them with us."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

OnLine = Callable[[str], None]


@dataclass(frozen=True)
class Completed:
    """How a program ended: exit code (127.

    Not found, 124: ran out of time) and stdout and stderr together.
    """

    code: int
    output: str

    @property
    def last_lines(self) -> list[str]:
        """The end of the output: where programs say what went wrong."""
        return [line.strip() for line in self.output.splitlines() if line.strip()][-4:]


class Runner(Protocol):
    """Starts a program and waits for it; tests pass their own."""

    def __call__(
        self,
        args: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
        on_line: OnLine | None = None,
    ) -> Completed:
        """Run `args` with `env` added to this process's environment, for at most `timeout` seconds."""
        ...


class Processes:
    """The real `Runner`. Steps run in threads; `end_all` lets the main thread stop what they started."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        # Re-entrant: a signal handler calls end_all, maybe while this very thread is starting a program.
        self._lock = threading.RLock()
        self._ended = False

    def __call__(
        self,
        args: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
        on_line: OnLine | None = None,
    ) -> Completed:
        """Run `args`; see `Runner`. A program that is not there is exit code 127, never an exception."""
        with self._lock:
            if self._ended:
                return Completed(130, "interrupted")
            try:
                process = subprocess.Popen(
                    [str(arg) for arg in args],
                    env={**os.environ, **(env or {})},
                    cwd=cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                )
            except OSError as error:
                return Completed(127, f"{args[0]}: {error.strerror}")
            self._running.add(process)
        try:
            return self._follow(process, timeout, on_line)
        finally:
            with self._lock:
                self._running.discard(process)

    def _follow(self, process: subprocess.Popen[str], timeout: float | None, on_line: OnLine | None) -> Completed:
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            process.kill()

        timer = threading.Timer(timeout, expire) if timeout is not None else None
        if timer:
            timer.daemon = True
            timer.start()
        lines: list[str] = []
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                lines.append(line)
                if on_line:
                    on_line(line.rstrip("\n"))
        code = process.wait()
        if timer:
            timer.cancel()
        if expired.is_set():
            return Completed(124, "".join([*lines, f"no end after {timeout:.0f} s"]))
        return Completed(code, "".join(lines))

    def end_all(self) -> None:
        """Terminate everything that still runs, and refuse to start more."""
        with self._lock:
            self._ended = True
            for process in self._running:
                process.terminate()
