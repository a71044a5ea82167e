"""What the stage `release` works on."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from cloud.target import RegistryAsset, Target
from jobs.spec import Spec, digest
from settings.sections.evaluation import EvaluationSettings
from settings.sections.serving import ServingSettings

BASE_DEPLOYMENT = "base"
"""Name of the deployment that keeps the untuned model for comparison, at 0 % of the traffic."""

_DEPLOYED = ("target", "endpoint", "model_name", "instance_type", "instance_count", "request_timeout_seconds")
"""What a new deployment is named by, beside its model; instances and time-out can be changed while it serves, too
(settings_in_place.py). All else is how it gets its traffic."""
_PROBE = ("initial_delay_seconds", "timeout_seconds", "period_seconds", "failure_threshold")


@dataclass(frozen=True, kw_only=True)
class ReleaseSpec(Spec):
    """One model version in service behind an endpoint, and how it gets there.

    ``model_fingerprint`` is that of what made the version, by which it is found whatever its number; empty for a
    version that no fine-tuning of this program has made. ``system_prompt`` is what those who chat tell the model first,
    so that it is asked in the same way before it goes into service. ``registry`` is where the version is that another
    stack has shared; empty: in this workspace. ``deployed_as`` is what the stage finds out: the name under which this
    model stands on these machines already, made with other instances or time-outs. ``tags`` are the stack's.
    """

    CHANGES: ClassVar = "endpoint"

    BESIDE: ClassVar = "serving"
    RENAMED: ClassVar = {"vm_size": "instance_type", "instances": "instance_count"}
    BETWEEN: ClassVar = frozenset({"tags"})
    WHERE_SET: ClassVar = frozenset({"system_prompt", "deployed_as", "registry"})
    ALWAYS: ClassVar = frozenset(
        {
            *("vm_size", "instances", "request_timeout_seconds", "traffic_steps", "soak_seconds", "drain_seconds"),
            *("question", "compare_with_base", "max_concurrent_requests"),
            *(f"health.{key}" for key in ("failed_percent", "latency_seconds", "minimum_requests")),
            *(f"{probe}.{key}" for probe in ("liveness", "readiness") for key in _PROBE),
            *(f"evaluation.{key}" for key in ("questions", "minimum_score", "maximum_drop", "latency_seconds")),
        }
    )

    target: Target
    endpoint: str
    model_name: str
    model_version: str
    model_fingerprint: str = ""
    base_model: RegistryAsset
    serving: ServingSettings
    evaluation: EvaluationSettings
    system_prompt: str = ""
    registry: str = ""
    deployed_as: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @functools.cached_property
    def fingerprint(self) -> str:  # type: ignore[override]
        """Over what the deployment is; not over how traffic reaches it, nor over the base model beside it."""
        content = self.recorded()
        # The model is what made it, not its number: the name of a deployment is that of the time before numbers.
        model = self.model_fingerprint or self.model_version
        return digest({**{key: content[key] for key in _DEPLOYED}, "model_version": model})

    @property
    def unanswered(self) -> str:
        """What callers are told by nobody else: that a release leaves them without an answer; "" where it does not."""
        if self.serving.strategy == "beside":
            return ""
        return (
            "serving.strategy is recreate: when another model or other machines are released, nobody is answered for "
            "some twenty minutes, or twice as long where the new one fails"
        )

    def shared(self, version: str) -> RegistryAsset | None:
        """Where a version is that another stack has shared; None for one of this workspace."""
        return RegistryAsset(self.registry, self.model_name, version) if self.registry else None

    @property
    def endpoint_path(self) -> str:
        """The endpoint's id in Azure Resource Manager."""
        return f"{self.target.path}/onlineEndpoints/{self.endpoint}"

    @property
    def deployment_name(self) -> str:
        """As it stands there already, or of this version on these machines."""
        return self.deployed_as or deployment_name(self.fingerprint)


def deployment_name(fingerprint: str) -> str:
    """3 to 32 characters, a letter first: Azure's rule for deployments."""
    return f"m{fingerprint}"
