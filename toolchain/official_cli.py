"""Pulumi's own release archive, in a process of its own: URL SHA256 DIRECTORY SECONDS.

On a closed network a connection may hang for minutes, in the resolver too, so the process ends itself (exit code 3)
unless the site has answered within SECONDS. Nothing is unpacked before its digest is the one that is locked.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tarfile
import tempfile
import threading
import urllib.request
from pathlib import Path
from typing import IO

LIMIT = 500_000_000
"""Bytes of an archive: several times what one has. More is no release."""


def fetch(url: str, into: IO[bytes], answered: threading.Event) -> str:
    """Write what is at `url` to a file; returns its SHA-256."""
    total = hashlib.sha256()
    with urllib.request.urlopen(url, timeout=60) as answer:
        answered.set()
        while part := answer.read(1 << 20):
            total.update(part)
            into.write(part)
            if into.tell() > LIMIT:
                raise OSError(f"it sends more than {LIMIT // 1_000_000} MB")
    into.seek(0)
    return total.hexdigest()


def unpack(archive: IO[bytes], directory: Path) -> None:
    """Write the archive's programs to `directory/bin`: files alone, by their last name."""
    programs = directory / "bin"
    programs.mkdir(exist_ok=True)
    with tarfile.open(fileobj=archive, mode="r:gz") as members:
        for member in members:
            content = members.extractfile(member) if member.isreg() else None
            if content is not None:
                program = programs / Path(member.name).name
                with program.open("wb") as file:
                    shutil.copyfileobj(content, file)
                program.chmod(0o755)


def main(url: str, digest: str, directory: Path, seconds: float) -> None:
    """Install the CLI; prints one line saying why when it cannot, and exits with 3."""
    answered = threading.Event()

    def give_up() -> None:
        if not answered.wait(seconds):
            print(f"its site did not answer within {seconds:.0f} s", flush=True)
            os._exit(3)

    threading.Thread(target=give_up, daemon=True).start()
    with tempfile.TemporaryFile(dir=directory) as archive:
        try:
            found = fetch(url, archive, answered)
        except OSError as error:
            print(f"its site could not be reached: {getattr(error, 'reason', '') or error}")
            sys.exit(3)
        finally:
            answered.set()
        if found != digest:
            print(f"{url} is not what is locked: its SHA-256 is {found}, not {digest}")
            sys.exit(3)
        unpack(archive, directory)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), float(sys.argv[4]))
