"""Recorded exchanges in a form that is the same at every run and holds no secret.

What differs between two runs of one program is replaced by what it stands for: an object id by whose it is, a key by
where it was read, a time, a fingerprint and a hash by their kind. What was sent twice stands once, as a poll does, and
everything is ordered by what it was sent to, as many things go on at once. Kept as sent are names, API versions, role
ids and the GUIDs that are made from names (version 5): a changed one is a changed word on its way to Azure.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import yaml

from emulator.access.rbac import find as built_in_role
from emulator.machine.home import CLIENT_ID, CLIENT_OBJECT_ID, SUBSCRIPTION_ID, TENANT_ID

SECRET_FIELDS = re.compile(
    r"(primary|secondary|master|account)?key[12]?(value)?|client_?secret|client_?assertion|password|pat|sig"
    r"|(access|refresh|id)_?token|token|sas(uri|token)?|connectionstring|instrumentationkey",
    re.IGNORECASE,
)
"""Names of fields whose text is a secret."""
SECRET_BRANCHES = ("credentials", "keys")
"""Names of objects and lists all of whose texts are secrets, but for what a key or its type is called."""
TOLD = ("keyname", "permissions", "name")
SHORTEST = 16
"""Characters; a shorter text is replaced where it stands, but not looked for elsewhere."""
NAMED = {
    SUBSCRIPTION_ID: "<subscription>",
    TENANT_ID: "<tenant>",
    CLIENT_ID: "<caller's client id>",
    CLIENT_OBJECT_ID: "<caller's object id>",
}
GROUP = re.compile(r"/subscriptions/[^/]+/resourceGroups/[^/]+", re.IGNORECASE)
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
CHANGING = re.compile(
    rf"""(?P<operation>(?<=/mfeOperationsStatus/)|(?<=/mfeOperationResults/)){GUID.pattern}
    |(?<![0-9A-Za-z])(?P<role>roleDefinitions/)?(?P<guid>{GUID.pattern})(?![0-9A-Za-z])
    |(?P<version>(?<=/versions/)\d{{6,10}}|(?<=[a-z]:)\d{{6,10}})(?![\w.:])
    |(?P<time>\d{{4}}-\d\d-\d\d[T\ ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)?)
    |(?<![0-9A-Za-z])(?P<hash>[0-9a-f]{{32,128}})(?![0-9A-Za-z])
    |(?<![0-9A-Za-z])(?P<model>m?)(?P<fingerprint>[0-9a-f]{{12}})(?![0-9A-Za-z])""",
    re.IGNORECASE | re.VERBOSE,
)
"""What is another one at every run, or after every change of data or recipe."""
MODEL_VERSION = re.compile(r"/models/(?P<name>[^/]+)/versions/(?P<version>\d+)")
"""Where a model is registered; its version is another one after every change of data or recipe, too."""
ORDERED = ("PUT", "PATCH", "DELETE")
"""Methods whose order at one place is the program's; what is asked or posted may go on at once."""


@dataclass(frozen=True, order=True)
class Sent:
    """One request as it is kept: ``text`` is its body as JSON, empty where it has none."""

    target: str
    first: float
    method: str
    query: str
    deployment: str
    text: str


def exchanges(lines: Iterable[str]) -> list[dict[str, Any]]:
    """A recorded file's lines, in the order in which the requests came."""
    return sorted((json.loads(line) for line in lines if line.strip()), key=lambda each: each["number"])


