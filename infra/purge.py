"""Removes for good what Azure keeps of deleted vaults, workspaces and AI Services accounts.

Delete hooks would make a plain `pulumi destroy` fail, as the program that holds them is not running then. A
dynamic resource is deleted without the program. It is made before the resources it cleans up after, so a
destroy comes to it when they are gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import dynamic

from infra.naming import Names


@dataclass(frozen=True)
class PurgeArgs:
    """All plain values: a destroy has nothing but these."""

    subscription_id: str
    location: str
    names: Names


class _Provider(dynamic.ResourceProvider):
    """Pickled by reference to this module, so the state holds no code, no path and no secret."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(props["resourceGroup"], _recorded(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(changes=_recorded(olds) != _recorded(news))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(_recorded(news))

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        from jobs.credentials import work_in
        from jobs.purge import purge

        work_in(props["subscriptionId"])  # this process does not see the stack's settings
        lines = purge(props["subscriptionId"], props["location"], props["resourceGroup"], dict(props["names"]))
        # The process of a dynamic provider has no log; the engine shows what it prints.
        print("\n".join(lines), flush=True)


def _recorded(props: dict[str, Any]) -> dict[str, Any]:
    return {key: props[key] for key in ("subscriptionId", "location", "resourceGroup", "names")}


class Purge(dynamic.Resource, name="Purge"):
    """Does nothing until it is deleted. Resources it must outlive depend on it."""

    def __init__(self, name: str, args: PurgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        names = args.names
        props = {
            "subscriptionId": args.subscription_id,
            "location": args.location,
            "resourceGroup": names.resource_group,
            "names": names.soft_deleted(),
        }
        super().__init__(_Provider(), name, props, opts)
