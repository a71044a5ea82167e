"""What somebody changed by hand, as a refresh finds it, and who wins at the next update."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from cloud.catalogue import STAGE, WORKSPACE
from review.difference import ABSENT, PropertyChange, at, difference, is_noise, text_of
from review.events import Preview, State, Step
from review.words import shown
from settings.sections.tags import PAUSED, SERVED

GONE = "was deleted by hand"
PROGRAM = "the program: the next update puts it back"
HAND = "the hand: the program says nothing about it, or leaves it alone on purpose"

_BY_AZURE: Mapping[str, re.Pattern[str]] = {
    # A hub lists its projects; a managed network comes to life with the first cluster.
    WORKSPACE.type: re.compile(
        r"associatedWorkspaces|managedNetwork\.(status|firewallSku|managedNetworkKind|enableNetworkMonitor)"
    ),
}
"""By type, what Azure itself writes long after the update, though a program could set it: by nobody's hand.

A preview with a refresh stores nothing, so it would find the same again every night."""
_TRAFFIC = re.compile(r"properties\.(t|mirrorT)raffic\b")
_RULES = "managedNetwork.outboundRules"


@dataclass(frozen=True)
class Drift:
    """One property of one resource: as Pulumi recorded it, as it is now, and what the next update makes of it."""

    resource: str
    path: str
    recorded: str
    found: str
    winner: str
    urn: str = ""
    id: str = ""
    """Its id on Azure."""
    who: str = ""
    """Who wrote to the resource since it was recorded, and when; empty where nobody asked the activity log."""
    by_hand: bool = True
    """Not where Azure or one of its policies wrote it of itself."""


def drift(preview: Preview, elsewhere: Collection[str] = ()) -> list[Drift]:
    """Without noise: states and timestamps change by themselves, and the tags ``elsewhere`` are somebody else's.

    Nor what a pause leaves on the endpoint.
    """
    steps = {step.urn: step for step in preview.steps}
    names = {name.lower() for name in (*elsewhere, PAUSED, SERVED)}
    return [one for step in preview.refreshed for one in _of(step, steps.get(step.urn), preview, names)]


def _of(found: Step, planned: Step | None, preview: Preview, elsewhere: Collection[str]) -> list[Drift]:
    if found.old is None:
        return []
    if found.new is None:
        will = "the program makes it again" if planned and planned.op == "create" else "it stays away"
        return [Drift(shown(found), "", "there", GONE, will, found.urn, _id(found.old))]
    live = live_traffic(preview)
    mended = {_root(c.path) for c in _planned(planned)}
    told = []
    for path in found.detailed:
        was, now = (_value(state.inputs, state.outputs, path) for state in (found.old, found.new))
        if is_noise(path) or _only_noise(path, was, now):
            continue
        if path.endswith("properties.traffic") and now == live:
            continue
        if _TRAFFIC.match(path) and _paused(found.new):
            continue
        if _by_azure(found, path) or _only_tags_of(elsewhere, path, was, now):
            continue
        put_back = _root(path) in mended or (planned is not None and planned.op in ("create", "replace"))
        winner = PROGRAM if put_back else HAND
        texts = text_of(path, was), text_of(path, now)
        told.append(Drift(shown(found), path, *texts, winner, found.urn, _id(found.old)))
    return told


def _id(recorded: State) -> str:
    return str(at(recorded.outputs, "id") or "")


def _paused(endpoint: State) -> bool:
    """By `python -m jobs pause`, or as its office hours are over."""
    return bool((at(endpoint.outputs, "tags") or at(endpoint.inputs, "tags") or {}).get(PAUSED))


def _only_noise(path: str, was: Any, now: Any) -> bool:
    """A provider may report a whole map of which only a timestamp is another one."""
    if not isinstance(now, dict) or not isinstance(was, dict | None):
        return False
    return all(change.noise for change in difference({path: was or {}}, {path: now}) if change.after != ABSENT)


def _by_azure(found: Step, path: str) -> bool:
    known = _BY_AZURE.get(found.type)
    if known is None or found.old is None or found.new is None:
        return False
    if known.match(path):
        return True
    if path == "managedNetwork":  # the whole of it, where a part has come that was not there
        was, now = (_network(state.inputs, state.outputs) for state in (found.old, found.new))
        return not [key for key in was.keys() | now.keys() if was.get(key) != now.get(key)]
    return path.startswith(_RULES) and _rules(found.old.outputs) == _rules(found.new.outputs)


def _network(inputs: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
    """What a person can have changed of a managed network."""
    found = at(outputs, "managedNetwork") or at(inputs, "managedNetwork") or {}
    known = _BY_AZURE[WORKSPACE.type]
    kept = {key: value for key, value in found.items() if not known.match(f"managedNetwork.{key}")}
    return {**kept, "outboundRules": _rules(outputs)}


def _rules(outputs: dict[str, Any]) -> dict[str, Any]:
    """The outbound rules that a person has made; Azure's own are of other categories."""
    rules = at(outputs, _RULES) or {}
    return {name: rule for name, rule in rules.items() if rule.get("category", "UserDefined") == "UserDefined"}


def _only_tags_of(elsewhere: Collection[str], path: str, was: Any, now: Any) -> bool:
    if path == "tags":
        old, new = ({k: v for k, v in (tags or {}).items() if k.lower() not in elsewhere} for tags in (was, now))
        return old == new
    name = re.fullmatch(r'tags(?:\.(\w+)|\["(.+)"\])', path)
    return name is not None and (name[1] or name[2]).replace('\\"', '"').lower() in elsewhere


def live_traffic(preview: Preview) -> dict[str, int] | None:
    """What the release stage has left behind the endpoint: nobody's hand."""
    release = preview.step("release", STAGE.type)
    spec = release.old.inputs.get("input") if release and release.old else None
    # As jobs.release.spec names deployments; an old state's spec need not be one that can still be read.
    return {f"m{spec.get('fingerprint')}": 100} if spec else None


def _planned(step: Step | None) -> list[PropertyChange]:
    return difference(step.old.inputs, step.new.inputs) if step and step.changes and step.old and step.new else []


def _root(path: str) -> str:
    """A provider may report `tags.touched` where the inputs differ in `tags`."""
    return path.split("[")[0]


def _value(inputs: dict[str, Any], outputs: dict[str, Any], path: str) -> Any:
    found = at(inputs, path)
    return found if found is not None else at(outputs, path)
