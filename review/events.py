"""The engine's event stream of a preview, as much of it as a review reads.

`PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json` prints one JSON event a line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from settings.redaction import redact

SAME = "same"
STACK = "pulumi:pulumi:Stack"
PLANNED = "plannedEvent"
"""Not the engine's: what the plan of the preview says beside its events, kept with them."""
_RAN = ("policyAnalyzeSummaryEvent", "policyAnalyzeStackSummaryEvent")
_TALLY = re.compile(r"(error: )?(preview|update) failed\.?")
OPERATIONS = ("create", "update", "replace", "delete", "import")
"""What the engine can do to a resource, a replacement put together to one."""
_QUIET = {SAME, "read", "refresh"}
_PART_OF_A_REPLACEMENT = {"create-replacement": 1, "delete-replaced": 1, "replace": 2}


@dataclass(frozen=True)
class State:
    """A resource before or after: what the program gives it, and what is recorded of it."""

    inputs: dict[str, Any]
    outputs: dict[str, Any]
    protect: bool = False

    @classmethod
    def of(cls, raw: dict[str, Any] | None) -> State | None:
        if raw is None:
            return None
        return cls(raw.get("inputs") or {}, raw.get("outputs") or {}, bool(raw.get("protect")))


@dataclass(frozen=True)
class Step:
    """What happens to one resource: create, update, replace, delete, same, import, read or refresh."""

    urn: str
    type: str
    op: str
    old: State | None
    new: State | None
    parent: str
    detailed: tuple[str, ...] = ()
    """Paths the provider reports as different."""
    forcing: tuple[str, ...] = ()
    """Properties that force a replacement."""

    @property
    def name(self) -> str:
        return self.urn.rsplit("::", 1)[-1]

    @property
    def changes(self) -> bool:
        return self.op not in _QUIET

    @property
    def state(self) -> State:
        """As it will be, or as it was if it goes."""
        return self.new or self.old or State({}, {})


@dataclass(frozen=True)
class PolicyResult:
    """A policy that is violated, or that has put a resource right by itself (level `remediated`)."""

    policy: str
    pack: str
    level: str
    severity: str
    resource: str
    message: str


@dataclass
class Preview:
    """All of it. `finished` is whether the engine came to an end; `errors` what it or the program complained of."""

    steps: list[Step] = field(default_factory=list)
    refreshed: list[Step] = field(default_factory=list)
    policies: list[PolicyResult] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    needs: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    """By URN and input: the URNs the new program takes it from; empty where there was no plan."""
    outputs: tuple[dict[str, Any], dict[str, Any]] = field(default_factory=lambda: ({}, {}))
    """The stack's, before and after."""
    ran: set[str] = field(default_factory=set)
    """The policies that looked at anything."""
    finished: bool = False
    seconds: float = 0.0

    @property
    def mandatory(self) -> list[PolicyResult]:
        return [found for found in self.policies if found.level == "mandatory"]

    @property
    def failed(self) -> bool:
        """Whether it cannot be believed. A violated policy alone is a result, not a failure.

        The engine then says `preview failed` beside it; anything more is an error of its own.
        """
        real = [text for text in self.errors if not (self.mandatory and _TALLY.fullmatch(text))]
        return not self.finished or bool(real)

    @property
    def changed(self) -> list[Step]:
        return [step for step in self.steps if step.changes]

    def step(self, name: str, type_ending: str = "") -> Step | None:
        """The step of a logical name."""
        return next((one for one in self.steps if one.name == name and one.type.endswith(type_ending)), None)


def lines(stream: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The events of a stream; anything the engine prints beside them is passed over."""
    for line in stream:
        if line.lstrip().startswith("{"):
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(event, dict):
                yield event


def read(events: Iterable[dict[str, Any]]) -> Preview:
    """What the events of one preview amount to."""
    preview = Preview()
    steps: dict[str, Step] = {}
    for event in events:
        if found := event.get("resourcePreEvent"):
            _keep(steps, _step(found["metadata"]))
        elif found := event.get("resOutputsEvent"):
            step = _step(found["metadata"])
            if step.type == STACK:
                old, new = (state.outputs if state else {} for state in (step.old, step.new))
                preview.outputs = (preview.outputs[0] or old, new or preview.outputs[1])
            if step.op == "refresh":
                preview.refreshed.append(step)
        elif found := event.get("policyEvent"):
            preview.policies.append(_policy(found, str(found.get("enforcementLevel", "advisory"))))
        elif found := event.get("policyRemediationEvent"):
            preview.policies.append(_policy(found, "remediated"))
        elif found := event.get("diagnosticEvent"):
            if found.get("severity") == "error" and not found.get("ephemeral"):
                preview.errors.append(redact(str(found.get("message", "")).strip()))
        elif found := next((event[key] for key in _RAN if key in event), None):
            preview.ran |= {str(name) for key in ("passed", "failed") for name in found.get(key) or ()}
        elif found := event.get(PLANNED):
            preview.needs = {
                urn: {key: tuple(urns) for key, urns in keys.items()} for urn, keys in found["needs"].items()
            }
        elif found := event.get("summaryEvent"):
            preview.finished = True
            preview.seconds = float(found.get("durationSeconds", 0))
    preview.steps = list(steps.values())
    return preview


def _keep(steps: dict[str, Step], step: Step) -> None:
    """A replacement arrives as three steps, of which `replace` says it all."""
    if step.op == "refresh":
        return
    if step.op in _PART_OF_A_REPLACEMENT:
        before = steps.get(step.urn)
        both = before or step
        step = Step(
            step.urn,
            step.type,
            "replace",
            step.old or both.old,
            step.new or both.new,
            step.parent or both.parent,
            step.detailed or both.detailed,
            step.forcing or both.forcing,
        )
    steps[step.urn] = step


def _step(metadata: dict[str, Any]) -> Step:
    old, new = metadata.get("old"), metadata.get("new")
    either = new or old or {}
    return Step(
        urn=metadata["urn"],
        type=metadata["type"],
        op=metadata["op"],
        old=State.of(old) if metadata["op"] != "create" else None,
        new=State.of(new) if metadata["op"] != "delete" else None,
        parent=either.get("parent") or "",
        detailed=tuple(metadata.get("detailedDiff") or ()),
        forcing=tuple(metadata.get("keys") or ()),
    )


def _policy(found: dict[str, Any], level: str) -> PolicyResult:
    message = str(found.get("message") or "").strip()
    return PolicyResult(
        policy=found.get("policyName", ""),
        pack=found.get("policyPackName", ""),
        level=level.lower(),
        severity=str(found.get("severity") or "").lower(),
        resource=found.get("resourceUrn") or "",
        message=message,
    )
