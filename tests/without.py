"""A module as it would be without a part of its source, to show that a test depends on that part."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def source_of(name: str) -> tuple[str, str]:
    """File and text of a module that can be imported."""
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.origin is not None, name
    return spec.origin, Path(spec.origin).read_text()


def without(name: str, find: str, put: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module once more, in the place of the first, with ``put`` for ``find``, which must stand in it just once."""
    importlib.import_module(name)
    origin, source = source_of(name)
    assert source.count(find) == 1, f"{find} stands in {name} {source.count(find)} times"
    spec = importlib.util.find_spec(name)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)  # dataclasses look their module up there
    exec(compile(source.replace(find, put), origin, "exec"), module.__dict__)
    return module
