"""Where the product can be changed, and how: mutmut's operators over libcst's tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

TELL_LITTLE = ("operator_assignment", "operator_augmented_assignment")
"""`name = None` is noticed by whoever reads the name: such changes would flatter the figure and find nothing."""

SAME = frozenset(("flush", "strict", "thread_name_prefix", "encoding"))
"""Arguments without which nothing differs that a test could see: when a line is written, whether a length is checked
that is right, how a thread is called, and UTF-8, which is the encoding here without being named as well."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One node of a file and one of mutmut's operators, which can make so many changes of it."""

    line: int
    column: int
    operator: str
    changes: int
    in_function: bool
    """Whether it is run when a function is called, not when the module is imported."""


class Text:
    """The text of a file and every place in it."""

    def __init__(self, text: str) -> None:
        visitor = _Places()
        self._module = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True).visit(visitor)
        self._found = visitor.found

    @property
    def places(self) -> list[Place]:
        return list(self._found)

    def changed(self, place: Place, number: int) -> str:
        """The text with the change of that number made at the place."""
        old, new = self._found[place]
        return self._module.deep_replace(old, new[number]).code  # type: ignore[arg-type]


class _Places(cst.CSTVisitor):
    """Leaves out annotations and imports, which no test notices, prose, and how a dataclass is made."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[Place, tuple[cst.CSTNode, list[cst.CSTNode]]] = {}
        self._functions = 0
        self._same: set[cst.CSTNode] = set()

    def on_visit(self, node: cst.CSTNode) -> bool:
        if _left_out(node) or node in self._same:
            return False
        self._same |= _needless(node)
        for operator, new in _changes(node):
            if position := self.get_metadata(PositionProvider, node, None):
                place = Place(
                    line=position.start.line,
                    column=position.start.column,
                    operator=operator,
                    changes=len(new),
                    in_function=self._functions > 0,
                )
                self.found[place] = node, new
        return True

    def on_visit_attribute(self, node: cst.CSTNode, attribute: str) -> None:
        self._functions += _called(node, attribute)

    def on_leave_attribute(self, original_node: cst.CSTNode, attribute: str) -> None:
        self._functions -= _called(original_node, attribute)


def _called(node: cst.CSTNode, attribute: str) -> bool:
    """Whether a call runs this part of a node; a function's defaults and decorators are read at import."""
    return isinstance(node, cst.FunctionDef | cst.Lambda) and attribute == "body"


def _changes(node: cst.CSTNode) -> Iterator[tuple[str, list[cst.CSTNode]]]:
    for kind, operator in mutation_operators:
        if not isinstance(node, kind) or operator.__name__ in TELL_LITTLE:
            continue
        if new := [each for each in operator(node) if not _differs_in_nothing(node, each)]:
            yield operator.__name__, new


def _differs_in_nothing(node: cst.CSTNode, new: cst.CSTNode) -> bool:
    """Whether a call differs from another in arguments of `SAME` alone."""
    if not (isinstance(node, cst.Call) and isinstance(new, cst.Call)) or not node.func.deep_equals(new.func):
        return False
    one, other = ([each for each in call.args if not _is_same(each)] for call in (node, new))
    return len(one) == len(other) and all(a.value.deep_equals(b.value) for a, b in zip(one, other, strict=True))


def _is_same(argument: cst.Arg) -> bool:
    return argument.keyword is not None and argument.keyword.value in SAME


def _needless(node: cst.CSTNode) -> set[cst.CSTNode]:
    """How often is split, where only the first part is read, or the last one from the end."""
    match node:
        case cst.Subscript(
            value=cst.Call(func=cst.Attribute(attr=cst.Name(value=name)), args=[_, cst.Arg() as often]),
            slice=[cst.SubscriptElement(slice=cst.Index(value=at))],
        ):
            is_same = (name, cst.Module(()).code_for_node(at)) in {("split", "0"), ("rsplit", "-1")}
            return {often} if is_same else set()
    return set()


def _left_out(node: cst.CSTNode) -> bool:
    match node:
        case cst.Annotation() | cst.Import() | cst.ImportFrom():
            return True
        case cst.SimpleString(value=text):
            return " " in text  # what people read
        case cst.Arg():
            return _is_same(node)
        case cst.Decorator(decorator=cst.Call(func=cst.Name(value="dataclass"))):
            return True
        case cst.If(test=cst.Name(value="TYPE_CHECKING")):
            return True
        case cst.Assign(value=cst.Subscript(value=cst.Name(value=name))):
            return name[0].isupper()  # an alias of a type
    return False
