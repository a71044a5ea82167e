"""What does not go with names of one's own, and with what somebody else has made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic.alias_generators import to_camel

from settings.checks.conflict import Conflict
from settings.estate.existing import USABLE, AzureId
from settings.naming import wrong
from settings.tree import Settings


def names(settings: Settings, stack: str) -> Iterator[Conflict]:
    """Names of a pattern, and beside each other; a single one is checked where it stands."""
    chosen = settings.names.chosen()
    for found in wrong(settings.name, stack, settings.suffix, chosen, settings.location) if chosen else ():
        key = f"names.{to_camel(found.attribute)}"
        yield Conflict(key, found.name, found.rule, found.remedy, ("names.pattern", "name", "suffix"))


def existing(settings: Settings) -> Iterator[Conflict]:
    """Two names for one thing, and settings that would change what is somebody else's."""
    ids, own = settings.existing.ids(), settings.names.model_dump()
    for key, id_ in ids.items():
        attribute, found = USABLE[key].attribute, AzureId.of(id_)
        if own[attribute]:
            name = f"names.{to_camel(attribute)}"
            rule = f"names what existing.{key} has made already"
            yield Conflict(name, own[attribute], rule, "remove the line, or the other", (f"existing.{key}",))
        subscription = settings.subscription_id
        if key == "group" and found and subscription and found.subscription_id != subscription.lower():
            rule = f"is in another subscription than the stack, which is in {subscription}"
            yield Conflict(
                "existing.group", id_, rule, "set azure-native:subscriptionId to its own", ("subscriptionId",)
            )
    if "group" in ids and settings.commit_tag:
        rule = "would tag existing.group, which is somebody else's"
        yield Conflict("commitTag", True, rule, "set it to false", ("existing.group",))
    if "group" in ids and settings.monitoring.budget.amount:
        yield Conflict(
            "monitoring.budget.amount",
            settings.monitoring.budget.amount,
            "would be a budget on existing.group, whose owner pays and may have one",
            "set it to 0, and ask who owns the group for a budget with the filter tag stack",
            ("existing.group",),
        )
    yield from _within(ids)


def _within(ids: Mapping[str, str]) -> Iterator[Conflict]:
    """What lies in something else, or stands on it, goes with it."""
    group = AzureId.of(ids.get("group", ""))
    for key in ("workspace", "project"):
        found = AzureId.of(ids.get(key, ""))
        if found and (group is None or found.place != group.place):
            rule = "is in a group that is not existing.group, and the stack works in one"
            remedy = f"set existing.group to {ids[key].lower().split('/providers/')[0]}"
            yield Conflict(f"existing.{key}", ids[key], rule, remedy, ("existing.group",))
    if workspace := ids.get("workspace"):
        lacking = [f"existing.{key}" for key in ("storage", "vault", "registry", "insights") if key not in ids]
        if lacking:
            rule = f"stands on things of its own, and {', '.join(lacking)} would be made beside them"
            remedy = f"give these too: az resource show --ids {workspace} --query properties prints them"
            yield Conflict("existing.workspace", workspace, rule, remedy, tuple(lacking))
    if cluster := ids.get("cluster"):
        if not cluster.lower().startswith(f"{ids.get('workspace', '').lower()}/computes/"):
            rule = "is in a workspace that is not existing.workspace"
            remedy = f"set existing.workspace to {cluster.rsplit('/', 2)[0]}"
            yield Conflict("existing.cluster", cluster, rule, remedy, ("existing.workspace",))
        if "identity" not in ids:
            rule = "does not act as the identity that the stack would make"
            remedy = "set existing.identity to the user-assigned identity that it acts as"
            yield Conflict("existing.cluster", cluster, rule, remedy, ("existing.identity",))


def roles(settings: Settings) -> Iterator[Conflict]:
    """Nobody can be granted a role beforehand who is whoever runs the program."""
    storage = settings.storage
    if not (settings.identity.assign_roles or storage.shared_keys or storage.deployers or settings.github.repository):
        yield Conflict(
            "storage.deployers",
            storage.deployers,
            "must name who runs the program, as others grant roles and storage keys do not work",
            "give {object id: User}, which az ad signed-in-user show --query id prints, or a group's as Group",
            ("identity.assignRoles", "storage.sharedKeys"),
        )
