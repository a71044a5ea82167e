"""What a known cause of a failed job is."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why jobs fail.

    ``pattern`` is looked for, without regard to case, in Azure's error codes and message, in the fine-tune component's
    own error and in the last lines of the log; ``exit_codes`` are the process's. ``source`` says where the wording was
    found. A ``weak`` one may stand in the log of a job that failed of something else: any other goes before it.
    """

    name: str
    pattern: str
    means: str
    todo: str
    source: str
    exit_codes: tuple[int, ...] = ()
    weak: bool = False

    def fits(self, text: str, exit_code: int | None) -> bool:
        if exit_code is not None and exit_code in self.exit_codes:
            return True
        return bool(self.pattern) and re.search(self.pattern, text, re.IGNORECASE) is not None
