"""Which of a resource's outputs can be inputs: the SDK's own Args classes say.

Needed by ``pulumi refresh`` and ``pulumi import`` only, and imported there: the SDK's modules
take up to a second each.
"""

from __future__ import annotations

import importlib
import threading
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from pulumi._types import input_type_types, is_input_type

_SDK = threading.Lock()
"""The SDK loads its modules lazily, which two threads at once see half done."""


def writable(token: str, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """``outputs`` of a resource reduced to the properties its Args class takes."""
    _, module_name, name = token.split(":")
    with _SDK:
        module = importlib.import_module(f"pulumi_azure_native.{module_name}")
        # The SDK says InitArgs where a nested type already has the name.
        args_class = getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")
        reduced = _reduce(outputs, args_class)
    assert isinstance(reduced, dict)
    return reduced


def _reduce(value: Any, hint: Any) -> Any:
    choices = _choices(hint)
    classes = [c for c in choices if isinstance(c, type) and is_input_type(c)]
    if isinstance(value, Mapping):
        if classes:
            # What a property can be in any case of a discriminated union: they share names, not what is below them.
            members: dict[str, list[Any]] = {}
            for case in classes:
                for key, inner in input_type_types(case).items():
                    members.setdefault(key, []).append(inner)
            return {k: _reduce(v, typing.Union[tuple(members[k])]) for k, v in value.items() if k in members}  # noqa: UP007
        if _item_hint(choices, Mapping) is None and _item_hint(choices, Sequence) is not None:
            return list(value)  # a set of ids, which ARM keeps as the keys of a map
        return {k: _reduce(v, _item_hint(choices, Mapping)) for k, v in value.items()}
    if isinstance(value, list):
        return [_reduce(item, _item_hint(choices, Sequence)) for item in value]
    return value


def _choices(hint: Any) -> list[Any]:
    """The alternatives of a (nested) union."""
    if typing.get_origin(hint) is typing.Union:
        return [c for arg in typing.get_args(hint) for c in _choices(arg)]
    return [hint]


def _item_hint(choices: list[Any], container: type) -> Any:
    """The item type of the first ``container[...]`` among the choices, or None."""
    for choice in choices:
        origin = typing.get_origin(choice)
        if isinstance(origin, type) and issubclass(origin, container):
            return typing.get_args(choice)[-1]
    return None
