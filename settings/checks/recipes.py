"""Recipes beside the model, the machines and each other; of several, each by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from pydantic import ValidationError

from settings.checks import memory
from settings.checks.conflict import Conflict
from settings.machines import HOURLY_DOLLARS, VM_SIZES, VmSize
from settings.problems import similar
from settings.recipes import named
from settings.recipes.recipe import Recipe
from settings.recipes.sweep import PREFIX, combinations
from settings.recipes.sweep import recipes as runs
from settings.tree import Settings

_ALONE = "recipe"


def _sound(settings: Settings) -> dict[str, Recipe]:
    """Those in which nothing is wrong by itself, by name; the one without a name where there are no others."""
    if not settings.own:
        return {"": settings.recipe}
    found = {}
    for name, own in settings.own.items():
        try:
            found[name] = named.merged(settings.recipe, own)
        except ValidationError:
            continue
    return found


def _at(settings: Settings, name: str, key: str) -> str:
    """Where a key of a recipe is written."""
    if not name or key not in settings.own[name]:
        return f"{_ALONE}.{key}"
    return f"recipes.{name}.{key}" if name in settings.recipes else f"sweep.over.{key}"


def _each(settings: Settings, rule: Callable[[Settings, str, Recipe], Iterator[Conflict]]) -> Iterator[Conflict]:
    """What is wrong with what all share, once."""
    told = set()
    for name, recipe in _sound(settings).items():
        for found in rule(settings, name, recipe):
            if (found.at, found.rule) not in told:
                told.add((found.at, found.rule))
                yield found


def training_memory(settings: Settings) -> Iterator[Conflict]:
    """What no data can make fit; with what is known of the data, jobs/preflight/memory.py looks closer."""
    yield from _each(settings, _memory_of)


def context(settings: Settings) -> Iterator[Conflict]:
    """A conversation that is longer than the model reads."""
    yield from _each(settings, _context_of)


def nodes(settings: Settings) -> Iterator[Conflict]:
    """More nodes than the cluster ever has."""
    yield from _each(settings, _nodes_of)


def _memory_of(settings: Settings, name: str, recipe: Recipe) -> Iterator[Conflict]:
    model, size = settings.model.known, settings.compute.size
    if model.shape is None:
        return
    # Only with padding is it known how long the conversations are.
    padded = bool(recipe.pad_to_max_length and recipe.max_seq_length > 0) and settings.compute.memory_check == "refuse"
    reckon = memory.estimate if padded else memory.least
    as_said = memory.of(model.shape, recipe, size.gpus, recipe.max_seq_length if padded else memory.SHORT)
    training = memory.lightest(recipe, as_said, reckon)
    needed = reckon(training)
    if not needed.fits(size):
        how = "adapters of" if recipe.apply_lora else "all weights of"
        by = f" by the recipe {name}" if name else ""
        keys = ("apply_lora", "apply_deepspeed", "pad_to_max_length", "max_seq_length")
        yield Conflict(
            "compute.vmSize",
            size.name,
            f"has {has(size)}; training {how} {model.name}{by} needs at least {needed}",
            _remedy(recipe, training, padded=padded),
            (*("model.name", "model.id", "model.size"), *(_at(settings, name, key) for key in keys)),
        )


def _remedy(recipe: Recipe, training: memory.Training, *, padded: bool) -> str:
    """The smallest size on which it would fit, and what would make it lighter."""
    count = recipe.num_nodes_finetune or 1

    def fits(size: VmSize) -> bool:
        reckon = memory.estimate if padded else memory.least
        return reckon(memory.lightest(recipe, replace(training, gpus=size.gpus * count), reckon)).fits(size)

    sizes = [each for each in VM_SIZES.values() if each.cluster and not each.retired and fits(each)]
    found = min(sizes, key=lambda each: HOURLY_DOLLARS.get(each.name, math.inf), default=None)
    ways = [f"take {found.name}" if found else "take a smaller model, as no size that this project knows has it"]
    ways += [] if recipe.apply_lora else ["set recipe.apply_lora to true"]
    if padded:
        ways += ["set recipe.pad_to_max_length to false or lower recipe.max_seq_length"]
        ways += ["where you have seen it fit, set compute.memoryCheck to warn"]
    return ", or ".join(ways)


def has(size: VmSize) -> str:
    """The GPU memory of a size, in words."""
    each = f" in each of its {size.gpus} GPUs" if size.gpus > 1 else ""
    return f"{size.memory_per_gpu} GB of GPU memory{each}"


def _context_of(settings: Settings, name: str, recipe: Recipe) -> Iterator[Conflict]:
    model, length = settings.model.known, recipe.max_seq_length
    if model.context and length > model.context:
        rule = f"is more than {model.name} can read, which is {model.context} tokens"
        at = _at(settings, name, "max_seq_length")
        yield Conflict(at, length, rule, "set it to -1 for the model's maximum", ("model.name", "model.id"))


def _nodes_of(settings: Settings, name: str, recipe: Recipe) -> Iterator[Conflict]:
    wanted, most = recipe.num_nodes_finetune or 1, settings.compute.max_nodes
    if wanted > most:
        rule = f"is more than the cluster ever has: compute.maxNodes is {most}, and the job would wait for ever"
        remedy = f"set it to {most} or less, or raise compute.maxNodes"
        yield Conflict(_at(settings, name, "num_nodes_finetune"), wanted, rule, remedy, ("compute.maxNodes",))


def alike(settings: Settings) -> Iterator[Conflict]:
    """Two names for one fine-tune."""
    seen: dict[str, str] = {}
    for name, recipe in _sound(settings).items():
        whole = f"{recipe.model_dump_json()}{recipe.finetune_config()}"
        if other := seen.get(whole):
            rule = f"is the same recipe as {other}, and would be trained once under two names"
            at = f"recipes.{name}" if name in settings.recipes else "sweep.over"
            remedy = "remove one of the two" if name in settings.recipes else f"leave out {name} (sweep.leaveOut)"
            yield Conflict(at, settings.own[name], rule, remedy, (f"recipes.{other}",))
        seen.setdefault(whole, name)


def swept(settings: Settings) -> Iterator[Conflict]:
    """More combinations than runs, ranges that a grid has no steps for, names that are no run's, and no run at all."""
    sweep = settings.sweep
    if not sweep.over:
        defaults = type(sweep)()
        for name, field in type(sweep).model_fields.items():
            if name != "over" and (value := getattr(sweep, name)) != getattr(defaults, name):
                remedy = "say in sweep.over which keys of recipe take which values, or remove this key"
                at = f"sweep.{field.alias or name}"
                yield Conflict(at, value, "has no effect without sweep.over", remedy, ("sweep.over",))
    ranges = [key for key, values in sweep.over.items() if not isinstance(values, list)]
    if sweep.method == "grid" and ranges:
        rule = "is a range, of which a grid knows no steps"
        yield Conflict(f"sweep.over.{ranges[0]}", sweep.over[ranges[0]], rule, "give a list, or method: random", ())
    elif sweep.method == "grid" and (count := combinations(sweep)) > sweep.runs:
        rule = f"is less than the {count} combinations of sweep.over"
        remedy = f"set it to {count}, give fewer values, or take method: random"
        yield Conflict("sweep.runs", sweep.runs, rule, remedy, ("sweep.over",))
    there = runs(sweep.model_copy(update={"leave_out": ()}))
    for name in sweep.leave_out:
        if sweep.over and name not in there:
            remedy = f"{similar(name, there)} there are {', '.join(there)}".strip()
            yield Conflict("sweep.leaveOut", name, "is no run of the sweep", remedy, ("sweep.over",))
    if there and not set(there) - set(sweep.leave_out):
        remedy = "remove the sweep, or leave out fewer"
        yield Conflict("sweep.leaveOut", list(sweep.leave_out), "leaves no run of the sweep", remedy, ("sweep.over",))
    for name in settings.recipes:
        if name.startswith(PREFIX):
            rule = f"is called as the runs of a sweep are ({PREFIX}…)"
            yield Conflict(f"recipes.{name}", settings.recipes[name], rule, "give it another name", ())


