"""The parts of `serving` that say how Azure probes a deployment, and what it may show under traffic."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.fields import Count, Number, Positive, Section

# Azure refuses 300 and more ("The value should be less than 300"), which is known of the period alone.
_Seconds = Annotated[Positive, Field(le=299)]


class _Probe(Section):
    """Beside the delay, what one probe is: an answer within `timeout_seconds`, asked for every `period_seconds`."""

    # Azure's own 2 s are not enough for a container that answers one question after the other.
    timeout_seconds: _Seconds = 20
    period_seconds: _Seconds = 10
    failure_threshold: Annotated[Positive, Field(le=100)] = 30


class Liveness(_Probe):
    """When Azure takes the container for dead and starts it anew."""

    # A model of some billion weights takes minutes to load.
    initial_delay_seconds: Annotated[Count, Field(le=1_800)] = 600


class Readiness(_Probe):
    """When an instance gets requests."""

    initial_delay_seconds: Annotated[Count, Field(le=1_800)] = 10


class Health(Section):
    """What a new deployment may show under traffic before it is taken back."""

    failed_percent: Annotated[Number, Field(ge=0, le=100)] = 5
    latency_seconds: Annotated[Number, Field(gt=0, le=180)] = 60
    # With 5 % of 20 it takes two failures: one request says nothing about a model.
    minimum_requests: Annotated[Positive, Field(le=100_000)] = 20
