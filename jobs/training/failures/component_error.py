"""The error that the fine-tune component prints when it ends: JSON behind the word ErrorResponse.

    azureml.acft…ACFTDataException: ACFTDataException:
            Message: Training dataset has 4 non-null samples, …
            InnerException None
            ErrorResponse
    {"error": {"code": "UserError", "message": "Training dataset has …", "inner_error": {"code": "ACFTUserError"}}}

Where several processes train, each line begins with the one that printed it, as `[rank0]: `.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

_RANK = re.compile(r"^\[rank(\d+)\]:\s?")
_BEGINS = re.compile(r"^\s*ErrorResponse\s*$")


def split(lines: Sequence[str]) -> tuple[str, list[str]]:
    """The component's last error without line breaks, "" for none; and the log without the JSON of any."""
    by_rank: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        found = _RANK.match(line)
        by_rank.setdefault(found[1] if found else "", []).append(number)
    errors: list[tuple[int, dict[str, Any]]] = []
    json_lines: set[int] = set()
    for numbers in by_rank.values():
        for error, used in _errors(lines, numbers):
            errors.append((used[-1], error))
            json_lines.update(used)
    rest = [line for number, line in enumerate(lines) if number not in json_lines]
    # What a user can mend is errors before what follows from it on its way out.
    errors.sort(key=lambda one: (one[1].get("code") == "UserError", one[0]))
    return (_message(errors[-1][1]) if errors else ""), rest


def _errors(lines: Sequence[str], numbers: Sequence[int]) -> list[tuple[dict[str, Any], list[int]]]:
    """The errors that one process printed, each with the numbers of its lines."""
    plain = [_RANK.sub("", lines[number]) for number in numbers]
    found = []
    for at, line in enumerate(plain):
        if not _BEGINS.match(line):
            continue
        text = "\n".join(plain[at + 1 :])
        try:
            given, end = json.JSONDecoder().raw_decode(text.lstrip())
        except json.JSONDecodeError:
            continue
        error = given.get("error") if isinstance(given, dict) else None
        if isinstance(error, dict) and error.get("message"):
            used = text[: len(text) - len(text.lstrip()) + end].count("\n") + 1
            found.append((error, list(numbers[at : at + 1 + used])))
    return found


def _message(error: dict[str, Any]) -> str:
    return " ".join(str(error["message"]).split())
