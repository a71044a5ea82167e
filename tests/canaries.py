"""Everything secret of one emulator, and whether any of it stands where it must not.

The emulator makes its secrets at random, so each is a canary of its own: wherever its value is found, it leaked. What
Azure itself has to keep is no leak: the emulator's database, blobs, certificates and own secrets are left out. Beside
values known beforehand, tokens and SAS signatures are told by their form, wherever they come from.
"""

from __future__ import annotations

import base64
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from emulator.machine.home import Home

AZURES_OWN = (
    "state.sqlite",
    "state.sqlite-wal",
    "state.sqlite-shm",
    "blobs",
    "files",
    "certificates",
    "secrets",
)
"""Below the emulator's home: what is on Azure's side of the wire."""
SHAPES = {
    "a token": re.compile(rb"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}"),
    "a SAS signature": re.compile(rb"\bsig=[\w%+/=-]{24,}"),
    "a private key": re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}
SHORTEST = 16
"""Characters; the emulator's shortest secret is longer. What is shorter would be found by chance."""


def secrets_of(home: Home) -> dict[str, str]:
    """What it is → its value: keys of every kind, connections' credentials, and the emulator's own secrets."""
    own = home.root / "secrets"
    found = {f"the home's {path.name}": path.read_text() for path in own.iterdir()} if own.is_dir() else {}
    if not home.database.is_file():
        return found
    with closing(sqlite3.connect(home.database)) as database:
        for table in ("resources", "deleted"):
            for kind, key, internal in database.execute(f"SELECT type, key, internal FROM {table}"):
                for name, value in _texts(json.loads(internal)):
                    if name.startswith(("keys", "credentials", "versions")):
                        found[f"{kind.rsplit('/', 1)[1]} {key.rsplit('/', 1)[1]}: {name}"] = value
    return {name: value for name, value in found.items() if len(value) >= SHORTEST and not value.startswith("http")}


def collect(secrets: dict[str, str], home: Home) -> None:
    """Adds what is secret now. What was replaced or deleted since stays, under a name of its own."""
    for name, value in secrets_of(home).items():
        earlier = [each for known, each in secrets.items() if known.split(", number ")[0] == name]
        if value not in earlier:
            secrets[f"{name}, number {len(earlier) + 1}" if earlier else name] = value


def readable(home: Home) -> bytes:
    """What Azure answers to whoever may read and no more: every resource as a GET shows it, job inputs included."""
    with sqlite3.connect(home.database) as database:
        return b"\n".join(
            body.encode()
            for table in ("resources", "deleted")
            for (body,) in database.execute(f"SELECT body FROM {table}")
        )


def leaks(contents: Iterable[tuple[str, bytes]], secrets: dict[str, str]) -> Iterator[str]:
    """`place: what` for every secret in clear, percent-encoded, in base64 or inside JSON, and every telling form."""
    wanted = {name: _forms(value) for name, value in secrets.items()}
    for place, content in contents:
        for name, forms in wanted.items():
            if any(form in content for form in forms):
                yield f"{place}: {name}"
        for name, shape in SHAPES.items():
            if found := shape.search(content):
                yield f"{place}: {name} ({found[0][:12].decode(errors='replace')}…)"


def files(*roots: Path, home: Home) -> Iterator[tuple[str, bytes]]:
    """Every file below the roots, but what is Azure's own and the tools of the virtual environment."""
    own = {home.root / name for name in AZURES_OWN}
    for root in roots:
        todo = [root]
        while todo:
            path = todo.pop()
            if path in own or path.is_symlink():
                continue
            if path.is_dir():
                todo += path.iterdir()
            elif path.is_file():
                yield str(path.relative_to(root.parent)), path.read_bytes()


def _forms(value: str) -> set[bytes]:
    raw = value.encode()
    # Base64 of a longer text that holds the value looks different at each of three offsets; the ends are cut off.
    inside = {base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4] for shift in range(3)}
    return {raw, quote(value, safe="").encode(), json.dumps(value)[1:-1].encode(), *inside}


def _texts(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _texts(value, f"{path}.{key}" if path else key)
    elif isinstance(tree, list):
        for number, value in enumerate(tree):
            yield from _texts(value, f"{path}[{number}]")
    elif isinstance(tree, str):
        yield path, tree
