"""What an endpoint is asked with, and the rotation of its two keys.

The key in the project's connection works at every moment of a rotation: the secondary key is made new, the connection
is given it, then the primary is made new and the connection is given that. What is to do next follows from which key
the connection holds, so a rotation that was interrupted is finished by the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chat.entra import by_token, token
from chat.phi_key import Key
from cloud.arm import Arm
from cloud.catalogue import ML_VERSION
from cloud.errors import NotFinished, StageError, azure_errors
from cloud.report import Report
from cloud.target import Target
from cloud.waiting import Stopped, in_words, minutely, pause

_KEY = "key"
"""Name of the endpoint's key in the connection (infra/foundry.py)."""
_KEPT = ("authType", "category", "target", "metadata", "isSharedToAll", "sharedUserList", "expiryTime")
_VERSION = {"api-version": ML_VERSION}
_SILENT = "Azure's answer says nothing of it"
PRIMARY, SECONDARY = "Primary", "Secondary"


@dataclass(frozen=True, kw_only=True)
class Keyring:
    """An endpoint and the connection with its key. ``pause`` is how many seconds others have to read it again."""

    target: Target
    endpoint: str
    project: str
    connection: str
    pause: float = 0

    @property
    def on(self) -> str:
        return f"endpoint {self.endpoint}"

    @property
    def endpoint_path(self) -> str:
        return f"{self.target.path}/onlineEndpoints/{self.endpoint}"

    @property
    def connection_path(self) -> str:
        return f"{replace(self.target, workspace=self.project).path}/connections/{self.connection}"


def address(arm: Arm, endpoint_path: str, properties: Mapping[str, Any]) -> tuple[str, Key]:
    """Where an endpoint with these properties is asked, and its primary key or, where it has none, the caller's tokens.

    Raises what ARM raises.
    """
    url = str(properties.get("scoringUri") or "")
    if by_token(str(properties.get("authMode"))):
        return url, token
    keys = arm.run("POST", f"{endpoint_path}/listKeys", _VERSION) or {}
    return url, str(keys.get("primaryKey") or "")


def rotate(ring: Keyring, report: Report, stop: threading.Event) -> None:
    """Leaves the endpoint with two new keys and the connection with the new primary one.

    Raises StageError, and NotFinished when ``stop`` was set: the connection's key works then too.
    """
    arm = Arm()
    with azure_errors("the endpoint's keys could not be read", ring.on):
        mode = arm.get(ring.endpoint_path, ML_VERSION)["properties"].get("authMode")
    if by_token(mode):
        todo = "Nothing: tokens of Entra ID end by themselves (finetune-phi:localAuth is false)."
        raise StageError("there are no keys to rotate", on=ring.on, why=f"its authMode is {mode}", todo=todo)
    primary, secondary = _keys(arm, ring)
    held = _held(arm, ring)
    if held == secondary != primary:
        report("the connection holds the secondary key: an earlier rotation was interrupted here, and goes on")
    else:
        if held != primary:
            report("the connection holds neither of the endpoint's keys; it is given the primary one")
            _give(arm, ring, primary)
        _regenerate(arm, ring, SECONDARY, report)
        _give(arm, ring, _keys(arm, ring)[1])
        report(f"connection {ring.connection} has the new secondary key")
    _wait(ring, report, stop)
    _regenerate(arm, ring, PRIMARY, report)
    _give(arm, ring, _keys(arm, ring)[0])
    report(f"connection {ring.connection} has the new primary key")


def _keys(arm: Arm, ring: Keyring) -> tuple[str, str]:
    with azure_errors("the endpoint's keys could not be read", ring.on):
        keys = arm.run("POST", f"{ring.endpoint_path}/listKeys", {"api-version": ML_VERSION}) or {}
    primary, secondary = str(keys.get("primaryKey") or ""), str(keys.get("secondaryKey") or "")
    if not primary or not secondary:
        raise StageError("the endpoint's keys could not be read", on=ring.on, why=_SILENT, todo="Run this again.")
    return primary, secondary


def _held(arm: Arm, ring: Keyring) -> str:
    return str(_secrets(arm, ring).get(_KEY) or "")


def _secrets(arm: Arm, ring: Keyring) -> dict[str, str]:
    with azure_errors("the connection's key could not be read", f"connection {ring.connection}"):
        found = arm.run("POST", f"{ring.connection_path}/listsecrets", {"api-version": ML_VERSION}) or {}
    if not found.get("properties"):  # taken for an empty one, all that it holds would be written over
        what, on = "the connection's key could not be read", f"connection {ring.connection}"
        raise StageError(what, on=on, why=_SILENT, todo="Run this again.")
    secrets: dict[str, str] = (found["properties"].get("credentials") or {}).get("keys") or {}
    return secrets


def _regenerate(arm: Arm, ring: Keyring, which: str, report: Report) -> None:
    with azure_errors(f"the {which.lower()} key could not be made new", ring.on):
        tell = minutely(report, f"{ring.on}: its {which.lower()} key is still being made new")
        arm.run("POST", f"{ring.endpoint_path}/regenerateKeys", _VERSION, {"keyType": which}, tell=tell)
    report(f"endpoint {ring.endpoint} has a new {which.lower()} key")


def _give(arm: Arm, ring: Keyring, key: str) -> None:
    """Writes the key into the connection, leaves all else in it as it is, and reads it back."""
    on = f"connection {ring.connection}"
    with azure_errors("the connection could not be given the key", on):
        properties: dict[str, Any] = arm.get(ring.connection_path, ML_VERSION)["properties"]
        body = {name: properties[name] for name in _KEPT if properties.get(name) is not None}
        body["credentials"] = {"keys": {**_secrets(arm, ring), _KEY: key}}
        arm.run("PUT", ring.connection_path, {"api-version": ML_VERSION}, {"properties": body})
    if _held(arm, ring) != key:
        why = "it was written, and read back it is another one"
        raise StageError("the connection did not take the key", on=on, why=why, todo="Run this again.")


def _wait(ring: Keyring, report: Report, stop: threading.Event) -> None:
    if not ring.pause:
        return
    try:
        tell = minutely(report, f"others have {in_words(ring.pause)} to read their key again: still waiting")
        pause(ring.pause, tell=tell, stop=stop)
    except Stopped:
        why = "you asked to stop; the connection has the new secondary key, and the primary is the old one"
        todo = "`python -m jobs rotate-keys` goes on where it stopped."
        raise NotFinished("the rotation is not finished", on=ring.on, why=why, todo=todo) from None
