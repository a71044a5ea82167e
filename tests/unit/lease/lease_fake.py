"""A blob with its lease, in memory, and a holder of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceExistsError

from cloud.services import lease
from cloud.services.lease import Holder
from cloud.target import Target

TARGET = Target("sub", "rg-phi", "mlw-phi")
NOW = datetime(2026, 11, 23, 9, 0, 30, tzinfo=UTC)
HELD = lease.held  # which other unit tests do without
OTHER = Holder(
    who="ada", host="laptop", pid=7, command="pulumi up", since="2026-11-23T08:55:00+00:00", seen="2026-11-23T09:00:00"
)


@dataclass
class Blob:
    """One blob with its lease, as Azure's client shows it."""

    written: bytes | None = None
    owner: str = ""
    asked: list[str] = field(default_factory=list)
    refuses: list[Exception] = field(default_factory=list)
    """What the next calls fail with."""

    def upload_blob(self, content: bytes, *, overwrite: bool, lease: Any = None) -> None:
        self._may_fail()
        if not overwrite and self.written is not None:
            raise ResourceExistsError("there already")
        if self.owner and (lease is None or lease.id != self.owner):
            raise answer(412)
        self.written = content

    def get_blob_properties(self) -> Any:
        state = "leased" if self.owner else "available"
        return SimpleNamespace(lease=SimpleNamespace(state=state), last_modified=NOW)

    def download_blob(self) -> Any:
        return SimpleNamespace(readall=lambda: self.written)

    def close(self) -> None:
        self.asked.append("close")

    def _may_fail(self) -> None:
        if self.refuses:
            raise self.refuses.pop(0)


class Leased:
    """Azure's client of the lease."""

    def __init__(self, blob: Blob, lease_id: str = "") -> None:
        self._blob, self.id = blob, lease_id

    def acquire(self, lease_duration: int) -> None:
        self._blob.asked.append(f"acquire {lease_duration}")
        if self._blob.owner:
            raise ResourceExistsError("leased")
        self._blob.owner = self.id

    def renew(self) -> None:
        self._blob.asked.append("renew")
        self._blob._may_fail()
        if self._blob.owner != self.id:
            raise answer(409)

    def release(self) -> None:
        self._blob.asked.append("release")
        self._blob.owner = ""

    def break_lease(self, lease_break_period: int) -> None:
        self._blob.asked.append(f"break {lease_break_period}")
        if not self._blob.owner:
            raise ResourceExistsError("none")
        self._blob.owner = ""


def answer(status: int) -> HttpResponseError:
    error = HttpResponseError(f"status {status}")
    error.status_code = status
    return error


def datastore(arm: int, target: Target, name: str) -> tuple[str, str, str]:
    assert (arm, target, name) == (2, TARGET, "workspaceblobstore")
    return "https://st.blob.core.windows.net", "azureml", "a key"


def held_by(blob: Blob, holder: Holder) -> None:
    blob.owner, blob.written = "theirs", json.dumps(vars(holder)).encode()
