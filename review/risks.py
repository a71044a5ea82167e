"""What each change puts at risk, in sentences: data, identity, roles, network, names, and what cannot be undone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from cloud.adoption import UNKNOWN
from cloud.catalogue import (
    BUDGET,
    CLUSTER,
    CLUSTER_SIZE,
    CONNECTION,
    DIAGNOSTICS,
    ENDPOINT,
    FEDERATED_CREDENTIAL,
    IDENTITY,
    METRIC_ALERT,
    PURGE,
    ROLE_ASSIGNMENT,
    STAGE,
)
from cloud.roles import GRANTING, POWERFUL, passes_on, role_of
from review.difference import at, short_id, text_of
from review.drift.found import live_traffic
from review.events import OPERATIONS, STACK, Preview, State, Step
from review.known.judge import Level
from review.known.stages import makes_deployment
from review.known.table import is_known
from review.properties import Look, look
from review.settled import Sources
from review.words import is_work, role_named, shown, type_of

_NAMED = 3
_VERBS = ("is ", "gets ", "gives ", "takes ", "changes ", "acts ", "lets ")


@dataclass(frozen=True)
class Risk:
    """One sentence about one resource."""

    level: Level
    resource: str
    sentence: str
    urn: str = ""
    data: bool = False
    """Whether something is lost that the resource holds."""

    @property
    def unknown(self) -> bool:
        """Whether nobody has looked at what is told."""
        return "this review does not know" in self.sentence

    def __str__(self) -> str:
        joint = " " if self.sentence.startswith(_VERBS) else ": "
        return f"{self.resource}{joint}{self.sentence.rstrip('.')}"


Make = Callable[[Level, str], Risk]


def risks(preview: Preview, sources: Sources | None = None) -> list[Risk]:
    """The worst first, then in the order of the preview; `sources` say what becomes of what is not known yet."""
    sources = sources or Sources.of(preview, {})
    first = is_first(preview)
    found = [risk for step in preview.steps for risk in _of(step, first, preview, sources)]
    return ranked(found)


def ranked(found: Iterable[Risk]) -> list[Risk]:
    """The worst first, of equals what nobody has looked at, then in the order they have."""
    return sorted(found, key=lambda risk: (-risk.level, not risk.unknown))


def together(found: Iterable[Risk]) -> list[Risk]:
    """With one row for what is said of several resources, which it counts and of which it names some."""
    rows: dict[tuple[Level, str], list[str]] = {}
    for risk in found:
        rows.setdefault((risk.level, risk.sentence), []).append(risk.resource)
    return [Risk(level, _counted(resources), sentence) for (level, sentence), resources in rows.items()]


def _counted(resources: list[str]) -> str:
    if len(resources) <= _NAMED:
        return ", ".join(resources)
    return f"{len(resources)} resources: {', '.join(resources[:_NAMED])} and {len(resources) - _NAMED} more"


def is_first(preview: Preview) -> bool:
    """Whether the stack is deployed for the first time."""
    return all(step.op == "create" for step in preview.steps if step.type != STACK and "providers:" not in step.type)


def _of(step: Step, first: bool, preview: Preview, sources: Sources) -> Iterator[Risk]:
    def risk(level: Level, sentence: str) -> Risk:
        return Risk(level, shown(step), sentence, step.urn)

    if step.old and step.new and step.old.protect and not step.new.protect:
        yield risk(Level.MEDIUM, "is no longer protected against deletion")
    if not step.changes:
        return
    if step.op not in OPERATIONS:
        yield risk(Level.MEDIUM, f"{step.op}: this review does not know what the engine does then.")
    if not is_known(step):
        yield risk(Level.MEDIUM, f"this review does not know what a {step.type} is, opens or costs.")
    if _groups(step.type):
        yield from (risk(*found) for found in look(step, sources).told())
        return
    row = type_of(step)
    if step.op in ("delete", "replace"):
        yield from _lost(step, risk)
    if row is ROLE_ASSIGNMENT:
        yield from _role(step, risk, first, sources)
    elif row is FEDERATED_CREDENTIAL and step.op != "delete":
        yield from _trust(step, risk, sources)
    elif row is CONNECTION and step.op == "create":
        target = _known(text_of("", at(step.state.inputs, "properties.target")), "a new resource")
        yield risk(Level.LOW if first else Level.MEDIUM, f"lets whoever may use it reach {target}.")
    elif step.op not in ("create", "delete"):
        yield from _identity(step, risk)
    seen = look(step, sources)
    if row is ENDPOINT:
        _carried(step, seen, preview)
    elif row is STAGE and len(seen.risky) > 1:
        seen.take_back([path for path in seen.risky if path.endswith("fingerprint")])
    yield from (risk(*found) for found in seen.told())
    if row is STAGE and _unanswered(step):
        yield risk(Level.MEDIUM, "leaves callers without an answer for some twenty minutes (strategy: recreate).")
    if step.op == "update" and is_known(step):
        yield from _in_place(step, seen, risk)


def _groups(type_: str) -> bool:
    """Whether it is no thing of its own, but what others are grouped by or made with."""
    return type_ == STACK or type_.startswith(("finetune-phi:", "pulumi:providers:"))


def _carried(step: Step, seen: Look, preview: Preview) -> None:
    """An update of an endpoint is a PUT, which has to carry the live traffic: that is no change of it."""
    live, sent = live_traffic(preview), at(step.state.inputs, "properties.traffic")
    if live and sent == live:
        carried = [path for path in seen.paths if path.startswith("properties.traffic")]
        seen.take_back(carried)


def _unanswered(step: Step) -> bool:
    """Whether it releases another deployment, in the place of the one that answers."""
    was, will = ((state.inputs.get("input") or {}) if state else {} for state in (step.old, step.new))
    return bool(was) and will.get("strategy") == "recreate" and makes_deployment(was, will)


def _in_place(step: Step, seen: Look, risk: Make) -> Iterator[Risk]:
    """An update of which there is nothing else to say."""
    if seen.risky or seen.unknown or is_work(step) or type_of(step) is ROLE_ASSIGNMENT:
        return
    if any(path.startswith("identity") for path in seen.harmless):
        return
    if seen.harmless:
        only_tags = all(path.startswith("tags") for path in seen.harmless)
        yield risk(Level.LOW, "gets other tags." if only_tags else f"is changed in {', '.join(seen.harmless[:3])}.")
    else:
        yield risk(Level.MEDIUM, "is changed, and the preview does not show in what.")


def _lost(step: Step, risk: Make) -> Iterator[Risk]:
    row = type_of(step)
    replaced = step.op == "replace"
    does = "is replaced" if replaced else "is deleted"
    if row in (STAGE, CLUSTER_SIZE):
        return
    if row.holds:
        end = " A new, empty one takes its place." if replaced else ""
        yield replace(risk(Level.HIGH, f"{does}, and {row.holds} with it.{end}"), data=True)
    elif row is ENDPOINT:
        gone = "its URL and keys stop working, and so does whoever calls it"
        if replaced:
            renamed = (
                step.old and step.new and step.old.inputs.get(row.name_input) != step.new.inputs.get(row.name_input)
            )
            gone = "its URL and keys are new" if renamed else "its URL stays, its keys are new"
            gone += ", and nothing answers until the release has run again"
        yield risk(Level.HIGH, f"{does}: {gone}.")
    elif row is CLUSTER:
        yield risk(Level.MEDIUM, f"{does}: a job that runs on it is ended.")
    elif row is IDENTITY:
        yield risk(Level.HIGH, f"{does}: its roles end, and everything that acts as it is refused.")
    elif row in (BUDGET, METRIC_ALERT, DIAGNOSTICS):
        yield risk(Level.MEDIUM, f"{does}: nobody is told any more." if not replaced else f"{does}.")
    elif row is PURGE:
        yield risk(Level.HIGH, "is deleted, and purges what Azure would have kept soft-deleted: no way back."
                   if not replaced else "is replaced: its purge runs now.")  # fmt: skip
    elif row is not ROLE_ASSIGNMENT:
        yield risk(Level.MEDIUM, f"{does}.")
    yield from _names_and_keys(step, risk)


def _names_and_keys(step: Step, risk: Make) -> Iterator[Risk]:
    """What others have to be told anew after a replacement."""
    row = type_of(step)
    if step.op == "replace" and step.old and step.new:
        was, will = (state.inputs.get(row.name_input) for state in (step.old, step.new))
        if row.name_input and was != will:
            yield risk(
                Level.MEDIUM, f"gets a new name: {was} → {text_of('', will)}; whoever uses the old one has to follow."
            )
        if row.keys and row is not ENDPOINT:
            yield risk(Level.MEDIUM, f"gets a new one of {row.keys}; copies of the old one stop working.")
    if row.soft_delete and not row.soft_delete.comes_back:
        yield risk(Level.MEDIUM, "its old name stays taken, as Azure keeps it soft-deleted for days.")


def _role(step: Step, risk: Make, first: bool, sources: Sources) -> Iterator[Risk]:
    old = _grant(step, step.old, sources, before=True) if step.old else None
    new = _grant(step, step.new, sources) if step.new and step.op != "delete" else None
    if new is None or step.new is None:
        if old:
            yield risk(Level.MEDIUM, f"takes {old.over} from {old.whom}.")
        return
    role, scope = role_of(str(step.new.inputs.get("roleDefinitionId", ""))), str(step.new.inputs.get("scope", ""))
    wide = re.fullmatch(r"/subscriptions/[^/]+/?|/|/providers/microsoft.management/.*", scope, re.I) is not None
    level, why = Level.MEDIUM, ""
    condition = str(step.new.inputs.get("condition") or "")
    passed_on = passes_on(condition) if role in GRANTING else None
    if passed_on is not None and not wide and not passed_on & {one.guid for one in POWERFUL}:
        why = ", under a condition on which roles it may pass on"
    elif role in POWERFUL or wide:
        level = Level.HIGH
        why = ", over the whole subscription" if wide else ", who can give itself every other role"
        why += ": its condition does not keep it from that, as far as this review can read it" if condition else ""
    elif step.op == "create" and first:
        level = Level.LOW
    if old is None or old == new:
        yield risk(level, f"{'gives' if old is None else 'gives again'} {new.over} to {new.whom}{why}.")
    elif old.over == new.over:
        yield risk(level, f"takes {new.over} from {old.whom} and gives it to {new.whom}{why}.")
    elif old.whom == new.whom:
        yield risk(level, f"takes {old.over} from {old.whom} and gives {new.over}{why}.")
    else:
        yield risk(level, f"takes {old.over} from {old.whom} and gives {new.over} to {new.whom}{why}.")


@dataclass(frozen=True)
class _Grant:
    over: str
    whom: str


def _grant(step: Step, state: State, sources: Sources, *, before: bool = False) -> _Grant:
    """By name, where the program or the state says which resources they are."""
    scope = _known(short_id(str(state.inputs.get("scope", ""))), "a new resource")
    nobody = "a new identity" if step.op == "create" else "whom the preview does not know yet"
    whom = _known(text_of("", state.inputs.get("principalId")), nobody)
    role = role_named(state.inputs.get("roleDefinitionId", ""))
    where = sources.name(step, "scope", before=before) or scope
    return _Grant(f"{role} on {where}", sources.name(step, "principalId", before=before) or whom)


def _trust(step: Step, risk: Make, sources: Sources) -> Iterator[Risk]:
    """Whoever holds a token of the issuer for the subject is the identity."""
    subject, issuer, identity = (
        text_of("", step.state.inputs.get(key)) for key in ("subject", "issuer", "resourceName")
    )
    whom = sources.name(step, "resourceName") or _known(identity, "a new identity")
    yield risk(Level.MEDIUM, f"lets {subject} of {issuer} act as {whom}.")


def _known(text: str, otherwise: str) -> str:
    return otherwise if text.startswith((UNKNOWN, "(known")) else text


def _identity(step: Step, risk: Make) -> Iterator[Risk]:
    """Who it acts as, before → after."""
    old, new = (state.inputs.get("identity") if state else None for state in (step.old, step.new))
    if old != new:
        yield risk(Level.MEDIUM, f"acts as {_acts_as(old)} → {_acts_as(new)}; what that one may not do fails later.")


def _acts_as(identity: Any) -> str:
    if not isinstance(identity, dict):
        return "nobody"
    users = [_known(short_id(str(one)), "a new identity") for one in identity.get("userAssignedIdentities") or ()]
    kind = str(identity.get("type", ""))
    return ", ".join([*(["its own identity"] if "System" in kind else []), *users]) or "nobody"
