"""The coverage page: up to date, complete, and naming tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emulator import coverage
from emulator.__main__ import main
from emulator.front.server import KINDS
from emulator.refusals import REFUSALS
from emulator.validation import bodies, rules, versions

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def page() -> str:
    return coverage.page()


def test_the_page_in_the_docs_is_the_generated_one(page: str) -> None:
    kept = (ROOT / coverage.PAGE).read_text()
    assert kept == page, f"out of date: python -m emulator coverage > {coverage.PAGE}"


def test_the_command_says_when_the_page_is_out_of_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(coverage, "page", lambda: "# A page\n")
    assert main(["coverage"]) == 0
    assert main(["coverage", "--check"]) == 1
    shown = capsys.readouterr()
    assert shown.out == "# A page\n"
    assert "docs/emulator-coverage.md is out of date: python -m emulator coverage >" in shown.err
    (tmp_path / "docs").mkdir()
    (tmp_path / coverage.PAGE).write_text("# A page\n")
    assert main(["coverage", "--check"]) == 0


def test_every_type_is_there_with_what_it_does(page: str) -> None:
    for kind in KINDS:
        assert f"### {kind.type}\n" in page
    endpoint = page.split("/workspaces/onlineEndpoints\n")[1].split("###")[0]
    assert "PUT, long-running" in endpoint
    assert "POST `listkeys`" in endpoint
    assert "BadRequest (InferencingClientCallFailed)" in endpoint
    assert "`properties.authMode`" in endpoint


def test_every_type_that_takes_a_put_has_a_model_and_versions() -> None:
    writable = [kind.type for kind in KINDS if not kind.virtual]
    assert [kind for kind in writable if kind not in bodies.BODIES] == []
    assert [kind for kind in writable if not versions.supported(kind)] == []


def test_every_test_that_the_page_names_exists() -> None:
    named = [test for rule in rules.RULES for test in (rule.refused, rule.allowed)]
    named += [test for row in REFUSALS for test in row.tests]
    texts = {path: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    missing = []
    for name in named:
        file, _, function = name.partition("::")
        pattern = rf"^def {re.escape(function.partition('[')[0])}\("
        if not re.search(pattern, texts.get(ROOT / file, ""), re.MULTILINE):
            missing.append(name)
    assert missing == []
