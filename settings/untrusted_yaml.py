"""YAML that somebody else wrote, or that was broken on the way: read, or refused in words.

PyYAML's own loader ends the process where something is nested deep enough (libyaml's, which is the fast one), or takes
minutes (Python's); and a few lines that name each other again and again are more than any memory holds.
"""

from __future__ import annotations

from typing import Any

import yaml

# The one in C is five times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEPTH, _VALUES = 50, 100_000


class NoYaml(ValueError):
    """Says why."""


def read(text: str | bytes) -> Any:
    """What it holds. Raises NoYaml."""
    try:
        _check(text)
        return yaml.load(text, Loader=_LOADER)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:  # a day no month has is a ValueError
        raise NoYaml(" ".join(str(error).split())) from error


def _check(text: str | bytes) -> None:
    """Looks at the events, which come one after the other however deep they are nested. Raises NoYaml."""
    sizes: dict[str | None, int] = {}
    around: list[tuple[str | None, int]] = []
    size, anchor = 0, None
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            around.append((anchor, size))
            size, anchor = 1, event.anchor
        elif isinstance(event, yaml.CollectionEndEvent):
            sizes[anchor] = size
            anchor, before = around.pop()
            size += before
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor in {anchor, *(outer for outer, _ in around)}:
                raise NoYaml(f"*{event.anchor} stands inside of itself")
            size += sizes.get(event.anchor, 1)
        elif isinstance(event, yaml.ScalarEvent):
            size += 1
        if len(around) > _DEPTH or size > _VALUES:
            raise NoYaml(f"it is nested more than {_DEPTH} deep, or holds more than {_VALUES} values")
