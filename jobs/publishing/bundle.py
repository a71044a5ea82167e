"""The flow as the Foundry project keeps it: the definition, the node, and the modules it imports, and nothing else."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

DEFINITION = "flow.dag.yaml"
_ROOT = Path(__file__).resolve().parents[2]
_FLOW = _ROOT / "flow"
_PACKAGE = _ROOT / "chat"


def files(connection: str) -> dict[str, bytes]:
    """Path in the flow's folder → content, with the node bound to the project's ``connection``.

    Modules of the chat keep their place in a folder of its name, so that their imports hold there too.
    """
    import yaml

    flow: dict[str, Any] = yaml.safe_load((_FLOW / DEFINITION).read_text())
    found = {}
    for node in flow["nodes"]:
        if "connection" in node["inputs"]:
            node["inputs"]["connection"] = connection
        source = node["source"]["path"]
        found[source] = (_FLOW / source).read_bytes()
    if requirements := (flow.get("environment") or {}).get("python_requirements_txt"):
        found[requirements] = (_FLOW / requirements).read_bytes()
    for module in _needed(*(ast.parse(content) for name, content in found.items() if name.endswith(".py"))):
        found[str(module.relative_to(_PACKAGE.parent))] = module.read_bytes()
    found[DEFINITION] = yaml.safe_dump(flow, sort_keys=False).encode()
    return dict(sorted(found.items()))


def fingerprint(content: Mapping[str, bytes]) -> str:
    """12 hexadecimal characters over names and contents."""
    digest = hashlib.sha256()
    for name, data in sorted(content.items()):
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:12]


def _needed(*trees: ast.AST) -> list[Path]:
    """The package's modules that code imports, those that these import in turn, and the packages they are in."""
    found: set[Path] = set()
    waiting = [_PACKAGE / "__init__.py", *(path for tree in trees for path in _imported(tree))]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(ast.parse(path.read_bytes()))
    return sorted(found)


def _imported(tree: ast.AST) -> Iterator[Path]:
    """Imports have to be absolute, which the linter sees to."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            package, *parts = name.split(".")
            if package == _PACKAGE.name:
                yield from _files(parts)


def _files(parts: list[str]) -> Iterator[Path]:
    """A module's file and those of the packages around it; of a name that is no module, the latter alone."""
    for depth in range(len(parts) + 1):
        place = _PACKAGE.joinpath(*parts[:depth])
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if depth and path.is_file():
                yield path
