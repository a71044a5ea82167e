"""Everything the emulator remembers, in one SQLite file that survives a kill."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.machine.home import Home

SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    key TEXT PRIMARY KEY,              -- the id in lower case
    type TEXT NOT NULL,                -- full type in lower case
    body TEXT NOT NULL,                -- JSON as the service returns it
    internal TEXT NOT NULL,            -- JSON the service keeps to itself: keys, state of runs
    created REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS resources_by_type ON resources (type);
CREATE TABLE IF NOT EXISTS deleted (   -- soft-deleted resources: the name stays taken
    key TEXT PRIMARY KEY, type TEXT NOT NULL, body TEXT NOT NULL, internal TEXT NOT NULL, deleted REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS operations (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, resource TEXT NOT NULL, status TEXT NOT NULL,
    error TEXT, reads INTEGER NOT NULL DEFAULT 0, started REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS processes (
    pid INTEGER PRIMARY KEY, started REAL NOT NULL, kind TEXT NOT NULL, resource TEXT NOT NULL, port INTEGER
);
CREATE TABLE IF NOT EXISTS refused (host TEXT PRIMARY KEY, times INTEGER NOT NULL, last REAL NOT NULL);
CREATE TABLE IF NOT EXISTS activity (number INTEGER PRIMARY KEY, moment REAL NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);  -- JSON set by the admin interface
"""

MOST_ACTIVITY = 20_000
"""Events of the activity log that are kept."""
MOST_HOSTS, LONGEST_HOST = 500, 253
"""Refused hosts that are remembered, and the longest name that DNS knows."""


@dataclass
class Resource:
    """One object of the service.

    Attributes:
        body: what a GET returns: id, name, type, location, tags, properties, …
        internal: what no caller sees.
    """

    body: dict[str, Any]
    internal: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def name(self) -> str:
        return str(self.body["name"])

    @property
    def type(self) -> str:
        return str(self.body["type"])

    @property
    def properties(self) -> dict[str, Any]:
        properties: dict[str, Any] = self.body.setdefault("properties", {})
        return properties

    @property
    def region(self) -> str:
        """The location in its short form: ``East US 2`` → ``eastus2``."""
        return str(self.body.get("location", "")).replace(" ", "").lower()


