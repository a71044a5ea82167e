"""A review as SARIF 2.1.0, for code scanning and editors: each finding on the line of the stack file that causes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from review.known.judge import Level
from review.report import Report

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"mandatory": "error", "advisory": "warning", Level.HIGH: "error", Level.MEDIUM: "warning"}
_SECTION = re.compile(r"finetune-phi:(\w+)")
_RISK = "review-risk"


def sarif(report: Report, root: Path) -> dict[str, Any]:
    """Violated policies, and risks that need a person. A finding that no setting causes is on the first line."""
    name = f"Pulumi.{report.stack.rsplit('/', 1)[-1]}.yaml"
    file = root / name
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    results = list(_results(report, name, lines))
    rules = [{"id": each} for each in dict.fromkeys(result["ruleId"] for result in results)]
    driver = {"name": "finetune-phi review", "rules": rules}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _results(report: Report, name: str, lines: list[str]) -> Iterator[dict[str, Any]]:
    for found in report.policies:
        if level := _LEVELS.get(found.level):
            where = found.resource.rsplit("::", 1)[-1]
            text = f"{where}: {found.message}" if where else found.message
            yield _result(found.policy, level, text, name, line_of(found.message, lines))
    for risk in report.risks:
        if level := _LEVELS.get(risk.level):
            yield _result(_RISK, level, str(risk), name, line_of(str(risk), lines))


def _result(rule: str, level: str, text: str, name: str, line: int) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": name}, "region": {"startLine": line}}
    return {"ruleId": rule, "level": level, "message": {"text": text}, "locations": [{"physicalLocation": place}]}


def line_of(text: str, lines: list[str]) -> int:
    """The line of the setting that a text speaks of: of the key where it names one, else of its section, else 1."""
    words = set(re.findall(r"\w+", text))
    for section in _SECTION.findall(text):
        begin = next((at for at, line in enumerate(lines) if line.strip().startswith(f"finetune-phi:{section}:")), None)
        if begin is None:
            continue
        depth = _depth(lines[begin])
        for at in range(begin + 1, len(lines)):
            line = lines[at]
            if line.strip() and not line.lstrip().startswith("#") and _depth(line) <= depth:
                break
            key = re.match(r"\s*(\w+):", line)
            if key and key[1] in words:
                return at + 1
        return begin + 1
    return 1


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
