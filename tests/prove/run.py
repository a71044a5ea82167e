"""One run: the lanes side by side, the recordings, and the group's removal whatever happens."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from azure.core.exceptions import AzureError
from requests import RequestException

from cloud.errors import StageError
from tests.prove.azure import Azure, Stopped
from tests.prove.group import Group, run_name
from tests.prove.probes import Probe
from tests.prove.recording import Disguise, Recording


class Run:
    """Tries probes in one resource group."""

    def __init__(
        self,
        subscription: str,
        location: str,
        report: Callable[[str], None],
        *,
        on: str,
        clock: float = 1.0,
        model: Path | None = None,
        run: str = "",
    ) -> None:
        """`on` is who answers: Azure, or the emulator. `clock` is how long a second of Azure's takes."""
        self.stop = threading.Event()
        self.broken: list[str] = []
        self._on, self._clock, self._report = on, clock, report
        run = run or run_name()
        self._disguise = Disguise({subscription: "subscription", run: "run", location: "location"})
        # Removing goes on after somebody has asked to stop.
        quietly = Azure(self._disguise, threading.Event(), clock)
        self.group = Group(subscription, location, run, quietly, report, model)

    def run(self, lanes: Sequence[Sequence[Probe]]) -> list[Recording]:
        """What was seen, in the order of the probes; what could not be tried is in `broken`. Removes everything."""
        try:
            with ThreadPoolExecutor(max_workers=max(len(lanes), 1)) as pool:
                return [found for lane in pool.map(self._lane, lanes) for found in lane]
        finally:
            self.broken += [f"not removed: {line}" for line in self.group.remove()]

    def _lane(self, probes: Sequence[Probe]) -> list[Recording]:
        found = (self._try(probe) for probe in probes)
        return [recording for recording in found if recording]

    def _try(self, probe: Probe) -> Recording | None:
        azure = Azure(self._disguise, self.stop, self._clock)
        recording = Recording(probe=probe.name, claim=probe.claim, made=date.today().isoformat(), on=self._on)
        self._report(f"{probe.name}: {probe.claim}")
        try:
            recording.facts = probe.run(self.group, azure, recording.measured)
        except Stopped:
            return None
        # What one probe cannot do must not keep the others from being tried, nor the group from being removed.
        except (RequestException, AzureError, StageError, RuntimeError, KeyError, AttributeError, TypeError) as error:
            self.broken.append(self._disguise.text(f"{probe.name}: {type(error).__name__}: {error}"))
            return None
        recording.facts = {fact: self._disguise.text(value) for fact, value in recording.facts.items()}
        recording.exchanges = azure.exchanges
        return recording


def verdicts(probe: Probe, recording: Recording) -> list[tuple[str, str, str, str]]:
    """Rows of the table: fact, what was believed, what was seen, and as believed, OTHERWISE or now known."""
    rows = []
    for fact, seen in recording.facts.items():
        believed = probe.believed.get(fact, "")
        same = re.fullmatch(believed, seen) is not None
        rows.append(
            (
                fact,
                believed or "nobody knew",
                seen,
                ("as believed" if same else "OTHERWISE") if believed else "now known",
            )
        )
    return rows
