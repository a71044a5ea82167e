"""A state's rows and Azure: which of them may be there under which id, and what a refresh would leave of them.

An adopted row has no outputs. azure-native's refresh takes whatever differs between two sets of outputs into the
inputs, so it would take all that Azure says, and the next update would change everything, or make it anew. So the
inputs that were sent to Azure are put back afterwards.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from cloud.catalogue import find

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""The engine's sign for a value it does not know yet."""
_IN_THE_CLEAR = "[secret]"
"""What a preview shows in the place of a secret."""
VERSION = "azureApiVersion"
"""The input that azure-native gives every resource: in which version of its API Azure is asked."""

MADE_BY = "finetune_phi_stack"
"""In the metadata of a connection in a project of somebody else's: which stack has made it."""
_MARKS = ("project", "stack")
"""Tags by which what Azure has under a stack's name is that stack's."""

Row = dict[str, Any]


def somebody_elses(inputs: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether Azure has something under a name of the stack's that does not carry what the stack would put on it."""
    tags, theirs = inputs.get("tags") or {}, found.get("tags") or {}
    if any(theirs.get(mark) != tags[mark] for mark in _MARKS if mark in tags):
        return True
    own, other = (((each.get("properties") or {}).get("metadata") or {}) for each in (inputs, found))
    return MADE_BY in own and other.get(MADE_BY) != own[MADE_BY]


def ids_with_versions(resources: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The ids under which Azure may have a state's resources and the wanted ones, each with the API's version."""
    ours = [row for row in (*resources, *wanted) if str(row["type"]).startswith("azure-native:")]
    subscription = subscription_of(resources) if ours else ""
    found = {}
    for row in ours:
        inputs = row.get("inputs") or {}
        id_ = row.get("id") or azure_id(str(row["type"]), inputs, subscription)
        if id_ and isinstance(inputs.get(VERSION), str):
            found[str(id_)] = inputs[VERSION]
    return found


def adopt(
    deployment: dict[str, Any],
    wanted: Sequence[Mapping[str, Any]],
    begun: Sequence[Mapping[str, Any]] = (),
    *,
    there: Callable[[str], str | None],
) -> list[Row]:
    """Adds to a state's resources those that Azure has, each below its parent; their rows.

    ``wanted`` by the program and ``begun`` by the update that was interrupted are resources as the engine writes them,
    dependencies first; ``there`` gives an id as Azure spells it, or None where Azure has nothing. One whose inputs are
    not all known cannot have been made. One that replaces another takes the row of the old one if that is deleted
    already. If it is not, one that was begun stands beside it for the next update to delete, which makes its own.
    """
    resources: list[Row] = deployment.setdefault("resources", [])
    interrupted = {str(each["urn"]): each for each in begun}
    candidates = {str(each["urn"]): each for each in wanted} | interrupted
    subscription = subscription_of(resources) if candidates else ""
    adopted = []
    for urn, each in candidates.items():
        at, old = next(
            ((at, row) for at, row in enumerate(resources) if row["urn"] == urn and not row.get("delete")),
            (0, {}),
        )
        replaced = bool(old.get("pendingReplacement"))
        beside = bool(old) and not replaced
        row = _row(each, resources[:at] if replaced else resources, subscription)
        if row is None or (beside and (urn not in interrupted or _same(row.get("id"), old.get("id")))):
            continue
        if "id" in row and not (spelt := there(row["id"])):
            continue
        if beside:
            row["delete"] = True
        if replaced:
            resources[at] = row
        else:
            resources.append(row)
        if "id" in row:
            row["id"] = spelt
            adopted.append(row)
    return adopted


def _same(one: str | None, other: str | None) -> bool:
    """Whether two ids are of one resource; what has none is no other one."""
    return one is None or one.lower() == (other or "").lower()


def _row(wanted: Mapping[str, Any], before: Sequence[Mapping[str, Any]], subscription: str) -> Row | None:
    """What a state says of a resource that may be there, after the rows ``before``; None if it cannot be."""
    known = {str(each["urn"]) for each in before if not each.get("delete")}
    provider = str(wanted.get("provider", "")).rpartition("::")[0]
    inputs = dict(wanted.get("inputs") or {})
    component = not wanted.get("custom", True)
    id_ = None if component else azure_id(str(wanted["type"]), inputs, subscription)
    placed = str(wanted.get("parent", "")) in known and (component or provider in known)
    if not placed or (id_ is None and not component) or UNKNOWN in json.dumps(inputs):
        return None
    row = {key: wanted[key] for key in ("urn", "type", "parent", "provider", "protect") if wanted.get(key)}
    dependencies = [name for name in wanted.get("dependencies") or () if name in known]
    row |= {"custom": not component, "inputs": inputs, "dependencies": dependencies}
    return row if component else row | {"id": id_, "outputs": {}}


def azure_id(kind: str, inputs: Mapping[str, Any], subscription: str) -> str | None:
    """The id Azure gives a resource of that type and these inputs; None if it is not Azure's or not known."""
    row = find(kind, inputs)
    return row.id(subscription, inputs) if row else None


def subscription_of(resources: Sequence[Mapping[str, Any]]) -> str:
    """The provider's own, as the stack file has it; of the resources that are there; else of the environment."""
    for resource in resources:
        own = (resource.get("inputs") or {}).get("subscriptionId")
        if own and resource.get("type") == "pulumi:providers:azure-native":
            return str(own)
    for resource in resources:
        if found := re.match(r"/subscriptions/([^/]+)/", str(resource.get("id", ""))):
            return found[1]
    from cloud.credentials import subscription_id

    return subscription_id()


def take_out(deployment: dict[str, Any], gone: Collection[str]) -> list[str]:
    """Takes rows out of a state whose ids are gone, and what other rows say of them; the names.

    A refresh does the same for those of which Azure says so by a code that azure-native knows, and fails at the others.
    A row that another one is below stays: `pulumi refresh` knows what to do with both.
    """
    rows: list[Row] = deployment.get("resources") or []
    parents = {row.get("parent") for row in rows}
    out = [
        row for row in rows if row.get("id") in gone and row["urn"] not in parents and not row.get("pendingReplacement")
    ]
    if not out:
        return []
    kept = [row for row in rows if row not in out]
    lost = {row["urn"] for row in out} - {row["urn"] for row in kept}
    for row in kept:
        if row.get("dependencies"):
            row["dependencies"] = [urn for urn in row["dependencies"] if urn not in lost]
        if row.get("propertyDependencies"):
            of = row["propertyDependencies"]
            row["propertyDependencies"] = {
                name: [urn for urn in urns or () if urn not in lost] for name, urns in of.items()
            }
        if row.get("deletedWith") in lost:
            del row["deletedWith"]
    deployment["resources"] = kept
    return [str(row["urn"]).rsplit("::", 1)[1] for row in out]


def without_outputs(deployment: Mapping[str, Any]) -> list[Row]:
    """The rows of which nothing is known but what was sent: the update that made them was interrupted."""
    return [
        json.loads(json.dumps(row))
        for row in deployment.get("resources") or ()
        if str(row["type"]).startswith("azure-native:") and row.get("id") and not row.get("outputs")
    ]


def give_back(deployment: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> bool:
    """Puts the inputs of the rows ``before`` a refresh into those after it; whether that changed any.

    Not where a preview has hidden a secret: the next update finds a difference there, and sends it. A resource that is
    not yet, or never was, what was asked for is marked: the next update sends it once more.
    """
    sent = {(row["urn"], row.get("id")): row["inputs"] for row in before}
    changed = False
    for row in deployment.get("resources") or ():
        inputs = sent.get((row["urn"], row.get("id")))
        if inputs is None:
            continue
        if _IN_THE_CLEAR not in json.dumps(inputs) and row.get("inputs") != inputs:
            row["inputs"], changed = inputs, True
        state = _provisioning(row.get("outputs") or {})
        if state not in (None, "Succeeded") and not row.get("initErrors"):
            row["initErrors"], changed = [f"Azure said that it is {state}"], True
    return changed


def _provisioning(outputs: Mapping[str, Any]) -> str | None:
    inner = outputs.get("properties")
    found = outputs.get("provisioningState") or (inner.get("provisioningState") if isinstance(inner, Mapping) else None)
    return found if isinstance(found, str) else None
