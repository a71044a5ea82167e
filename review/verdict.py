"""The verdict with the reasons that matter most, and the thresholds that decide the exit code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from review.approval.policies import PolicyChange
from review.cost import Cost
from review.drift.found import Drift
from review.errors import ReviewError
from review.events import Preview
from review.known.judge import Level
from review.properties import look
from review.risks import Risk, together
from review.words import is_work, type_of

RISE_FOR_A_PERSON = 20.0
"""Per cent by which a month may become dearer without anybody looking."""
REASONS = 3


class Verdict(StrEnum):
    """`failed` is a preview that came to no end, about which nothing can be said."""

    UNCHANGED = "no changes"
    APPROVE = "approve"
    PERSON = "needs a person"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Thresholds:
    """From which risk, policy level and rise of the monthly cost (per cent) on the exit code is 1; None is never.

    `drift` makes it 1 if anything was changed by hand.
    """

    risk: Level | None = None
    policy: str | None = "mandatory"
    cost: float | None = None
    drift: bool = False

    @classmethod
    def parse(cls, text: str) -> Thresholds:
        """`risk=high,policy=mandatory,cost=+20%`, in any choice. Raises ReviewError."""
        risk, policy, cost, drift = None, None, None, False
        for part in filter(None, (item.strip() for item in text.split(","))):
            key, _, value = part.partition("=")
            value = value.strip().lower()
            if key == "risk" and value in ("low", "medium", "high"):
                risk = Level[value.upper()]
            elif key == "policy" and value in ("advisory", "mandatory"):
                policy = value
            elif key == "cost" and re.fullmatch(r"\+?\d+(\.\d+)?%?", value):
                cost = float(value.strip("+%"))
            elif (key, value) == ("drift", "any"):
                drift = True
            else:
                raise ReviewError(
                    f"--fail-on does not know {part!r}; write for example risk=high,policy=mandatory,cost=+20% "
                    "(risk: low, medium, high; policy: advisory, mandatory; drift=any)"
                )
        return cls(risk, policy, cost, drift)

    def crossed(self, preview: Preview, risks: list[Risk], cost: Cost | None, drift: list[Drift]) -> list[str]:
        """Which ones, in words."""
        told = []
        worst = max((risk.level for risk in risks), default=Level.NONE)
        if self.risk is not None and worst >= self.risk:
            told.append(f"risk is {worst}")
        wanted = {"mandatory": {"mandatory"}, "advisory": {"mandatory", "advisory"}}.get(self.policy or "", set())
        if count := sum(found.level in wanted for found in preview.policies):
            told.append(f"{count} violated {'policy' if count == 1 else 'policies'}")
        if self.cost is not None and cost is not None and _dearer(cost, self.cost):
            told.append(f"the monthly cost rises by more than {self.cost:g} %, or by what nobody can tell")
        if self.drift and drift:
            told.append(f"{_properties(drift)} changed by hand")
        return told


def _properties(drift: list[Drift]) -> str:
    return "1 property was" if len(drift) == 1 else f"{len(drift)} properties were"


def _dearer(cost: Cost, percent: float) -> bool:
    """An unknown price counts as dearer where machines change at all."""
    rise = cost.month.percent
    return rise > percent if rise is not None else cost.quantities_change


def judge(
    preview: Preview,
    risks: list[Risk],
    cost: Cost | None,
    drift: list[Drift],
    policy_change: PolicyChange | None = None,
) -> tuple[Verdict, list[str]]:
    """Verdict and at most three reasons, the weightiest first."""
    if preview.failed:
        text = [_point(error) for error in preview.errors if error]
        return Verdict.FAILED, text[:REASONS] or ["the engine did not come to an end"]
    if preview.mandatory:
        return Verdict.REFUSED, _policy_reasons(preview)[:REASONS]
    if not preview.changed and not drift and not risks and not policy_change:
        return Verdict.UNCHANGED, []
    reasons = _reasons_for_a_person(preview, risks, cost, drift)
    if policy_change:
        reasons.insert(0, _policy_change_reason(policy_change))
    if reasons:
        return Verdict.PERSON, reasons[:REASONS]
    return Verdict.APPROVE, _reasons_to_approve(preview, cost)


def _policy_change_reason(change: PolicyChange) -> str:
    count = len(change.files)
    told = f"the policies themselves change in {'1 place' if count == 1 else f'{count} places'}"
    if not change.hidden:
        return told
    hidden = len(change.hidden)
    return f"{told}, and would no longer find {'1 violation' if hidden == 1 else f'{hidden} violations'} of this change"


def _policy_reasons(preview: Preview) -> list[str]:
    """One policy may be violated by several resources."""
    by_policy: dict[str, list[str]] = {}
    for found in preview.mandatory:
        by_policy.setdefault(found.policy, []).append(found.message)
    return [
        f"policy {name}: {_two_lines(messages[0])}" + (f" (and {len(messages) - 1} more)" if len(messages) > 1 else "")
        for name, messages in by_policy.items()
    ]


def _point(error: str) -> str:
    """The line that says it: a traceback's last one, otherwise the first."""
    raised = [line for line in error.splitlines() if re.match(r"\s*(\w+\.)*\w+(Error|Exception): ", line)]
    return " ".join((raised[-1] if raised else _first_line(error)).split())


