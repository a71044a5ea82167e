"""GitHub's subject: how GitHub is asked, and what is told of its answer."""

from __future__ import annotations

import json
import shutil
import subprocess
from types import SimpleNamespace
from typing import Any

import pytest
import requests

import settings.stack
from cloud.errors import StageError
from jobs import __main__ as cli
from jobs.commands import github_subject as github
from settings.sections.github import GithubSettings

NEW = {"use_default": True, "sub_claim_prefix": "repo:me@1/phi@23"}


def test_githubs_own_command_line_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def run(command: list[str], **how: Any) -> Any:
        asked.append((command, how))
        return subprocess.CompletedProcess(command, 0, json.dumps(NEW), "")

    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/gh" if name == "gh" else None)
    monkeypatch.setattr(subprocess, "run", run)
    assert github.prefix("me/phi") == "repo:me@1/phi@23"
    how = {"capture_output": True, "text": True, "timeout": 30, "check": False}
    assert asked == [(["gh", "api", "repos/me/phi/actions/oidc/customization/sub"], how)]


@pytest.mark.parametrize(
    ("error", "code", "err", "told"),
    [
        (subprocess.TimeoutExpired("gh", 30), 0, "", "`gh api` gave no answer (TimeoutExpired)"),
        (OSError("gone"), 0, "", "`gh api` gave no answer (OSError)"),
        (None, 1, "\n gh: Not Found \nmore", "`gh api {path}` failed (gh: Not Found); sign in with `gh auth login`"),
        (None, 1, " \n", "`gh api {path}` failed (it said nothing); sign in with `gh auth login`"),
        (None, 0, "", "what it answered is no JSON object"),
    ],
)
def test_githubs_own_command_line_that_gives_no_answer(
    error: Exception | None, code: int, err: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **_: Any) -> Any:
        if error:
            raise error
        return subprocess.CompletedProcess(command, code, "[]", err)

    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/gh")
    monkeypatch.setattr(subprocess, "run", run)
    lines, right = github.described("dev", GithubSettings(repository="me/phi"))
    why = told.format(path="repos/me/phi/actions/oidc/customization/sub")
    assert right and lines[0] == f"GitHub was not asked: {why}. This is what the stack file says:"


@pytest.mark.parametrize(
    ("name", "token"), [("GH_TOKEN", "Bearer canary"), ("GITHUB_TOKEN", "Bearer canary"), ("", None)]
)
def test_github_is_asked_by_rest(name: str, token: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def get(url: str, *, headers: Any, auth: Any, timeout: float) -> Any:
        sent = requests.Request("GET", url, auth=auth).prepare()
        asked.append((url, headers, sent.headers.get("Authorization"), timeout))
        return SimpleNamespace(status_code=404, text="")

    for each in ("GH_TOKEN", "GITHUB_TOKEN"):
        monkeypatch.delenv(each, raising=False)
    if name:
        monkeypatch.setenv(name, "canary")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(requests, "get", get)
    lines, _ = github.described("dev", GithubSettings(repository="me/phi"))
    url = "https://api.github.com/repos/me/phi/actions/oidc/customization/sub"
    assert asked == [(url, {"Accept": "application/vnd.github+json"}, token, 30)]
    who = "" if token else " without a token; install `gh` and sign in, or set GH_TOKEN"
    assert lines[0] == (f"GitHub was not asked: api.github.com answered 404{who}. This is what the stack file says:")


def told(answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(github, "_by_rest", lambda path: answer)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(StageError) as refused:
        github.prefix("me/phi")
    return str(refused.value)


def test_what_github_says_that_no_setting_can_stand_for(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "repos/me/phi/actions/oidc/customization/sub"
    start = "the trust in GitHub's tokens cannot be described (repository me/phi): "
    for keys, whose in ((["repo", "context"], "repo, context"), (None, "of its organization")):
        assert told({"use_default": False, "include_claim_keys": keys}, monkeypatch) == (
            f"{start}the repository's tokens say who they are for by a template of its own ({whose}). Go back to "
            f"GitHub's default: `gh api --method PUT {path} -F use_default=true`."
        )
    assert told({"sub_claim_prefix": "owner:me"}, monkeypatch) == (
        f"{start}GitHub's tokens for it begin with owner:me, which is no repository. Look at the subject that "
        "azure/login prints in a workflow's log."
    )


def test_the_subject_is_told_whole(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(github, "_by_rest", lambda path: NEW)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    chosen = SimpleNamespace(github=GithubSettings(repository="me/phi"))
    monkeypatch.setattr(settings.stack, "load", lambda stack: chosen)
    with pytest.raises(SystemExit):
        cli.main(["github-subject", "--stack", "dev"])
    subjects = [
        "subject of the identity that deploys: repo:me@1/phi@23:environment:dev",
        "subject of the identity that reviews: repo:me@1/phi@23:environment:dev-review",
    ]
    assert capsys.readouterr().out.splitlines() == [
        "GitHub's tokens for me/phi begin with repo:me@1/phi@23.",
        "The stack file says repo:me/phi. Mend it:",
        "  pulumi config set --path finetune-phi:github.subject repo:me@1/phi@23 --stack dev",
        *subjects,
    ]
    chosen.github = GithubSettings(repository="me/phi", subject="repo:me@1/phi@23")
    cli.main(["github-subject", "--stack", "dev"])
    assert capsys.readouterr().out.splitlines()[1:] == ["The stack file says so too.", *subjects]
    chosen.github = GithubSettings()
    with pytest.raises(SystemExit) as refused:
        cli.main(["github-subject", "--stack", "dev"])
    assert refused.value.code == (
        "error: the stack trusts no repository (stack dev): no workflow of GitHub's deploys it. Set "
        "finetune-phi:github.repository to owner/name first (docs/environments.md)."
    )
