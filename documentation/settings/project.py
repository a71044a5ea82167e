"""The `config:` block of Pulumi.yaml: Pulumi's own declaration of the settings, with their defaults."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from documentation.settings.keys import Key, SectionKeys, top
from settings.stack import ROOT

FILE = ROOT / "Pulumi.yaml"
_BEGIN = "# Made from settings/ by `make diagram`: what is changed by hand between here and the end is lost."
_END = "# The end of what is made from settings/."
_WIDTH = 114  # of a description, which is indented by six
_PULUMIS = {"list": "array"}


def text() -> str:
    """The whole file, with the block as it should be."""
    file = FILE.read_text(encoding="utf-8")
    before, rest = file.split(f"{_BEGIN}\n", 1)
    after = rest.split(f"{_END}\n", 1)[1]
    block = "\n\n".join("\n".join(_section(each) if isinstance(each, SectionKeys) else _plain(each)) for each in top())
    return f"{before}{_BEGIN}\nconfig:\n{block}\n{_END}\n{after}"


def _plain(key: Key) -> Iterator[str]:
    yield f"  {key.path}:"
    own = ":" not in key.path
    if own:
        yield f"    type: {_PULUMIS.get(key.kind, key.kind)}"
        yield from ["    items:", "      type: string"] if key.kind == "list" else []
    yield from _description([_filled(key.description)])
    if key.default is not None:
        # Pulumi takes defaults for the project's own keys alone.
        yield from _value("default" if own else "value", key.default)


def _section(section: SectionKeys) -> Iterator[str]:
    yield f"  {section.name}:"
    yield "    type: object"
    name = max(len(key.name) for key in section.keys)
    kind = max(len(key.kind) for key in section.keys)
    rows = [_row(f"  {key.name:{name}}  {key.kind:{kind}}  ", key) for key in section.keys]
    yield from _description([_filled(section.before), *rows, *([_filled(section.after)] if section.after else [])])
    yield from _value("default", section.default)


def _row(start: str, key: Key) -> str:
    bounds = f" ({key.bounds})" if key.bounds else ""
    return _filled(f"{key.description}{bounds}", start)


def _filled(told: str, start: str = "") -> str:
    return textwrap.fill(
        told,
        _WIDTH,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _description(parts: Iterable[str]) -> Iterator[str]:
    told = "\n".join(parts)
    if "\n" in told:
        yield "    description: |"
        yield textwrap.indent(told, "      ")
    else:
        yield f"    description: {_dumped(told)}"


def _value(word: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        yield f"    {word}:"
        yield textwrap.indent(_dumped(value), "      ")
    else:
        yield f"    {word}: {_dumped(value)}"


class _Dumper(yaml.SafeDumper):
    """Lists on one line, numbers without an exponent."""


def _list(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)


def _number(dumper: yaml.SafeDumper, value: float) -> yaml.Node:
    plain = f"{value:.12f}".rstrip("0").rstrip(".")
    return dumper.represent_scalar(f"tag:yaml.org,2002:{'float' if '.' in plain else 'int'}", plain)


_Dumper.add_representer(list, _list)
_Dumper.add_representer(float, _number)


def _dumped(value: Any) -> str:
    written: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    return re.sub(r"(^|: )'([^'\"\\]*)'$", r'\1"\2"', written.removesuffix("...\n").strip(), flags=re.MULTILINE)
