"""How work on Azure tells of its progress."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str], None]
"""Takes one line of progress; one that begins with WARNING should stay in sight."""

WARNING = "warning: "
