"""Removes for good what Azure would keep of deleted vaults, AI Services accounts and workspaces of any kind.

Delete hooks would make a plain `pulumi destroy` fail, as the program that holds them is not running then. A
dynamic resource is deleted without the program. Azure has two ways, so there are two of them:

- `Purge` is made before the vault and the account it cleans up after, so a destroy comes to it when they are gone;
- `PurgeLive` stands between a workspace and what lies in it: a destroy comes to it when the workspace is empty and
  lives, as only the call that deletes a workspace can also free its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import dynamic

from cloud.catalogue import PURGEABLE

PURGED_AFTERWARDS = [word for word, row in PURGEABLE.items() if row.soft_delete and row.soft_delete.purge]
"""Kinds that Azure purges once they are soft-deleted."""


@dataclass(frozen=True)
class PurgeArgs:
    """All plain values: a destroy has nothing but these."""

    subscription_id: str
    location: str
    resource_group: str
    names: Mapping[str, Sequence[str]]
    """The stack's own that Azure keeps after a deletion, by the words of `cloud.catalogue`."""


@dataclass(frozen=True)
class PurgeLiveArgs:
    """`target` is the id of a workspace, hub, project or Log Analytics workspace; `holds` has the ids of what the
    program makes in it, with the API version each is asked with."""

    subscription_id: str
    target: pulumi.Input[str]
    holds: Mapping[str, str]


class _Provider(dynamic.ResourceProvider):
    """Pickled by reference to this module, so the state holds no code, no path and no secret."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(props["resourceGroup"], _recorded(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(changes=_recorded(olds) != _recorded(news))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        """Another `name`, `suffix` or region gives new names; the old ones stay to be purged at the end."""
        now = _recorded(news)
        before = [each for each in (*olds.get("earlier", ()), _recorded(olds)) if _places(each) - _places(now)]
        return dynamic.UpdateResult({**now, "earlier": before})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        from cloud.credentials import work_in
        from cloud.removal.purge import purge

        work_in(props["subscriptionId"])  # this process does not see the stack's settings
        for each in (props, *props.get("earlier", ())):
            where = each["subscriptionId"], each["location"], each["resourceGroup"]
            for line in purge(*where, dict(each["names"]), _say):
                _say(line)


def _say(line: str) -> None:
    """The process of a dynamic provider has no log; the engine shows what it prints."""
    print(line, flush=True)


def _recorded(props: Mapping[str, Any]) -> dict[str, Any]:
    return {key: props[key] for key in ("subscriptionId", "location", "resourceGroup", "names")}


def _places(record: Mapping[str, Any]) -> set[tuple[str, str, str, str]]:
    """Where each name of a record that can be purged afterwards is."""
    names = ((kind, name) for kind in PURGED_AFTERWARDS for name in record["names"].get(kind, ()))
    return {(record["location"], record["resourceGroup"], *each) for each in names}


class Purge(dynamic.Resource, name="Purge"):
    """Does nothing until it is deleted. Resources it must outlive depend on it."""

    def __init__(self, name: str, args: PurgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {
            "subscriptionId": args.subscription_id,
            "location": args.location,
            "resourceGroup": args.resource_group,
            "names": {kind: list(found) for kind, found in args.names.items() if kind in PURGED_AFTERWARDS},
        }
        super().__init__(_Provider(), name, props, opts)


class _LiveProvider(dynamic.ResourceProvider):
    """Pickled by reference like the other."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(props["target"], _live(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """With its target it is replaced: the old one is deleted first, and takes the old target along."""
        anew = str(olds["target"]).lower() != str(news["target"]).lower()
        return dynamic.DiffResult(
            changes=_live(olds) != _live(news), replaces=["target"] if anew else [], delete_before_replace=True
        )

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(_live(news))

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        from cloud.credentials import work_in
        from cloud.removal.deletion import delete_for_good

        work_in(props["subscriptionId"])
        _say(delete_for_good(props["target"], dict(props["holds"]), _say))


def _live(props: Mapping[str, Any]) -> dict[str, Any]:
    return {key: props[key] for key in ("subscriptionId", "target", "holds")}


class PurgeLive(dynamic.Resource, name="Purge"):
    """Does nothing until it is deleted; then deletes its target so that Azure keeps nothing of it.

    What lies in the target depends on this, so a destroy comes to it when that is gone. While anything of that is
    there, the stack lives and only this was taken out of it (purgeOnDestroy switched off, an older program): the target
    is left alone.
    """

    def __init__(self, name: str, args: PurgeLiveArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {"subscriptionId": args.subscription_id, "target": args.target, "holds": dict(args.holds)}
        super().__init__(_LiveProvider(), name, props, opts)