class Store:
    """Typed access to the SQLite file; every method is one transaction and safe from any thread."""

    def __init__(self, path: Path) -> None:
        Home(path.parent).make()
        self.path = path.resolve()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        # What is committed outlives a kill of the process; that it outlives a loss of power nobody needs here, and a
        # sync for each statement is most of what a write costs.
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(SCHEMA)
        self.lock = threading.RLock()

    def close(self) -> None:
        with self.lock:
            self._connection.close()

    def _rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.lock:
            return self._connection.execute(statement, values).fetchall()

    # --- live resources

    def get(self, resource_id: str) -> Resource | None:
        rows = self._rows("SELECT body, internal FROM resources WHERE key = ?", _key(resource_id))
        return _resource(rows[0]) if rows else None

    def put(self, resource: Resource) -> None:
        self._rows(
            "INSERT INTO resources VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET body = excluded.body, internal = excluded.internal",
            _key(resource.id),
            resource.type.lower(),
            json.dumps(resource.body),
            json.dumps(resource.internal),
            time.time(),
        )

    def remove(self, resource_id: str) -> None:
        """Forget a resource and everything below it."""
        key = _key(resource_id)
        self._rows("DELETE FROM resources WHERE key = ? OR key LIKE ? ESCAPE '!'", key, _below(key))

    def below(self, resource_id: str, kind: str | None = None) -> list[Resource]:
        """Every live resource below an id, at any depth, oldest first; of one type if given."""
        statement = "SELECT body, internal FROM resources WHERE key LIKE ? ESCAPE '!'"
        values = [_below(_key(resource_id))]
        if kind:
            statement += " AND type = ?"
            values.append(kind.lower())
        return [_resource(row) for row in self._rows(statement + " ORDER BY created, key", *values)]

    def of_type(self, kind: str) -> list[Resource]:
        rows = self._rows("SELECT body, internal FROM resources WHERE type = ? ORDER BY created, key", kind.lower())
        return [_resource(row) for row in rows]

    def everything(self) -> list[Resource]:
        return [_resource(row) for row in self._rows("SELECT body, internal FROM resources ORDER BY created, key")]

    # --- soft-deleted resources

    def soft_delete(self, resource: Resource) -> None:
        """Take a resource and all below it out of service, but keep its name taken."""
        with self.lock:
            self.remove(resource.id)
            self._rows(
                "INSERT OR REPLACE INTO deleted VALUES (?, ?, ?, ?, ?)",
                _key(resource.id),
                resource.type.lower(),
                json.dumps(resource.body),
                json.dumps(resource.internal),
                time.time(),
            )

    def deleted(self, kind: str | None = None) -> list[Resource]:
        statement, values = "SELECT body, internal FROM deleted", []
        if kind:
            statement += " WHERE type = ?"
            values.append(kind.lower())
        return [_resource(row) for row in self._rows(statement + " ORDER BY deleted, key", *values)]

    def find_deleted(self, resource_id: str) -> Resource | None:
        rows = self._rows("SELECT body, internal FROM deleted WHERE key = ?", _key(resource_id))
        return _resource(rows[0]) if rows else None

    def purge(self, resource_id: str) -> None:
        self._rows("DELETE FROM deleted WHERE key = ?", _key(resource_id))

    # --- operations

    def add_operation(self, operation_id: str, kind: str, resource_id: str) -> None:
        self._rows(
            "INSERT INTO operations (id, kind, resource, status, started) VALUES (?, ?, ?, 'InProgress', ?)",
            operation_id,
            kind,
            resource_id,
            time.time(),
        )

    def operation(self, operation_id: str) -> tuple[str, str, dict[str, Any] | None, int, float] | None:
        """(resource id, status, error body, times read so far, started) of an operation."""
        rows = self._rows("SELECT resource, status, error, reads, started FROM operations WHERE id = ?", operation_id)
        if not rows:
            return None
        resource, status, error, reads, started = rows[0]
        self._rows("UPDATE operations SET reads = reads + 1 WHERE id = ?", operation_id)
        return resource, status, json.loads(error) if error else None, reads, started

    def end_operation(self, operation_id: str, status: str, error: dict[str, Any] | None = None) -> None:
        self._rows(
            "UPDATE operations SET status = ?, error = ? WHERE id = ?",
            status,
            json.dumps(error) if error else None,
            operation_id,
        )

    def open_operations(self) -> list[tuple[str, str, str]]:
        """(id, kind, resource id) of every operation that has not ended."""
        return [
            (str(row[0]), str(row[1]), str(row[2]))
            for row in self._rows(
                "SELECT id, kind, resource FROM operations WHERE status = 'InProgress' ORDER BY started"
            )
        ]

    # --- processes and refused hosts

    def add_process(self, pid: int, started: float, kind: str, resource_id: str, port: int | None) -> None:
        self._rows("INSERT OR REPLACE INTO processes VALUES (?, ?, ?, ?, ?)", pid, started, kind, resource_id, port)

    def remove_process(self, pid: int) -> None:
        self._rows("DELETE FROM processes WHERE pid = ?", pid)

    def processes(self) -> list[tuple[int, float, str, str, int | None]]:
        """(pid, start time, kind, resource id, port) of every process on record, alive or not."""
        return [tuple(row) for row in self._rows("SELECT * FROM processes ORDER BY started")]

    def refuse(self, host: str) -> None:
        """Count one refused attempt to reach a host that is not Azure's; of very many hosts the latest are kept."""
        with self.lock:
            self._rows(
                "INSERT INTO refused VALUES (?, 1, ?) "
                "ON CONFLICT (host) DO UPDATE SET times = times + 1, last = excluded.last",
                host[:LONGEST_HOST],
                time.time(),
            )
            self._rows(
                "DELETE FROM refused WHERE host NOT IN (SELECT host FROM refused ORDER BY last DESC LIMIT ?)",
                MOST_HOSTS,
            )

    def refused(self) -> list[tuple[str, int]]:
        """(host, number of attempts), most recent last."""
        return [(str(row[0]), int(row[1])) for row in self._rows("SELECT host, times FROM refused ORDER BY last")]

    # --- the activity log

    def add_activity(self, moment: float, event: dict[str, Any]) -> None:
        """Keep an event; the oldest go once there are many."""
        with self.lock:
            self._rows("INSERT INTO activity (moment, body) VALUES (?, ?)", moment, json.dumps(event))
            self._rows("DELETE FROM activity WHERE number <= (SELECT MAX(number) FROM activity) - ?", MOST_ACTIVITY)

    def activity(self, since: float, until: float) -> list[dict[str, Any]]:
        """The events between two moments, the latest first."""
        rows = self._rows(
            "SELECT body FROM activity WHERE moment BETWEEN ? AND ? ORDER BY moment DESC, number DESC", since, until
        )
        return [json.loads(row[0]) for row in rows]

    # --- settings

    def setting(self, name: str, default: Any) -> Any:
        """A value that was set, or the default."""
        rows = self._rows("SELECT value FROM settings WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else default

    def set_setting(self, name: str, value: Any) -> None:
        """Keep a JSON value; None forgets it."""
        if value is None:
            self._rows("DELETE FROM settings WHERE name = ?", name)
        else:
            self._rows("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, json.dumps(value))


def _key(resource_id: str) -> str:
    return resource_id.rstrip("/").lower()


def _below(key: str) -> str:
    escaped = key.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"{escaped}/%"


def _resource(row: tuple[Any, ...]) -> Resource:
    return Resource(json.loads(row[0]), json.loads(row[1]))
