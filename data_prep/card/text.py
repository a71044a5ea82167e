"""The card for people: Markdown, two histograms as pictures, and the same in a few tags for a data asset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from data_prep.card.card import Card
from settings.plain_text import markdown as in_markdown
from settings.plain_text import plain

SUMMARY = "Chat conversations for fine-tuning, one JSON object a line."
PICTURES = {"turns": "card-turns.svg", "tokens": "card-tokens.svg"}


def markdown(card: Card) -> bytes:
    """The bytes of ``card.md``."""
    rows, tokens, recipe, source = card.rows, card.tokens, card.recipe, card.source
    sections = [
        f"# Data card: {in_markdown(str(card.settings['source']))}\n",
        _table(
            {
                "fingerprint": f"`{card.fingerprint}`",
                "source": f"{source['kind']}, {card.settings['source']}",
                "revision": source.get("revision") or f"SHA-256 {source.get('sha256', 'unknown')}",
                "licence, as the source states it": source.get("licence", "unknown"),
                "shape of the rows": card.shape,
                "rows in": rows["in"],
                "training rows": rows["train"],
                "test rows": rows["test"],
                **({"validation rows": rows["validation"]} if "validation" in rows else {}),
                "rejected": _counted(rows["rejected"], card.rejected),
                "repaired": _counted(rows["repaired"], card.repaired),
                "left out, as a share was asked for": rows["left_out"],
                "dropped as duplicates": rows["dropped"],
                "set aside by their own mark": _counted(rows["set_aside"], card.set_aside),
                **({"with tools or calls of them": rows["with_calls"]} if "with_calls" in rows else {}),
                "columns and keys that nothing was made of (rows)": _listed(card.unused),
            }
        ),
        *(["## Sources\n", _parts(card.parts)] if card.parts else []),
        *(["## Files read\n", _manifest(card.manifest)] if card.manifest else []),
        f"## Turns\n\n![conversations by messages]({PICTURES['turns']})\n",
        f"## Tokens\n\n![conversations by tokens]({PICTURES['tokens']})\n",
        _table(
            {
                "counted by": _counted_by(tokens),
                "training tokens": f"{tokens['train']:,}",
                "test tokens": f"{tokens['test']:,}",
                **({"validation tokens": f"{tokens['validation']:,}"} if "validation" in tokens else {}),
                "median, 95 % and longest": f"{tokens['median']}, {tokens['p95']}, {tokens['longest']}",
                f"context of {card.settings['model']}": tokens["context"] or "unknown",
                "too long by the estimate (kept)": tokens["too_long_by_estimate"],
            }
        ),
        "## Languages, duplicates, personal data\n",
        _table(
            {
                f"languages of {tokens['sample']} rows": _listed(card.languages),
                "rows equal to an earlier one": card.duplicates["repeated"],
                "different first questions": card.duplicates["questions"],
                "test rows that begin with a training row's question": card.duplicates["asked"],
                "near duplicates of an earlier one": _looked(card.duplicates["near"]),
                "test rows nearly equal to a training row": _looked(card.duplicates["leaking"]),
                **_third(card),
                "personal data and secrets" + (" (masked)" if card.settings["mask"] else ""): _listed(
                    {kind: number for kind, number in card.private.items() if kind != "rows"}
                ),
                "rows with any": card.private["rows"],
            }
        ),
        "## Files\n",
        _table({name: f"SHA-256 {found}" for name, found in card.files.items()}),
        "## What the fine-tune will take (an estimate)\n",
        _table(
            {
                "base model": recipe["model"],
                "machine": recipe["vm_size"],
                "tokens, all epochs, of rows as they are cut": f"{recipe['tokens']:,}",
                "hours of training": recipe["hours"],
                "cost in US dollars": recipe["cost_usd"],
            }
        ),
    ]
    return "\n".join(sections).encode()


def pictures(card: Card) -> dict[str, bytes]:
    """File name → SVG."""
    return {
        PICTURES["turns"]: _bars("messages in a conversation", card.turns),
        PICTURES["tokens"]: _bars("tokens in a conversation, up to", card.tokens["histogram"]),
    }


def description(card: Card) -> str:
    """One paragraph for a data asset."""
    rows, tokens = card.rows, card.tokens
    return (
        f"{SUMMARY} From {card.settings['source']} "
        f"({_origin(card.source)}): {rows['in']} rows in, {rows['train']} train, {rows['test']} test, "
        f"{_validating(rows)}{rows['rejected']} rejected. "
        f"About {tokens['train']:,} training tokens ({_counted_by(tokens)}). "
        f"Licence as the source states it: {card.source.get('licence', 'unknown')}."
    )


def tags(card: Card) -> dict[str, str]:
    """What a data asset is found by; Azure allows 50 tags of 256 characters."""
    values = {
        "fingerprint": card.fingerprint,
        "source": card.settings["source"],
        "revision": card.source.get("revision") or card.source.get("sha256", "unknown"),
        "licence": card.source.get("licence", "unknown"),
        "rows_in": card.rows["in"],
        "rows_train": card.rows["train"],
        "rows_test": card.rows["test"],
        **({"rows_validation": card.rows["validation"]} if "validation" in card.rows else {}),
        "rows_rejected": card.rows["rejected"],
        "tokens_train": card.tokens["train"],
        "duplicates": _looked(card.duplicates["repeated"]),
        "near_duplicates": _looked(card.duplicates["near"]),
        "leaking_rows": _looked(card.duplicates["leaking"]),
        "private_rows": card.private["rows"],
        "masked": str(card.settings["mask"]).lower(),
        "seed": card.settings["seed"],
    }
    return {key: " ".join(plain(str(value)).split())[:256] for key, value in values.items()}


def _third(card: Card) -> dict[str, object]:
    """Of three files, what the validation rows have in common with others."""
    found = card.duplicates
    if "asked_validation" not in found:
        return {}
    return {
        "validation rows that begin with a training row's question": found["asked_validation"],
        "test rows that begin with a validation row's question": found["asked_between"],
        "validation rows nearly equal to a training row": _looked(found["leaking_validation"]),
        "test rows nearly equal to a validation row": _looked(found["leaking_between"]),
    }


def _validating(rows: Mapping[str, int]) -> str:
    return f"{rows['validation']} validation, " if "validation" in rows else ""


def _parts(parts: Sequence[Mapping[str, Any]]) -> str:
    """A mixture's sources: what each was asked for and gave."""
    lines = [
        "| source | share | rows in | rejected | train | test | revision | licence |",
        "|---|---:|---:|---:|---:|---:|---|---|",
    ]
    for part in parts:
        rows, taken, source = part["rows"], part["taken"], part["origin"]
        counts = (rows["in"], rows["rejected"], taken["train"], taken["test"])
        cells = (part["source"], f"{part['share']:.0%}", *counts, _origin(source), source.get("licence", "unknown"))
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join([*lines, ""])


