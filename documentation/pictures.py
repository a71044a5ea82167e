"""Pictures of the program as SVG: parts in rows, each row below what it waits for."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from documentation.graph import Part

GAP_X, GAP_Y, MARGIN = 28, 46, 16
LINE, HEAD, LETTER = 17, 48, 6.9
"""Pixels: between cards and rows, around the picture; of a line of text, of a card's head, of a letter."""
PASSING = 20
"""Pixels kept free in a row for an arrow that passes through it."""
SWEEPS = 8


@dataclass
class Place:
    """A card in a row, or the gap through which an arrow passes."""

    name: str
    part: Part | None
    width: int
    x: float = 0.0
    y: float = 0.0

    @property
    def lines(self) -> list[str]:
        if self.part is None or self.part.holds in ((), (self.part.name,)):
            return []
        names = (name.replace(" ", "\N{NO-BREAK SPACE}") for name in self.part.holds)
        return textwrap.wrap(", ".join(names), int((self.width - 16) / LETTER))

    @property
    def height(self) -> int:
        return HEAD + LINE * len(self.lines) + (8 if self.lines else 0)


def draw(parts: Sequence[Part], title: str, width_of_card: int = 236) -> str:
    """The picture: cards named after the parts, amber for stages, arrows to what waits. Width in pixels."""
    rows, arrows = _rows(parts, width_of_card)
    _order(rows, arrows)
    width, height = _place(rows)
    body = [*_arrows(rows, arrows), *(line for row in rows for place in row for line in _card(place))]
    return "\n".join([_head(width, height, title), *body, "</svg>"]) + "\n"


def _rows(parts: Sequence[Part], width: int) -> tuple[list[list[Place]], list[tuple[str, str]]]:
    """Each part below all it needs, with gaps for the arrows that are longer than a row."""
    level: dict[str, int] = {}
    for part in parts:
        level[part.name] = 1 + max((level[other] for other in part.needs), default=-1)
    rows: list[list[Place]] = [[] for _ in range(max(level.values()) + 1)]
    for part in parts:
        rows[level[part.name]].append(Place(part.name, part, width))
    arrows: list[tuple[str, str]] = []
    for part in parts:
        for other in sorted(part.needs):
            last = other
            for row in range(level[other] + 1, level[part.name]):
                passing = f"{other} to {part.name} in {row}"
                rows[row].append(Place(passing, None, PASSING))
                arrows.append((last, passing))
                last = passing
            arrows.append((last, part.name))
    return rows, arrows


def _order(rows: list[list[Place]], arrows: Sequence[tuple[str, str]]) -> None:
    """Puts each row into the order of its neighbours above, then below, and again: fewer arrows cross."""
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for source, target in arrows:
        above.setdefault(target, []).append(source)
        below.setdefault(source, []).append(target)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            at = {place.name: (index + 0.5) / len(each) for each in rows for index, place in enumerate(each)}
            row.sort(key=lambda place: _mean((above if down else below).get(place.name, []), at, at[place.name]))


def _mean(names: Sequence[str], at: Mapping[str, float], otherwise: float) -> float:
    return sum(at[name] for name in names) / len(names) if names else otherwise


def _place(rows: list[list[Place]]) -> tuple[int, int]:
    """Gives every place its corner; returns the picture's size."""
    widths = [sum(place.width for place in row) + GAP_X * (len(row) - 1) for row in rows]
    width = max(widths) + 2 * MARGIN
    y = float(MARGIN)
    for row, own in zip(rows, widths, strict=True):
        x = (width - own) / 2
        height = max(place.height for place in row)
        for place in row:
            place.x, place.y = x, y
            x += place.width + GAP_X
        y += height + GAP_Y
    return width, int(y - GAP_Y + MARGIN)


def _head(width: int, height: int, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="system-ui, sans-serif" font-size="13">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="{width}" height="{height}" rx="6" fill="#ffffff"/>\n'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#5b6b7b"/></marker></defs>'
    )


def _arrows(rows: list[list[Place]], arrows: Sequence[tuple[str, str]]) -> Iterator[str]:
    places = {place.name: place for row in rows for place in row}
    heights = {place.name: max(each.height for each in row) for row in rows for place in row}
    for source, target in arrows:
        start, end = places[source], places[target]
        x1, x2 = start.x + start.width / 2, end.x + end.width / 2
        # Straight down to the end of the row, so that no arrow is over a card that is longer than its own.
        y0, y1, y2 = start.y + (start.height if start.part else 0), start.y + heights[source], end.y
        bend = (y2 - y1) / 2
        mark = ' marker-end="url(#arrow)"' if end.part else ""
        path = f"M{x1:g} {y0:g} L{x1:g} {y1:g} C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"
        yield f'<path d="{path}" fill="none" stroke="#5b6b7b" stroke-width="1.4"{mark}/>'


def _card(place: Place) -> Iterator[str]:
    if place.part is None:
        return
    fill, edge = ("#fff4d6", "#c98a00") if place.part.stage else ("#eaf2fb", "#2f6db5")
    yield (
        f'<rect x="{place.x:g}" y="{place.y:g}" width="{place.width}" height="{place.height}" rx="6" '
        f'fill="{fill}" stroke="{edge}"/>'
    )
    yield _text(place.x + 12, place.y + 20, place.name, "#14202b", ' font-weight="600" font-size="14"')
    what = "stage" if place.part.stage else place.part.source
    yield _text(place.x + 12, place.y + 37, what, "#5b6b7b", ' font-size="11"')
    for number, line in enumerate(place.lines):
        yield _text(place.x + 12, place.y + HEAD + 9 + LINE * number, line, "#14202b")


def _text(x: float, y: float, text: str, colour: str, style: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}"{style}>{escape(text)}</text>'
