"""The audit says what it found, and plainly when it could not look."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from toolchain.checks import audit as audits
from toolchain.checks.audit import KNOWN, NPM, Answer, ask_npm, audit

OLD: dict[str, Any] = {"name": "requests", "version": "2.19.0", "vulns": [{"id": "PYSEC-2018-28"}]}
FINE: dict[str, Any] = {"name": "starlette", "version": "1.0", "vulns": []}
HOLED: dict[str, Any] = {
    "name": "jinja2",
    "version": "3.0",
    "vulns": [{"id": "GHSA-1", "fix_versions": ["3.1.6"], "aliases": ["CVE-2025-1"]}, {"id": "GHSA-2"}],
}
UNKNOWN = {"name": "phi", "skip_reason": "Dependency not found on PyPI"}


def audited(tmp_path: Path, first: Answer, *dependencies: dict[str, Any], complaint: str = "") -> tuple[int, str]:
    pins = tmp_path / "constraints.txt"
    pins.write_text("starlette==1.0\n")
    seen = []

    def asked(file: Path) -> Answer:
        seen.append(file.read_text())
        return first if len(seen) == 1 else Answer(list(dependencies), complaint)

    code, lines = audit(pins, asked)
    assert seen[0].strip() == KNOWN
    return code, "\n".join(lines)


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (Answer([{**UNKNOWN, "name": "requests"}]), "not found on PyPI"),
        (Answer([], "Could not connect to PyPI's vulnerability feed"), "Could not connect"),
        (Answer([{**OLD, "vulns": []}]), "knows of nothing against requests==2.19.0"),
    ],
)
def test_a_service_that_does_not_tell_is_no_clean_bill(tmp_path: Path, first: Answer, why: str) -> None:
    code, text = audited(tmp_path, first, FINE)
    assert code == 0
    assert "SKIPPED, no package of constraints.txt was checked" in text and why in text
    assert "no known vulnerability" not in text


def test_a_vulnerability_fails_and_says_what_to_do(tmp_path: Path) -> None:
    code, text = audited(tmp_path, Answer([OLD]), FINE, HOLED)
    assert code == 1
    assert "jinja2 3.0 has GHSA-1 = CVE-2025-1; fixed in 3.1.6" in text
    assert "GHSA-2; fixed in no version yet" in text
    assert "What to do: pin a version with the fix" in text


def test_no_vulnerability_and_what_was_not_checked(tmp_path: Path) -> None:
    code, text = audited(tmp_path, Answer([OLD]), FINE, UNKNOWN)
    assert code == 0
    assert "1 packages of constraints.txt, no known vulnerability" in text
    assert "not checked: phi" in text


def test_an_audit_that_breaks_off_fails(tmp_path: Path) -> None:
    code, text = audited(tmp_path, Answer([OLD]), complaint="connection reset")
    assert code == 1
    assert "connection reset" in text


SAID = {
    "vulnerabilities": {
        "minimist": {
            "via": [{"url": "https://github.com/advisories/GHSA-vh95-rmgr-6w4m"}, "other"],
            "severity": "medium",
        }
    }
}


@pytest.mark.parametrize(
    ("said", "code", "line"),
    [
        (SAID, 1, "audit: minimist 0.0.8 has GHSA-vh95-rmgr-6w4m; fixed in no version yet"),
        ({"message": "405 Method Not Allowed", "statusCode": 405}, 0, "audit SKIPPED, no package of package-lock.json"),
        ({"vulnerabilities": {}}, 0, "it knows of nothing against minimist@0.0.8"),
    ],
)
def test_npm_is_asked_in_the_same_way(
    said: dict[str, Any], code: int, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps(said, indent=2)
    monkeypatch.setattr(
        subprocess, "run", lambda args, **_: subprocess.CompletedProcess(args, 1, stdout=text, stderr="")
    )
    monkeypatch.setattr(audits.azurite, "system_node", lambda _: audits.azurite.Node(Path("node"), ("npm",)))
    found, lines = audit(audits.pin_npm(tmp_path), ask_npm, NPM)
    assert found == code
    assert line in "\n".join(lines)
