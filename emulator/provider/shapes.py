"""Between the SDK's flat, camel-case properties and ARM's paths and bodies."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from .rows import ENVELOPE, ResourceType
from .values import UNKNOWN

Json = dict[str, Any]


def fill_path(template: str, arguments: Mapping[str, Any], subscription: str) -> str:
    """The ARM path of ``template`` with its parameters taken from ``arguments``.

    Raises ValueError naming the first parameter that is missing.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        text = subscription if name == "subscriptionId" else arguments.get(name)
        if not isinstance(text, str) or not text:
            raise ValueError(f"missing required property '{name}'")
        # A scope is itself a path, with a slash in front that the template already has.
        return quote(text.strip("/"), safe="/") if name in {"scope", "resourceUri"} else quote(text, safe="")

    return re.sub(r"\{(\w+)\}", value, template)


def parse_id(template: str, resource_id: str) -> dict[str, str]:
    """The path parameters of an ARM id; ARM ids compare without case.

    Raises ValueError when the id is not one of this type.
    """
    pattern = re.sub(r"\\\{(\w+)\\\}", lambda m: f"(?P<{m[1]}>{_part(m[1])})", re.escape(template))
    match = re.fullmatch(pattern, resource_id, re.IGNORECASE)
    if match is None:
        raise ValueError(f"'{resource_id}' is not an id of the form {template}")
    found = match.groupdict()
    found.pop("subscriptionId", None)
    return {k: f"/{v}" if k in {"scope", "resourceUri"} else v for k, v in found.items()}


def _part(name: str) -> str:
    return ".+" if name in {"scope", "resourceUri"} else "[^/]+"


def body(row: ResourceType, inputs: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> Json:
    """The request body of a PUT: envelope, and everything else in ``properties``.

    ``before`` are the outputs that an update finds in the state.
    """
    inputs = {**{name: value for name, value in row.defaults.items() if name in (before or {})}, **inputs}
    sent = {k: v for k, v in inputs.items() if not _stays_here(row, k)}
    wire: Json = _rename(sent, _to_wire(row))
    wire = {name: _each(value, _nest) if name in row.nests else value for name, value in wire.items()}
    envelope: Json = {}
    properties: Json = {}
    for name, value in wire.items():
        if row.takes_properties or (name in ENVELOPE and name not in row.nested):
            envelope[name] = value
        else:
            properties[name] = value
    if "identity" in envelope:
        envelope["identity"] = _identity_body(envelope["identity"])
    if properties:
        envelope["properties"] = properties
    return envelope


_OWN = ("id", "name", "type", "etag")
"""Of a member of a list: what is beside its properties."""


def _each(value: Any, change: Callable[[Mapping[str, Any]], Json]) -> Any:
    return [change(each) for each in value] if isinstance(value, list) else change(value)


def _nest(member: Mapping[str, Any]) -> Json:
    inner = {key: value for key, value in member.items() if key not in _OWN}
    own = {key: value for key, value in member.items() if key in _OWN}
    return {**own, "properties": inner} if inner else own


def _flat(member: Mapping[str, Any]) -> Json:
    return {**{key: value for key, value in member.items() if key != "properties"}, **(member.get("properties") or {})}


def _stays_here(row: ResourceType, name: str) -> bool:
    """Path parameters and the provider's own bookkeeping are no part of a body."""
    return name in row.path_parameters or name == "azureApiVersion" or name.startswith("__")


def _identity_body(identity: Any) -> Any:
    """ARM wants a map of identity ids to empty objects where most SDK classes take a list of ids."""
    if not isinstance(identity, Mapping) or not isinstance(identity.get("userAssignedIdentities"), list):
        return identity
    ids = identity["userAssignedIdentities"]
    if not all(isinstance(each, str) for each in ids):
        return identity  # for ARM to refuse
    return {**identity, "userAssignedIdentities": {each: {} for each in ids}}


def outputs(row: ResourceType, answer: Mapping[str, Any]) -> Json:
    """The SDK's output properties for a resource as ARM returned it (without nulls)."""
    shaped: Json = _without_nulls(answer)
    if not row.takes_properties:
        inner = shaped.pop("properties", None) or {}
        if not isinstance(inner, Mapping):  # of no Azure resource; shown as it is
            inner = {"properties": inner}
        # App Insights repeats name and type in its properties: the envelope's are the resource's.
        shaped = {**inner, **shaped}
    renamed: Json = _rename(shaped, _to_sdk(row))
    for name in row.nests & renamed.keys():
        renamed[name] = _each(renamed[name], _flat)
    renamed["azureApiVersion"] = row.api_version
    return renamed


def _without_nulls(value: Any) -> Any:
    """Azure says null for what it will not tell (a connection's credentials): no news, not a change."""
    if isinstance(value, Mapping):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def preview_outputs(row: ResourceType, inputs: Mapping[str, Any]) -> Json:
    """What a preview can tell of the outputs: the inputs; the SDK takes the rest for unknown.

    Objects are unknown as a whole: ARM adds to them (an endpoint's scoringUri in ``properties``, an
    identity's principalId), and a program that reads such a member must not find it missing.
    """
    shown = outputs(row, body(row, inputs))
    return {k: UNKNOWN if isinstance(v, Mapping) and k != "tags" else v for k, v in shown.items()}


Names = Mapping[tuple[str, ...], str]


def _to_wire(row: ResourceType) -> Names:
    return {tuple(path.split(".")): name for path, name in row.wire_names.items()}


def _to_sdk(row: ResourceType) -> Names:
    """The inverse of ``_to_wire``: from paths in wire names to the SDK's names."""
    wire = _to_wire(row)
    return {tuple(wire.get(path[: i + 1], part) for i, part in enumerate(path)): path[-1] for path in wire}


def _rename(value: Any, names: Names, at: tuple[str, ...] = ()) -> Any:
    """``value`` with its keys renamed along ``names``; the items of a list share its path."""
    if isinstance(value, list):
        return [_rename(item, names, at) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {names.get((*at, key), key): _rename(item, names, (*at, key)) for key, item in value.items()}
