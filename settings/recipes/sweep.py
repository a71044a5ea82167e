"""Recipes that are made from ranges: every combination, or some by chance, each under a name that is made from it."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import random
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from settings.fields import Count, Number, Positive, Section, Text, as_number
from settings.problems import refuse, similar
from settings.recipes.recipe import Recipe
from settings.sections.finetune import FinetuneSettings

PREFIX = "sweep-"
"""How the names of such recipes begin, and of no others."""
_TRIES = 50
"""Draws for each run before there are taken to be no more combinations."""
_RANGE = {"min", "max", "log"}
_A_LIST, _A_RANGE = "for example [8, 16]", "for example {min: 0.00001, max: 0.001, log: true}"
_POLICIES = ("earlyTermination", "early_termination", "earlyStopping", "early_stopping")
"""What people call Azure's bandit, median and truncation policies here, and its own documents in YAML."""


class SweepSettings(Section):
    """Recipes by trial: keys of recipe, and what each of them takes.

    `over` is, for example, {learning_rate: {min: 0.00001, max: 0.001, log: true}, lora_r: [8, 16]}: a list, or with
    random a range, which is drawn from evenly or by its logarithm. More runs add to those there are. What all runs
    together may cost or take is shared out among them: none can have more than its part.
    """

    over: dict[str, Any] = Field(default_factory=dict)
    """keys of recipe, each with a list of values or {min, max, log}; nothing: no sweep"""
    method: Literal["grid", "random"] = "grid"
    """grid (every combination) | random (some of them, by chance)"""
    runs: Annotated[Positive, Field(le=100)] = 8
    """how many; with grid at most"""
    seed: Count = 0
    """decides which ones, with random"""
    max_hours: Annotated[Number, Field(ge=0, le=10_000)] = 0
    """hours that all runs together may take; 0: as many as finetune.maxHours lets each"""
    max_cost: Annotated[Number, Field(ge=0, le=1_000_000)] = 0
    """US dollars that all runs together may cost; 0: no limit but those of each"""
    leave_out: tuple[Text, ...] = ()
    """names of runs that are not made, as one that fails whatever is done"""

    @model_validator(mode="before")
    @classmethod
    def _no_policy(cls, given: Any) -> Any:
        for key in _POLICIES if isinstance(given, dict) else ():
            if key in given:
                rule = "is of Azure's own sweep jobs, which cannot run the component (docs/decisions/sweeps.md)"
                remedy = "remove it; recipe.apply_early_stopping ends a run that gets no better"
                raise refuse(rule, remedy, at=key, value=given[key])
        return given

    @field_validator("over")
    @classmethod
    def _ranges(cls, over: dict[str, Any]) -> dict[str, Any]:
        for key, given in over.items():
            if key not in Recipe.model_fields:
                raise refuse("is no key of recipe", similar(key, Recipe.model_fields), at=key, value=given)
            if isinstance(given, list) and given:
                if len({json.dumps(_plain(value), sort_keys=True) for value in given}) < len(given):
                    raise refuse("has a value twice", "name each once", at=key, value=given)
                continue
            if not isinstance(given, dict) or not {"min", "max"} <= set(given) <= _RANGE:
                rule = "must be a list of values, or {min, max} with log: true or without it"
                raise refuse(rule, f"{_A_LIST}, or {_A_RANGE.removeprefix('for example ')}", at=key, value=given)
            try:
                low, high = as_number(given["min"]), as_number(given["max"])
            except PydanticCustomError:
                rule = "must have numbers for min and max"
                raise refuse(rule, _A_RANGE, at=key, value=given) from None
            if not low < high or (given.get("log") and low <= 0):
                rule = "must have a min below its max, above 0 with log"
                raise refuse(rule, _A_RANGE, at=key, value=given)
        return over


def recipes(sweep: SweepSettings) -> dict[str, dict[str, Any]]:
    """What each run has other than the recipe that all share, by its name."""
    if not sweep.over:
        return {}
    found: dict[str, dict[str, Any]] = {}
    for own in itertools.islice(_grid(sweep.over) if sweep.method == "grid" else _drawn(sweep), sweep.runs):
        found[_name(own)] = own
    return {name: own for name, own in found.items() if name not in sweep.leave_out}


def limited(sweep: SweepSettings, finetune: FinetuneSettings) -> FinetuneSettings:
    """With the part of a sweep's limits that each of its runs has: all of them together cannot have more."""
    count = max(1, len(recipes(sweep)))
    hours = [finetune.max_hours, *([sweep.max_hours / count] if sweep.max_hours else [])]
    costs = [each for each in (finetune.max_cost, sweep.max_cost / count) if each]
    return finetune.model_copy(update={"max_hours": min(hours), "max_cost": min(costs, default=0)})


def combinations(sweep: SweepSettings) -> int:
    """How many a grid has."""
    return math.prod(len(values) for values in sweep.over.values()) if sweep.over else 0


def _grid(over: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    lists = [values if isinstance(values, list) else [values["min"], values["max"]] for values in over.values()]
    return (dict(zip(over, values, strict=True)) for values in itertools.product(*lists))


def _drawn(sweep: SweepSettings) -> Iterator[dict[str, Any]]:
    """Each once. The first ones stay the same where more are asked for."""
    chance, seen = random.Random(sweep.seed), set()
    for _ in range(_TRIES * sweep.runs):
        own = {key: _value(chance, sweep.over[key]) for key in sorted(sweep.over)}
        if (name := _name(own)) not in seen:
            seen.add(name)
            yield own


def _value(chance: random.Random, given: Any) -> Any:
    if isinstance(given, list):
        return given[int(chance.random() * len(given))]
    low, high, at = as_number(given["min"]), as_number(given["max"]), chance.random()
    drawn = math.exp(math.log(low) + at * math.log(high / low)) if given.get("log") else low + at * (high - low)
    # Three digits are as many as anybody tells apart.
    return round(drawn) if isinstance(low, int) and isinstance(high, int) else float(f"{drawn:.3g}")


def _name(own: Mapping[str, Any]) -> str:
    """The same for the same values, however the file writes them."""
    plain = {key: _plain(value) for key, value in own.items()}
    return PREFIX + hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:8]


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    try:
        return as_number(value)
    except ValueError:
        return value
