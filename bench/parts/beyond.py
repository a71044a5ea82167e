"""A hundred environments and a thousand fine-tunes a day, simulated: what breaks first, and which setting helps."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass

from bench.figures import Figure, Section, percentile
from bench.standing import standing

ENVIRONMENTS, FINE_TUNES = 100, 1_000
HOURS, COLD_START, RELEASE_HOURS = 1.5, 0.1, 0.5
"""Of a fine-tune, of a node that begins, of a release: assumed."""
POLL_SECONDS = 15
"""`jobs/training/attempts.py` looks so often at a job that goes on."""
CORES, DOLLARS = 24, 3.67
"""Of a node, and what it costs an hour (README)."""
DAYS = 30
ARM = "https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling"
SUBSCRIPTION = "https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits"
ML = "https://learn.microsoft.com/azure/machine-learning/how-to-manage-quotas"
GITHUB = "https://docs.github.com/actions/reference/limits"
TEXT = """
{environments} environments in one subscription and region, deployed by one principal, and {fine_tunes:,} fine-tunes a
day, spread over them by chance. **Nothing of this was run on Azure**: requests are those that an `up` of the local
stack sends to the emulator, durations are assumed ({hours} h a fine-tune, {release} h a release), limits are Azure's
documented defaults.

{limits}

Queues, {days} days simulated: an environment's cluster takes a job for each node.

{queues}

What breaks first is what is printed above 1, the highest at the top. Beyond one machine per job, Azure ML itself takes
over: several GPUs of a node are its component's distributed training, a preparation on a cluster is a job of its own.
State needs nothing: each stack has its own blob and lock. Cost: {cost:,.0f} USD a day for the fine-tunes alone, and
{serving:,.0f} USD a day for {environments} endpoints of one instance each.
"""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What is needed of something, and what there is by default."""

    name: str
    need: float
    limit: float
    unit: str
    helps: str
    source: str

    @property
    def share(self) -> float:
        return self.need / self.limit


def run(runs: int) -> Section:
    stack = standing()
    sent = [each for each in stack.requests()[: stack.asked] if each["host"] == "management.azure.com"]
    writes = sum(each["method"] in ("PUT", "PATCH", "POST") for each in sent)
    limits = sorted(_limits(writes), key=lambda each: -each.share)
    rows = ["| what | needed | there is | ÷ | what helps | source |", "|---|---:|---:|---:|---|---|"]
    for each in limits:
        share = f"**{each.share:.2f}**" if each.share > 1 else f"{each.share:.2f}"
        need, most = f"{each.need:,.3g} {each.unit}", f"{each.limit:,.4g}"
        rows.append(f"| {each.name} | {need} | {most} | {share} | {each.helps} | [docs]({each.source}) |")
    waits = {nodes: [_queue(nodes, seed) for seed in range(runs)] for nodes in (1, 2, 3)}
    queues = ["| `compute.maxNodes` | median wait | 95 % wait less than |", "|---:|---:|---:|"]
    for nodes, found in waits.items():
        middle, late = (percentile([pair[at] for pair in found], 0.5) for at in (0, 1))
        queues.append(f"| {nodes} | {middle:.1f} h | {late:.1f} h |")
    return Section(
        title="Beyond one machine (simulated)",
        figures=tuple(
            Figure(
                name=f"wait for a node, 95 %, maxNodes {nodes}",
                values=tuple(max(pair[1], 0.001) for pair in found),
                unit="h",
            )
            for nodes, found in waits.items()
        ),
        text=TEXT.format(
            environments=ENVIRONMENTS,
            fine_tunes=FINE_TUNES,
            hours=HOURS,
            release=RELEASE_HOURS,
            days=DAYS,
            limits="\n".join(rows),
            queues="\n".join(queues),
            cost=FINE_TUNES * HOURS * DOLLARS,
            serving=ENVIRONMENTS * 24 * DOLLARS,
        ),
        bars={each.name: round(each.share, 2) for each in limits},
        bars_title="needed ÷ Azure's default limit",
    )


def _limits(writes: int) -> list[Limit]:
    """``writes``: that an environment's first `up` sends to ARM."""
    running = FINE_TUNES * HOURS / 24
    waiting = FINE_TUNES * (HOURS + RELEASE_HOURS) / 24
    quota = "`python -m jobs quota request`, or other regions (`azure-native:location`)"
    spread = "another subscription for some of them"
    return [
        Limit(
            name="endpoints of a region",
            need=ENVIRONMENTS,
            limit=100,
            unit="",
            helps="an exception, or another region",
            source=ML,
        ),
        Limit(
            name="storage accounts of a region",
            need=ENVIRONMENTS,
            limit=250,
            unit="",
            helps="another region",
            source=SUBSCRIPTION,
        ),
        Limit(name="resource groups", need=ENVIRONMENTS, limit=980, unit="", helps=spread, source=SUBSCRIPTION),
        Limit(name="role assignments", need=ENVIRONMENTS * 4, limit=4_000, unit="", helps=spread, source=SUBSCRIPTION),
        Limit(
            name="ARM reads while jobs are followed",
            need=running / POLL_SECONDS,
            limit=25,
            unit="/s",
            helps="`finetune.wait: false`",
            source=ARM,
        ),
        Limit(
            name="ARM writes, all `up` within a quarter of an hour",
            need=ENVIRONMENTS * writes / 900,
            limit=10,
            unit="/s",
            helps="a principal for each environment: the limit is one's own",
            source=ARM,
        ),
        Limit(
            name="CI jobs at once that wait for fine-tunes",
            need=waiting,
            limit=60,
            unit="",
            helps="`finetune.wait: false`: the next run takes the job up",
            source=GITHUB,
        ),
        Limit(
            name="cores for training",
            need=running * CORES,
            limit=24,
            unit="",
            helps=quota,
            source=ML,
        ),
    ]


def _queue(nodes: int, seed: int) -> tuple[float, float]:
    """Hours of waiting, median and 95 %, over all environments."""
    chance = random.Random(f"{nodes} {seed}")
    waits = []
    for _ in range(ENVIRONMENTS):
        free, at = [0.0] * nodes, 0.0
        while (at := at + chance.expovariate(FINE_TUNES / ENVIRONMENTS / 24)) < DAYS * 24:
            ready = heapq.heappop(free)
            cold = COLD_START if ready < at else 0.0
            waits.append(max(ready - at, 0.0) + cold)
            heapq.heappush(free, max(ready, at) + cold + HOURS)
    return percentile(waits, 0.5), percentile(waits, 0.95)
