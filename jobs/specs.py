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
"""Takes one line of progress."""

RecipeValue = str | int | float | bool

BASE_DEPLOYMENT = "base"
"""Name of the deployment that keeps the untuned model for comparison, at 0 % of the traffic."""


def _whole(value: RecipeValue) -> RecipeValue:
    """3.0 as 3: the engine carries every number as a double, and 3 must stay 3 on the way to a hook."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _digest(content: Mapping[str, Any]) -> str:
    """12 hexadecimal characters over the canonical JSON of ``content``."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


class _Spec:
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
    """The Azure ML workspace a stage works in."""

    subscription_id: str
    resource_group: str
    workspace: str


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
class DatasetSpec(_Spec):
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
class FinetuneSpec(_Spec):
    """One fine-tuning: data, base model, component, recipe and where it runs."""

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

    def __post_init__(self) -> None:
        object.__setattr__(self, "recipe", {key: _whole(value) for key, value in self.recipe.items()})

    @functools.cached_property
    def fingerprint(self) -> str:  # type: ignore[override]
        """Over what decides the result, and over where it runs: a new cluster means new attempts.

        Not over experiment, attempts and waiting: they change how a result is obtained or found.
        """
        content = dataclasses.asdict(self)
        for how in ("experiment", "max_attempts", "wait"):
            del content[how]
        return _digest(content)

    def job_name(self, attempt: int) -> str:
        """Attempts count from 1."""
        return f"finetune-{self.fingerprint}-{attempt}"

    @property
    def model_version(self) -> str:
        return self.fingerprint


@dataclass(frozen=True)
class ReleaseSpec(_Spec):
    """One model version in service behind an endpoint, and how it gets there."""

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
    question: str
    compare_with_base: bool

    @functools.cached_property
    def fingerprint(self) -> str:  # type: ignore[override]
        """Over what the deployment is; not over how traffic reaches it, nor over the base model beside it."""
        content = dataclasses.asdict(self)
        for how in ("base_model", "traffic_steps", "soak_seconds", "question", "compare_with_base"):
            del content[how]
        return _digest(content)

    @property
    def deployment_name(self) -> str:
        """3 to 32 characters, a letter first: Azure's rule for deployments."""
        return f"m{self.fingerprint}"
