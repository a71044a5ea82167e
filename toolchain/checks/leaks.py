"""`python -m toolchain.checks.leaks`: secrets in what git tracks or would add, found by detect-secrets.

A file that is known to be clean is not read again while it stays as it is (`.leaks_cache`).
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ".leaks_cache"
RECORDED = "docs/examples/"
"""Full of digests and ids, which look as random as a key does."""
RANDOM_LOOKING = "Base64HighEntropyString"
DIGESTS = "HexHighEntropyString"
"""Fingerprints and commits are all over the tests; a key in hexadecimal goes by the name it is given."""
REMEDY = (
    "What to do: take it out, and revoke it if it ever opened anything: what was committed stays in the history. "
    "If it is made up: # pragma: allowlist secret"
)


def files(root: Path) -> dict[str, str]:
    """Path → hash of the content, for every file that git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    names = [name for name in listed.stdout.decode().split("\0") if name and (root / name).is_file()]
    hashed = subprocess.run(
        ["git", "hash-object", "--stdin-paths"],
        cwd=root,
        input="\n".join(names),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(names, hashed.stdout.split(), strict=True))


def scan(root: Path, name: str) -> list[str]:
    """`file:line: kind` of everything that looks like a secret."""
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import default_settings

    with default_settings() as settings:
        settings.disable_plugins(DIGESTS, *((RANDOM_LOOKING,) if name.startswith(RECORDED) else ()))
        found = {(secret.line_number, secret.type) for secret in scan_file(str(root / name))}
    return [f"{name}:{line}: {kind}" for line, kind in sorted(found)]


def leaks(root: Path) -> Iterator[str]:
    """All findings; what is clean is remembered."""
    cache = root / CACHE
    version = importlib.metadata.version("detect-secrets")
    try:
        kept = json.loads(cache.read_text())
    except (OSError, ValueError):
        kept = {}
    clean: set[str] = set(kept.get("clean", ())) if kept.get("version") == version else set()
    hashes = files(root)
    # The place decides which detectors run, so it is part of what is remembered.
    keys = {name: f"{digest} {name.startswith(RECORDED)}" for name, digest in hashes.items()}
    todo = [name for name in hashes if keys[name] not in clean]
    with ProcessPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        results = dict(zip(todo, pool.map(scan, [root] * len(todo), todo, chunksize=16), strict=True))
    for found in results.values():
        yield from found
    good = sorted({key for name, key in keys.items() if not results.get(name)})
    cache.write_text(json.dumps({"version": version, "clean": good}))


def main() -> int:
    """Prints the findings; the code is 1 if there are any."""
    found = list(leaks(ROOT))
    if found:
        print("\n".join([*found, REMEDY]), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
