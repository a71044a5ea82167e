"""Clusters: the case of their size, SSH, and whether a bare deletion deletes the machines."""

from __future__ import annotations

from typing import Any

from tests.prove.azure import ML, Azure
from tests.prove.group import LARGER, PROVIDERS, SMALL, Group
from tests.prove.probes import Facts, Probe

DELETE = {"underlyingResourceAction": "Delete"}


def _cluster(on: Group, name: str) -> str:
    """Its id; whatever becomes of the probe, it is deleted with its machines."""
    id_ = f"{on.workspace()}/computes/{name}"
    on.undo(f"cluster {name}", lambda: on.quietly.call("", "DELETE", id_, query=DELETE))
    return id_


def _body(on: Group, size: str, nodes: int = 0, **more: Any) -> dict[str, Any]:
    scale = {"minNodeCount": nodes, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT120S"}
    properties = {"vmSize": size, "vmPriority": "Dedicated", "scaleSettings": scale, **more}
    return {"location": on.location, "properties": {"computeType": "AmlCompute", "properties": properties}}


def _properties(answer: Any) -> dict[str, Any]:
    found = (answer.answer or {}).get("properties", {}).get("properties", {})
    return dict(found)


def spelling(on: Group, azure: Azure, measured: Facts) -> Facts:
    id_ = _cluster(on, "spelling")
    made = azure.call("make it", "PUT", id_, ML, _body(on, SMALL, remoteLoginPortPublicAccess="Disabled"))
    seen = azure.call("read it", "GET", id_)
    again = azure.call("put it again", "PUT", id_, ML, _body(on, SMALL, remoteLoginPortPublicAccess="Disabled"))
    open_ = azure.call("put it open", "PUT", id_, ML, _body(on, SMALL, remoteLoginPortPublicAccess="NotSpecified"))
    azure.call("delete it", "DELETE", id_, query=DELETE)
    return {
        "made": made.outcome,
        "size as Azure writes it": str(_properties(seen).get("vmSize")),
        "SSH as Azure writes it": str(_properties(seen).get("remoteLoginPortPublicAccess")),
        "put again": again.outcome,
        "NotSpecified on an existing cluster": open_.outcome,
    }


def bare_deletion(on: Group, azure: Azure, measured: Facts) -> Facts:
    id_ = _cluster(on, "bare")
    azure.call("make it small", "PUT", id_, ML, _body(on, SMALL))
    gone = azure.call("delete it without saying how", "DELETE", id_)
    before = _cores(on)
    azure.call("make it larger, with a node", "PUT", id_, ML, _body(on, LARGER, nodes=1))
    seen = azure.call("read it", "GET", id_)
    node = azure.wait(lambda: max(_cores(on) - before, 0), 15 * 60)
    azure.call("delete it and its machines", "DELETE", id_, query=DELETE)
    return {
        "deleted": gone.outcome,
        "size that Azure tells": str(_properties(seen).get("vmSize")).upper(),
        "cores that its node takes": str(node or "none within 15 minutes"),
    }


def _cores(on: Group) -> int:
    """Cores in use of the family that both sizes are of."""
    path = f"/subscriptions/{on.subscription}/{PROVIDERS}.MachineLearningServices/locations/{on.location}/usages"
    rows = on.quietly.get(path, "2024-10-01").get("value", ())
    return sum(
        int(row.get("currentValue") or 0)
        for row in rows
        if str(row.get("name", {}).get("value", "")).replace(" ", "").lower() == "standarddsv3family"
    )


PROBES = (
    Probe(
        name="cluster-spelling",
        claim="Azure writes a cluster's size in capitals and takes SSH Disabled, again and again",
        run=spelling,
        believed={
            "made": "20[0-2], then Succeeded",
            "size as Azure writes it": SMALL.upper(),
            "SSH as Azure writes it": "Disabled",
            "put again": "20[01].*",
            "NotSpecified on an existing cluster": "",
        },
        makes="a cluster without a node",
        minutes=6,
    ),
    Probe(
        name="cluster-bare-deletion",
        claim="DELETE without underlyingResourceAction detaches: the next cluster of that name has the old machines",
        run=bare_deletion,
        believed={"deleted": "202, then Succeeded", "cores that its node takes": "2"},
        makes="a cluster with a node for some minutes",
        minutes=20,
        hours={LARGER: 0.4},
    ),
)
