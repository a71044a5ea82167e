"""The deployment that answers: its machines and traffic, how Azure probes it, what it may show while it is watched."""

from __future__ import annotations

import itertools
from typing import Annotated

from pydantic import Field, field_validator

from settings.catalogue import VM_SIZES, VmSize
from settings.fields import Count, Flag, Number, Positive, Section, Text, Whole, gpu_size
from settings.problems import refuse

# Azure refuses 300 and more ("The value should be less than 300"), which is known of the period alone.
_Seconds = Annotated[Positive, Field(le=299)]


class ProbeSettings(Section):
    """Beside the delay, what one probe is: an answer within `timeout_seconds`, asked for every `period_seconds`."""

    # Azure's own 2 s are not enough for a container that answers one question after the other.
    timeout_seconds: _Seconds = 20
    period_seconds: _Seconds = 10
    failure_threshold: Annotated[Positive, Field(le=100)] = 30


class LivenessSettings(ProbeSettings):
    """When Azure takes the container for dead and starts it anew."""

    # A model of some billion weights takes minutes to load.
    initial_delay_seconds: Annotated[Count, Field(le=1_800)] = 600


class ReadinessSettings(ProbeSettings):
    """When an instance gets requests."""

    initial_delay_seconds: Annotated[Count, Field(le=1_800)] = 10


class HealthSettings(Section):
    """What a new deployment may show under traffic before it is taken back."""

    failed_percent: Annotated[Number, Field(ge=0, le=100)] = 5
    latency_seconds: Annotated[Number, Field(gt=0, le=180)] = 60
    # With 5 % of 20 it takes two failures: one request says nothing about a model.
    minimum_requests: Annotated[Positive, Field(le=100_000)] = 20


class ServingSettings(Section):
    """The deployment that answers, and how traffic reaches it."""

    vm_size: Text = "Standard_NC24ads_A100_v4"
    instances: Annotated[Positive, Field(le=20)] = 1
    traffic_steps: tuple[Annotated[Whole, Field(ge=1, le=100)], ...] = (100,)
    soak_seconds: Annotated[Count, Field(le=86_400)] = 0
    # As long as an answer may take; how long Azure lets a deployment that is deleted finish is not documented.
    drain_seconds: Annotated[Count, Field(le=3_600)] = 90
    health: HealthSettings = HealthSettings()
    # Azure lets in twice as many for each instance and answers the others with 429; its own default is 1.
    max_concurrent_requests: Annotated[Positive, Field(le=1_000)] = 8
    liveness: LivenessSettings = LivenessSettings()
    readiness: ReadinessSettings = ReadinessSettings()
    # 180 s is as long as Azure lets a scoring request run.
    request_timeout_seconds: Annotated[Positive, Field(le=180)] = 90
    compare_with_base: Flag = False
    question: Text = "Who founded Microsoft?"

    @field_validator("vm_size")
    @classmethod
    def _for_endpoints(cls, name: str) -> str:
        size = gpu_size(name)
        if not size.endpoint:
            raise refuse("is not offered for managed endpoints", "take Standard_NC24ads_A100_v4")
        return size.name

    @field_validator("traffic_steps")
    @classmethod
    def _rising_to_all(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if not steps or steps[-1] != 100 or any(a >= b for a, b in itertools.pairwise(steps)):
            raise refuse("must rise from step to step and end at 100", "for example [100] or [10, 50, 100]")
        return steps

    @property
    def size(self) -> VmSize:
        return VM_SIZES[self.vm_size]
