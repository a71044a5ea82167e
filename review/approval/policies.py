"""Which policies judge, and what a change does to them.

A pull request is judged by the pack and the configuration of the branch it goes to: otherwise it could loosen the rule
it breaks. What it changes of them is a change of its own, with the violations that it would hide.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from review.difference import difference
from review.errors import ReviewError
from review.events import PolicyResult

_PACK = "PulumiPolicy.yaml"


@dataclass(frozen=True)
class Policies:
    """A pack and a stack's configuration of it; None, None is no policies."""

    pack: Path | None
    config: Path | None

    @classmethod
    def of(cls, pack: Path, stack: str, config: Path | None = None) -> Policies:
        """A stack without a configuration is not judged by defaults that nobody chose for it. Raises ReviewError."""
        if not (pack / _PACK).is_file():
            raise ReviewError(f"there is no policy pack in {pack}; give another one, or --no-policies")
        config = config or pack / f"{stack.rsplit('/', 1)[-1]}.json"
        if not config.is_file():
            raise ReviewError(
                f"there is no policy configuration {config}: copy that of the stack it is most like, "
                "name another one with --policy-config, or say --no-policies"
            )
        return cls(pack, config)

    def disabled(self) -> list[str]:
        """The policies that the configuration switches off."""
        levels = {
            name: value.get("enforcementLevel") if isinstance(value, dict) else value
            for name, value in _settings(self.config).items()
        }
        return [name for name, level in levels.items() if level == "disabled" and name != "all"]


@dataclass(frozen=True)
class PolicyChange:
    """What a pull request changes of the policies; `hidden` they would no longer find, `found` they newly do."""

    files: list[str]
    hidden: list[PolicyResult] = field(default_factory=list)
    found: list[PolicyResult] = field(default_factory=list)


def changed(base: Policies, own: Policies) -> list[str]:
    """Files of the pack that differ, and each setting of the configuration; nothing for the same content."""
    return list(_changed(base, own))


def weighed(files: Sequence[str], base: Sequence[PolicyResult], own: Sequence[PolicyResult]) -> PolicyChange:
    """With what only one of both finds; a level that differs counts, a message does not."""
    keys = [{(one.policy, one.resource, one.level) for one in found} for found in (base, own)]
    return PolicyChange(
        list(files),
        [one for one in base if (one.policy, one.resource, one.level) not in keys[1]],
        [one for one in own if (one.policy, one.resource, one.level) not in keys[0]],
    )


def _changed(base: Policies, own: Policies) -> Iterator[str]:
    before, after = (_files(each) for each in (base, own))
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield f"policy/{name} is gone"
        elif name not in before:
            yield f"policy/{name} is new"
        elif before[name] != after[name]:
            yield f"policy/{name} is another one"
    for change in difference(_settings(base.config), _settings(own.config)):
        yield f"{own.config.name if own.config else 'no configuration'}: {change}"


def _files(policies: Policies) -> dict[str, bytes]:
    """The code of a pack; configurations are told setting by setting, that of this stack alone."""
    pack = policies.pack
    if pack is None:
        return {}
    found = (file for file in pack.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {str(file.relative_to(pack)): file.read_bytes() for file in found if file.suffix != ".json"}


def _settings(config: Path | None) -> dict[str, Any]:
    try:
        found = json.loads(config.read_text(encoding="utf-8")) if config and config.is_file() else {}
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ReviewError(f"the policy configuration {config} is no JSON object")
    return found
