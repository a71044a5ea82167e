"""What GitHub runs: pinned, with the least permissions, for every environment in turn."""

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


ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))


SCRIPTS = ROOT / ".github" / "scripts"


ALLOWED = {
    ("actions", "read"), ("actions", "write"), ("contents", "read"), ("id-token", "write"), ("pull-requests", "write"),
}  # fmt: skip


OF_A_RELEASE = {("contents", "write"), ("id-token", "write"), ("attestations", "write")}


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: str(file.name))
def test_permissions_and_pins(file: Path) -> None:
    text = file.read_text()
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {}, "nothing unless a job asks for it"
    for name, job in workflow["jobs"].items():
        assert set(job["permissions"].items()) <= (OF_A_RELEASE if file.stem == "release" else ALLOWED), name
        # A job with a token for Azure is one of an environment, whose rules GitHub keeps.
        if "id-token" in job["permissions"]:
            assert "environment" in job or "uses" in job, name
            assert set(job["permissions"]) <= {"contents", "id-token", "attestations"}, name
    assert "secrets." not in text


@pytest.mark.parametrize("file", [*WORKFLOWS, *ACTIONS], ids=lambda file: str(file.relative_to(ROOT / ".github")))
def test_actions_are_pinned_by_commit(file: Path) -> None:
    """That a commit is the one of its tag, GitHub alone can tell: zizmor asks it in the pull request's check."""
    for used in re.findall(r"uses: (\S+)(.*)", file.read_text()):
        assert used[0].startswith("./") or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", used[0]), used
        assert used[0].startswith("./") or re.fullmatch(r" # v\d+\.\d+\.\d+", used[1]), used


def test_everything_is_installed_before_there_is_a_login() -> None:
    """And by programs that could not ask for a token themselves."""
    (login,) = (file for file in [*WORKFLOWS, *ACTIONS] if "azure/login@" in file.read_text())
    steps = yaml.safe_load(login.read_text())["runs"]["steps"]
    setup, signed_in = ([n for n, step in enumerate(steps) if part in str(step)] for part in ("make setup", "login@"))
    assert setup < signed_in == [len(steps) - 1]
    assert steps[setup[0]]["run"] == (
        "env -u ACTIONS_ID_TOKEN_REQUEST_TOKEN -u ACTIONS_ID_TOKEN_REQUEST_URL SETUP_FOR=deploy make setup"
    )
    for workflow in WORKFLOWS:
        for name, job in yaml.safe_load(workflow.read_text())["jobs"].items():
            if "id-token" in job["permissions"] and "steps" in job and workflow.stem != "release":
                used = [step.get("uses", "").partition("@")[0] for step in job["steps"]]
                assert used[:2] == ["actions/checkout", "./.github/actions/azure"], (workflow.name, name)


VARIABLES = {
    "AZURE_CLIENT_ID": "c",
    "AZURE_TENANT_ID": "t",
    "AZURE_SUBSCRIPTION_ID": "s",
    "PULUMI_STORAGE_ACCOUNT": "account",
    "PULUMI_BACKEND_URL": "azblob://state-dev",
    "OTHER": "x",
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, ""),
        ({"AZURE_CLIENT_ID": ""}, "AZURE_CLIENT_ID must be set"),
        ({"PULUMI_STORAGE_ACCOUNT": ""}, "PULUMI_STORAGE_ACCOUNT must be set"),
        ({"PULUMI_BACKEND_URL": "azblob://x\nLD_PRELOAD=/tmp/x.so"}, "PULUMI_BACKEND_URL must be set"),
        ({"STACK": "dev\nPATH=/tmp"}, "the stack's name must be a word"),
    ],
)
def test_what_later_steps_find_in_their_environment(changed: dict[str, str], said: str) -> None:
    variables = json.dumps({**VARIABLES, **changed})
    environment = {**os.environ, "STACK": changed.get("STACK", "dev"), "VARIABLES": variables}
    done = subprocess.run([str(SCRIPTS / "environment")], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, said in done.stderr) == (int(bool(said)), True)
    told = "ARM_CLIENT_ID=c ARM_TENANT_ID=t ARM_SUBSCRIPTION_ID=s PULUMI_BACKEND_URL=azblob://state-dev"
    told += " AZURE_STORAGE_ACCOUNT=account STACK=dev ARM_USE_OIDC=true SETUP_FOR=deploy"
    assert done.stdout.split() == ([] if said else told.split())


@pytest.mark.parametrize("backend", ["https://api.pulumi.com", "s3://state-dev?region=eu-west-1", "gs://state-dev"])
def test_a_state_that_is_in_no_storage_account_needs_none(backend: str) -> None:
    variables = {key: value for key, value in VARIABLES.items() if key != "PULUMI_STORAGE_ACCOUNT"}
    given = json.dumps({**variables, "PULUMI_BACKEND_URL": backend})
    environment = {**os.environ, "STACK": "dev", "VARIABLES": given}
    done = subprocess.run([str(SCRIPTS / "environment")], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"PULUMI_BACKEND_URL={backend}" in done.stdout and "AZURE_STORAGE_ACCOUNT" not in done.stdout


def test_the_environments_are_one_list_in_its_order() -> None:
    """A third one needs no line here, and prod none of dev."""
    for file in ("deploy.yml", "drift.yml", "pull-request.yml"):
        jobs = yaml.safe_load((ROOT / ".github" / "workflows" / file).read_text())["jobs"].values()
        (strategy,) = (job["strategy"] for job in jobs if "strategy" in job)
        assert "fromJSON(vars.AZURE_" in strategy["matrix"]["stack"], file
        if file == "deploy.yml":
            assert (strategy["max-parallel"], strategy["fail-fast"]) == (1, True), "one after the other"
    text = "".join(re.sub(r"(?m)^ *#.*$", "", file.read_text()) for file in WORKFLOWS)
    assert not re.search(r"\bprod\b", text)


def program(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/bash", *lines, ""]))
    path.chmod(0o755)


def test_a_login_is_renewed_until_it_is_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program(
        tmp_path / "curl",
        'header="${@: -2:1}"',
        'cat "${header#@}" >> ' + str(log),
        'echo "{\\"value\\": \\"good-for-minutes\\"}"',
    )
    program(tmp_path / "az", f'echo "$@" >> {log}', f"[ $(grep -c login {log}) -lt 2 ] || kill $PPID")
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "RENEW_SECONDS": "0",
        "ACTIONS_ID_TOKEN_REQUEST_URL": "https://token.example/?a=b",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-job",
        "ARM_CLIENT_ID": "c",
        "ARM_TENANT_ID": "t",
    }
    subprocess.run([str(SCRIPTS / "renew-login")], env=environment, check=False, timeout=30)
    lines = log.read_text().splitlines()
    assert lines[:2] == [
        "Authorization: bearer of-the-job",
        "login --service-principal --username c --tenant t --federated-token good-for-minutes --output none",
    ]
    assert lines[2:4] == lines[:2]
