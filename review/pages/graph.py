"""The resources and what they depend on, as an SVG picture; what changes is coloured by the page's style sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from review.events import Step
from review.happening import is_resource
from review.words import is_work, type_of

WIDTH, HEIGHT, GAP, DROP, MARGIN = 158, 46, 16, 46, 12
_LONGEST = 21


@dataclass(frozen=True)
class _Node:
    step: Step
    x: float
    y: float


def graph(steps: list[Step], dependencies: Mapping[str, tuple[str, ...]]) -> str:
    """Rows from top to bottom: everything stands below what it depends on.

    `dependencies` are those of the deployed stack; a resource that is only being created has none there and
    stands below its component's other resources.
    """
    shown = [step for step in steps if is_resource(step) or is_work(step)]
    if not shown:
        return ""
    urns = {step.urn for step in shown}
    needs = {step.urn: [need for need in dependencies.get(step.urn, ()) if need in urns] for step in shown}
    rows = _rows(shown, needs, guess=not any(needs.values()))
    widest = max(len(row) for row in rows)
    width = 2 * MARGIN + widest * WIDTH + (widest - 1) * GAP
    nodes: dict[str, _Node] = {}
    for depth, row in enumerate(rows):
        row_width = len(row) * WIDTH + (len(row) - 1) * GAP
        for place, step in enumerate(_ordered(row, needs, nodes)):
            x = (width - row_width) / 2 + place * (WIDTH + GAP)
            nodes[step.urn] = _Node(step, x, MARGIN + depth * (HEIGHT + DROP))
    height = 2 * MARGIN + len(rows) * HEIGHT + (len(rows) - 1) * DROP
    lines = [_edge(nodes[need], node) for node in nodes.values() for need in _nearest(node.step.urn, needs)]
    boxes = [_box(node) for node in nodes.values()]
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
        f'aria-label="Resources and what they depend on">{"".join(lines)}{"".join(boxes)}</svg>'
    )


def _rows(steps: list[Step], needs: Mapping[str, list[str]], guess: bool) -> list[list[Step]]:
    if guess:
        parents = list(dict.fromkeys(step.parent for step in steps))
        return [chunk for parent in parents for chunk in _chunks([s for s in steps if s.parent == parent], 6)]
    depth: dict[str, int] = {}

    def of(urn: str) -> int:
        if urn not in depth:
            depth[urn] = 0  # a circle cannot be, but must not hang a review
            depth[urn] = max((of(need) + 1 for need in needs[urn]), default=0)
        return depth[urn]

    deepest = max(of(step.urn) for step in steps)
    rows = [[step for step in steps if depth[step.urn] == level] for level in range(deepest + 1)]
    return [chunk for row in rows for chunk in _chunks(row, 7)]


def _chunks(row: list[Step], size: int) -> list[list[Step]]:
    return [row[start : start + size] for start in range(0, len(row), size)]


def _ordered(row: list[Step], needs: Mapping[str, list[str]], placed: Mapping[str, _Node]) -> list[Step]:
    """Each below the middle of what it needs, which keeps lines from crossing much."""

    def middle(step: Step) -> float:
        above = [placed[need].x for need in needs[step.urn] if need in placed]
        return sum(above) / len(above) if above else 0.0

    return sorted(row, key=middle)


def _nearest(urn: str, needs: Mapping[str, list[str]]) -> list[str]:
    """Without what is needed by way of something else anyway."""

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        todo = list(needs[start])
        while todo:
            one = todo.pop()
            if one not in found:
                found.add(one)
                todo += needs[one]
        return found

    indirect = {far for need in needs[urn] for far in reached(need)}
    return [need for need in needs[urn] if need not in indirect]


def _edge(above: _Node, below: _Node) -> str:
    x1, y1 = above.x + WIDTH / 2, above.y + HEIGHT
    x2, y2 = below.x + WIDTH / 2, below.y
    bend = (y2 - y1) / 2
    return f'<path class="edge" d="M{x1:g} {y1:g} C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"/>'


def _box(node: _Node) -> str:
    step = node.step
    x, y, middle = node.x, node.y, node.x + WIDTH / 2
    op = step.op if step.changes else "same"
    title = escape(f"{type_of(step).label} {step.name}: {op}")
    return (
        f'<g class="node {op}"><title>{title}</title>'
        f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text class="name" x="{middle:g}" y="{y + 20:g}">{escape(_cut(step.name))}</text>'
        f'<text class="kind" x="{middle:g}" y="{y + 36:g}">{escape(_cut(_under(step, op)))}</text></g>'
    )


def _under(step: Step, op: str) -> str:
    label = type_of(step).label
    return label if op == "same" else f"{op} · {label}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
