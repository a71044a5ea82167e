"""Whether a job can come to its end within its limits, by the estimate of the data card: told in the preview.

And what a sweep makes, where that is less than it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from data_prep.card.card import read as read_card
from data_prep.card.lengths import cost
from data_prep.request import Recipe as Priced
from jobs.preflight.findings import Finding, State
from settings.machines import HOURLY_DOLLARS
from settings.models import WAITS
from settings.recipes.recipe import Recipe
from settings.recipes.sweep import PREFIX
from settings.stack import Settings

NAME = "limits"


def told(settings: Settings) -> list[Finding]:
    """Of several recipes those whose limit is too small for the same reason are told of together."""
    if settings.model.promote.stack:
        return []  # it trains nothing
    alike: dict[Finding, list[str]] = {}
    for name, recipe in settings.trained.items():
        if found := _too_small(settings, name, recipe):
            alike.setdefault(found, []).append(name)
    told = [replace(each, check=f"{NAME}, {', '.join(names)}" if any(names) else NAME) for each, names in alike.items()]
    return [*told, *_fewer(settings)]


def _too_small(settings: Settings, name: str, recipe: Recipe) -> Finding | None:
    finetune, nodes = settings.finetune_of(name), recipe.num_nodes_finetune or 1
    hourly = settings.compute.hourly_price or HOURLY_DOLLARS.get(settings.compute.vm_size, 0)
    limits = {"Hours": finetune.max_hours}
    if finetune.max_cost and hourly:
        limits["Cost"] = finetune.max_cost / hourly / nodes
    what, hours = min(limits.items(), key=lambda each: each[1])
    takes, why = _takes(settings, recipe)
    if hours >= takes:
        return None
    part = f" or its part of sweep.max{what}" if name.startswith(PREFIX) else ""
    return Finding(
        check=NAME,
        state=State.WARNING,
        found=f"a job may run for {_in_words(hours)} (finetune.max{what}{part}), and {why} about {_in_words(takes)}: "
        "it would be cancelled before its end",
        fix=f"raise that, train less{', take fewer sweep.runs' if part else ''}, or take a faster compute.vmSize",
    )


def _takes(settings: Settings, recipe: Recipe) -> tuple[float, str]:
    """Hours, and whose they are. Without the data's card, or with a number of steps, the component's waits alone."""
    data, compute = settings.data, settings.compute
    card = read_card(Path(data.directory)) if data.run_on == "local" else None
    if card and card.tokens.get("train") and (recipe.max_steps or -1) < 0:
        asked = Priced(
            compute.vm_size, recipe.num_train_epochs, recipe.max_seq_length, 0, recipe.num_nodes_finetune or 1
        )
        hours = cost(card.tokens, settings.model.name, asked)["hours"]
        if isinstance(hours, float):
            return hours, "by the data card one takes"
    return WAITS / 3600, "the component's waits alone take"


def _in_words(hours: float) -> str:
    minutes = hours * 60
    return f"{minutes * 60:.0f} s" if minutes < 2 else f"{minutes:.0f} min" if minutes < 120 else f"{hours:.1f} h"


def _fewer(settings: Settings) -> Iterator[Finding]:
    sweep = settings.sweep
    made = sum(name.startswith(PREFIX) for name in settings.own) + len(sweep.leave_out)
    if sweep.over and sweep.method == "random" and made < sweep.runs:
        found = f"{made} runs and not {sweep.runs} (sweep.runs): sweep.over has no more combinations"
        yield Finding(check="sweep", state=State.OK, found=found)
