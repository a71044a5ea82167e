"""The page docs/settings.md: every key with type, default, description, and what the stacks make of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from documentation.settings.keys import Key, SectionKeys, top
from settings.problems import NAMESPACE
from settings.stack import ROOT, load

PAGE = ROOT / "docs" / "settings.md"
STACKS = ("local", "dev", "prod")
_INTRODUCTION = """# Settings

Made from `settings/` by `make diagram`, as are Pulumi.yaml's `config:` block and `settings/stack.schema.json`.

A stack's choices are in `Pulumi.<stack>.yaml`; what is not there has its default, also inside a section of which the
file names one key. Values in the columns of the stacks are those that differ from it. `python -m settings --stack
<stack>` checks a file without Azure and prints everything in effect. Editors that know the YAML language server
complete and check a stack file by its first line.

`azure-native:subscriptionId` says which subscription a stack belongs to, to Pulumi's provider and to every command.
Without it that is `ARM_SUBSCRIPTION_ID`, else the one that `az account show` names.
"""


def page() -> str:
    """The page's text."""
    effective = {stack: load(stack).effective() for stack in STACKS}
    return "\n".join([_INTRODUCTION, *_lines(effective)]).rstrip() + "\n"


def _lines(effective: dict[str, dict[str, Any]]) -> Iterator[str]:
    found = tuple(top())
    yield from _table([entry for entry in found if isinstance(entry, Key)], effective)
    for section in found:
        if isinstance(section, SectionKeys):
            yield from (f"## {section.name}", "", section.before, "")
            yield from _table(section.keys, effective)
            yield from [section.after, ""] if section.after else []
            if section.without_default:
                told = ", ".join(f"`{name}`{_chosen(name, effective)}" for name in section.without_default)
                yield from (f"Also accepted, with the component's own defaults: {told}.", "")


def _chosen(name: str, effective: dict[str, dict[str, Any]]) -> str:
    """What stacks make of an input of the component that has no default here."""
    values = {stack: _at(effective[stack], f"recipe.{name}") for stack in STACKS}
    set_ = [f"{stack} {_shown(value)}" for stack, value in values.items() if value is not None]
    return f" ({', '.join(set_)})" if set_ else ""


def _table(keys: Iterable[Key], effective: dict[str, dict[str, Any]]) -> Iterator[str]:
    yield f"| key | type | default | {' | '.join(STACKS)} | |"
    yield "|---" * (len(STACKS) + 4) + "|"
    for key in keys:
        values = [_at(effective[stack], key.path) for stack in STACKS]
        if isinstance(key.default, dict) and key.default:
            # A section inside this one: each of its keys has a row of its own.
            default, chosen = "", [""] * len(STACKS)
        else:
            default, chosen = _shown(key.default), ["" if value == key.default else _shown(value) for value in values]
        kind = f"{key.kind}, {key.bounds}" if key.bounds else key.kind
        cells = [f"`{key.name}`", kind, default, *chosen, key.description.replace("|", "\\|")]
        yield f"| {' | '.join(cells)} |"
    yield ""


def _at(effective: dict[str, Any], path: str) -> Any:
    first, *rest = path.split(".")
    value = effective.get(first if ":" in first else f"{NAMESPACE}:{first}")
    for part in rest:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _shown(value: Any) -> str:
    if value is None or value == "" or value == {}:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"`{text}`"
