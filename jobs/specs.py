"""What each stage works on, as plain data.

A spec is everything a stage needs to know and nothing it has to look up. ``to_inputs()`` is what the stage's
Stash resource records, so a changed learning rate is a line in the preview; ``from_inputs()`` builds the spec
again from what the hook is given. The names of everything a stage makes on Azure (data asset version, job,
model version, deployment) derive from the spec's fingerprint, so that an interrupted stage finds its own
earlier work again.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

Report = Callable[[str], None]
"""Takes one line of progress; one that begins with WARNING should stay in sight."""
WARNING = "warning: "

RecipeValue = str | int | float | bool

BASE_DEPLOYMENT = "base"
"""Name of the deployment that keeps the untuned model for comparison, at 0 % of the traffic."""


def _whole(value: RecipeValue) -> RecipeValue:
    """3.0 as 3: the engine carries every number as a double, and 3 must stay 3 on the way to a hook."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def digest(content: Mapping[str, Any]) -> str:
    """12 hexadecimal characters over the canonical JSON of ``content``."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def model_version(fingerprint: str) -> str:
    """From 1 to 2**31 - 1, decimal: the version of a model has to be a positive integer, and a preview has to know it.

    Two fingerprints may have the same one, which the tag `fingerprint` of the version tells.
    """
    return str(int(fingerprint, 16) % (2**31 - 1) + 1)


class Spec:
    """JSON both ways for the frozen dataclasses below."""

    fingerprint: str

    def to_inputs(self) -> dict[str, Any]:
        """JSON-able; holds every field, and the fingerprint beside them."""
        fields = dataclasses.asdict(self)  # type: ignore[call-overload]
        return {**json.loads(json.dumps(fields)), "fingerprint": self.fingerprint}

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> Self:
        """The spec ``to_inputs`` came from. Raises pydantic.ValidationError for anything else."""
        from pydantic import TypeAdapter

        return TypeAdapter(cls).validate_python(dict(inputs))


@dataclass(frozen=True)
class Target:
    """The Azure ML workspace, or Foundry project, a stage works in."""

    subscription_id: str
    resource_group: str
    workspace: str

    @property
    def path(self) -> str:
        """Its id on Azure."""
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.workspace}"
        )


@dataclass(frozen=True)
class RegistryAsset:
    """A model or component of a shared registry; version may be ``latest`` for components."""

    registry: str
    name: str
    version: str

    @property
    def model_uri(self) -> str:
        return f"azureml://registries/{self.registry}/models/{self.name}/versions/{self.version}"


@dataclass(frozen=True)
class DatasetSpec(Spec):
    """Training and test data as two uri_file assets, versioned by the files' content."""

    target: Target
    name: str
    fingerprint: str
    directory: str

    @property
    def train_asset(self) -> str:
        return f"{self.name}-train"

    @property
    def test_asset(self) -> str:
        return f"{self.name}-test"


@dataclass(frozen=True)
class PreparationSpec(DatasetSpec):
    """The same two assets, prepared by a job on a CPU cluster.

    ``fingerprint`` is that of the request (settings, source content, version of the preparation): the files' own is
    known only when the job has ended. ``options`` are data_prep's flags, with underscores; ``source`` is as in the
    settings, ``directory`` is not used.
    """

    source: str
    options: dict[str, RecipeValue]
    cluster: str
    vm_size: str
    experiment: str
    max_attempts: int
    stack: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", {key: _whole(value) for key, value in self.options.items()})

    @property
    def source_asset(self) -> str:
        """The uploaded files, where the source is on this machine."""
        return f"{self.name}-source"

    def job_name(self, attempt: int) -> str:
        """Attempts count from 1; another machine size means new ones."""
        where = {"fingerprint": self.fingerprint, "cluster": self.cluster, "vm_size": self.vm_size}
        return f"prepare-{digest(where)}-{attempt}"


@dataclass(frozen=True)
class FinetuneSpec(Spec):
    """One fine-tuning: data, base model, component, recipe and where it runs.

    ``supersede`` says what happens to a job of an earlier recipe that still runs: cancel or keep; ``stack`` is written
    on every job and tells this stack's jobs from others'. ``finetune_config`` is the JSON that the component is to put
    before the base model's own finetune_config.json, or "".
    """

    target: Target
    dataset_name: str
    dataset_fingerprint: str
    base_model: RegistryAsset
    component: RegistryAsset
    recipe: dict[str, RecipeValue]
    cluster: str
    gpus_per_node: int
    experiment: str
    model_name: str
    max_attempts: int
    wait: bool
    cancel_on_interrupt: bool = False
    supersede: str = "cancel"
    stack: str = ""
    finetune_config: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "recipe", {key: _whole(value) for key, value in self.recipe.items()})

    @functools.cached_property
    def fingerprint(self) -> str:  # type: ignore[override]
        """Over what decides the result, and over where it runs: a new cluster means new attempts.

        Not over experiment, attempts, waiting and the like: they change how a result is obtained or found.
        """
        content = dataclasses.asdict(self)
        for how in ("experiment", "max_attempts", "wait", "cancel_on_interrupt", "supersede", "stack"):
            del content[how]
        if not self.finetune_config:
            del content["finetune_config"]
        return digest(content)

    def to_inputs(self) -> dict[str, Any]:
        """As every spec, but what is not set is not there: nothing changes for a stack of before there was the key."""
        inputs = super().to_inputs()
        if not self.finetune_config:
            del inputs["finetune_config"]
        return inputs

    def job_name(self, attempt: int) -> str:
        """Attempts count from 1."""
        return f"finetune-{self.fingerprint}-{attempt}"

    def is_job(self, name: str) -> bool:
        """Whether it is the name of an attempt."""
        return name.rpartition("-")[0] == self.job_name(1).rpartition("-")[0]

    @property
    def model_version(self) -> str:
        """The number under which the model is registered."""
        return model_version(self.fingerprint)


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


@dataclass(frozen=True)
class FlowSpec(Spec):
    """The prompt flow in a Foundry project, bound to the project's connection.

    `target` is the project; `content` the fingerprint of the flow's files.
    """

    target: Target
    name: str
    connection: str
    content: str

    @property
    def fingerprint(self) -> str:  # type: ignore[override]
        return digest(dataclasses.asdict(self))
