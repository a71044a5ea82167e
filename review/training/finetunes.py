"""Which fine-tunes there are before and after, which of them are started, and how long each takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cloud.catalogue import CLUSTER, STAGE
from review.difference import at
from review.durations import Past, finetune_seconds
from review.events import Preview, Step
from review.words import type_of
from settings.machines import spelled
from settings.outputs import TRAINING_DATA

SIZE = "properties.properties.vmSize"
"""Where a cluster says what its machines are."""
_ALONE = "finetune"


@dataclass(frozen=True, kw_only=True)
class Finetune:
    """A stage that trains, by its spec before and after; `recipe` is "" for the only one.

    `seconds` are how long it took and will take, None where nobody can tell; `starts` whether the update runs a job.
    """

    step: Step
    recipe: str
    old: dict[str, Any]
    new: dict[str, Any]
    seconds: tuple[float | None, float | None]
    starts: bool

    @property
    def nodes(self) -> tuple[float, float]:
        """How many machines the old and the new recipe train on."""
        old, new = (float((spec.get("recipe") or {}).get("num_nodes_finetune") or 1) for spec in (self.old, self.new))
        return old, new


def kind(stage: str) -> str:
    """What the table of stages calls it: with several recipes each has a stage of its own."""
    return _ALONE if stage.startswith(f"{_ALONE}-") else stage


def of(preview: Preview, past: Past) -> list[Finetune]:
    """In the order of their names."""
    steps = sorted((one for one in _steps(preview)), key=lambda one: one.name)
    known = {fingerprint for one in steps if (fingerprint := _specs(one)[0].get("fingerprint"))}
    return [_of(one, steps, known, preview, past) for one in steps]


def training_cluster(preview: Preview) -> Step | None:
    """The cluster that fine-tunes; there may be one for the data beside it."""
    clusters = [step for step in preview.steps if type_of(step) is CLUSTER]
    return next((step for step in clusters if step.name == "cluster"), clusters[0] if clusters else None)


def data_grows(preview: Preview, old: dict[str, Any], new: dict[str, Any]) -> float | None:
    """How many times as large the training data become, in tokens or else in rows; None where nobody can tell."""
    before, after = (spec.get("dataset_fingerprint") for spec in (old, new))
    if before == after:
        return 1.0
    cards = [outputs.get(TRAINING_DATA) or {} for outputs in preview.outputs]
    for size in ("tokens", "rows"):
        was, will = (card.get(size) for card in cards)
        if isinstance(was, int | float) and isinstance(will, int | float) and was > 0 and will > 0:
            # The cards have to be those of the data the last fine-tune learned from, and of the data the next one does.
            return will / was if [card.get("fingerprint") for card in cards] == [before, after] else None
    return None


def _steps(preview: Preview) -> Iterator[Step]:
    return (one for one in preview.steps if one.type == STAGE.type and kind(one.name) == _ALONE)


def _specs(step: Step) -> tuple[dict[str, Any], dict[str, Any]]:
    old, new = (state.inputs.get("input") or {} if state else {} for state in (step.old, step.new))
    return old, new if step.op != "delete" else {}


def _of(step: Step, steps: list[Step], known: set[str], preview: Preview, past: Past) -> Finetune:
    old, new = _specs(step)
    # One that is there already is found by its fingerprint, whatever its stage is called.
    other = new.get("fingerprint") not in known if not old else old.get("fingerprint") != new.get("fingerprint")
    return Finetune(
        step=step,
        recipe=str((new or old).get("recipe_name") or ""),
        old=old,
        new=new,
        seconds=(past.seconds.get(step.name), _seconds(step, steps, preview, past)),
        starts=step.changes and bool(new) and other,
    )


def _seconds(step: Step, steps: list[Step], preview: Preview, past: Past) -> float | None:
    """How long the next one takes, by its last time, or by that of another recipe; None on other machines than then."""
    cluster = training_cluster(preview)
    if cluster and cluster.old and cluster.new:
        sizes = [spelled(str(at(state.inputs, SIZE))) for state in (cluster.old, cluster.new)]
        if sizes[0] != sizes[1]:
            return None
    by = next((one for one in (step, *steps) if one.old and one.name in past.seconds), step)
    old, new = _specs(by)[0], _specs(step)[1]
    recipes = (old.get("recipe") or {}, new.get("recipe") or {})
    return finetune_seconds(past.seconds.get(by.name), *recipes, data_grows(preview, old, new))
