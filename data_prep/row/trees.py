"""OASST's trees: a prompt with replies that have replies, and of them the best way to the last."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from data_prep.row.fields import Fields
from data_prep.row.names import is_empty
from data_prep.row.rules import Problem, shown

_YES, _NO = frozenset(("true", "yes", "1", "1.0")), frozenset(("false", "no", "0", "0.0"))
_OF_TREES = frozenset(
    ("role", "text", "content", "replies", "rank", "deleted", "review_result", "labels", "emojis", "detoxify")
)
"""What is read of a node otherwise; and OASST's votes of readers and of a classifier, which its ranks sum up."""


def best(node: Mapping[str, Any], fields: Fields) -> list[dict[str, Any]]:
    """The messages from ``node`` on, each the best reply to the one before; ``fields`` hears what cannot be read."""
    if _is_gone(node, fields):
        fields.aside = "deleted, or refused by its reviewers"
    path: list[dict[str, Any]] = []
    following: Mapping[str, Any] | None = node
    while following is not None:
        path.append(_said(following, fields))
        listed = replies if isinstance(replies := following.get("replies"), list) else []
        kept = [each for each in listed if isinstance(each, Mapping) and not _is_gone(each, fields)]
        following = _best(kept, fields)
    return path


def is_gone(said: Mapping[Any, Any]) -> bool | Problem:
    """Whether a message is marked as deleted, or as one that its reviewers did not let pass; what is wrong with a mark
    that says neither. A mark is text in CSV, and a number where a data frame has gaps."""
    deleted, passed = (str(said.get(key)).strip().casefold() for key in ("deleted", "review_result"))
    if not is_empty(said.get("review_result")) and passed not in _YES | _NO:
        rule = f"must be true or false, is {shown(passed)}: whether the message may be learnt is not known"
        return Problem("review_result", rule, "thread")
    # Deleted is also what has the time of it, or who did it.
    return (not is_empty(said.get("deleted")) and deleted not in _NO) or passed in _NO


def _is_gone(node: Mapping[str, Any], fields: Fields) -> bool:
    if isinstance(gone := is_gone(node), Problem):
        fields.wrong.append(gone)
    return gone is True


def _said(node: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """A node as a message: what else it holds is judged as that of any message."""
    text = node.get("text")
    if is_empty(text):
        text = node.get("content")
    elif not is_empty(node.get("content")):
        fields.more.append("content")
    return {**{key: node[key] for key in node if key not in _OF_TREES}, "content": text, "role": node.get("role")}


def _best(kept: list[Mapping[str, Any]], fields: Fields) -> Mapping[str, Any] | None:
    """Of several replies the one of the lowest rank, and the first where none has a rank."""
    if len(kept) < 2:
        return kept[0] if kept else None
    for reply in kept:
        if not is_empty(reply.get("rank")) and _rank(reply) is None:
            rule = f"must be a number, is {shown(str(reply['rank']))}: which of the replies is the best is not known"
            fields.wrong.append(Problem("replies.rank", rule, "rank"))
    ranked = [(rank, at) for at, reply in enumerate(kept) if (rank := _rank(reply)) is not None]
    fields.more.append(f"replies (all but the {'best' if ranked else 'first'} of each)")
    return kept[min(ranked)[1] if ranked else 0]


def _rank(reply: Mapping[str, Any]) -> float | None:
    """The rank of a reply, which is text in CSV; None where it is no number."""
    rank = reply.get("rank")
    if isinstance(rank, bool) or not isinstance(rank, int | float | str):
        return None
    try:
        found = float(rank)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
