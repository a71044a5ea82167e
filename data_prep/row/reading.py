"""From a row as it is in the source to one with messages, and an account of everything else that it held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from data_prep.row import calls
from data_prep.row.fields import Fields
from data_prep.row.names import MEANING, harmless, part_of, snake
from data_prep.row.rules import Problem, is_bare
from data_prep.row.shapes import AUTO, IN_ORDER, SHAPES, Shape

_OURS = frozenset(("messages", "prompt", "prompt_id"))
"""Columns of ultrachat_200k, which are written as they are."""
_LAST = {"weight": "weight 0", "label": "label false"}


@dataclass(frozen=True, slots=True)
class Read:
    """A row with ``messages``, or as it was where no shape is known.

    Attributes:
        row: what is judged next.
        shape: its name, empty where none is known.
        unused: columns, and keys of messages, that nothing is made of and that may mean nothing.
        problems: columns that nothing can be made of, though the row means something else without them.
        aside: why the row says itself that it is not to be learnt; empty where it does not.
        calls: whether it offers tools or calls some, which are now a part of its texts.
    """

    row: Any
    shape: str = ""
    unused: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    aside: str = ""
    calls: bool = False


class Reader:
    """Reads rows in one shape, or each in its own; ``model`` is the base model, for tools and their calls."""

    def __init__(
        self,
        shape: str = AUTO,
        columns: Mapping[str, str] | None = None,
        ignore: Iterable[str] = (),
        model: str = "",
    ) -> None:
        self._shapes: tuple[Shape, ...] = IN_ORDER if shape == AUTO else (SHAPES[shape],)
        self._asked = shape != AUTO
        self._model = model
        self._columns = {snake(name): part for name, part in (columns or {}).items()}
        self._ignore = frozenset(map(snake, ignore))
        self._plain: dict[tuple[Any, ...], bool] = {}
        self._quick = self._shapes[0].name == "messages" and not self._columns

    def untouched(self, row: Any) -> bool:
        """Whether a row in order (:func:`~data_prep.row.rules.in_order`) holds nothing besides, so that reading it
        would change nothing. The quick way, for nearly all rows of most sources."""
        if not self._quick:
            return False
        keys = tuple(row)
        plain = self._plain.get(keys)
        if plain is None:
            if len(self._plain) > 1000:  # rows with keys of their own
                self._plain.clear()
            plain = self._plain[keys] = all(self._says_nothing(key) for key in keys)
        return plain and is_bare(row)

    def _says_nothing(self, key: Any) -> bool:
        return key in _OURS or (isinstance(key, str) and (snake(key) in self._ignore or harmless(key)))

    def read(self, row: Any) -> Read:
        """Make messages of ``row``, and account for the rest of it."""
        if not isinstance(row, Mapping):
            return Read(row)
        for shape in self._shapes:
            fields = Fields(row, self._columns, self._ignore)
            messages = shape.read(fields)
            if messages is not None:
                return self._accounted(shape.name, messages, fields)
        return Read(row)

    def _accounted(self, shape: str, messages: list[Any], fields: Fields) -> Read:
        messages, unlearnt, called = calls.written(messages, fields, self._model)
        kept: dict[str, Any] = {}
        if shape == "messages":
            kept = {key: fields.row[key] for key in ("prompt", "prompt_id") if fields.row.get(key) is not None}
        aside = fields.aside or _aside(fields)
        problems = [*fields.wrong, *unlearnt, *([] if aside else _marks(fields))]
        unused = [name for name in dict.fromkeys(fields.more) if snake(name) not in self._ignore]
        said = [message.get("content") for message in messages if isinstance(message, Mapping)]
        for key, part in fields.unused():
            if (key in kept and part is None) or fields.row.get(key) in said:
                continue
            part = part or part_of(key)
            if part is None and harmless(key):
                continue
            if part not in MEANING or (self._asked and part in ("question", "answer")):
                unused.append(key)
            else:
                problems.append(_problem(key, part, shape, self._model))
        return Read({"messages": messages, **kept}, shape, tuple(dict.fromkeys(unused)), tuple(problems), aside, called)


def _aside(fields: Fields) -> str:
    for part, word in _LAST.items():
        key = fields.key(part)
        if key is None:
            continue
        value = fields.row[key]
        asked = part == "weight" or fields.mapped(part) is not None  # a label that is a number may be any class's
        if value is False or str(value) in ("false", "False") or (asked and str(value) in ("0", "0.0")):
            fields.use(key)
            return word
    return ""


def _marks(fields: Fields) -> Iterator[Problem]:
    """A weight that is neither 0 nor 1; a label that is neither true nor false is no mark of an answer's worth."""
    key = fields.key("label")
    if key is not None:
        value = fields.row[key]
        if value is True or str(value) in ("true", "True") or (fields.mapped("label") and str(value) in ("1", "1.0")):
            fields.use(key)
        elif isinstance(value, str):
            fields.use(key)
            fields.more.append(str(key))
    key = fields.key("weight")
    if key is not None and str(fields.use(key)) not in ("1", "1.0", "true", "True"):
        yield Problem(str(key), "must be 0 or 1: the fine-tune component learns an answer or does not", "weight")


def _problem(key: str, part: str, shape: str, model: str) -> Problem:
    if part == "tools" and not calls.learnable(model):
        return Problem(key, f"{MEANING[part]}, which {calls.why_not(model)}", f"column-{part}")
    rule = f"{MEANING[part]}, and nothing can be made of it in a row taken as {shape}"
    return Problem(key, rule, f"column-{part}")
