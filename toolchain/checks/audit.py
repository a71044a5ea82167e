"""`python -m toolchain.checks.audit`: known vulnerabilities of the pinned packages, as PyPI tells them.

Not every registry tells: a mirror may have the packages and not what is known about them, and then says so for none.
So a package that is known to be vulnerable is asked for first. Where even that one seems fine, nothing was audited,
and the last line says that and why; it is no failure, as there is nothing to mend in the checkout.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PINS = ROOT / "constraints.txt"
KNOWN = "requests==2.19.0"
"""Has PYSEC-2018-28 and others."""

Asked = Callable[[Path], "Answer"]


@dataclass(frozen=True)
class Answer:
    """What pip-audit said: one entry a package, or why it said nothing."""

    dependencies: list[dict[str, Any]]
    complaint: str = ""

    @property
    def vulnerable(self) -> list[dict[str, Any]]:
        return [each for each in self.dependencies if each.get("vulns")]

    @property
    def skipped(self) -> list[dict[str, Any]]:
        return [each for each in self.dependencies if each.get("skip_reason")]


def ask(requirements: Path) -> Answer:
    """Run pip-audit over exact pins."""
    options = ["--vulnerability-service", "pypi", "--timeout", "10", "--disable-pip", "--no-deps"]
    command = [sys.executable, "-m", "pip_audit", *options, "--progress-spinner", "off", "--format", "json"]
    done = subprocess.run([*command, "--requirement", str(requirements)], capture_output=True, text=True, check=False)
    try:
        return Answer(json.loads(done.stdout)["dependencies"])
    except ValueError:
        said = [line for line in done.stderr.strip().splitlines() if line and not line.startswith("WARNING")]
        return Answer([], said[-1].removeprefix("ERROR:pip_audit._cli:") if said else "pip-audit said nothing")


def audit(pins: Path, asked: Asked = ask) -> tuple[int, list[str]]:
    """Exit code, and lines for a person."""
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "known.txt"
        probe.write_text(f"{KNOWN}\n")
        first = asked(probe)
    if not first.vulnerable:
        reason = first.complaint or "; ".join(str(each["skip_reason"]) for each in first.skipped)
        why = reason or f"it knows of nothing against {KNOWN}, against which a lot is known"
        return 0, [f"audit SKIPPED, no package was checked: PyPI's vulnerability service does not answer here: {why}"]
    found = asked(pins)
    if found.complaint:
        return 1, [f"audit: pip-audit failed: {found.complaint}. What to do: try again"]
    lines = [_line(package, known) for package in found.vulnerable for known in package["vulns"]]
    lines += [f"audit: not checked: {each['name']}: {each['skip_reason']}" for each in found.skipped]
    checked = len(found.dependencies) - len(found.skipped)
    if found.vulnerable:
        lines.append(
            "What to do: pin a version with the fix in its requirements file (or in constraints.txt), make lock"
        )
        return 1, lines
    return 0, [*lines, f"audit: {checked} packages, no known vulnerability"]


def _line(package: dict[str, Any], known: dict[str, Any]) -> str:
    fixed = ", ".join(known.get("fix_versions") or ()) or "no version yet"
    names = " = ".join((known["id"], *(known.get("aliases") or ())))
    return f"audit: {package['name']} {package['version']} has {names}; fixed in {fixed}"


def main(arguments: Sequence[str]) -> int:
    """Prints the lines; the code is 1 if something known is wrong with a pinned package."""
    code, lines = audit(Path(arguments[0]) if arguments else PINS)
    print("\n".join(lines), file=sys.stderr if code else sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
