"""python -m jobs github-subject: how GitHub's tokens for a repository begin, which Entra ID compares letter by letter.

Repositories made, renamed or moved since the middle of 2026 have ids in it, and GitHub alone says which form it uses:
its `sub_claim_prefix` counts, also where `use_immutable_subject` beside it has not followed yet.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from cloud.errors import StageError
from cloud.hosts import bearer
from settings.commandline import own_name
from settings.redaction import redact

if TYPE_CHECKING:
    from settings.sections.github import GithubSettings

ORDER = 6
HELP = "how GitHub's tokens begin; exit code 1 if the stack file says otherwise"
_SECONDS = 30
_PREFIX = re.compile(r"repo:[\w.-]+(@\d+)?/[\w.-]+(@\d+)?")
REVIEW = "-review"
"""What the environment of the identity that reviews has behind the stack's name."""


class NotAskedError(Exception):
    """GitHub gave no answer; the message says why."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Takes the stack alone."""


def run(chosen: argparse.Namespace) -> None:
    """Prints what GitHub says and the two subjects. Exits with 1 where the stack file says otherwise."""
    from settings.stack import load

    name = own_name(chosen.stack)
    github = load(chosen.stack).github
    if not github.repository:
        todo = "Set finetune-phi:github.repository to owner/name first (docs/environments.md)."
        why = "no workflow of GitHub's deploys it"
        raise StageError("the stack trusts no repository", on=f"stack {name}", why=why, todo=todo)
    lines, right = described(name, github)
    print("\n".join(lines))
    if not right:
        sys.exit(1)


def prefix(repository: str) -> str:
    """What GitHub says. Raises NotAskedError, and StageError for an answer that no setting can stand for."""
    path = f"repos/{repository}/actions/oidc/customization/sub"
    answer = _by_gh(path) if shutil.which("gh") else _by_rest(path)
    on = f"repository {repository}"
    what = "the trust in GitHub's tokens cannot be described"
    if answer.get("use_default") is False:
        keys = ", ".join(map(str, answer.get("include_claim_keys") or ()))
        why = f"the repository's tokens say who they are for by a template of its own ({keys or 'of its organization'})"
        todo = f"Go back to GitHub's default: `gh api --method PUT {path} -F use_default=true`."
        raise StageError(what, on=on, why=why, todo=todo)
    found = str(answer.get("sub_claim_prefix") or f"repo:{repository}")
    if not _PREFIX.fullmatch(found):
        why = f"GitHub's tokens for it begin with {found}, which is no repository"
        raise StageError(what, on=on, why=why, todo="Look at the subject that azure/login prints in a workflow's log.")
    return found


def described(stack: str, github: GithubSettings) -> tuple[list[str], bool]:
    """What there is to say about a stack's setting, and whether it is as it has to be. Raises StageError."""
    set_ = github.subject_of(stack).removesuffix(f":environment:{stack}")
    try:
        found = prefix(github.repository)
    except NotAskedError as error:
        asked = f"GitHub was not asked: {error}. This is what the stack file says:"
        return [asked, *_subjects(stack, set_)], True
    lines = [f"GitHub's tokens for {github.repository} begin with {found}."]
    if found == set_:
        return [*lines, "The stack file says so too.", *_subjects(stack, found)], True
    key = f"pulumi config set --path finetune-phi:github.subject {found} --stack {stack}"
    return [*lines, f"The stack file says {set_}. Mend it:", f"  {key}", *_subjects(stack, found)], False


def _subjects(stack: str, found: str) -> list[str]:
    return [
        f"subject of the identity that deploys: {found}:environment:{stack}",
        f"subject of the identity that reviews: {found}:environment:{stack}{REVIEW}",
    ]


def _by_gh(path: str) -> dict[str, Any]:
    """As whoever is signed in with GitHub's own command line."""
    try:
        done = subprocess.run(["gh", "api", path], capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotAskedError(f"`gh api` gave no answer ({type(error).__name__})") from None
    if done.returncode:
        said = next((line for line in done.stderr.splitlines() if line.strip()), "it said nothing")
        raise NotAskedError(redact(f"`gh api {path}` failed ({said.strip()}); sign in with `gh auth login`"))
    return _object(done.stdout)


def _by_rest(path: str) -> dict[str, Any]:
    import requests

    token = os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN")
    headers, auth = {"Accept": "application/vnd.github+json"}, bearer(token) if token else None
    try:
        answer = requests.get(f"https://api.github.com/{path}", headers=headers, auth=auth, timeout=_SECONDS)
    except requests.RequestException as error:
        raise NotAskedError(f"api.github.com could not be reached ({type(error).__name__})") from None
    if answer.status_code != 200:
        who = "" if token else " without a token; install `gh` and sign in, or set GH_TOKEN"
        raise NotAskedError(f"api.github.com answered {answer.status_code}{who}")
    return _object(answer.text)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise NotAskedError("what it answered is no JSON object")
    return found
