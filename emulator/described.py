"""Models that a stack describes by their size: told to the registry, so that they can be rehearsed.

Of the stack files it reads where the model is from and how large it is, and nothing else; what is wrong with them is
for the settings to say.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from emulator import registry
from emulator.front import admin
from emulator.machine.home import Home

MODEL = "finetune-phi:model"
ID = re.compile(r"azureml://registries/([^/]+)/models/([^/]+)/versions/([^/]+)")


def tell(home: Home, directory: Path) -> None:
    """Has the running emulator know every model that a stack file of a project describes.

    Raises:
        EmulatorError: it does not run.
    """
    if found := models(directory):
        admin.call(home, "POST", registry.DESCRIBED, found)


def models(directory: Path) -> list[dict[str, Any]]:
    """Registry, name, version and billions of weights, of each once."""
    found = []
    for file in sorted(directory.glob("Pulumi.*.yaml")):
        try:
            read: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
            row = _described((read.get("config") or {}).get(MODEL))
        except (OSError, ValueError, AttributeError, TypeError, yaml.YAMLError):
            continue
        if row and row not in found:
            found.append(row)
    return found


def _described(model: Any) -> dict[str, Any] | None:
    if not isinstance(model, dict) or not isinstance(size := model.get("size"), dict) or not size.get("billions"):
        return None
    given = (str(model.get("registry") or registry.REGISTRY), str(model.get("name")), str(model.get("version")))
    if named := ID.fullmatch(str(model.get("id") or "")):
        given = (named[1], named[2], named[3])
    return {**dict(zip(("registry", "name", "version"), given, strict=True)), "billions": float(size["billions"])}
