"""A review as data: everything the Markdown, the page and the JSON tell."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

from cloud.catalogue import STAGE
from cloud.services.prices import PriceBook
from review.cost import Cost, cost
from review.difference import PropertyChange, difference
from review.drift import Drift, drift
from review.durations import Past
from review.events import PolicyResult, Preview, Step
from review.happening import is_resource, sentences, stage_inputs
from review.known.judge import Level
from review.risks import Risk, risks
from review.settled import settled
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

    @property
    def exit_code(self) -> int:
        """0 all is well, 1 a threshold is crossed, 2 the preview failed."""
        if self.verdict is Verdict.FAILED:
            return 2
        return 1 if self.crossed else 0

    @property
    def worst(self) -> Level:
        return max((risk.level for risk in self.risks), default=Level.NONE)

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
            "errors": self.errors,
        }


def build(
    stack: str,
    preview: Preview,
    past: Past,
    book: PriceBook,
    thresholds: Thresholds,
    refreshed: bool = False,
    elsewhere: Collection[str] = (),
) -> Report:
    """The review of a preview; ``elsewhere`` names tags that are somebody else's. Waits for prices."""
    preview, feared = settled(preview, past.dependencies)
    found_drift = drift(preview, elsewhere) if refreshed else []
    quiet = not preview.changed and not found_drift
    found_risks = [*risks(preview), *_stage_risks(preview)]
    found_risks.sort(key=lambda risk: -risk.level)
    money = None if quiet or not preview.finished else cost(preview, past, book)
    told = [*sentences(preview, past), *_taken_back(feared)]
    verdict, reasons = judge(preview, found_risks, money, found_drift)
    return Report(
        stack,
        verdict,
        reasons,
        told,
        found_risks,
        [_change(step) for step in preview.changed if _worth_showing(step)],
        money,
        sorted(preview.policies, key=_by_severity),
        found_drift,
        refreshed,
        preview.errors,
        thresholds.crossed(preview, found_risks, money, found_drift),
        preview.steps,
        past,
        list(book.failures),
    )


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
    finetune = preview.step("finetune", STAGE.type)
    if finetune and finetune.op == "update":
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