def document(recorded: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Host and path → the requests sent there, each once: writes in their order, then all others by name."""
    names = Names(recorded)
    seen: dict[Sent, int] = {}
    for each in recorded:
        query = {key: names.plain(value) for key, value in sorted(each["query"].items())}
        signed = "sig" in query  # a URL that Azure made: nothing of it is ours
        sent = Sent(
            target=names.plain(f"{each['host']}{each['path']}"),
            first=math.inf,
            method=each["method"],
            query="<signed>" if signed else "&".join("=".join(pair) for pair in query.items()),
            deployment=names.plain(each["headers"].get("azureml-model-deployment", "")),
            text="" if each["body"] is None else json.dumps(names.tree(each["body"]), sort_keys=True),
        )
        seen.setdefault(sent, each["number"])
    kept = [replace(sent, first=at) if sent.method in ORDERED else sent for sent, at in seen.items()]
    found: dict[str, list[dict[str, Any]]] = {}
    for sent in sorted(kept, key=lambda each: (each.target.lower(), each)):
        entry: dict[str, Any] = {sent.method: sent.query}
        if sent.deployment:
            entry["deployment"] = sent.deployment
        if sent.text:
            entry["body"] = json.loads(sent.text)
        found.setdefault(sent.target, []).append(entry)
    return found


def page(found: dict[str, list[dict[str, Any]]], heading: str) -> str:
    """A document as YAML, below a comment that says what it is."""
    comment = "".join(f"# {line}\n" for line in heading.splitlines())
    return comment + yaml.dump(found, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


class _Dumper(yaml.SafeDumper):
    """Writes a long path as a key like any other, where YAML's own limit would have it begin with a question mark."""

    def check_simple_key(self) -> bool:
        event = self.event
        return (isinstance(event, yaml.ScalarEvent) and "\n" not in event.value) or super().check_simple_key()


class Names:
    """What stands for the ids and secrets of one recording."""

    def __init__(self, recorded: list[dict[str, Any]]) -> None:
        self.secrets: dict[str, str] = {}
        """Secret text → what stands for it."""
        self._ids: dict[str, str] = {}
        self._groups: set[str] = set()
        self._models: dict[re.Pattern[str], str] = {}
        for each in recorded:
            if each["method"] == "PUT" and GROUP.fullmatch(each["path"]):
                self._groups.add(self.plain(each["path"]))
            if each["method"] == "PUT" and (model := MODEL_VERSION.search(each["path"])):
                name = re.escape(model["name"])
                one = re.compile(rf"(/models/{name}/versions/|(?<![\w-]){name}:){model['version']}(?!\d)")
                self._models[one] = r"\1<version>"
            owner = str(each["path"]).rstrip("/").rpartition("/")[2] if each["method"] != "POST" else _acted_on(each)
            for path, text in leaves(each["answer"]):
                name = path[-1] if path else ""
                if is_secret(path) and len(text) >= SHORTEST:
                    self.secrets.setdefault(text, f"<{_label(path)} of {owner}>")
                elif GUID.fullmatch(text):
                    self._ids.setdefault(text.lower(), f"<{name} of {owner}>")
            for path, text in leaves(each["body"]):
                if is_secret(path) and len(text) >= SHORTEST:
                    self.secrets.setdefault(text, "<secret>")

    def plain(self, text: str) -> str:
        """A text with what differs from run to run replaced."""
        for secret, label in self.secrets.items():
            text = text.replace(secret, label)
        text = CHANGING.sub(self._label, text)
        for one, label in self._models.items():
            text = one.sub(label, text)
        for group in self._groups:
            text = text.replace(f"{group}/", "<group>/")
        return text

    def _label(self, found: re.Match[str]) -> str:
        if found["operation"] is not None:
            return "<operation>"
        if found["version"]:  # of a model: its fingerprint as a number
            return "<version>"
        if found["time"]:
            return "<time>"
        if found["hash"]:
            return "<hash>"
        if found["fingerprint"]:
            return f"{found['model']}<fingerprint>"
        guid = found["guid"].lower()
        if guid in NAMED:
            return NAMED[guid]
        if found["role"] or guid[14] == "5" or built_in_role(guid):
            return found[0]
        return self._ids.get(guid, "<guid>")

    def tree(self, value: Any, path: tuple[str, ...] = ()) -> Any:
        """A body likewise, keys included."""
        if isinstance(value, dict):
            return {self.plain(key): self.tree(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.tree(inner, path) for inner in value]
        if not isinstance(value, str):
            return value
        if is_secret(path) and value:
            return self.secrets.get(value, "<secret>")
        return self.plain(value)


def is_secret(path: tuple[str, ...]) -> bool:
    """Whether the text at a path of field names is a secret."""
    if not path:
        return False
    lowered = [name.lower() for name in path]
    if lowered[-1] in TOLD or lowered[-1].endswith("type"):
        return False
    return bool(SECRET_FIELDS.fullmatch(path[-1])) or any(name in SECRET_BRANCHES for name in lowered)


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text of a body, with the names of the fields that lead to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, str(key)))
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    elif isinstance(value, str):
        yield path, value


def _label(path: tuple[str, ...]) -> str:
    return "key" if path[-1] == "value" else path[-1]


def _acted_on(each: dict[str, Any]) -> str:
    segments = str(each["path"]).rstrip("/").split("/")
    return segments[-2] if len(segments) > 2 else str(each["host"])
