"""What the stages `share` and `promotion` work on."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import ClassVar

from cloud.target import RegistryAsset, Target
from jobs.release.spec import ReleaseSpec
from jobs.spec import Spec, digest
from settings.sections.evaluation import EvaluationSettings


@dataclass(frozen=True, kw_only=True)
class ShareSpec(Spec):
    """A version in service, the registry that it goes to, and how it is asked before: as it was for its release."""

    CHANGES: ClassVar = "endpoint"
    """What is asked is not to be replaced meanwhile."""
    WHERE_SET: ClassVar = frozenset({"system_prompt"})

    target: Target
    stack: str
    registry: str
    endpoint: str
    model_name: str
    model_version: str
    model_fingerprint: str
    evaluation: EvaluationSettings
    request_timeout_seconds: int
    system_prompt: str = ""

    @classmethod
    def of(cls, release: ReleaseSpec, stack: str, registry: str) -> ShareSpec:
        """For what that release puts into service."""
        return cls(
            target=release.target,
            stack=stack,
            registry=registry,
            endpoint=release.endpoint,
            model_name=release.model_name,
            model_version=release.model_version,
            model_fingerprint=release.model_fingerprint,
            evaluation=release.evaluation,
            request_timeout_seconds=release.serving.request_timeout_seconds,
            system_prompt=release.system_prompt,
        )

    @functools.cached_property
    def fingerprint(self) -> str:  # type: ignore[override]
        content = self.recorded()
        return digest({key: content[key] for key in ("registry", "model_name", "model_fingerprint", "stack")})


@dataclass(frozen=True, kw_only=True)
class PromotionSpec(Spec):
    """A version of another stack's model in a registry, with the evidence on which it is taken."""

    target: Target
    registry: str
    stack: str
    model_name: str
    model_version: str
    model_fingerprint: str
    evidence: dict[str, str]

    @functools.cached_property
    def fingerprint(self) -> str:  # type: ignore[override]
        content = self.recorded()
        return digest({key: content[key] for key in ("registry", "stack", "model_name", "model_fingerprint")})

    @property
    def asset(self) -> RegistryAsset:
        """Where the version is."""
        return RegistryAsset(self.registry, self.model_name, self.model_version)
