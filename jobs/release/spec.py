"""What the stage `release` works on."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

from cloud.target import RegistryAsset, Target
from jobs.spec import Spec, digest

BASE_DEPLOYMENT = "base"
"""Name of the deployment that keeps the untuned model for comparison, at 0 % of the traffic."""


@dataclass(frozen=True)
class EvaluationSpec:
    """What a model has to reach before it gets traffic.

    ``questions`` is a file of the project, or empty; scores are means from 0 to 1, ``maximum_drop`` is how much lower
    than the model in service is let through.
    """

    questions: str
    minimum_score: float
    maximum_drop: float
    latency_seconds: float


_HOW = (
    "base_model",
    "traffic_steps",
    "soak_seconds",
    "drain_seconds",
    "health",
    "question",
    "evaluation",
    "compare_with_base",
    "max_concurrent_requests",
    "liveness",
    "readiness",
)
"""What of a release changes how a deployment gets its traffic, or can be changed while it serves."""


@dataclass(frozen=True)
class HealthSpec:
    """What a new deployment may show under traffic at most: per cent of failed requests, seconds of 95 % of answers.

    Of fewer than ``minimum_requests`` nothing is concluded.
    """

    failed_percent: float
    latency_seconds: float
    minimum_requests: int = 20


@dataclass(frozen=True)
class ProbeSpec:
    """How Azure asks a container whether it is well; seconds, and so many failures in a row mean that it is not."""

    initial_delay_seconds: int
    timeout_seconds: int = 20
    period_seconds: int = 10
    failure_threshold: int = 30


@dataclass(frozen=True)
class ReleaseSpec(Spec):
    """One model version in service behind an endpoint, and how it gets there.

    ``model_fingerprint`` is that of what made the version, by which it is found whatever its number; empty for a
    version that no fine-tuning of this program has made.
    """

    target: Target
    endpoint: str
    model_name: str
    model_version: str
    base_model: RegistryAsset
    instance_type: str
    instance_count: int
    request_timeout_seconds: int
    traffic_steps: tuple[int, ...]
    soak_seconds: int
    drain_seconds: int
    health: HealthSpec
    question: str
    evaluation: EvaluationSpec
    compare_with_base: bool
    max_concurrent_requests: int = 8
    liveness: ProbeSpec = ProbeSpec(600)
    readiness: ProbeSpec = ProbeSpec(10)
    model_fingerprint: str = ""

    @functools.cached_property
    def fingerprint(self) -> str:  # type: ignore[override]
        """Over what the deployment is; not over how traffic reaches it, what Azure lets one change while it serves,
        nor over the base model beside it.
        """
        content = dataclasses.asdict(self)
        for how in _HOW:
            del content[how]
        # The model is what made it, not its number: the name of a deployment is that of the time before numbers.
        content["model_version"] = content.pop("model_fingerprint") or self.model_version
        return digest(content)

    @property
    def deployment_name(self) -> str:
        """3 to 32 characters, a letter first: Azure's rule for deployments."""
        return f"m{self.fingerprint}"
