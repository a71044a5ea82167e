"""The deployment that answers: its machines and traffic, how Azure probes it, what it may show while it is watched."""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, field_validator

from settings.fields import Count, Flag, Number, Positive, Section, Text, Whole, gpu_size
from settings.machines import VM_SIZES, VmSize
from settings.problems import refuse
from settings.sections.hours import EXAMPLE, WrongHours, hours_of

# Azure refuses 300 and more ("The value should be less than 300"), which is known of the period alone.
_MOST = 20
"""Instances."""


def _some(value: Any) -> Any:
    """Azure takes 0 for online deployments of no kind; who writes it wants to pay nothing for a while."""
    if value == 0 and not isinstance(value, bool):
        raise refuse(
            "must be 1 or more",
            "to pay for no GPU while nobody asks, run `python -m jobs pause`, or set the office hours, serving.hours",
        )
    return value


_Seconds = Annotated[Positive, Field(le=299)]


class ProbeSettings(Section):
    """How Azure asks a container whether it is well."""

    # Azure's own 2 s are not enough for a container that answers one question after the other.
    timeout_seconds: _Seconds = 20
    """how long it may take to answer"""
    period_seconds: _Seconds = 10
    """how often it is asked"""
    failure_threshold: Annotated[Positive, Field(le=100)] = 30
    """after how many answers in a row that are missing or bad"""


class LivenessSettings(ProbeSettings):
    """When Azure takes the container for dead and starts it anew."""

    # A model of some billion weights takes minutes to load.
    initial_delay_seconds: Annotated[Count, Field(le=1_800)] = 600
    """how long after its start it is asked first"""


class ReadinessSettings(ProbeSettings):
    """When an instance gets requests."""

    initial_delay_seconds: Annotated[Count, Field(le=1_800)] = 10
    """how long after its start it is asked first"""


class HealthSettings(Section):
    """What a new deployment may show under traffic before it is taken back."""

    failed_percent: Annotated[Number, Field(ge=0, le=100)] = 5
    """more of its requests than this may not fail"""
    latency_seconds: Annotated[Number, Field(gt=0, le=180)] = 60
    """95 % of its answers have to come within this"""
    # With 5 % of 20 it takes two failures: one request says nothing about a model.
    minimum_requests: Annotated[Positive, Field(le=100_000)] = 20
    """how many requests it has to have had before it is judged"""
    no_data: Literal["pass", "wait", "fail"] = "pass"
    """what a step does of which too little was measured: go on with a warning, wait for requests, or be taken back"""
    wait_seconds: Annotated[Positive, Field(le=86_400)] = 1_800
    """how long noData: wait waits, before it leaves the release where it is"""


class ScaleSettings(Section):
    """Azure Monitor's autoscale of the deployment."""

    min: Annotated[Positive, Field(le=_MOST)] = 1
    """fewest instances"""
    max: Annotated[Count, Field(le=_MOST)] = 0
    """most instances; 0 for no scaling: then there are serving.instances"""
    # Below half of it for a quarter of an hour, there is one less.
    target: Annotated[Whole, Field(ge=10, le=90)] = 70
    """per cent of GPU utilisation above which, after five minutes, there is one more"""

    @property
    def wanted(self) -> bool:
        return self.max > 0

    def within(self, instances: int) -> int:
        """The number, or the nearest that is allowed."""
        return min(max(instances, self.min), self.max) if self.wanted else instances

    def __str__(self) -> str:
        return f"{self.min} to {self.max} instances, by a GPU utilisation of {self.target} %"


class ServingSettings(Section):
    """The deployment that answers."""

    vm_size: Text = "Standard_NC24ads_A100_v4"
    """size of an instance"""
    instances: Annotated[Positive, Field(le=_MOST), BeforeValidator(_some)] = 1
    """how many"""
    scale: ScaleSettings = ScaleSettings()
    """instances by load, in the place of as many as instances says (those are what a new deployment begins with)"""
    # Run by a workflow (.github/workflows/hours.yml), or whatever calls `python -m jobs keep-hours`.
    hours: Annotated[str, StringConstraints(strip_whitespace=True, strict=True)] = ""
    """when the model is in service, such as Mon-Fri 07:00-19:00 Europe/Berlin; outside of it the endpoint is paused;
    empty for always
    """
    # With `recreate` the endpoint answers nobody until the new deployment stands: some twenty minutes.
    strategy: Literal["beside", "recreate"] = "beside"
    """whether a new deployment is made beside the old one, or in its place (nobody is answered for some twenty minutes)
    """
    traffic_steps: tuple[Annotated[Whole, Field(ge=1, le=100)], ...] = (100,)
    """per cent of the traffic a new deployment gets, rising to 100"""
    # Azure copies to one deployment, and half of the questions at most.
    mirror_percent: Annotated[Count, Field(le=50)] = 0
    """per cent of the questions of which a new deployment gets a copy before the first step, answering nobody"""
    soak_seconds: Annotated[Count, Field(le=86_400)] = 0
    """how long each step is watched before the next, and the last before the old model goes"""
    # As long as an answer may take; how long Azure lets a deployment that is deleted finish is not documented.
    drain_seconds: Annotated[Count, Field(le=3_600)] = 90
    """how long after its last request a deployment may finish its answers before it goes"""
    keep_previous_hours: Annotated[Count, Field(le=168)] = 0
    """how long after a release the deployment before it stays, without traffic, for `rollback --now` (it bills)"""
    health: HealthSettings = HealthSettings()
    """what sends it back while watched"""
    probe: Flag = False
    """ask a new deployment questions of our own where fewer callers do than health.minimumRequests, to judge it by"""
    on_failure: Literal["remove", "keep"] = "remove"
    """whether a new deployment that is taken back goes, or stays to be looked into (without traffic, it bills)"""
    # Azure lets in twice as many for each instance and answers the others with 429; its own default is 1.
    max_concurrent_requests: Annotated[Positive, Field(le=1_000)] = 8
    """requests an instance works on; Azure lets in twice as many, the others get 429"""
    liveness: LivenessSettings = LivenessSettings()
    """probes after which Azure starts the container anew"""
    readiness: ReadinessSettings = ReadinessSettings()
    """the same, for whether an instance gets requests"""
    # 180 s is as long as Azure lets a scoring request run.
    request_timeout_seconds: Annotated[Positive, Field(le=180)] = 90
    """how long a request may take before it is ended"""
    compare_with_base: Flag = False
    """keep the untuned model beside it, without traffic (doubles the bill)"""
    question: Text = "Who founded Microsoft?"
    """what a new deployment is asked before it gets traffic"""

    @field_validator("vm_size")
    @classmethod
    def _for_endpoints(cls, name: str) -> str:
        size = gpu_size(name)
        if not size.endpoint:
            raise refuse("is not offered for managed endpoints", "take Standard_NC24ads_A100_v4")
        return size.name

    @field_validator("hours")
    @classmethod
    def _understood(cls, hours: str) -> str:
        try:
            hours_of(hours)
        except WrongHours as error:
            raise refuse(str(error), EXAMPLE) from None
        return hours

    @field_validator("traffic_steps")
    @classmethod
    def _rising_to_all(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if not steps or steps[-1] != 100 or any(a >= b for a, b in itertools.pairwise(steps)):
            raise refuse("must rise from step to step and end at 100", "for example [100] or [10, 50, 100]")
        return steps

    @property
    def size(self) -> VmSize:
        return VM_SIZES[self.vm_size]
