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

KEYS = frozenset(("message_id", "parent_id", "role", "text"))
"""What such a row has; the ids, which mean nothing elsewhere, are read for it."""
_KEPT = ("role", "text", "rank")
_LOST = (
    "is the id of no row since the last message without a parent: the rows of a conversation have to follow each other"
)


def is_message(row: Any) -> bool:
    """Whether a row is one message of a conversation whose others are rows of their own."""
    return isinstance(row, Mapping) and row.keys() >= KEYS and "replies" not in row and "messages" not in row


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
        node = _node(row)
        if is_empty(row["parent_id"]):
            if begun is not None:
                yield begun
            begun, nodes = (place, {"prompt": node}), {}
        elif (parent := nodes.get(str(row["parent_id"]))) is not None:
            parent["replies"].append(node)
        else:
            yield (
                place,
                Broken(Problem("parent_id", f"({shown(str(row['parent_id']))}) {_LOST}", "thread"), _shown(row)),
            )
            continue
        nodes[str(row["message_id"])] = node
    if begun is not None:
        yield begun


def _node(row: Mapping[str, Any]) -> dict[str, Any]:
    """As trees have it; one that reviewers did not let pass counts as deleted."""
    gone = bool(row.get("deleted")) or row.get("review_result") is False
    return {**{key: row.get(key) for key in _KEPT}, "deleted": gone, "replies": []}


def _shown(row: Any) -> str:
    return orjson.dumps(row, default=str).decode()