def _manifest(manifest: Sequence[Mapping[str, Any]]) -> str:
    """The files that were read, and how."""
    lines = ["| file | split | rows | shape | format | SHA-256 |", "|---|---|---:|---|---|---|"]
    for each in manifest:
        how = [each["format"], each.get("separator"), each.get("encoding"), each.get("below"), each.get("compression")]
        form = ", ".join(str(part) for part in how if part and part != "utf-8")
        cells = (each["file"], each["split"], each["rows"], each["shape"], form, each["sha256"])
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join([*lines, ""])


def _origin(source: Mapping[str, str]) -> str:
    revision = source.get("revision")
    return f"revision {revision}" if revision else f"SHA-256 {source.get('sha256', 'unknown')[:12]}"


def _counted_by(tokens: Mapping[str, Any]) -> str:
    if tokens["counted_by"] == "estimate":
        return (
            f"an estimate of {tokens['bytes_per_token']:g} bytes a token, as English takes: other languages and code "
            "may take twice as many, and the tokenizer is not at hand"
        )
    return f"{tokens['counted_by']}, on a sample of {tokens['sample']} rows"


def _looked(value: int | None) -> str:
    return "not looked for" if value is None else str(value)


def _listed(counts: Mapping[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {number}" for name, number in ranked) or "none"


def _counted(total: int, why: Mapping[str, int]) -> str:
    return f"{total} ({_listed(why)})" if why else str(total)


def _table(rows: Mapping[str, object]) -> str:
    # What a source says of itself is its owner's to write.
    lines = [f"| {_cell(name)} | {_cell(value)} |" for name, value in rows.items()]
    return "\n".join(["| | |", "|---|---|", *lines, ""])


def _cell(value: object) -> str:
    return in_markdown(str(value)).replace("|", "\\|")


def _bars(title: str, counts: Mapping[str, int]) -> bytes:
    """A histogram as SVG, without scripts and random identifiers: the same counts give the same bytes."""
    import pygal
    from pygal.style import CleanStyle

    chart = pygal.Bar(
        width=640, height=320, js=(), no_prefix=True, show_legend=False, style=CleanStyle, x_title=title, y_title="rows"
    )
    ordered = sorted(counts.items(), key=lambda item: int(item[0]))
    chart.x_labels = [f"{int(value):,}" for value, _ in ordered]
    chart.add("rows", [number for _, number in ordered])
    return svg(chart)


def svg(chart: Any) -> bytes:
    """A `pygal` chart without scripts, which a viewer of Markdown refuses, and without the day it was drawn on."""
    tree = chart.render_tree()
    for parent in list(tree.iter()):
        for child in [each for each in parent if callable(each.tag) or each.tag.endswith("script")]:
            parent.remove(child)
    return bytes(ElementTree.tostring(tree, encoding="utf-8", xml_declaration=True))
