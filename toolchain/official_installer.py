"""Pulumi's own installer, run through the SDK in a process of its own: DIRECTORY VERSION SECONDS.

On a closed network a connection may hang for minutes, so the process ends itself (exit code 3) unless the SDK
has fetched the installer and started it within SECONDS.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path


def main() -> None:
    """Install the CLI; prints one line saying why when it cannot, and exits with 3."""
    from pulumi.automation import PulumiCommand
    from semver import VersionInfo

    directory, version, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    started = threading.Event()
    finished = threading.Event()

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        # The SDK first runs the pulumi it hopes to find in the directory; the next program is the fetched
        # installer.
        if event == "subprocess.Popen" and arguments[0] != str(directory / "bin" / "pulumi"):
            started.set()

    def give_up() -> None:
        if not started.wait(seconds) and not finished.is_set():
            print(f"its site did not answer within {seconds:.0f} s", flush=True)
            os._exit(3)

    sys.addaudithook(watch)
    threading.Thread(target=give_up, daemon=True).start()
    try:
        PulumiCommand.install(root=str(directory), version=VersionInfo.parse(version))
    except subprocess.CalledProcessError as error:
        sys.exit(f"the installer failed: {(error.output or b'').decode(errors='replace').strip()[-300:]}")
    except OSError as error:
        print(f"its site could not be reached: {getattr(error, 'reason', error)}")
        sys.exit(3)
    finally:
        finished.set()


if __name__ == "__main__":
    main()
