"""The machines of a cluster: another size means other machines, whatever Azure echoes.

azure-native deletes a cluster without saying what becomes of its machines, and Azure may then only let go of them: the
next cluster of that name gets them back, with their old size. So the old cluster is deleted on purpose before
azure-native replaces it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi import dynamic


@dataclass(frozen=True)
class ClusterSizeArgs:
    """`cluster` is the cluster's id, whether there is one yet or not.

    In a workspace of somebody else's `tags` tell the stack's from others of that name; empty where all is its own.
    """

    subscription_id: str
    cluster: str
    vm_size: str
    tags: Mapping[str, str] = field(default_factory=dict)


class _Provider(dynamic.ResourceProvider):
    """Pickled by reference to this module, like the one of infra/purge.py."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        _make_room(props)
        return dynamic.CreateResult(props["cluster"], _recorded(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(changes=_recorded(olds) != _recorded(news))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        _make_room(news)
        return dynamic.UpdateResult(_recorded(news))


def _make_room(props: Mapping[str, Any]) -> None:
    from cloud.credentials import work_in
    from cloud.removal.deletion import delete_other_size

    work_in(props["subscriptionId"])  # this process does not see the stack's settings
    # It has no log either; the engine shows what it prints.
    say = functools.partial(print, flush=True)
    if line := delete_other_size(props["cluster"], props["vmSize"], say, props.get("tags")):
        say(line)


def _recorded(props: Mapping[str, Any]) -> dict[str, Any]:
    tags = {"tags": dict(props["tags"])} if props.get("tags") else {}
    return {**{key: props[key] for key in ("subscriptionId", "cluster", "vmSize")}, **tags}


class ClusterSize(dynamic.Resource, name="ClusterSize"):
    """Before a cluster gets another size, deletes the one there is with its machines. Deleted itself, it does nothing.

    The cluster depends on it.
    """

    def __init__(self, name: str, args: ClusterSizeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        props: dict[str, Any] = {
            "subscriptionId": args.subscription_id,
            "cluster": args.cluster,
            "vmSize": args.vm_size,
        }
        if args.tags:
            props["tags"] = dict(args.tags)
        super().__init__(_Provider(), name, props, opts)
