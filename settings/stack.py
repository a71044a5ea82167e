"""A stack's settings, read where they are written and checked once."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from settings.commandline import own_name
from settings.conflicts import conflicts
from settings.problems import (
    NAMESPACE,
    PROVIDER_KEYS,
    Problem,
    SettingsError,
    UnknownStackError,
    problem_of,
    shown,
    similar,
    written,
)
from settings.tree import Settings

__all__ = ["Settings", "SettingsError", "from_pulumi", "load", "parse"]

ROOT = Path(__file__).resolve().parent.parent


def parse(config: Mapping[str, Any], stack: str) -> Settings:
    """From config values under their full keys. Raises SettingsError with every problem there is."""
    raw, problems = _own_keys(config)
    problems += [_empty(path) for path in _nothings(raw)]
    raw = _without_nothings(raw)
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        reported = {problem.key for problem in problems}
        for detail in error.errors():
            problem = problem_of(detail, stack, *_place(detail["loc"]))
            if problem.key not in reported:
                problems.append(problem)
        sound = _without(raw, [detail["loc"] for detail in error.errors()])
    else:
        sound = settings
    keys = [problem.key for problem in problems]
    found = conflicts(sound, stack) if sound else ()
    problems += [each.problem for each in found if not any(map(each.touches, keys))]
    if problems or settings is None:
        raise SettingsError(stack, problems)
    return settings


def _without(raw: dict[str, Any], places: Iterable[tuple[str | int, ...]]) -> Settings | None:
    """The settings with their defaults at some places, to find what else is wrong with the rest."""
    rest = copy.deepcopy(raw)
    for place in places:
        inner: Any = rest
        for part in place[:-1]:
            inner = inner.get(part, {}) if isinstance(inner, dict) else {}
        if isinstance(inner, dict):
            inner.pop(place[-1], None)
    rest.setdefault("purgeOnDestroy", False)
    try:
        return Settings.model_validate(rest)
    except ValidationError:  # a whole section is in the way
        return None


def from_pulumi() -> Settings:
    """The running program's settings. Raises SettingsError."""
    import pulumi
    from pulumi.runtime import config as runtime

    values = {**runtime.get_config_env(), **runtime.CONFIG.get()}
    return parse({key: _decoded(value) for key, value in values.items()}, pulumi.get_stack())


def load(stack: str, root: Path | None = None) -> Settings:
    """What Pulumi would give the program: Pulumi.yaml's defaults under the stack file's values.

    Raises SettingsError for problems in the settings, a stack that has no file or a file that is no YAML.
    """
    root = root or ROOT
    name = own_name(stack)
    path = root / f"Pulumi.{name}.yaml"
    if not path.is_file():
        raise UnknownStackError(name, [file.name.split(".")[1] for file in root.glob("Pulumi.*.yaml")])
    declared = _mapping(_yaml(root / "Pulumi.yaml", name), "config", root / "Pulumi.yaml", name)
    chosen = _mapping(_yaml(path, name), "config", path, name)
    # The project's own keys have a `default`, those of other namespaces a `value`.
    config = {key: entry[kind] for key, entry in declared.items() for kind in ("default", "value") if kind in entry}
    return parse({_full(key): value for key, value in {**config, **chosen}.items()}, name)


def _yaml(path: Path, stack: str) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        problem = Problem(path.name, "(unreadable)", f"is no YAML: {reason}", "mend the line it names")
        raise SettingsError(stack, [problem]) from None


def _mapping(document: Any, key: str, path: Path, stack: str) -> dict[str, Any]:
    found = (document or {}).get(key) if isinstance(document or {}, dict) else document
    if found is None:
        return {}
    if not isinstance(found, dict):
        rule = f"must hold `{key}:` with keys of its own"
        raise SettingsError(stack, [Problem(path.name, shown(found), rule, "indent the keys under it")])
    return {str(name): value for name, value in found.items()}


def _full(key: str) -> str:
    return key if ":" in key else f"{NAMESPACE}:{key}"


def _decoded(value: Any) -> Any:
    """Pulumi hands sections and lists to the program as JSON text."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _own_keys(config: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The raw tree; other providers' keys are theirs to check."""
    raw: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, value in config.items():
        namespace, _, name = key.partition(":")
        if key == PROVIDER_KEYS.get(name):
            raw[name] = value
        elif namespace == NAMESPACE and name in PROVIDER_KEYS:
            problems.append(Problem(key, shown(value), "there is no such key", f"did you mean {PROVIDER_KEYS[name]}?"))
        elif namespace == NAMESPACE:
            raw[name] = value
        elif similar(namespace, [NAMESPACE]):
            problems.append(Problem(key, shown(value), "there is no such key", f"did you mean {NAMESPACE}:{name}?"))
    return raw, problems


def _nothings(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if value is None:
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _nothings(item, (*path, str(key)))


def _without_nothings(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _without_nothings(item) for key, item in value.items() if item is not None}
    return value


def _empty(path: tuple[str | int, ...]) -> Problem:
    return Problem(written(path), shown(None), "has no value", "give it one, or remove the line for its default")


def _place(path: tuple[str | int, ...]) -> tuple[Any, list[str]]:
    """What would be accepted at a path, and which keys there are beside it."""
    example: Any = Settings.model_validate({"purgeOnDestroy": True}).model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    model: type[BaseModel] | None = Settings
    known: list[str] = []
    for part in path:
        fields = model.model_fields if model else {}
        known = [field.alias or name for name, field in fields.items() if (field.alias or name) not in PROVIDER_KEYS]
        example = example.get(part) if isinstance(example, dict) else None
        inner = [f.annotation for name, f in fields.items() if part in (name, f.alias)]
        model = inner[0] if inner and isinstance(inner[0], type) and issubclass(inner[0], BaseModel) else None
    return example, known
