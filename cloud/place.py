"""Where a stack is on Azure: its subscription and region, the names of all that is in it, and the tags on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic.alias_generators import to_camel

from cloud.credentials import subscription_id, work_in
from cloud.target import Target
from settings import outputs
from settings.commandline import own_name
from settings.estate.existing import not_made
from settings.naming import PROJECT, Names, Origin, Wrong, wrong
from settings.problems import Problem, SettingsError, shown, written
from settings.stack import Settings, load

Thing = TypeVar("Thing")


@dataclass(frozen=True, kw_only=True)
class Place:
    """`stack` is the stack's own name, without organization and project; names and tags are those of its `origin`."""

    stack: str
    origin: Origin
    subscription_id: str
    location: str
    names: Names
    tags: Mapping[str, str]
    existing: Mapping[str, str] = field(default_factory=dict)
    """What somebody else has made: ids, by the keys of the setting `existing`."""

    @classmethod
    def of(cls, settings: Settings, stack: str, subscription_id: str, origin: Origin | None = None) -> Place:
        """The place that the settings of a stack say; without an ``origin`` it is called what it was made as.

        Raises SettingsError for a pattern that fits the stack's name of today and not the one it had.
        """
        origin = origin or Origin(stack, subscription_id)
        chosen = {**settings.names.chosen(), **settings.existing.names()}
        parts = (settings.suffix, chosen, settings.location)
        if origin.stack != stack and (broken := list(wrong(settings.name, origin.stack, *parts))):
            raise SettingsError(stack, (_problem(each, origin) for each in broken))
        names = Names.of(settings.name, origin.stack, origin.subscription_id, *parts)
        return cls(
            stack=stack,
            origin=origin,
            subscription_id=subscription_id,
            location=settings.location,
            names=names,
            tags={**settings.tags, "project": PROJECT, "stack": origin.stack},
            existing=settings.existing.ids(),
        )

    def ours(self, things: Mapping[str, Thing]) -> dict[str, Thing]:
        """Those of `things`, by the keys of the setting `existing`, that nobody else has made."""
        return {key: thing for key, thing in things.items() if key not in self.existing}

    @property
    def group_id(self) -> str:
        """Of the group that the stack is in."""
        return f"/subscriptions/{self.subscription_id}/resourceGroups/{self.names.resource_group}"

    @property
    def soft_deleted(self) -> dict[str, list[str]]:
        """The stack's own names that Azure keeps after a deletion, by the words of `cloud.catalogue`."""
        return self.names.soft_deleted(not_made(self.existing))

    @property
    def renamed(self) -> Origin | None:
        """The origin of a stack that is called otherwise by now, or in another subscription."""
        return None if self.origin == Origin(self.stack, self.subscription_id) else self.origin

    @property
    def workspace(self) -> Target:
        """Where the stages work, also before the first `up` has made it."""
        return Target(self.subscription_id, self.names.resource_group, self.names.workspace)

    @property
    def project(self) -> Target:
        """AI Foundry's project."""
        return Target(self.subscription_id, self.names.resource_group, self.names.project)


def _problem(wrong: Wrong, origin: Origin) -> Problem:
    key = written(("names", to_camel(wrong.attribute)))
    return Problem(key, shown(wrong.name), f"{wrong.rule} (the stack was made as {origin.stack})", wrong.remedy)


def described(stack: str) -> tuple[Settings, Place]:
    """The settings and the place of a stack, the same as the program's: its state says what it was made as.

    Azure is asked in the subscription's tenant from here on. Raises SettingsError, and CredentialError where nothing
    says which subscription.
    """
    name = own_name(stack)
    settings = load(stack)
    work_in(settings.subscription_id)
    return settings, Place.of(settings, name, subscription_id(), outputs.origin(stack))


def recorded(stack: str, *needed: str) -> dict[str, Any]:
    """The stack's outputs, ``needed`` among them; Azure is asked in their subscription's tenant from here on.

    Raises OutputsError.
    """
    found = outputs.read(stack, *needed)
    work_in(found["subscriptionId"])
    return found
