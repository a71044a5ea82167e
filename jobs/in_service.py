"""The endpoint of a stack that is up, and how a version of its model goes into service there; for the commands."""

from __future__ import annotations

import dataclasses
import functools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from cloud.report import Report
from cloud.target import Target
from jobs.promotion import evidence
from jobs.release import rollback
from jobs.release.deployments import Endpoint
from jobs.release.rollback import Version
from jobs.release.spec import ReleaseSpec
from settings.stack import Settings

if TYPE_CHECKING:
    from azure.ai.ml import MLClient


@dataclass(frozen=True, kw_only=True)
class StackEndpoint:
    """With the settings that its file has now."""

    stack: str
    settings: Settings
    target: Target
    endpoint: str

    @classmethod
    def of(cls, stack: str) -> Self:
        """By the outputs of the stack's last update. Raises OutputsError, SettingsError."""
        from cloud.place import recorded
        from settings.commandline import own_name
        from settings.stack import load

        found = recorded(stack, "subscriptionId", "resourceGroup", "workspace", "endpoint")
        target = Target(found["subscriptionId"], found["resourceGroup"], found["workspace"])
        return cls(stack=own_name(stack), settings=load(stack), target=target, endpoint=found["endpoint"])

    @classmethod
    def described(cls, stack: str) -> Self:
        """By its file alone, for those who may not read its state. Raises SettingsError, CredentialError."""
        from cloud.place import described

        settings, place = described(stack)
        return cls(stack=place.stack, settings=settings, target=place.workspace, endpoint=place.names.endpoint)

    @property
    def model(self) -> str:
        return self.settings.finetune.model_name

    @property
    def client(self) -> MLClient:
        from cloud import client

        return client.ml_client(self.target)

    @functools.cached_property
    def versions(self) -> list[Version]:
        """Of the model, newest first, in the registry where it is another stack's. Raises StageError."""
        from cloud.client import registry_client

        if not (taken := self.settings.model.promote).stack:
            return rollback.versions(self.client, self.model)
        # Others may share models of this name there, too: what that stack has not proved is not to be served here.
        return rollback.versions(registry_client(taken.registry), self.model, {evidence.BY: taken.stack})

    def release_of(self, version: Version) -> ReleaseSpec:
        """How this version of the model goes into service."""
        from cloud.place import Place
        from jobs import specs

        place = Place.of(self.settings, self.stack, self.target.subscription_id)
        spec = specs.release(self.settings, place, version.version, version.fingerprint)
        return dataclasses.replace(spec, target=self.target, endpoint=self.endpoint)

    def release_of_number(self, version: str) -> ReleaseSpec:
        """The same by the version's number. Raises StageError where it is not registered."""
        return self.release_of(rollback.registered(self.versions, self.model, version))

    def opened(self, report: Report, stop: threading.Event) -> Endpoint:
        """The endpoint, to work on; for no version in particular."""
        spec = self.release_of(Version(version="", created="", job="", recipe=""))
        return Endpoint(client=self.client, spec=spec, report=report, stop=stop)
