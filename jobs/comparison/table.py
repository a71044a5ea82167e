"""A comparison as a table: for a terminal, as Markdown, and its cells for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.comparison.recipes import Comparison, Row
from jobs.status.progress import in_words
from jobs.status.spending import dollars
from settings.plain_text import markdown as in_markdown

if TYPE_CHECKING:
    from rich.console import Group

HEAD = (
    *("recipe", "its own", "model", "state", "training loss", "held-out loss", "golden score", "time", "cost in USD"),
    "GPU memory",
)


def cells(row: Row) -> list[str]:
    """As people read them; nothing where there is nothing."""
    training, last, best = row.losses.training, row.losses.last, row.losses.best
    held_out = "" if last is None else f"{last:.3f}"
    if best is not None and last is not None and best.value < last:
        held_out += f" (lowest {best.value:.3f} at step {best.step})"
    golden = row.golden
    return [
        f"{row.recipe}{' (released)' if row.released else ''}",
        row.own,
        row.model,
        row.state,
        f"{training[0].value:.3f} → {training[-1].value:.3f}" if training else "",
        held_out,
        f"{golden[0]:.2f} ({golden[1]:.2f} to {golden[2]:.2f})" if golden else "",
        in_words(row.hours * 3600) if row.hours else "",
        dollars(row.cost) if row.hours else "",
        "" if row.memory is None else f"{row.memory:.0f} GB (estimate)",
    ]


def view(found: Comparison) -> Group:
    """What `python -m jobs compare` prints, and `status` below what it tells."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(*HEAD, title=f"Recipes of stack {found.stack}", title_justify="left")
    for row in found.rows:
        table.add_row(*map(Text, cells(row)))
    notes = [Text(note, style="dim", overflow="fold") for note in found.remarks]
    return Group(table, *notes, *(Text(told, style="red") for told in found.not_read))


def markdown(found: Comparison, pictures: dict[str, str]) -> str:
    """For a pull request or a wiki; `pictures` are the titles of files beside it, by their names."""
    lines = [f"# Recipes of stack {found.stack}\n", _line(HEAD), _line(["---"] * len(HEAD))]
    lines += [_line([in_markdown(cell).replace("|", "\\|") for cell in cells(row)]) for row in found.rows]
    lines += ["", *(f"- {in_markdown(told)}" for told in (*found.remarks, *found.not_read)), ""]
    lines += [f"{title}:\n\n![{title}]({name}.svg)\n" for name, title in pictures.items()]
    return "\n".join([*lines, f"\n{found.at:%Y-%m-%d %H:%M} UTC"]) + "\n"


def _line(texts: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(texts)} |"