def released(settings: Settings) -> Iterator[Conflict]:
    """Which of several goes into service."""
    name, recipes, beside = settings.released, settings.own, ("recipes", "sweep")
    if not recipes:
        if name and not settings.sweep.over:
            rule = "names one of several recipes, and there are none: neither recipes nor sweep makes any"
            yield Conflict("released", name, rule, "remove this key, or name the recipes", beside)
        return
    if not name and len(recipes) > 1:
        rule = f"is needed to say which of {len(recipes)} recipes goes into service"
        remedy = f"set it to {', '.join(settings.recipes) or 'the name of one'} or {named.BEST}"
        yield Conflict("released", name, rule, remedy, beside)
    if name and name != named.BEST and name not in recipes:
        remedy = f"{similar(name, recipes)} there are {', '.join(recipes)}, and {named.BEST}".strip()
        yield Conflict("released", name, "is none of the recipes", remedy, beside)
    if name == named.BEST:
        yield from _each(settings, _measured)


def _measured(settings: Settings, name: str, recipe: Recipe) -> Iterator[Conflict]:
    if recipe.evaluation_strategy == "disable":
        rule = f"leaves no loss on the held-out data by which the best recipe is told (released: {named.BEST})"
        remedy = "set it to epoch or steps, or release one by its name"
        yield Conflict(_at(settings, name, "evaluation_strategy"), "disable", rule, remedy, ("released",))
