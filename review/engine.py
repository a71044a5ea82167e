"""Runs the preview a review is about, and asks beside it what the review needs to know of the past."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from review.durations import Past, past
from review.errors import ReviewError
from review.events import PLANNED, Preview, lines, read
from settings.commandline import own_name
from settings.outputs import MISSING, advice
from settings.redaction import redact

STREAMING = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
Event = dict[str, Any]


@dataclass
class Recording:
    """A preview's events as they came, and what Pulumi knows of earlier updates."""

    events: list[Event] = field(default_factory=list)
    past: Past = field(default_factory=Past)
    cli: str = ""
    """The version of the Pulumi CLI."""
    complaint: str = ""
    """What the engine said on stderr when it came to no end."""

    def preview(self) -> Preview:
        found = read(self.events)
        if self.complaint and not found.errors and not found.mandatory:
            found.errors.append(redact(self.complaint))
        return found


def command(
    stack: str, policy_pack: Path | None, policy_config: Path | None, refresh: bool, destroy: bool = False
) -> list[str]:
    """The preview's command line. A destroy runs no program, so no policies."""
    if destroy:
        return ["pulumi", "destroy", "--preview-only", "--json", "--stack", stack]
    line = ["pulumi", "preview", "--json", "--stack", stack]
    if policy_pack:
        line += ["--policy-pack", str(policy_pack)]
        line += ["--policy-pack-config", str(policy_config)] if policy_config else []
    return [*line, "--refresh"] if refresh else line


class Running:
    """A preview that works already; while it is read, what is known of earlier updates is asked."""

    def __init__(self, line: Sequence[str], stack: str, plan: Path, pool: ThreadPoolExecutor) -> None:
        if "destroy" not in line:  # for which the engine makes no plan
            line = [*line, "--save-plan", str(plan)]
        try:
            self._process = subprocess.Popen(
                line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **STREAMING}
            )
        except FileNotFoundError:
            raise ReviewError(MISSING) from None
        assert self._process.stderr is not None
        self._stack, self._plan = stack, plan
        self._complaints: Future[str] = pool.submit(_drained, self._process.stderr)
        self._pool = pool

    def read(self, seen: Callable[[Event], None]) -> Recording:
        """Waits for its end, handing each event to `seen` as it comes."""
        recording = Recording()
        # Only what is recorded already is asked, so it does not matter that the preview runs meanwhile; now and one
        # after the other, as Pulumi's start, which is over, wants all cores, and the program only one.
        beside = self._pool.submit(_asked_beside, self._stack)
        assert self._process.stdout is not None
        for event in lines(self._process.stdout):
            recording.events.append(event)
            seen(event)
        code = self._process.wait()
        if code != 0:
            said = self._complaints.result().strip() or f"pulumi preview ended with exit code {code}"
            recording.complaint = advice(own_name(self._stack), said) or said
        recording.events += _planned(self._plan)
        state, history, recording.cli = beside.result()
        recording.past = past(state or {}, history or [])
        return recording

    def stop(self) -> None:
        """Where nobody reads it to its end. A preview changes nothing, so there is nothing to save."""
        assert self._process.stdout is not None
        if self._process.poll() is None:
            self._process.terminate()
            self._process.stdout.close()  # it waits where nobody takes what it says
        self._process.wait()


@contextmanager
def running(line: Sequence[str], stack: str) -> Iterator[Running]:
    """Starts a preview. Raises ReviewError if there is no Pulumi."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        preview = Running(line, stack, Path(folder) / "plan.json", pool)
        try:
            yield preview
        finally:
            preview.stop()


def record(line: Sequence[str], stack: str, seen: Callable[[Event], None]) -> Recording:
    """Runs a preview to its end, handing each event to `seen` as it comes. Raises ReviewError if it cannot be run."""
    with running(line, stack) as preview:
        return preview.read(seen)


def _asked_beside(stack: str) -> tuple[Any, Any, str]:
    """The stack's state, its latest updates, and the version of the Pulumi CLI."""
    return (
        _asked(["pulumi", "stack", "export", "--stack", stack]),
        _asked(["pulumi", "stack", "history", "--json", "--stack", stack, "--page-size", "10"]),
        _said(["pulumi", "version"]),
    )


def _planned(plan: Path) -> Iterator[Event]:
    """What the program takes from where. There is no plan of a preview that has failed, or that a policy refuses."""
    try:
        goals = json.loads(plan.read_text(encoding="utf-8"))["resourcePlans"]
    except (OSError, ValueError, KeyError):
        return
    needs = {
        urn: {key: urns for key, urns in (found.get("goal") or {}).get("propertyDependencies", {}).items() if urns}
        for urn, found in goals.items()
    }
    yield {PLANNED: {"needs": {urn: keys for urn, keys in needs.items() if keys}}}


def read_file(file: Path) -> list[Event]:
    """A recorded event stream. Raises ReviewError."""
    try:
        with file.open(encoding="utf-8") as stream:
            events = list(lines(stream))
    except OSError as error:
        raise ReviewError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        events = []
    if not _understood(events):
        raise ReviewError(f"{file} is no event stream of a preview, as a review leaves in .review/<stack>/")
    return events


def _understood(events: Sequence[Event]) -> bool:
    try:
        found = read(events)
    except (KeyError, TypeError, AttributeError):
        return False
    return found.finished or bool(found.steps or found.errors or found.policies)


def read_state(file: Path) -> dict[str, Any]:
    """What `pulumi stack export` has printed. Raises ReviewError."""
    try:
        state = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReviewError(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        state = None
    if not isinstance(state, dict) or "deployment" not in state:
        raise ReviewError(f"{file} is no state: `pulumi stack export` prints one")
    return state


def _drained(stream: IO[str]) -> str:
    return stream.read()


def _said(line: Sequence[str]) -> str:
    """What a command prints; nothing of one that cannot be run."""
    try:
        return subprocess.run(line, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def _asked(line: Sequence[str]) -> Any:
    """JSON that a command prints; None from one that fails, as a stack that is new has no past."""
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout) if done.returncode == 0 else None
    except ValueError:
        return None
