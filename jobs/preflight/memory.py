"""Whether the fine-tune fits the GPU's memory with the data as they are: told in the preview, before a node costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_prep.card.card import read as read_card
from jobs.preflight.findings import Finding, State
from settings.checks import memory
from settings.checks.memory import CLOSE, Estimate, Training, estimate, most_conversations
from settings.machines import VmSize
from settings.models import Shape
from settings.recipes.recipe import Recipe
from settings.stack import Settings

NAME = "GPU memory"
ASSUMED = 2048
"""Tokens of the longest conversation where nothing is known of the data."""


def fits(settings: Settings) -> list[Finding]:
    """The estimate with its parts: refused where a conversation of usual length does not fit, warned of where a long
    one does not, or it is close.

    Of several recipes those that take the same are told of once. Azure is not asked.
    """
    if settings.model.known.shape is None:
        found = f"not estimated: nothing is known of {settings.model.name}"
        fix = "say how large it is in model.size"
        return [Finding(check=NAME, state=State.WARNING, found=found, fix=fix)]
    alike: dict[Finding, list[str]] = {}
    for name, recipe in settings.trained.items():
        alike.setdefault(_fits(settings, settings.model.known.shape, recipe), []).append(name)
    return [replace(each, check=f"{NAME}, {', '.join(names)}" if any(names) else NAME) for each, names in alike.items()]


def estimate_of(settings: Settings, recipe: Recipe) -> Estimate | None:
    """What a recipe takes of each GPU at most; None where nothing is known of the model."""
    shape = settings.model.known.shape
    if shape is None:
        return None
    longest = _cut(_tokens(settings).get("longest", ASSUMED), settings, recipe)
    return estimate(memory.of(shape, recipe, settings.compute.size.gpus, longest))


def _fits(settings: Settings, shape: Shape, recipe: Recipe) -> Finding:
    size = settings.compute.size
    counts = _tokens(settings)
    usual, longest = (_cut(counts.get(key, ASSUMED), settings, recipe) for key in ("median", "longest"))
    training = memory.of(shape, recipe, size.gpus, longest)
    at_most = estimate(training)
    each = f" in each of its {size.gpus} GPUs" if size.gpus > 1 else ""
    where = "the data card's" if counts else "assumed, as the data are not here"
    found = (
        f"{size.name} has {size.memory_per_gpu} GB{each}; with {training.batch} conversation(s) of {longest:,} tokens "
        f"a step (the longest, {where}) the fine-tune takes about {at_most}"
    )
    if at_most.fits(size, CLOSE):
        return Finding(check=NAME, state=State.OK, found=found)
    lightest = memory.lightest(recipe, replace(training, tokens=usual), estimate)
    if counts and not estimate(lightest).fits(size):
        usually = (
            f"not even with {usual:,} tokens, which half of them have: {estimate(lightest).bytes / memory.GIB:.0f} GB"
        )
        refused, fix = settings.compute.memory_check == "refuse", _fix(training, size)
        fix += ", or, where you have seen it fit, set compute.memoryCheck to warn" if refused else ""
        state = State.REFUSED if refused else State.WARNING
        return Finding(check=NAME, state=state, found=f"{found}; {usually}", fix=fix)
    how = "close" if at_most.fits(size) else "more than it has, and the job may run out of memory"
    return Finding(check=NAME, state=State.WARNING, found=f"{found}, which is {how}", fix=_fix(training, size))


def _tokens(settings: Settings) -> Mapping[str, int]:
    """Tokens of the training data as their card has them; nothing without a card."""
    card = read_card(Path(settings.data.directory)) if settings.data.run_on == "local" else None
    found: dict[str, Any] = card.tokens if card else {}
    return {key: int(found[key]) for key in ("median", "longest") if found.get(key)}


def _cut(tokens: int, settings: Settings, recipe: Recipe) -> int:
    """As the component cuts and pads a conversation."""
    context = settings.model.known.context
    most = min(recipe.max_seq_length if recipe.max_seq_length > 0 else tokens, context or tokens)
    return most if recipe.pad_to_max_length and recipe.max_seq_length > 0 else min(tokens, most)


def _fix(training: Training, size: VmSize) -> str:
    """What would make it fit, the cheapest first."""
    ways = []
    if (batch := most_conversations(training, size)) and batch < training.batch:
        ways.append(f"set recipe.per_device_train_batch_size to {batch} and multiply gradient_accumulation_steps")
    lengths = [each for each in (8192, 4096, 2048, 1024, 512) if each < training.tokens]
    for length in lengths:
        if estimate(replace(training, tokens=length)).fits(size, CLOSE):
            ways.append(f"set recipe.max_seq_length to {length}")
            break
    if not training.half:
        ways.append("set recipe.precision to 16")
    if not training.rank:
        ways.append("set recipe.apply_lora to true")
    if training.gpus > 1 and training.stage < 3:
        ways.append("set recipe.apply_deepspeed to true and deepspeed_stage to 3")
    return ", or ".join([*ways, "take a compute.vmSize with more memory in each GPU"])
