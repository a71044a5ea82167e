"""A review as data: everything the Markdown, the page and the JSON tell."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

from cloud.catalogue import STAGE
from cloud.services.prices import PriceBook
from review.approval.content import Content, content, digest
from review.approval.policies import PolicyChange
from review.approval.provenance import Provenance
from review.cost import Cost, cost
from review.difference import PropertyChange, difference
from review.drift.found import Drift, drift
from review.drift.hands import Ask, named
from review.durations import Past
from review.events import PolicyResult, Preview, Step
from review.happening import is_resource, sentences, stage_inputs
from review.known.judge import Level
from review.risks import Risk, ranked, risks, together
from review.settled import Sources, settled
from review.training import finetunes
from review.verdict import Thresholds, Verdict, judge
from review.words import is_work, shown

_SEVERITIES = ("critical", "high", "medium", "low", "")


@dataclass(frozen=True)
class Change:
    """A resource that changes, with its properties, secrets masked."""

    resource: str
    urn: str
    op: str
    properties: list[PropertyChange]


@dataclass(frozen=True)
class PolicyRun:
    """How many policies there are, how many of them looked, how many found nothing, and which are switched off."""

    known: int
    ran: int
    passed: int
    disabled: list[str]

    def __str__(self) -> str:
        if not self.ran:
            return "No policy ran."
        off = f"; switched off: {', '.join(self.disabled)}" if self.disabled else ""
        return f"{self.ran} of {self.known} policies ran, {self.passed} passed{off}."


@dataclass(frozen=True)
class Report:
    """`crossed` are the thresholds that make the exit code 1."""

    stack: str
    verdict: Verdict
    reasons: list[str]
    happening: list[str]
    risks: list[Risk]
    changes: list[Change]
    cost: Cost | None
    policies: list[PolicyResult]
    drift: list[Drift]
    refreshed: bool
    errors: list[str]
    crossed: list[str]
    steps: list[Step] = field(repr=False)
    past: Past = field(repr=False)
    price_failures: list[str] = field(default_factory=list)
    provenance: Provenance | None = None
    """None for a recorded stream, of which nobody knows where it was made."""
    ran: PolicyRun | None = None
    policy_change: PolicyChange | None = None
    """What the change does to the policies that judge it; None where it does nothing to them."""
    silence: str = ""
    """Why the activity log does not say whose doing the drift is, where it could not be read."""

    @property
    def exit_code(self) -> int:
        """0 all is well, 1 a threshold is crossed, 2 the preview failed."""
        if self.verdict is Verdict.FAILED:
            return 2
        return 1 if self.crossed else 0

    @property
    def worst(self) -> Level:
        return max((risk.level for risk in self.risks), default=Level.NONE)

    @property
    def rows(self) -> list[Risk]:
        """The risks as people read them: what is said of several resources once."""
        return together(self.risks)

    @property
    def digest(self) -> str:
        """Of what somebody approves who approves this review."""
        return digest(self.content)

    @property
    def content(self) -> Content:
        """What somebody approves, in lines."""
        return content(
            provenance=self.provenance,
            steps=self.steps,
            cost=self.cost,
            policies=self.policies,
            risks=self.risks,
        )

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "stack": self.stack,
            "verdict": str(self.verdict),
            "exitCode": self.exit_code,
            "reasons": self.reasons,
            "crossed": self.crossed,
            "happening": self.happening,
            "risk": str(self.worst),
            "risks": [{**asdict(risk), "level": str(risk.level)} for risk in self.risks],
            "changes": [asdict(change) for change in self.changes],
            "cost": _finite(asdict(self.cost)) if self.cost else None,
            "policies": [asdict(found) for found in self.policies],
            "drift": [asdict(one) for one in self.drift] if self.refreshed else None,
            "activityLog": self.silence or None,
            "errors": self.errors,
            "provenance": asdict(self.provenance) if self.provenance else None,
            "policyRun": asdict(self.ran) if self.ran else None,
            "policyChange": asdict(self.policy_change) if self.policy_change else None,
            "approval": {"digest": self.digest, "content": self.content},
        }


def build(
    stack: str,
    preview: Preview,
    past: Past,
    book: PriceBook,
    thresholds: Thresholds,
    refreshed: bool = False,
    elsewhere: Collection[str] = (),
    provenance: Provenance | None = None,
    disabled: Collection[str] = (),
    policy_change: PolicyChange | None = None,
    ask: Ask | None = None,
) -> Report:
    """The review of a preview; ``elsewhere`` names tags that are somebody else's. Waits for prices.

    ``disabled`` are policies that the configuration switches off, ``provenance`` is what the preview was made of,
    ``ask`` reads the activity log.
    """
    sources = Sources.of(preview, past.needs)
    preview, feared = settled(preview, sources)
    log = named(drift(preview, elsewhere) if refreshed else [], past.recorded, ask)
    by_hand = [one for one in log.drift if one.by_hand]
    quiet = not preview.changed and not log.drift
    found_risks = [*risks(preview, sources), *_stage_risks(preview)]
    found_risks = ranked(found_risks)
    money = None if quiet or not preview.finished else cost(preview, past, book)
    told = [*sentences(preview, past), *_taken_back(feared)]
    verdict, reasons = judge(preview, found_risks, money, by_hand, policy_change)
    return Report(
        stack,
        verdict,
        reasons,
        told,
        found_risks,
        [_change(step) for step in preview.changed if _worth_showing(step)],
        money,
        sorted(preview.policies, key=_by_severity),
        log.drift,
        refreshed,
        preview.errors,
        thresholds.crossed(preview, found_risks, money, by_hand),
        preview.steps,
        past,
        list(book.failures),
        provenance,
        _policy_run(preview, disabled) if provenance or preview.ran else None,
        policy_change,
        log.silence,
    )


def _policy_run(preview: Preview, disabled: Collection[str]) -> PolicyRun:
    off = sorted(set(disabled) - preview.ran)
    violated = {found.policy for found in preview.policies if found.level != "remediated"}
    ran = preview.ran | violated
    return PolicyRun(len(ran) + len(off), len(ran), len(ran - violated), off)


def _taken_back(feared: list[Step]) -> list[str]:
    if not feared:
        return []
    named = ", ".join(shown(step) for step in feared)
    return [f"leaves as they are, though the preview shows them changed until Azure has answered: {named}"]


def _worth_showing(step: Step) -> bool:
    return is_resource(step) or is_work(step)


def _by_severity(found: PolicyResult) -> tuple[int, int]:
    level = {"mandatory": 0, "advisory": 1}.get(found.level, 2)
    return level, _SEVERITIES.index(found.severity) if found.severity in _SEVERITIES else len(_SEVERITIES)


def _change(step: Step) -> Change:
    old, new = (state.inputs if state else {} for state in (step.old, step.new))
    if step.type == STAGE.type:
        old, new = stage_inputs(step)
    properties = difference(old, new) if step.op != "delete" else []
    if all(one.noise for one in properties):
        properties = [PropertyChange(one.path, one.before, one.after) for one in properties]
    return Change(shown(step), step.urn, step.op, properties)


def _stage_risks(preview: Preview) -> list[Risk]:
    """A model that answers people is replaced; a fine-tune is paid for."""
    found = []
    release = preview.step("release", STAGE.type)
    if release and release.op == "update":
        old, new = stage_inputs(release)
        if old.get("fingerprint") != new.get("fingerprint"):
            other = _model(old) != _model(new)
            sudden = len(new.get("traffic_steps") or [100]) == 1
            what = "another model answers" if other else "the same model answers from other machines"
            how = "all callers at once" if sudden else "callers step by step"
            found.append(Risk(Level.MEDIUM, shown(release), f"{what}, {how}.", release.urn))
    for finetune in (one.step for one in finetunes.of(preview, Past()) if one.step.op == "update"):
        old, new = stage_inputs(finetune)
        if old.get("base_model") != new.get("base_model"):
            sentence = "another base model may answer in another format and need other memory."
            found.append(Risk(Level.MEDIUM, shown(finetune), sentence, finetune.urn))
    return found


def _model(release: dict[str, Any]) -> Any:
    """What tells a model from others: the fingerprint, which was its version before versions were numbers."""
    return release.get("model_fingerprint") or release.get("model_version")


def _finite(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _finite(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_finite(value) for value in tree]
    return None if tree == float("inf") else tree
