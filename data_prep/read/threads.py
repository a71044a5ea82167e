"""Files with one message a row, each with the id of the one that it answers: put together to a tree a conversation.

That is how OASST is exported flat: the rows of a tree follow each other, its first message has no parent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from data_prep.read.texts import BLANK, Broken, Rows
from data_prep.row.names import is_empty
from data_prep.row.rules import Problem, shown
from data_prep.row.trees import is_gone

KEYS = frozenset(("message_id", "parent_id", "role", "text"))
"""What such a row has; the ids, which mean nothing elsewhere, are read for it."""
_MARKS = frozenset(("rank", "deleted", "review_result"))
"""What else of a row is read here: which reply is the better, and which did not pass."""
_LOST = (
    "is the id of no row since the last message without a parent: the rows of a conversation have to follow each other"
)


def is_message(row: Any) -> bool:
    """Whether a row is one message of a conversation whose others are rows of their own."""
    # What is empty of the first message, its parent, is left out where rows are read from CSV.
    return (
        isinstance(row, Mapping)
        and row.keys() >= KEYS - {"parent_id"}
        and "replies" not in row
        and "messages" not in row
    )


def together(rows: Rows) -> Rows:
    """A row for each conversation, at the place of its first message; what is none of a conversation is broken."""
    begun: tuple[int, dict[str, Any]] | None = None
    nodes: dict[str, dict[str, Any]] = {}
    for place, row in rows:
        if row is BLANK:
            continue
        if not is_message(row):
            problem = Problem("row", "is no message with message_id, parent_id, role and text, as others are", "thread")
            yield place, row if isinstance(row, Broken) else Broken(problem, _shown(row))
            continue
        parent_id = row.get("parent_id")
        first = is_empty(parent_id)
        node = _node(row, first)
        if isinstance(node, Problem):
            yield place, Broken(node, _shown(row))
            continue
        if first:
            if begun is not None:
                yield begun
            # The first message's other columns are the conversation's: a system prompt, a weight, a date.
            begun = place, {**_rest(row), "prompt": node}
            nodes = {}
        # Pandas writes whole numbers of a column with gaps as 1.0.
        elif (parent := nodes.get(said := str(parent_id)) or nodes.get(said.removesuffix(".0"))) is not None:
            parent["replies"].append(node)
        else:
            yield (
                place,
                Broken(Problem("parent_id", f"({shown(said)}) {_LOST}", "thread"), _shown(row)),
            )
            continue
        nodes[str(row["message_id"])] = node
    if begun is not None:
        yield begun


def _node(row: Mapping[str, Any], first: bool) -> dict[str, Any] | Problem:
    """As trees have it, with all that a reply says besides; one that reviewers did not let pass counts as deleted."""
    if isinstance(gone := is_gone(row), Problem):
        return gone
    said = {"role": row.get("role"), "text": row.get("text"), "rank": row.get("rank")}
    return {**({} if first else _rest(row)), **said, "deleted": gone, "replies": []}


def _rest(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a row holds that is not read here."""
    return {key: value for key, value in row.items() if key not in KEYS and key not in _MARKS}


def _shown(row: Any) -> str:
    return orjson.dumps(row, default=str).decode()
