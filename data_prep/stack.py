"""What a stack's settings ask for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from data_prep.request import Mixed, Recipe, Request

if TYPE_CHECKING:
    from settings.stack import Settings

ROOT = Path(__file__).resolve().parent.parent
DECIDING = (
    *("config", "split", "revision", "rows", "shape", "test_ratio", "seed", "bad_rows", "repairs", "max_rejected"),
    *("duplicates", "mask", "tokenizer", "validation_ratio"),
)
"""Settings of `data` that decide what comes out, besides the source; `Request` has them under the same names."""
READING = ("source", "config", "split", "revision", "rows", "shape", "ignore")
"""What each part of a mixture has of its own besides `columns`; `Mixed` has them under the same names."""


def request_of(settings: Settings) -> Request:
    """Relative paths start at the project. Raises :class:`~data_prep.DataError` for values that cannot be used."""
    data = settings.data
    # The card tells what one fine-tune takes: with several recipes, that of the one that is named to be released.
    recipe = settings.trained.get(settings.released) or next(iter(settings.trained.values()))
    return Request(
        source=data.source,
        **{name: getattr(data, name) for name in DECIDING},
        columns=dict(data.columns),
        ignore=data.ignore,
        validation=data.validation,
        test=data.test,
        sources=tuple(
            Mixed(
                share=float(each.share.removesuffix("%")) / 100,
                columns=dict(each.columns),
                **{name: getattr(each, name) for name in READING},
            )
            for each in data.sources
        ),
        directory=ROOT / data.directory,
        base=ROOT,
        model=settings.model.name,
        recipe=Recipe(
            settings.compute.vm_size,
            recipe.num_train_epochs,
            recipe.max_seq_length,
            settings.compute.hourly_price or None,
            recipe.num_nodes_finetune or 1,
        ),
    )
