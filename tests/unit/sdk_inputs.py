"""What azure-native's SDK says of a type's inputs, read in its source: to import it takes seconds for each module."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_GETTER = re.compile(r'@pulumi\.getter(?:\(name="(?P<key>\w+)"\))?\n    def (?P<name>\w+)\(self\) -> (?P<type>.*):\n')


def unknown_to_azure(type_: str, inputs: Mapping[str, Any], where: str) -> list[str]:
    """What of a resource's inputs the SDK does not know: keys at any depth, and words of an enumeration."""
    _, module, name = type_.split(":")
    stem = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return list(_of_class(module, f"{stem}.py", f"{name}Args", inputs, where))


def _of_class(module: str, file: str, name: str, value: Mapping[str, Any], where: str) -> Iterator[str]:
    known = _keys(module, file, name)
    for key, item in value.items():
        if key in known:
            yield from _of_type(module, known[key], item, f"{where}.{key}")
        else:
            yield f"{where}.{key}: there is no such input"


def _of_type(module: str, type_: str, value: Any, where: str) -> Iterator[str]:
    if isinstance(value, Mapping) and {"$ref", "$secret"} & value.keys():
        return
    named = re.findall(r"'(\w+)'", type_)
    if isinstance(value, Mapping) and "Mapping[" in type_:
        for key, item in value.items():
            yield from _of_type(module, type_.replace("Mapping[str, ", "", 1), item, f"{where}.{key}")
    elif isinstance(value, Mapping) and (classes := [each for each in named if each.endswith("Args")]):
        tried = [list(_of_class(module, "_inputs.py", each, value, where)) for each in classes]
        yield from min(tried, key=len)  # of several kinds, the one that is meant
    elif isinstance(value, Mapping):
        yield f"{where}: is no map, but {type_}"
    elif isinstance(value, list):
        if "Sequence[" not in type_:
            yield f"{where}: is no list, but {type_}"
        for item in value:
            yield from _of_type(module, type_.replace("Sequence[", "", 1), item, f"{where}[]")
    elif named and "Sequence[" not in type_ and not any(value in _words(module, each) for each in named):
        yield f"{where}: {value} is none of Azure's words"
    elif not isinstance(value, {"bool": bool, "int": int, "float": (int, float)}.get(_plain(type_), str)) and not named:
        yield f"{where}: {value} is no {_plain(type_)}"


def _plain(type_: str) -> str:
    found = re.search(r"(?:_builtins\.)?\b(str|bool|int|float)\b", type_)
    return found[1] if found else "str"


@functools.cache
def _keys(module: str, file: str, name: str) -> dict[str, str]:
    source = _source(module, file)
    start = source.index(f"\nclass {name}:")
    end = source.find("\nclass ", start + 1)
    return {found["key"] or found["name"]: found["type"] for found in _GETTER.finditer(source[start:end])}


@functools.cache
def _words(module: str, name: str) -> frozenset[str]:
    found = re.search(rf"\nclass {name}\(.*?(?=\n@|\nclass |\Z)", _source(module, "_enums.py"), re.DOTALL)
    return frozenset(re.findall(r' = "(.*)"\n', f"{found[0]}\n")) if found else frozenset()


@functools.cache
def _source(module: str, file: str) -> str:
    spec = importlib.util.find_spec("pulumi_azure_native")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0], module, file).read_text(encoding="utf-8")
