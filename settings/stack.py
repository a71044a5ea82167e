"""A stack's settings, read where they are written and checked once."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from settings import stack_file
from settings.checks.conflicts import conflicts
from settings.commandline import own_name
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
from settings.recipes.named import errors
from settings.tree import Settings

__all__ = ["Settings", "SettingsError", "from_pulumi", "load", "parse", "printed"]

ROOT = Path(__file__).resolve().parent.parent


def parse(config: Mapping[str, Any], stack: str, secret: Collection[str] = ()) -> Settings:
    """From config values under their full keys, of which some are `secret` and not shown in what is told of them.

    A section that names some of its keys has the defaults of the others. Raises SettingsError with every problem.
    """
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
    problems += [] if settings is None else _of_recipes(settings, stack)
    keys = [problem.key for problem in problems]
    found = conflicts(sound, stack) if sound else ()
    problems += [each.problem for each in found if not any(map(each.touches, keys))]
    if problems or settings is None:
        raise SettingsError(stack, [_hidden(each) if _is_in(each.key, secret) else each for each in problems])
    return settings


def _of_recipes(settings: Settings, stack: str) -> list[Problem]:
    """What is wrong with recipes that are made of two parts of the file."""
    found = []
    for name, detail in errors(settings.recipe, settings.own):
        of_one, known = _place(("recipe", *detail["loc"]))
        made = name not in settings.recipes
        detail["loc"] = (*(("sweep", "over") if made else ("recipes", name)), *detail["loc"])
        if made:
            context = detail.get("ctx", {})
            detail["ctx"] = {**context, "remedy": context.get("remedy") or "take it out, or mend it"}
        found.append(problem_of(detail, stack, of_one, known))
    return list({(problem.key, problem.rule): problem for problem in found}.values())


def _is_in(key: str, sections: Collection[str]) -> bool:
    return any(f"{key}.".startswith(f"{section}.") or key.startswith(f"{section}[") for section in sections)


def _hidden(problem: Problem) -> Problem:
    return replace(problem, value="[secret]")


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
    secret, stack = frozenset(key for key in values if runtime.is_config_secret(key)), pulumi.get_stack()
    _check_defaults(stack, ROOT)
    read = {key: stack_file.decoded(value) for key, value in values.items()}
    return parse(stack_file.given(read, stack, Path.cwd(), _defaults()), stack, secret)


def load(stack: str, root: Path | None = None) -> Settings:
    """What the program gets from Pulumi, for everybody else: what a stack's file says over the defaults.

    Raises SettingsError for problems in the settings, a stack that has no file, a file that is no YAML, and one that
    takes Pulumi to read where that cannot be asked.
    """
    name, file = _file(stack, root or ROOT)
    return parse(file.values, name, file.secret)


def printed(stack: str) -> dict[str, Any]:
    """The settings in effect for people to read: without what the stack keeps encrypted. Raises SettingsError."""
    name, file = _file(stack, ROOT)
    tree = parse(file.values, name, file.secret).effective()
    return {key: "[secret]" if key in file.secret else value for key, value in tree.items()}


def _file(stack: str, root: Path) -> tuple[str, stack_file.StackFile]:
    name = own_name(stack)
    if not (root / f"Pulumi.{name}.yaml").is_file():
        raise UnknownStackError(name, [file.name.split(".")[1] for file in root.glob("Pulumi.*.yaml")])
    _check_defaults(name, root)
    file = stack_file.read(stack, name, root)
    return name, replace(file, values=stack_file.given(file.values, name, root, _defaults()))


def _check_defaults(stack: str, root: Path) -> None:
    if changed := stack_file.changed_defaults(stack, root, _defaults()):
        raise SettingsError(stack, changed)


def _defaults() -> dict[str, Any]:
    """Of all keys that have one, as Pulumi.yaml has them, too."""
    found = Settings.model_validate({"purgeOnDestroy": True}).effective()
    return {key: value for key, value in found.items() if key != written(("purgeOnDestroy",))}


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
