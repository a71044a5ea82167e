"""Reviews of a deployed stack, live: nothing, a changed setting, and a hand that reached past Pulumi.

Needs the stack `local` of the checkout it runs in, as `make up` leaves it; without it there is nothing to review.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("EMULATOR_HOME") or ROOT / ".emulator")
pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(
        not list((HOME / "pulumi" / "state").glob("**/stacks/**/local.json")), reason="no stack is deployed: make up"
    ),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The program, so that an edit is none of the checkout's."""
    for name in ("infra", "jobs", "data_prep", "flow", "policy", "emulator", "review", "data"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__main__.py", "Pulumi.yaml", "Pulumi.local.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return tmp_path


def _review(folder: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    bin_directories = f"{ROOT / '.venv' / 'pulumi' / 'bin'}:{ROOT / '.venv' / 'bin'}"
    environment = {**os.environ, "EMULATOR_HOME": str(HOME), "PATH": f"{bin_directories}:{os.environ['PATH']}"}
    emulator = [sys.executable, "-m", "emulator", "exec", "--"]
    review = [sys.executable, "-m", "review", "--stack", "local", *options]
    done = subprocess.run(
        [*emulator, *review], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    report: dict[str, Any] = json.loads((folder / ".review" / "local" / "report.json").read_text())
    return done.returncode, report, done.stdout


def _settings(folder: Path, section: str, **values: Any) -> None:
    file = folder / "Pulumi.local.yaml"
    content = yaml.safe_load(file.read_text())
    content["config"].setdefault(f"finetune-phi:{section}", {}).update(values)
    file.write_text(yaml.safe_dump(content))


def test_a_changed_setting_is_told_with_its_price_and_duration(copy: Path) -> None:
    _settings(copy, "recipe", learning_rate=0.00175)
    _settings(copy, "serving", instances=2)
    code, report, text = _review(copy, "--no-policies", "--fail-on", "cost=+20%")
    assert (code, report["verdict"]) == (1, "needs a person")
    assert "learning rate 0.0035 → 0.00175, about" in text
    assert "made-up price" in text
    assert report["cost"]["serving"]["after"] > report["cost"]["serving"]["before"] > 0


def test_a_stack_nobody_touched_is_one_line(copy: Path) -> None:
    code, report, text = _review(copy, "--no-policies")
    assert (code, report["verdict"], len(text.splitlines())) == (0, "no changes", 1)


def test_a_setting_that_is_refused_is_a_failed_review(copy: Path) -> None:
    _settings(copy, "serving", vmSize="Standard_NC6s_v3")
    code, report, text = _review(copy, "--no-policies")
    assert (code, report["verdict"]) == (2, "failed")
    assert "retired by Azure" in text
