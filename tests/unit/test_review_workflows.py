"""What GitHub runs: pinned, with the least permissions, and a comment that is updated in place."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FAKE_GH = """#!/usr/bin/env python3
import json, os, sys
with open(os.environ["GH_LOG"], "a") as log:
    body = [a.split("@", 1)[1] for a in sys.argv if a.startswith("body=@")]
    log.write(json.dumps([sys.argv[1:], open(body[0]).read() if body else ""]) + "\\n")
if "--jq" in sys.argv:
    print(os.environ.get("GH_FOUND", ""))
"""


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: str(file.name))
def test_permissions_and_pins(file: Path) -> None:
    text = file.read_text()
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {}, "nothing unless a job asks for it"
    for name, job in workflow["jobs"].items():
        assert set(job["permissions"].items()) <= {
            ("contents", "read"),
            ("id-token", "write"),
            ("pull-requests", "write"),
        }, name
        # A job with a token for Azure is one of an environment, whose rules GitHub keeps.
        if "id-token" in job["permissions"]:
            assert "environment" in job or "uses" in job, name
            assert "pull-requests" not in job["permissions"], name
    for used in re.findall(r"uses: (\S+)(.*)", text):
        assert used[0].startswith("./") or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", used[0]), used
        assert used[0].startswith("./") or re.fullmatch(r" # v\d+\.\d+\.\d+", used[1]), used
    assert "secrets." not in text


@pytest.mark.parametrize(("found", "method"), [("", "POST"), ("77", "PATCH")])
def test_the_comment_is_updated_in_place(found: str, method: str, tmp_path: Path) -> None:
    (tmp_path / "reviews" / "review-dev").mkdir(parents=True)
    (tmp_path / "reviews" / "review-dev" / "report.md").write_text("## Stack dev: approve\n")
    gh = tmp_path / "gh"
    gh.write_text(FAKE_GH)
    gh.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "GH_LOG": str(tmp_path / "log"),
        "GH_FOUND": found,
        "REPOSITORY": "someone/finetune-phi",
        "NUMBER": "3",
    }
    script = ROOT / ".github" / "scripts" / "comment"
    subprocess.run([str(script), str(tmp_path / "reviews")], env=environment, check=True)
    calls = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    arguments, body = calls[-1]
    assert method in arguments
    assert arguments[3] == f"repos/someone/finetune-phi/issues/{'comments/77' if found else '3/comments'}"
    assert body.startswith("<!-- review of every environment -->") and "## Stack dev: approve" in body


@pytest.mark.parametrize(
    ("urn", "may", "ends"),
    [("Purge::purge", "", 1), ("Purge::purge", "true", 0), ("Vault::key-vault", "", 0)],
    ids=["purges and may not", "purges and may", "purges nothing"],
)
def test_a_destroy_that_may_not_purge_is_refused_before_anything_is_gone(
    urn: str, may: str, ends: int, tmp_path: Path
) -> None:
    steps = yaml.safe_load((ROOT / ".github" / "workflows" / "destroy.yml").read_text())["jobs"]["destroy"]["steps"]
    scripts = [step["run"] for step in steps if "run" in step]
    (check,) = (script for script in scripts if "MAY_PURGE" in script)
    assert "pulumi destroy" in scripts[scripts.index(check) + 1]
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(f"#!/bin/sh\necho '    │  URN: urn:pulumi:dev::finetune-phi::infra${urn}'\n")
    pulumi.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "STACK": "dev", "MAY_PURGE": may}
    done = subprocess.run(["bash", "-e", "-c", check], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == ends, done.stderr
    assert ("docs/environments.md" in done.stdout) == bool(ends)
