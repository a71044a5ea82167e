"""Every probe there is, in the order they are told of, and which of them run side by side."""

from __future__ import annotations

from collections.abc import Sequence

from tests.prove.probes import Probe, clusters, endpoints, models, names, readings, training

LANES: tuple[tuple[Probe, ...], ...] = (
    (*readings.PROBES, *models.PROBES, *names.PROBES[:-1]),
    clusters.PROBES,
    endpoints.PROBES,
    names.PROBES[-1:],
    training.PROBES,
)
"""Probes of one lane run one after the other, lanes beside each other: Azure's waits would add up to hours."""
EVERY = tuple(probe for lane in LANES for probe in lane)
UNSETTLED = {
    "a failed endpoint": "whether a PUT mends an endpoint that never came to life: nobody can make one fail on purpose "
    "without taking a resource provider's registration from a subscription",
    "responsible AI terms": "whether AI Services of kind AIServices ask for them: only a subscription that "
    "never agreed could tell",
    "hour-long logins": "what happens to a state in blob storage when a workflow's login ends: needs GitHub",
}
"""What these probes cannot settle, and why."""


def chosen(names: Sequence[str], *, gpu: bool) -> list[list[Probe]]:
    """The lanes with what was asked for: these names, or all but those that need a GPU. Raises KeyError."""
    if unknown := set(names) - {probe.name for probe in EVERY}:
        raise KeyError(", ".join(sorted(unknown)))
    wanted = [
        [probe for probe in lane if (probe.name in names if names else gpu or not probe.asked_for)] for lane in LANES
    ]
    return [lane for lane in wanted if lane]
