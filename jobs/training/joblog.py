"""What a job writes while it runs, in its own logs and its child runs', and what a run says it died of."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cloud.errors import first_line

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

_FIRST_REFRESH_SECONDS = 2.0
# A pipeline's runs nest: job, the registry component (a pipeline itself), its steps.
_DEPTH = 3
_REFRESH_SECONDS = 30.0
_READABLE = ("user_logs/std_log", "logs/azureml/executionlogs", "azureml-logs/70_driver_log")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run below a job: a node of its pipeline, or a step of that node."""

    name: str
    parent: str
    title: str
    status: str


@dataclass(frozen=True)
class RunError:
    """What a run reports as its error: Azure's codes, the outermost first, and its message; both may be empty."""

    codes: tuple[str, ...] = ()
    message: str = ""


@dataclass(kw_only=True)
class JobLog:
    """Reads only what was added since the last reading. A log that cannot be read is left out; `refused` has why."""

    client: MLClient
    job_name: str
    refused: dict[str, str] = field(default_factory=dict)
    """Why the logs of a run could not be read, by the run's name; one that is not there yet is not refused."""
    _read: dict[tuple[str, str], int] = field(default_factory=dict)
    _runs: list[str] = field(default_factory=list)
    _refreshed: float = float("-inf")
    _times: dict[str, tuple[datetime | None, datetime | None]] = field(default_factory=dict)
    _parents: set[str] = field(default_factory=set)

    def new_lines(self) -> list[str]:
        """Complete lines that came since the last call, oldest first within one log."""
        return [line for _, lines in self.news() for line in lines]

    def news(self) -> list[tuple[str, list[str]]]:
        """The same by run: the name of each that has something new, with its new lines."""
        from azure.core.exceptions import AzureError

        patience = _REFRESH_SECONDS if len(self._runs) > 1 else _FIRST_REFRESH_SECONDS
        if time.monotonic() - self._refreshed >= patience:
            self._runs = [self.job_name, *(run.name for run in self.children())]
            self._refreshed = time.monotonic()
        found: list[tuple[str, list[str]]] = []
        for run in self._runs:
            lines: list[str] = []
            try:
                for name, url in self._files(run).items():
                    lines += self._added(run, name, url)
                self.refused.pop(run, None)
            except AzureError as error:
                self._is_refused(run, error)
            if lines:
                found.append((run, lines))
        return found

    def children(self) -> list[Run]:
        """The runs below the job, parents before their children."""
        from azure.core.exceptions import AzureError

        found: list[Run] = []
        parents = [self.job_name]
        for _ in range(_DEPTH):
            try:
                level = [
                    Run(
                        name=str(child.name),
                        parent=parent,
                        title=str(child.display_name or child.name),
                        status=str(child.status or ""),
                    )
                    for parent in parents
                    for child in self.client.jobs._runs_operations.get_run_children(parent)
                    if child is not None
                ]
            except AzureError as error:
                self._is_refused(self.job_name, error)
                break
            self._parents |= {run.parent for run in level}
            found += level
            parents = [child.name for child in level]
            if not parents:
                break
        return found

    def ran(self) -> float:
        """Seconds in which a step of the job was at work, as far as known: a job that waits for a machine is not.

        What was read last counts; of a job that was not read yet, it is asked for.
        """
        from azure.core.exceptions import AzureError

        for run in () if self._times else [self.job_name, *(run.name for run in self.children())]:
            try:
                self._files(run)
            except AzureError as error:
                self._is_refused(run, error)
        return covered([its for run, its in self._times.items() if run not in self._parents], datetime.now(UTC))

    def tail(self, run: str, lines: int) -> list[str]:
        """The last lines of one run's logs; all of them for 0."""
        from azure.core.exceptions import AzureError

        text: list[str] = []
        try:
            for url in self._files(run).values():
                text += _download(url, 0).decode(errors="replace").splitlines()
        except AzureError as error:
            self._is_refused(run, error)
        return [line for line in text if line.strip()][-lines:]

    def error(self, run: str) -> RunError:
        """What the run itself reports as its error."""
        from azure.core.exceptions import AzureError

        try:
            error = self.client.jobs._runs_operations.get_run_details(run).error
        except AzureError:
            return RunError()
        root = error.error if error else None
        if root is None:
            return RunError()
        codes: list[str] = []
        inner: Any = root
        while inner is not None:
            codes.append(str(getattr(inner, "code", None) or ""))
            inner = getattr(inner, "inner_error", None)
        codes += [str(detail.code or "") for detail in getattr(root, "details", None) or ()]
        return RunError(tuple(code for code in codes if code), str(root.message or "").strip())

    def _is_refused(self, run: str, error: Exception) -> None:
        from azure.core.exceptions import ResourceNotFoundError

        if not isinstance(error, ResourceNotFoundError):
            self.refused[run] = first_line(str(error))

    def _files(self, run: str) -> dict[str, str]:
        # No public call lists a run's logs; jobs.stream() uses this one, but cannot be stopped.
        details = self.client.jobs._runs_operations.get_run_details(run)
        self._times[run] = details.start_time_utc, details.end_time_utc
        files: dict[str, str] = details.log_files or {}
        return {name: url for name, url in sorted(files.items()) if name.startswith(_READABLE)}

    def _added(self, run: str, name: str, url: str) -> list[str]:
        start = self._read.get((run, name), 0)
        text = _download(url, start)
        complete = text[: text.rfind(b"\n") + 1]
        self._read[run, name] = start + len(complete)
        return [line for line in complete.decode(errors="replace").splitlines() if line.strip()]


def covered(times: Iterable[tuple[datetime | None, datetime | None]], now: datetime) -> float:
    """Seconds that are in any of these times, each with its begin and its end; what has not ended goes on until now."""
    seconds, until = 0.0, None
    for begin, end in sorted((begin, end or now) for begin, end in times if begin is not None):
        begin = max(begin, until) if until else begin
        seconds += max((end - begin).total_seconds(), 0.0)
        until = max(end, until) if until else end
    return seconds


def failing(runs: Sequence[Run]) -> Run | None:
    """The run that a job failed of, out of its ``children()``: the first of those that no failed run lies below.

    A step that was only cancelled because another one failed is not it.
    """
    for state in ("Failed", "NotResponding", "Canceled"):
        failed = [run for run in runs if run.status == state]
        parents = {run.parent for run in failed}
        leaves = [run for run in failed if run.name not in parents]
        if leaves:
            return leaves[0]
    return None


def _download(url: str, start: int) -> bytes:
    """The blob behind a SAS URL from byte ``start`` on; nothing if it has not grown."""
    from azure.core.exceptions import HttpResponseError
    from azure.storage.blob import BlobClient

    with BlobClient.from_blob_url(url) as blob:
        try:
            return blob.download_blob(offset=start).readall()
        except HttpResponseError as error:
            if error.status_code == 416:  # the range starts at the end
                return b""
            raise
