"""A stack's settings: one frozen tree, checked once."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator

from settings.commandline import own_name
from settings.conflicts import conflicts
from settings.fields import Flag, Section, Text, pattern
from settings.operations import Github, Identity, Monitoring, Storage, Vault
from settings.problems import (
    NAMESPACE,
    PROVIDER_KEYS,
    Problem,
    SettingsError,
    UnknownStackError,
    problem_of,
    refuse,
    shown,
    similar,
    written,
)
from settings.recipe import Recipe
from settings.sections import Compute, Data, Evaluation, Finetune, Flow, Model, Serving
from settings.tags import Tag, TagName, azure_tags

__all__ = ["Settings", "SettingsError", "load"]

ROOT = Path(__file__).resolve().parent.parent
_GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


class Settings(Section):
    """Everything a stack can choose."""

    location: Text = "eastus2"
    # Nothing leaves it to the environment, as the provider does: cloud.credentials.subscription_id.
    subscription_id: str | None = None
    name: Annotated[
        Text, pattern(r"[a-z][a-z0-9]{1,7}", "must be 2 to 8 lower-case letters and digits, a letter first")
    ] = "phi"
    # Nothing stands for one derived from subscription and stack.
    suffix: Annotated[str, pattern(r"|[a-z0-9]{3,6}", "must be 3 to 6 lower-case letters and digits")] = ""
    network: Literal["public", "managed"] = "public"
    tags: dict[str, Tag] = Field(default_factory=dict)
    tags_from_elsewhere: tuple[TagName, ...] = ()
    commit_tag: Flag = False
    data: Data = Data()
    model: Model = Model()
    recipe: Recipe = Recipe()
    finetune: Finetune = Finetune()
    compute: Compute = Compute()
    serving: Serving = Serving()
    evaluation: Evaluation = Evaluation()
    flow: Flow = Flow()
    identity: Identity = Identity()
    storage: Storage = Storage()
    vault: Vault = Vault()
    monitoring: Monitoring = Monitoring()
    github: Github = Github()
    protect: Flag = False
    # Without a default: nobody should find out by accident what a destroy keeps or cannot bring back.
    purge_on_destroy: Flag

    @field_validator("location")
    @classmethod
    def _short_name(cls, location: str) -> str:
        """Which regions there are, the preflight asks Azure: a list here would refuse what was opened since."""
        short = location.replace(" ", "").lower()
        if not re.fullmatch(r"[a-z]{4,}[a-z0-9]*", short):
            raise refuse("must be the name of an Azure region", "for example eastus2, or East US 2")
        return short

    @field_validator("subscription_id", mode="before")
    @classmethod
    def _plain_id(cls, subscription: Any) -> Any:
        if not isinstance(subscription, str) or not re.fullmatch(_GUID, subscription):
            raise refuse(
                "must be the id of a subscription, in plain text", "`az account list --output table` shows them"
            )
        return subscription

    @field_validator("tags")
    @classmethod
    def _azure_tags(cls, tags: dict[str, str]) -> dict[str, str]:
        return azure_tags(tags)

    @classmethod
    def parse(cls, config: Mapping[str, Any], stack: str) -> Self:
        """From config values under their full keys. Raises SettingsError with every problem there is."""
        raw, problems = _own_keys(config)
        problems += [_empty(path) for path in _nothings(raw)]
        raw = _without_nothings(raw)
        settings: Self | None = None
        try:
            settings = cls.model_validate(raw)
        except ValidationError as error:
            reported = {problem.key for problem in problems}
            for detail in error.errors():
                problem = problem_of(detail, stack, *_place(detail["loc"]))
                if problem.key not in reported:
                    problems.append(problem)
            sound = cls._without(raw, [detail["loc"] for detail in error.errors()])
        else:
            sound = settings
        keys = [problem.key for problem in problems]
        found = conflicts(sound, stack) if sound else ()
        problems += [each.problem for each in found if not any(map(each.touches, keys))]
        if problems or settings is None:
            raise SettingsError(stack, problems)
        return settings

    @classmethod
    def _without(cls, raw: dict[str, Any], places: Iterable[tuple[str | int, ...]]) -> Self | None:
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
            return cls.model_validate(rest)
        except ValidationError:  # a whole section is in the way
            return None

    @classmethod
    def from_pulumi(cls) -> Self:
        """The running program's settings. Raises SettingsError."""
        import pulumi
        from pulumi.runtime import config as runtime

        values = {**runtime.get_config_env(), **runtime.CONFIG.get()}
        return cls.parse({key: _decoded(value) for key, value in values.items()}, pulumi.get_stack())

    def effective(self) -> dict[str, Any]:
        """The whole tree under the keys of a stack file."""
        tree = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {written((key,)): value for key, value in tree.items()}


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
    return Settings.parse({_full(key): value for key, value in {**config, **chosen}.items()}, name)


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
