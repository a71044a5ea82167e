"""What a card holds that somebody should look at, in a line each."""

from __future__ import annotations

from collections.abc import Iterator

from data_prep.card.card import VALIDATION, Card, is_far
from data_prep.row.rules import shown

_NAMED = 12  # columns that a line lists


def warnings(card: Card) -> Iterator[str]:
    """What is left out, not used, private, too long, on two sides, or divided otherwise than was asked."""
    if card.set_aside:
        yield f"not to be learnt by their own mark: {_rows(card.set_aside)}"
    if card.unused:
        yield f"not used: {_rows(card.unused)}; data.columns names the part of one, data.ignore what may go"
    if calls := card.rows.get("with_calls"):
        yield f"{calls} rows offer tools or call them, which are a part of their texts, between the model's own marks"
    if card.private["rows"]:
        kinds = ", ".join(f"{kind} {number}" for kind, number in card.private.items() if kind != "rows")
        done = "masked" if card.settings["mask"] else "left as they are (mask: true replaces them)"
        yield f"personal data or secrets in {card.private['rows']} rows ({kinds}), {done}"
    if card.tokens["too_long_by_estimate"]:
        yield f"{card.tokens['too_long_by_estimate']} rows may be too long for the model, by an estimate"
    yield from _on_two_sides(card)
    yield from _shares(card)


def _on_two_sides(card: Card) -> Iterator[str]:
    pairs = (
        ("", "test", "training", "so that they test memory"),
        ("_validation", "validation", "training", "so that they choose what was learnt by heart"),
        ("_between", "test", "validation", "so that they judge by what was chosen with"),
    )
    for suffix, one, other, what in pairs:
        if asked := card.duplicates.get(f"asked{suffix}"):
            yield f"{asked} {one} rows begin with the question of a {other} row, {what}"
        if leaking := card.duplicates.get(f"leaking{suffix}"):
            dropped = card.settings["duplicates"] == "drop"
            mended = "left out as duplicates" if dropped else "duplicates: drop leaves them out"
            yield f"{leaking} {one} rows are nearly equal to a {other} row ({mended})"


def _shares(card: Card) -> Iterator[str]:
    """That a ratio was not reached, and why: of rows that are divided by one."""
    by_name = {"test": "held_back", "validation": "validated_by"}
    given = {side for side, key in by_name.items() if key in card.source or f"{side}_sha256" in card.source}
    sides = ("train", "test", *(["validation"] if VALIDATION in card.files else []))
    total = sum(card.rows[side] for side in sides if side not in given)
    for side in ("test", "validation"):
        wanted = card.settings.get(f"{side}_ratio", 0)
        if (
            side in given
            or side not in sides
            or not wanted
            or not total
            or not is_far(card.rows[side] / total, wanted, total)
        ):
            continue
        yield (
            f"{card.rows[side] / total:.0%} are {side} rows, and {wanted:.0%} were asked for: {total} rows begin with "
            f"{card.duplicates['questions']} different questions, and rows with the same one stay together"
        )


def _rows(counted: dict[str, int]) -> str:
    """The names with most rows first."""
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    more = f" and {len(ranked) - _NAMED} more" if len(ranked) > _NAMED else ""
    return ", ".join(f"{shown(name)} ({rows} rows)" for name, rows in ranked[:_NAMED]) + more
