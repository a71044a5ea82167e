"""The JSON schema of a Pulumi.<stack>.yaml, by which editors complete, explain and check one."""

from __future__ import annotations

import json
from typing import Any

from documentation.settings.keys import BOUNDS
from settings.problems import NAMESPACE, PROVIDER_KEYS
from settings.stack import ROOT
from settings.tree import Settings

FILE = ROOT / "settings" / "stack.schema.json"
_NEEDED = "purgeOnDestroy"
_AS_TEXT = {
    "integer": r"^[-+]?\d+(\.0*)?([eE][-+]?\d+)?$",
    "number": r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$",
    "boolean": "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$",
}
"""What `pulumi config set` writes in place of a number or a flag: text, whose range the program alone can tell."""
_SECRET = {
    "type": "object",
    "properties": {"secure": {"type": "string"}},
    "required": ["secure"],
    "additionalProperties": False,
}


def text() -> str:
    """The schema's file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """Refuses what a schema can tell; rules between keys, of sizes and of files are the program's."""
    tree = Settings.model_json_schema()
    definitions = {name: _as_written(model) for name, model in tree["$defs"].items()}
    keys = {name: _as_written(value) for name, value in tree["properties"].items()}
    provider = {full: keys.pop(name) for name, full in PROVIDER_KEYS.items() if name in keys}
    own = {f"{NAMESPACE}:{name}": value for name, value in keys.items()}
    config = {
        "type": "object",
        # A key without a namespace is the project's.
        "properties": {**provider, **own, **keys},
        "patternProperties": {f"^(?!{NAMESPACE}:)[^:]+:.+$": {}},
        "additionalProperties": False,
    }
    needed = {"config": {"anyOf": [{"required": [f"{NAMESPACE}:{_NEEDED}"]}, {"required": [_NEEDED]}]}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A stack of {NAMESPACE}",
        "type": "object",
        "properties": {
            "config": config,
            "environment": {"description": "Environments of Pulumi ESC to take values from"},
            **{name: {"type": "string"} for name in ("secretsprovider", "encryptedkey", "encryptionsalt")},
        },
        "additionalProperties": False,
        # An environment may give what the file does not.
        "if": {"not": {"required": ["environment"]}},
        "then": {"required": ["config"], "properties": needed},
        "$defs": {**definitions, "secret": _SECRET},
    }


def _as_written(node: Any) -> Any:
    """A pydantic schema as YAML and the CLI may spell it: numbers as text, texts as secrets, and no null."""
    if isinstance(node, list):
        return [_as_written(each) for each in node]
    if not isinstance(node, dict):
        return node
    if "anyOf" in node:
        (kind,) = [each for each in node["anyOf"] if each.get("type") != "null"]
        return _as_written({**kind, **{key: value for key, value in node.items() if key not in ("anyOf", "default")}})
    kept = {BOUNDS.get(key, key): value for key, value in node.items() if key != "title"}
    if "$ref" in kept:
        kept.pop("default", None)
    if "properties" in kept:
        kept["properties"] = {name: _as_written(value) for name, value in kept["properties"].items()}
    for word in ("items", "additionalProperties"):
        if word in kept:
            kept[word] = _as_written(kept[word])
    told = {key: kept.pop(key) for key in ("description", "default") if key in kept and "properties" not in kept}
    kind = kept.get("type")
    if isinstance(kind, str) and kind in _AS_TEXT:
        return {**told, "anyOf": [kept, {"type": "string", "pattern": _AS_TEXT[kind]}]}
    if kind == "string" or isinstance(kind, list):
        return {**told, "anyOf": [kept, {"$ref": "#/$defs/secret"}]}
    return {**told, **kept}