def _two_lines(text: str) -> str:
    """What the pack writes first: the rule, and what breaks it."""
    return " ".join(line.strip() for line in text.splitlines()[:2])


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else ""


def _reasons_for_a_person(preview: Preview, risks: list[Risk], cost: Cost | None, drift: list[Drift]) -> list[str]:
    weighed: list[tuple[float, str]] = []
    data = [risk for risk in risks if risk.data]
    if len(data) > 1:
        named = ", ".join(risk.resource for risk in data[:3]) + (f" and {len(data) - 3} more" if len(data) > 3 else "")
        weighed.append((4.0, f"{len(data)} resources lose what they hold: {named}"))
    rest = [
        risk
        for risk in together(risks)
        if risk.level >= Level.MEDIUM and (len(data) < 2 or risk.sentence not in {one.sentence for one in data})
    ]
    weighed += [(float(risk.level), str(risk)) for risk in rest]
    if cost is not None and _dearer(cost, RISE_FOR_A_PERSON):
        weighed.append((2.5, _cost_reason(cost)))
    if cost is not None and (told := _training_reason(cost)):
        weighed.append((2.45, told))
    if drift:
        weighed.append((2.6, f"{_properties(drift)} changed by hand"))
    severe = [p for p in preview.policies if p.level == "advisory" and p.severity in ("high", "critical")]
    if severe:
        weighed.append((2.4, f"policy {severe[0].policy}: {_first_line(severe[0].message)}"))
    weighed.sort(key=lambda pair: -pair[0])
    return [text for _, text in weighed]


def _cost_reason(cost: Cost) -> str:
    month = cost.month
    if not month.known:
        return "what it costs is unknown, and machines change"
    assert month.before is not None and month.after is not None
    if month.before == 0:
        return f"a month costs {month.after:,.0f} USD, where there was nothing to pay"
    return f"a month costs {month.before:,.0f} → {month.after:,.0f} USD (+{month.percent:.0f} %)"


def _training_reason(cost: Cost) -> str:
    """What a fine-tune costs that is dearer than the last one, or may be; the first one is no change."""
    before, after = cost.finetune.before, cost.finetune.after
    if not before or not cost.trains:
        return ""
    if after is None:
        return "what the fine-tune costs is unknown: nobody can tell how much data there is, or how fast it is there"
    percent = cost.finetune.percent
    if percent is None or percent <= RISE_FOR_A_PERSON:
        return ""
    what = f"{len(cost.recipes)} fine-tunes cost" if cost.recipes else "a fine-tune costs"
    return f"{what} {before:,.2f} → {after:,.2f} USD (+{percent:,.0f} %)"


def _reasons_to_approve(preview: Preview, cost: Cost | None) -> list[str]:
    """What was looked at, and nothing else."""
    created = [step for step in preview.changed if step.op in ("create", "import") and not is_work(step)]
    count = sum(len(look(step).paths) for step in preview.changed if step.op not in ("create", "import"))
    told = []
    if created:
        what = "1 resource is" if len(created) == 1 else f"{len(created)} resources are"
        told.append(f"{what} created, each of a type and with properties that this review knows, and none is open")
    if count:
        properties = "the 1 property that changes is" if count == 1 else f"the {count} properties that change are all"
        told.append(f"{properties} known to this review, and opens, loses and redirects nothing" if count == 1 else
                    f"{properties} known to this review, and none opens, loses or redirects anything")  # fmt: skip
    holding = sum(bool(type_of(step).holds) for step in preview.steps)
    if holding:
        told.append(f"none of the {holding} resources that hold data is replaced or deleted")
    return [*told[: REASONS - 1], _money(cost)]


def _money(cost: Cost | None) -> str:
    month = cost.month if cost else None
    if month is None or not month.known:
        return "no machine is added or changed, so the bill stays as it is"
    if month.percent and month.percent < 0:
        return f"a month becomes cheaper by {-month.percent:.0f} %"
    if month.percent:
        return f"a month becomes dearer by {month.percent:.0f} % only"
    return "no machine and no tier is added or changed, so the monthly cost stays the same"
