"""Where a stack is on Azure: its subscription and region, the names of all that is in it, and the tags on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloud.credentials import subscription_id, work_in
from cloud.target import Target
from settings import outputs
from settings.commandline import own_name
from settings.naming import PROJECT, Names
from settings.stack import Settings, load


@dataclass(frozen=True, kw_only=True)
class Place:
    """`stack` is the stack's own name, without organization and project."""

    stack: str
    subscription_id: str
    location: str
    names: Names
    tags: Mapping[str, str]

    @classmethod
    def of(cls, settings: Settings, stack: str, subscription_id: str) -> Place:
        """The place that the settings of a stack say."""
        names = Names.of(settings.name, stack, subscription_id, settings.suffix)
        tags = {**settings.tags, "project": PROJECT, "stack": stack}
        return cls(stack=stack, subscription_id=subscription_id, location=settings.location, names=names, tags=tags)

    @property
    def workspace(self) -> Target:
        """Where the stages work, also before the first `up` has made it."""
        return Target(self.subscription_id, self.names.resource_group, self.names.workspace)

    @property
    def project(self) -> Target:
        """AI Foundry's project."""
        return Target(self.subscription_id, self.names.resource_group, self.names.project)


def described(stack: str) -> tuple[Settings, Place]:
    """The settings and the place of a stack, the same as the program's.

    Azure is asked in the subscription's tenant from here on. Raises SettingsError, and CredentialError where nothing
    says which subscription.
    """
    name = own_name(stack)
    settings = load(stack)
    work_in(settings.subscription_id)
    return settings, Place.of(settings, name, subscription_id())


def recorded(stack: str, *needed: str) -> dict[str, Any]:
    """The stack's outputs, ``needed`` among them; Azure is asked in their subscription's tenant from here on.

    Raises OutputsError.
    """
    found = outputs.read(stack, *needed)
    work_in(found["subscriptionId"])
    return found
