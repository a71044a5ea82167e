"""How a deployment fares under traffic, as Azure Monitor counts it at the endpoint."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cloud.errors import azure_errors
from cloud.services.monitor import MODEL_ERROR, Blame, Series, blame, series

if TYPE_CHECKING:
    from cloud.arm import Arm
    from jobs.release.spec import ReleaseSpec

_MINUTE = timedelta(minutes=1)
_OWN = "modelstatuscode"
_SURE = statistics.NormalDist().inv_cdf(0.975)
_LATER = 1.2
"""So many times as late is later."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """Counts of requests, and 95 % of the answers took at most so many seconds; None where nothing was measured.

    ``failed`` are those the model or its machine failed; ``busy`` were turned away because there were too many at once
    (429), and ``refused`` because of what the caller sent.
    """

    requests: int
    failed: int
    p95_seconds: float | None
    busy: int = 0
    refused: int = 0

    @property
    def judged(self) -> int:
        """The requests that say something about the model."""
        return self.requests - self.busy - self.refused

    @property
    def failed_percent(self) -> float:
        """Of those that say something about the model."""
        return 100 * self.failed / self.judged if self.judged > 0 else 0.0

    def fails_more(self, other: Health) -> bool:
        """Whether it fails more often than the other one on the same traffic.

        That is more than chance makes of it, with 95 %: by the interval of Agresti and Caffo for the difference
        of two shares (2000), which adds two requests to each, one of them failed.
        """
        mine, its = ((each.failed + 1) / (each.judged + 2) for each in (self, other))
        chance = mine * (1 - mine) / (self.judged + 2) + its * (1 - its) / (other.judged + 2)
        return mine - its > _SURE * math.sqrt(chance)

    def later(self, other: Health) -> bool:
        """Whether it answers later than the other one, by more than two machines of one kind differ."""
        return (self.p95_seconds or 0.0) > _LATER * (other.p95_seconds or 0.0)

    def __str__(self) -> str:
        if not self.requests:
            return "no requests measured yet"
        latency = "" if self.p95_seconds is None else f", 95 % within {self.p95_seconds:.1f} s"
        busy = f", {self.busy} too many at once (429)" if self.busy else ""
        refused = f", {self.refused} wrongly asked (4xx)" if self.refused else ""
        asked = f"{self.requests} request{'' if self.requests == 1 else 's'}"
        return f"{asked}, {self.failed} failed ({self.failed_percent:.1f} %){busy}{refused}{latency}"


def read(spec: ReleaseSpec, since: datetime, until: datetime | None = None, deployment: str = "") -> Health:
    """The spec's deployment, or another one of its endpoint, from ``since`` on, in whole minutes. Raises StageError."""
    from cloud.arm import Arm

    arm, endpoint = Arm(), f"{spec.target.path}/onlineEndpoints/{spec.endpoint}"
    first = since.replace(second=0, microsecond=0)
    span = (first, max(until or datetime.now(UTC), first + _MINUTE))
    of = f"deployment eq '{deployment or spec.deployment_name}'"
    with azure_errors("the endpoint's metrics could not be read", f"endpoint {spec.endpoint}"):
        counted = counts(arm, endpoint, of, span)
        latencies = series(arm, endpoint, "RequestLatency_P95", of, span)
    return measured(counted, latencies)


def counts(arm: Arm, endpoint: str, of: str, span: tuple[datetime, datetime]) -> list[Series]:
    """``RequestsPerMinute`` of the deployments in the filter ``of`` by status code, 424 by the container's own too.

    That is asked for apart: requests that never reached a container have none, and might be left out of the answer.
    """
    counted = series(arm, endpoint, "RequestsPerMinute", f"{of} and statusCode eq '*'", span)
    if not any(each.labels.get("statuscode") == MODEL_ERROR for each in counted):
        return counted
    filtered = f"{of} and statusCode eq '{MODEL_ERROR}' and modelStatusCode eq '*'"
    # Azure names only the dimensions that were asked for with '*'.
    return counted + [
        Series({**each.labels, "statuscode": MODEL_ERROR}, each.points)
        for each in series(arm, endpoint, "RequestsPerMinute", filtered, span)
    ]


def measured(counted: Sequence[Series], latencies: Sequence[Series]) -> Health:
    """From what ``counts`` gives and from ``RequestLatency_P95``, both by the minute."""
    requests = 0.0
    whose: defaultdict[Blame | None, float] = defaultdict(float)
    for each in counted:
        code, own, number = each.labels.get("statuscode", ""), each.labels.get(_OWN), sum(each.points.values())
        if own is None:
            requests += number
            whose[blame(code)] += number
        else:  # of the 424 that are counted already as the model's
            whose[blame(code)] -= number
            whose[blame(code, own)] += number
    milliseconds = [value for each in latencies for value in each.points.values()]
    return Health(
        requests=round(requests),
        failed=round(whose[Blame.MODEL]),
        p95_seconds=statistics.fmean(milliseconds) / 1000 if milliseconds else None,
        busy=round(whose[Blame.LOAD]),
        refused=round(whose[Blame.CALLER]),
    )
