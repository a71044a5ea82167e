"""What GitHub's tokens for a repository begin with: asked, where it can be, and beside what the stack file says."""

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

OLD = {"use_default": True, "use_immutable_subject": False, "sub_claim_prefix": "repo:me/phi"}
NEW = {"use_default": True, "use_immutable_subject": True, "sub_claim_prefix": "repo:me@1/phi@23"}
URL = "https://api.github.com/repos/me/phi/actions/oidc/customization/sub"


class Hub:
    """GitHub, asked by REST where there is no `gh`, else by it; what it was asked is kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answer: Any = NEW
        self.status = 200
        self.error: Exception | None = None
        self.asked: list[tuple[str, str]] = []
        monkeypatch.setattr(requests, "get", self._rest)
        monkeypatch.setattr(subprocess, "run", self._gh)
        for name in ("GH_TOKEN", "GITHUB_TOKEN"):
            monkeypatch.delenv(name, raising=False)

    def _text(self) -> str:
        return self.answer if isinstance(self.answer, str) else json.dumps(self.answer)

    def _rest(self, url: str, auth: Any, **_: Any) -> Any:
        sent = requests.Request("GET", url, auth=auth).prepare()
        self.asked.append((url, sent.headers.get("Authorization", "")))
        if self.error:
            raise self.error
        return SimpleNamespace(status_code=self.status, text=self._text())

    def _gh(self, command: list[str], **_: Any) -> Any:
        self.asked.append((" ".join(command), ""))
        if self.error:
            raise self.error
        code = 0 if self.status == 200 else 1
        return subprocess.CompletedProcess(command, code, self._text(), "gh: Not Found (HTTP 404)\n" * code)


@pytest.fixture(params=["rest", "gh"])
def hub(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Hub:
    there = request.param == "gh"
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/gh" if there and name == "gh" else None)
    return Hub(monkeypatch)


@pytest.mark.parametrize(
    ("answer", "prefix"),
    [
        (OLD, "repo:me/phi"),
        (NEW, "repo:me@1/phi@23"),
        ({**NEW, "use_immutable_subject": False}, "repo:me@1/phi@23"),  # seen so; the tokens had the ids
        ({"use_default": True}, "repo:me/phi"),  # as GitHub answered before there were ids
    ],
)
def test_the_prefix_that_github_names_counts(hub: Hub, answer: Any, prefix: str) -> None:
    hub.answer = answer
    assert github.prefix("me/phi") == prefix
    ((asked, _),) = hub.asked
    assert asked in (URL, "gh api repos/me/phi/actions/oidc/customization/sub")


def test_a_template_of_its_own_is_refused(hub: Hub) -> None:
    hub.answer = {**NEW, "use_default": False, "include_claim_keys": ["repo", "context"]}
    with pytest.raises(StageError, match=r"template of its own \(repo, context\)") as raised:
        github.prefix("me/phi")
    assert "use_default=true" in raised.value.todo


def test_a_prefix_that_is_no_repository_is_refused(hub: Hub) -> None:
    hub.answer = {**NEW, "sub_claim_prefix": "repository_owner:me"}
    with pytest.raises(StageError, match="which is no repository"):
        github.prefix("me/phi")


@pytest.mark.parametrize("fault", ["status", "text", "list", "error"])
def test_without_an_answer_the_setting_stands(hub: Hub, fault: str) -> None:
    if fault == "status":
        hub.status = 404
    elif fault == "error":
        hub.error = requests.ConnectionError("no route") if shutil.which("gh") is None else OSError("gone")
    else:
        hub.answer = {"text": "oops", "list": []}[fault]
    lines, right = github.described("dev", GithubSettings(repository="me/phi"))
    assert right
    assert lines[0].startswith("GitHub was not asked: ")
    assert lines[1:] == [
        "subject of the identity that deploys: repo:me/phi:environment:dev",
        "subject of the identity that reviews: repo:me/phi:environment:dev-review",
    ]


def test_a_token_of_the_environment_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    hub = Hub(monkeypatch)
    monkeypatch.setenv("GH_TOKEN", "canary")
    github.prefix("me/phi")
    assert hub.asked == [(URL, "Bearer canary")]


def test_the_stack_file_is_compared_and_the_line_for_it_printed(hub: Hub) -> None:
    lines, right = github.described("dev", GithubSettings(repository="me/phi"))
    assert not right
    assert "  pulumi config set --path finetune-phi:github.subject repo:me@1/phi@23 --stack dev" in lines
    assert "subject of the identity that reviews: repo:me@1/phi@23:environment:dev-review" in lines
    lines, right = github.described("dev", GithubSettings(repository="me/phi", subject="repo:me@1/phi@23"))
    assert right and "The stack file says so too." in lines
    hub.answer = OLD
    assert github.described("dev", GithubSettings(repository="me/phi"))[1]


def test_the_command(hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = SimpleNamespace(github=GithubSettings(repository="me/phi"))
    monkeypatch.setattr(settings.stack, "load", lambda stack: chosen)
    with pytest.raises(SystemExit) as ended:
        cli.main(["github-subject", "--stack", "org/phi/dev"])
    assert ended.value.code == 1
    assert "repo:me@1/phi@23:environment:dev\n" in capsys.readouterr().out
    hub.answer = OLD
    cli.main(["github-subject", "--stack", "dev"])
    chosen.github = GithubSettings()
    with pytest.raises(SystemExit, match=r"the stack trusts no repository \(stack dev\)"):
        cli.main(["github-subject", "--stack", "dev"])
