"""What the code's errors say, read from the code: the text of every raise, with … where a value goes in."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("settings", "cloud", "infra", "jobs", "chat", "flow", "data_prep", "review", "emulator", "toolchain")
GAP = "…"
NOT_TOLD = {
    "AzureError": "Azure's own refusals, played by the emulator: docs/emulator-coverage.md lists them",
    "MachineLearningError": "the same",
    "PolicyError": "the same",
    "Raised": "a model's own error, which nobody who asks it is told, on Azure either",
    "NoInput": "Azure's inference server's, played by the emulator",
    "ArmError": "passes on what Azure answers",
    "ComponentError": "the fine-tune component's refusals, played by the emulator: docs/failures.md says what to do",
    "FirstRowError": "the same",
    "OneQuestionError": "no error to a user, whose rows are divided in another way, as the output says",
    "_OnClusterError": "no error to a user, who is told where the data are prepared",
    "UndecidedError": "asked again later, never shown",
}
"""Classes that need no entry in docs/troubleshooting.md, and why."""
WRAPPERS = {"azure_errors": 0, "refuse": 0, "Conflict": 2}
"""Calls that become a part of an error's text, and which of their arguments does."""


@dataclass(frozen=True)
class Text:
    """What one line of code may say."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


@functools.cache
def texts() -> list[Text]:
    """Every text of every error class of the packages, and those that a class says by itself."""
    modules = _modules()
    classes = _error_classes(modules.values())
    functions = {name: node for tree in modules.values() for name, node in _functions(tree).items()}
    return [text for path, tree in modules.items() for text in _of_module(path, tree, classes, functions)]


@functools.cache
def _modules() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for name in PACKAGES for path in _files(name)}


@functools.cache
def _nodes(node: ast.AST) -> tuple[ast.AST, ...]:
    """The node and all below it, which are looked at for each name in it."""
    return tuple(ast.walk(node))


@functools.cache
def _functions(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in _nodes(tree) if isinstance(node, ast.FunctionDef)}


def _files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py")) if (ROOT / package).is_dir() else [ROOT / package]


def _error_classes(trees: Iterator[ast.Module] | object) -> set[str]:
    """Names of the classes that derive from Exception, directly or by way of another."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for tree in trees  # type: ignore[attr-defined]
        for node in _nodes(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"Exception"}
    while more := {name for name, parents in bases.items() if parents & found} - found:
        found |= more
    return found - {"Exception"} - set(NOT_TOLD)


def _of_module(path: Path, tree: ast.Module, classes: set[str], others: dict[str, ast.FunctionDef]) -> Iterator[Text]:
    functions = others | _functions(tree)
    for scope in _nodes(tree):
        if not isinstance(scope, ast.FunctionDef | ast.Module):
            continue
        for node in _own(scope):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            if (name in classes or name in WRAPPERS) and node.args:
                for text in _texts(node.args[WRAPPERS.get(name, 0)], scope, functions):
                    yield Text(str(path.relative_to(ROOT)), node.lineno, text)
    for node in _nodes(tree):
        if isinstance(node, ast.ClassDef) and node.name in classes:
            for call in _nodes(node):
                if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(".__init__"):
                    for argument in call.args:
                        for text in _texts(argument, node, functions):
                            yield Text(str(path.relative_to(ROOT)), call.lineno, text)


def _own(scope: ast.FunctionDef | ast.Module) -> Iterator[ast.AST]:
    """The nodes of a scope without those of the functions in it."""
    todo: list[ast.AST] = list(scope.body)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, ast.FunctionDef):
            todo.extend(ast.iter_child_nodes(node))


def _texts(node: ast.AST, scope: ast.AST, functions: dict[str, ast.FunctionDef]) -> list[str]:
    """What an expression may be; nothing where the text comes from elsewhere."""
    if isinstance(node, ast.Name):
        values = _values(scope).get(node.id) or _constants().get(node.id, [])
        return [text for value in values for text in _texts(value, scope, functions)]
    if isinstance(node, ast.BoolOp):
        return [text for value in node.values for text in _texts(value, scope, functions)]
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body, scope, functions), *_texts(node.orelse, scope, functions)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
        called = functions[node.func.id]
        returned = [each.value for each in _nodes(called) if isinstance(each, ast.Return) and each.value]
        return [text for value in returned for text in _texts(value, called, functions)]
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".join") and isinstance(node.args[0], ast.List):
        return _texts(node.args[0].elts[0], scope, functions)
    text = _template(node)
    return [text] if sum(letter.isalpha() for letter in text) > 4 else []


@functools.cache
def _constants() -> dict[str, list[ast.expr]]:
    """What the names at the top of any module may be."""
    found: dict[str, list[ast.expr]] = {}
    for tree in _modules().values():
        for name, value in _assigned(each for each in tree.body if isinstance(each, ast.Assign)):
            found.setdefault(name, []).append(value)
    return found


@functools.cache
def _values(scope: ast.AST) -> dict[str, list[ast.expr]]:
    """What the names of a scope may be."""
    found: dict[str, list[ast.expr]] = {}
    for name, value in _assigned(each for each in _nodes(scope) if isinstance(each, ast.Assign)):
        found.setdefault(name, []).append(value)
    return found


def _assigned(assignments: Iterator[ast.Assign]) -> Iterator[tuple[str, ast.expr]]:
    for each in assignments:
        for target in each.targets:
            sides = [(target, each.value)]
            if isinstance(target, ast.Tuple) and isinstance(each.value, ast.Tuple):
                sides = list(zip(target.elts, each.value.elts, strict=True))
            yield from ((name.id, value) for name, value in sides if isinstance(name, ast.Name))


def _template(node: ast.AST) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value) if isinstance(node.value, str) else GAP
    if isinstance(node, ast.JoinedStr):
        return "".join(_template(part) for part in node.values)
    if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.IfExp):
        return _template(node.value.body)  # one of two words: the first stands for both
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _template(node.left) + _template(node.right)
    return GAP
