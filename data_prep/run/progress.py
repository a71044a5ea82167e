"""Rows a second and time left, in a terminal; elsewhere nothing, so that a log stays readable."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from settings import plain_text


@contextmanager
def shown(total: int | None, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Yield what is to be told how many more rows were read; ``total`` is None where nobody knows."""
    if quiet or not sys.stderr.isatty():
        yield lambda rows: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows, {task.fields[speed]} rows/s,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=plain_text.console(stderr=True), transient=True) as progress:
        task = progress.add_task("rows", total=total, speed="-")

        def tell(rows: int) -> None:
            speed = progress.tasks[task].speed
            progress.update(task, advance=rows, speed=f"{speed:,.0f}" if speed else "-")

        yield tell
