"""What a job writes while it runs: the new lines of its logs and its child runs' logs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Job

_FIRST_REFRESH_SECONDS = 2.0
# A pipeline's runs nest: job, the registry component (a pipeline itself), its steps.
_DEPTH = 3
_REFRESH_SECONDS = 30.0
_READABLE = ("user_logs/std_log", "logs/azureml/executionlogs", "azureml-logs/70_driver_log")


@dataclass
class JobLog:
    """Reads only what was added since the last reading. A log that cannot be read is left out."""

    client: MLClient
    job_name: str
    _read: dict[tuple[str, str], int] = field(default_factory=dict)
    _runs: list[str] = field(default_factory=list)
    _refreshed: float = float("-inf")

    def new_lines(self) -> list[str]:
        """Complete lines that came since the last call, oldest first within one log."""
        from azure.core.exceptions import AzureError

        patience = _REFRESH_SECONDS if len(self._runs) > 1 else _FIRST_REFRESH_SECONDS
        if time.monotonic() - self._refreshed >= patience:
            self._runs = [self.job_name, *(run.name for run in self.children() if run.name)]
            self._refreshed = time.monotonic()
        lines: list[str] = []
        for run in self._runs:
            try:
                for name, url in self._files(run).items():
                    lines += self._added(run, name, url)
            except AzureError:
                continue
        return lines

    def children(self) -> list[Job]:
        """The runs below the job, parents before their children."""
        from azure.core.exceptions import AzureError

        found: list[Job] = []
        parents = [self.job_name]
        for _ in range(_DEPTH):
            try:
                level = [
                    child
                    for parent in parents
                    for child in self.client.jobs._runs_operations.get_run_children(parent)
                    if child is not None
                ]
            except AzureError:
                break
            found += level
            parents = [child.name for child in level if child.name]
            if not parents:
                break
        return found

    def tail(self, run: str, lines: int) -> list[str]:
        """The last lines of one run's logs."""
        from azure.core.exceptions import AzureError

        text: list[str] = []
        try:
            for url in self._files(run).values():
                text += _download(url, 0).decode(errors="replace").splitlines()
        except AzureError:
            return text[-lines:]
        return [line for line in text if line.strip()][-lines:]

    def reason(self, run: str) -> str:
        """What the run itself reports as its error, or ""."""
        from azure.core.exceptions import AzureError

        try:
            error = self.client.jobs._runs_operations.get_run_details(run).error
        except AzureError:
            return ""
        return str(error.error.message or "") if error and error.error else ""

    def _files(self, run: str) -> dict[str, str]:
        # No public call lists a run's logs; jobs.stream() uses this one, but cannot be stopped.
        details = self.client.jobs._runs_operations.get_run_details(run)
        files: dict[str, str] = details.log_files or {}
        return {name: url for name, url in sorted(files.items()) if name.startswith(_READABLE)}

    def _added(self, run: str, name: str, url: str) -> list[str]:
        start = self._read.get((run, name), 0)
        text = _download(url, start)
        complete = text[: text.rfind(b"\n") + 1]
        self._read[run, name] = start + len(complete)
        return [line for line in complete.decode(errors="replace").splitlines() if line.strip()]


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
