"""What was approved is what workflows update, go on with and destroy, and the comment that tells of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from review.pages.comment import comment

ROOT = Path(__file__).resolve().parents[2]


SCRIPTS = ROOT / ".github" / "scripts"


FAKE_GH = """#!/usr/bin/env python3
import json, os, sys
with open(os.environ["GH_LOG"], "a") as log:
    body = [a.split("@", 1)[1] for a in sys.argv if a.startswith("body=@")]
    log.write(json.dumps([sys.argv[1:], open(body[0]).read() if body else ""]) + "\\n")
if "--jq" in sys.argv:
    print(os.environ.get("GH_FOUND", ""))
"""


def program(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/bash", *lines, ""]))
    path.chmod(0o755)


def _jobs(file: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / file).read_text())["jobs"]
    return found


def _steps(file: str, job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _jobs(file)[job]["steps"]
    return found


def test_what_is_updated_is_what_was_reviewed_and_approved() -> None:
    """The review hands its report, prices and data on; the update makes none of them anew, and compares first."""
    (handed,) = (
        step["with"] for step in _steps("environment.yml", "review") if "upload-artifact" in step.get("uses", "")
    )
    assert {"data/", ".review/${{ inputs.stack }}/report.json"} <= set(handed["path"].splitlines())
    up = _steps("environment.yml", "up")
    assert [step["with"]["name"] for step in up if "download-artifact" in step.get("uses", "")] == [handed["name"]]
    runs = [step["run"] for step in up if "run" in step]
    assert runs == ['.github/scripts/up "$STACK" ".review/$STACK/report.json"']


def test_a_pull_request_is_judged_by_the_policies_of_the_branch_it_goes_to() -> None:
    steps = _steps("pull-request.yml", "review")
    (base,) = (step["with"]["path"] for step in steps if "base.sha" in str(step.get("with", {}).get("ref")))
    assert any(f"--base {base}" in step.get("run", "") for step in steps)


@pytest.mark.parametrize(
    ("stages", "others", "said"),
    [
        ({"finetune": "running"}, {}, "goes on"),
        ({"finetune": "queued"}, {}, "goes on"),
        ({"finetune": "cancelrequested"}, {}, "goes on"),
        ({"finetune": "done"}, {}, "end"),
        ({"finetune": "registering"}, {"prep": "Running"}, "end"),
        ({"finetune": "failed"}, {}, "end"),
        ({"finetune": "unknown"}, {"job": "Running"}, "goes on"),
        ({"finetune": "unknown"}, {}, "end"),
    ],
)
def test_whether_a_fine_tune_goes_on(stages: dict[str, str], others: dict[str, str], said: str) -> None:
    status = {"stages": [{"name": name, "state": state} for name, state in stages.items()], "other_jobs": others}
    done = subprocess.run([SCRIPTS / "finetune-state"], input=json.dumps(status), capture_output=True, text=True)
    assert done.stdout.strip() == said


@pytest.mark.parametrize(
    ("run", "artifacts", "waiting"),
    [
        ({}, ["waiting-dev"], [{"stack": "dev", "run": 7}]),
        (
            {},
            ["waiting-dev", "waiting-prod", "approved-dev"],
            [{"stack": "dev", "run": 7}, {"stack": "prod", "run": 7}],
        ),
        ({}, ["releases-dev"], []),
        ({"conclusion": "success"}, ["waiting-dev"], []),
        ({"status": "in_progress", "conclusion": None}, ["waiting-dev"], []),
        ({"run_started_at": "2026-11-29T13:00:00Z"}, ["waiting-dev"], []),
    ],
    ids=["one", "two", "failed otherwise", "succeeded", "again under way", "failed otherwise the last time"],
)
def test_which_runs_wait_for_a_fine_tune(
    run: dict[str, Any], artifacts: list[str], waiting: list[dict[str, Any]], tmp_path: Path
) -> None:
    failed = {"id": 7, "status": "completed", "conclusion": "failure", "run_started_at": "2026-11-29T11:00:00Z", **run}
    made = [{"name": name, "created_at": "2026-11-29T12:00:00Z"} for name in artifacts]
    (tmp_path / "runs").write_text(json.dumps({"workflow_runs": [failed]}))
    (tmp_path / "artifacts").write_text(json.dumps({"artifacts": made}))
    program(tmp_path / "gh", f'case "$2" in *artifacts*) cat {tmp_path}/artifacts;; *) cat {tmp_path}/runs;; esac')
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "REPOSITORY": "acme/phi"}
    done = subprocess.run([SCRIPTS / "continue"], env=environment, capture_output=True, text=True)
    assert json.loads(done.stdout) == waiting, done.stderr


@pytest.mark.parametrize(("state", "waits"), [("running", True), ("failed", False)])
def test_an_update_that_left_its_fine_tune_says_so(state: str, waits: bool, tmp_path: Path) -> None:
    status = json.dumps({"stages": [{"name": "finetune", "state": state}], "other_jobs": {}})
    (tmp_path / "status.json").write_text(status)
    program(tmp_path / ".venv" / "bin" / "pulumi", f"env > {tmp_path}/env", "exit 255")
    program(tmp_path / ".venv" / "bin" / "python", f'case "$2" in jobs) cat {tmp_path}/status.json;; esac')
    script = str(ROOT / ".github" / "scripts" / "up")
    done = subprocess.run([script, "dev", "report.json"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 255, done.stderr
    assert (tmp_path / ".runs" / "waiting").exists() == waits
    seen = (tmp_path / "env").read_text()
    assert "FINETUNE_PHI_LOGIN_RENEWED=true" in seen
    leaves = int(re.findall(r"FINETUNE_PHI_LEAVE_AT=(\d+)", seen)[0])
    (up,) = (job for job in _jobs("environment.yml").values() if job.get("environment") == "${{ inputs.stack }}")
    assert leaves - time.time() < 60 * up["timeout-minutes"] - 3600, "an hour for what comes after"


@pytest.mark.parametrize(("compared", "ends", "updated"), [(0, 0, True), (3, 3, False)])
def test_an_update_that_is_not_as_approved_does_not_begin(
    compared: int, ends: int, updated: bool, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    for name, code in (("python", compared), ("pulumi", 0)):
        program(tmp_path / ".venv" / "bin" / name, f"echo {name} $@ >> {log}", f"exit {code}")
    script = str(ROOT / ".github" / "scripts" / "up")
    done = subprocess.run([script, "acme/phi/dev", "report.json"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == ends, done.stderr
    lines = log.read_text().splitlines()
    assert lines[0] == "python -m review --stack acme/phi/dev --check --approved report.json"
    assert (len(lines) == 2) == updated
    if updated:
        assert lines[1].endswith("--policy-pack policy --policy-pack-config policy/dev.json")
        assert "--skip-preview" not in lines[1]


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
    done, log = destroyed(tmp_path, urn=f"urn:pulumi:dev::finetune-phi::infra${urn}", may=may)
    assert done.returncode == ends, done.stderr
    assert ("docs/environments.md" in done.stdout) == bool(ends)
    assert ("pulumi destroy --yes --non-interactive --stack dev" in log) == (not ends)


@pytest.mark.parametrize(("compared", "gone"), [(0, True), (3, False)])
def test_a_destroy_takes_what_was_approved_and_nothing_else(compared: int, gone: bool, tmp_path: Path) -> None:
    done, log = destroyed(tmp_path, compared=compared)
    assert "python -m review --stack dev --destroy --check --approved report.json" in log
    assert (done.returncode, any("pulumi destroy" in line for line in log)) == (compared, gone)
    (handed,) = (step["with"] for step in _steps("destroy.yml", "review") if "upload-artifact" in step.get("uses", ""))
    steps = _steps("destroy.yml", "destroy")
    assert [step["with"]["name"] for step in steps if "download-artifact" in step.get("uses", "")] == [handed["name"]]
    assert steps[-1]["run"] == '.github/scripts/destroy "$STACK" ".review/$STACK/report.json"'


@pytest.mark.parametrize(
    ("confirmation", "known", "said"),
    [("dev", "true", ""), ("prod", "true", "the confirmation is not 'dev'"), ("dev", "false", "names no stack 'dev'")],
)
def test_a_destroy_is_meant(confirmation: str, known: str, said: str) -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "destroy.yml").read_text())["jobs"]
    assert (jobs["review"]["needs"], jobs["destroy"]["needs"]) == ("asked", "review")
    environment = {**os.environ, "STACK": "dev", "CONFIRMATION": confirmation, "KNOWN": known}
    script = jobs["asked"]["steps"][0]["run"]
    done = subprocess.run(["bash", "-e", "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, said in done.stdout) == (int(bool(said)), True)


def destroyed(
    tmp_path: Path, urn: str = "", may: str = "", compared: int = 0
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    log = tmp_path / "log"
    log.touch()
    for name, code in (("python", compared), ("pulumi", 0)):
        program(tmp_path / ".venv" / "bin" / name, f"echo {name} $@ >> {log}", f"echo '{urn}'", f"exit {code}")
    done = subprocess.run(
        [str(SCRIPTS / "destroy"), "dev", "report.json"],
        cwd=tmp_path,
        env={**os.environ, "MAY_PURGE": may},
        capture_output=True,
        text=True,
        check=False,
    )
    return done, log.read_text().splitlines()


def report(stack: str, verdict: str, body: str) -> str:
    return f"## Stack {stack}: {verdict}\n\n{body}\n"


PROPERTIES = "<details><summary>Properties</summary>\n\n```diff\n{}\n```\n\n</details>\n"


LONG = PROPERTIES.format("\n".join(f"    property {number}: before → after" for number in range(3_000)))


HOSTILE = {
    "a long fence": LONG,
    "an open fence": "<details><summary>x</summary>\n\n````\nnever closed",
    "a tilde fence": "~~~\nnever closed",
    "an open comment": "fine <!-- and all that follows",
    "an open fold": "<details><summary>all that follows</summary>",
    "folds in folds": "<details><details><details><summary>x",
    "markup": "<img src=x><plaintext><script><textarea>",
    "one line": "x" * 200_000,
    "many bytes": "→" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_report_hides_anothers_verdict(name: str) -> None:
    dev, prod = report("dev", "approve", HOSTILE[name]), report("prod", "refused", LONG)
    said = comment({"review-dev": dev, "review-prod": prod, "review-other": "no report"})
    assert len(said.encode()) < 65_536
    lines = said.splitlines()
    assert lines[:4] == [
        "<!-- review of every environment -->",
        "- **dev**: approve",
        "- **prod**: refused",
        "- **review-other**: its report has no verdict",
    ]
    at = lines.index("## Stack prod: refused")
    assert open_at(lines[4:at]) == (False, 0), "what the first opened ends with it"
    assert open_at(lines[4:]) == (False, 0)
    assert "<!--" not in "\n".join(lines[1:]) and not re.search(
        r"<(?!/?(?:details|summary)>)", outside_fences(lines[1:])
    )


def open_at(lines: list[str]) -> tuple[bool, int]:
    """Whether a fence is open behind these lines, and how many folds are."""
    text, fenced = outside_fences(lines), False
    for line in lines:
        if line.startswith(("```", "~~~")):
            fenced = not fenced
    return fenced, text.count("<details>") - text.count("</details>")


def outside_fences(lines: list[str]) -> str:
    kept, fenced = [], False
    for line in lines:
        if line.startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced:
            kept.append(line)
    return "\n".join(kept)


def test_a_short_report_is_shown_as_it_is() -> None:
    text = report("dev", "approve", PROPERTIES.format("    a < b"))
    assert comment({"review-dev": text}).partition("\n\n")[2] == text.rstrip("\n") + "\n"


def test_a_verdict_is_words() -> None:
    said = comment({"x": "## Stack dev: <b>[approve](http://evil.example)</b> @all `x`\n"})
    assert said.splitlines()[1] == "- **dev**: b approve (http evil.example) b all x"
