"""Azure's model classes without Azure's clients.

Importing ``azure.ai.ml`` takes seconds and every ``azure.mgmt`` package builds a client; the models are
plain modules inside. They are loaded under names of their own, so that the packages' ``__init__`` never runs.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from pathlib import Path
from types import ModuleType

PREFIX = "emulator_models"
DISTRIBUTION_DEPTH = 3
"""``azure.mgmt.storage`` and ``azure.ai.ml``: the packages above are namespaces that import nothing."""

_LOADING = threading.Lock()


def models(package: str) -> ModuleType:
    """The ``models`` module of a package, such as ``azure.mgmt.storage``.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    parts = package.split(".")
    name = f"{PREFIX}_{'_'.join(parts[:DISTRIBUTION_DEPTH])}"
    with _LOADING:
        directory = _directory(".".join(parts[:DISTRIBUTION_DEPTH]))
        _shell(name, directory)
        for part in parts[DISTRIBUTION_DEPTH:]:
            name, directory = f"{name}.{part}", directory / part
            _shell(name, directory)
        return importlib.import_module(f"{name}.models")


def _directory(distribution: str) -> Path:
    found = importlib.util.find_spec(distribution)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"no package {distribution}: run make setup", name=distribution)
    return Path(next(iter(found.submodule_search_locations)))


def _shell(name: str, directory: Path) -> None:
    """A package that holds its modules but runs no code of its own."""
    if name not in sys.modules:
        shell = ModuleType(name)
        shell.__path__ = [str(directory)]
        sys.modules[name] = shell
