"""What Pulumi.<stack>.yaml says, read as Pulumi reads it.

The file is enough unless it holds what Pulumi alone can read: `environment:`, whose values come from Pulumi ESC, or a
`secure:` value of one of our keys. Only then `pulumi config` is asked, which takes half a second; what it cannot answer
is a problem of the settings, never a value left out.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settings import untrusted_yaml
from settings.outputs import MISSING, advice
from settings.problems import NAMESPACE, PROVIDER_KEYS, Problem, SettingsError, shown
from settings.redaction import redact

_SECONDS = 60


@dataclass(frozen=True)
class StackFile:
    """Values under their full keys, and which of the keys hold a secret."""

    values: dict[str, Any]
    secret: frozenset[str]


def read(stack: str, name: str, root: Path) -> StackFile:
    """What the file of a stack says; `stack` is what Pulumi calls it, `name` its last part. Raises SettingsError."""
    path = root / f"Pulumi.{name}.yaml"
    document = _yaml(path, name)
    values = {_full(key): value for key, value in _config(document, path, name).items()}
    if document and "environment" in document:
        reason = "takes values from `environment:`"
    elif secret := [key for key, value in values.items() if key.startswith(f"{NAMESPACE}:") and _has_secret(value)]:
        reason = f"holds {', '.join(secret)} encrypted"
    else:
        return StackFile(values, frozenset())
    return _from_pulumi(stack, name, path, reason)


def changed_defaults(stack: str, root: Path, defaults: dict[str, Any]) -> list[Problem]:
    """Defaults in Pulumi.yaml that are not the program's; Pulumi would give the program those of whole sections."""
    path = root / "Pulumi.yaml"
    # The project's own keys have a `default`, those of other namespaces a `value`.
    declared = {
        _full(key): entry[kind]
        for key, entry in _config(_yaml(path, stack), path, stack).items()
        for kind in ("default", "value")
        if isinstance(entry, dict) and kind in entry
    }
    return [
        Problem(
            key,
            shown(value),
            "is changed in Pulumi.yaml, whose defaults are made from settings/",
            f"put it into Pulumi.{stack}.yaml, and make diagram",
        )
        for key, value in declared.items()
        if _is_ours(key) and value != defaults.get(key)
    ]


def given(values: Mapping[str, Any], name: str, root: Path, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Without what Pulumi adds from the project's own file: what some keys say about others is for those not given.

    That is whatever is as it would be anyway, unless the stack's file, where it is in `root`, names it.
    """
    path = root / f"Pulumi.{name}.yaml"
    document = _yaml(path, name) if path.is_file() else None
    own = {_full(key) for key in _config(document, path, name)}
    return {key: value for key, value in values.items() if key in own or not _same(value, defaults.get(key, _NONE))}


_NONE = object()


def _same(value: Any, default: Any) -> bool:
    """Whether a value is the default, which Pulumi may hand out as text."""
    if isinstance(value, str) and isinstance(default, bool | int | float):
        return value.lower() == json.dumps(default)
    return bool(value == default)


def decoded(value: Any) -> Any:
    """Pulumi hands out sections and lists as JSON text."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _from_pulumi(stack: str, name: str, path: Path, reason: str) -> StackFile:
    def refused(why: str, remedy: str) -> SettingsError:
        return SettingsError(name, [Problem(path.name, "(encrypted or elsewhere)", f"{reason}; {why}", remedy)])

    if shutil.which("pulumi") is None:
        raise refused("that takes Pulumi to read", MISSING)
    command = ["pulumi", "config", "--json", "--show-secrets", "--non-interactive", "--stack", stack]
    try:
        done = subprocess.run(
            command,
            cwd=path.parent,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise refused(f"`pulumi config` gave no answer within {_SECONDS} s", "try again") from None
    if done.returncode:
        said = redact(" ".join(done.stderr.split()).removeprefix("error: "))
        raise refused(f"`pulumi config` says: {said}", advice(name, said) or "mend what it names, then try again")
    try:
        entries = json.loads(done.stdout)
    except (ValueError, RecursionError):
        raise refused("`pulumi config` answered something that is not JSON", "see what it prints") from None
    return StackFile(
        {key: decoded(entry.get("value")) for key, entry in entries.items()},
        frozenset(key for key, entry in entries.items() if entry.get("secret")),
    )


def _yaml(path: Path, stack: str) -> Any:
    try:
        return untrusted_yaml.read(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        problem = Problem(path.name, "(unreadable)", f"is no YAML: {reason}", "mend the line it names")
        raise SettingsError(stack, [problem]) from None


def _config(document: Any, path: Path, stack: str) -> dict[str, Any]:
    found = (document or {}).get("config") if isinstance(document or {}, dict) else document
    if found is None:
        return {}
    if not isinstance(found, dict):
        rule = "must hold `config:` with keys of its own"
        raise SettingsError(stack, [Problem(path.name, shown(found), rule, "indent the keys under it")])
    return {str(name): value for name, value in found.items()}


def _full(key: str) -> str:
    return key if ":" in key else f"{NAMESPACE}:{key}"


def _is_ours(key: str) -> bool:
    return key.startswith(f"{NAMESPACE}:") or key in PROVIDER_KEYS.values()


def _has_secret(value: Any) -> bool:
    """Whether something in it is `secure: …` and nothing else, which is how Pulumi writes a secret."""
    if isinstance(value, dict):
        return set(value) == {"secure"} or any(map(_has_secret, value.values()))
    return isinstance(value, list) and any(map(_has_secret, value))
