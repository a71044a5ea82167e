"""The check of the preflight that asks Azure Policy what it would deny, and names the setting that satisfies it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from cloud.catalogue import RESOURCE_GROUP
from jobs.preflight.findings import Finding, State, not_checked, until_refused
from jobs.preflight.locked.declared import fields
from jobs.preflight.spec import Planned, PreflightSpec

if TYPE_CHECKING:
    from cloud.arm import Arm

NAME = "policies"
VERSION = "2024-10-01"
"""Of Microsoft.PolicyInsights/checkPolicyRestrictions."""
ASSIGNMENT_VERSION = "2023-04-01"
_AT_ONCE = 6


def allowed(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """One question for each kind of resource; policies that only audit are not told.

    A question that Azure does not answer is a warning of its own, and hides no denial of another.
    """
    if not spec.planned:
        return [Finding(check=NAME, state=State.OK, found="nothing to ask about")]
    # Before there is a group, what is assigned to the subscription and above is asked.
    scope = spec.group_scope if arm.find(spec.group_scope, RESOURCE_GROUP.version) else spec.scope
    titles: dict[str, str] = {}

    def asked(planned: Planned) -> tuple[Planned, list[Finding], str]:
        return planned, *until_refused(lambda: _denied(arm, scope, planned, titles))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(asked, spec.planned))
    findings = [found for _, each, _ in answers for found in each]
    unanswered: dict[str, list[str]] = {}
    for planned, _, why in answers:
        if why:
            unanswered.setdefault(why, []).append(f"{planned.label} {planned.content.get('name')}")
    for why, about in unanswered.items():
        # Who may ask nothing hears so once.
        findings.append(not_checked(NAME, why, "" if len(about) == len(answers) else ", ".join(about)))
    return findings or [Finding(check=NAME, state=State.OK, found=f"Azure Policy names no denial of {len(answers)}")]


def _denied(arm: Arm, scope: str, planned: Planned, titles: dict[str, str]) -> Iterator[Finding]:
    for denial in _ask(arm, scope, planned):
        yield _told(arm, planned, denial, titles)


def _ask(arm: Arm, scope: str, planned: Planned) -> list[Mapping[str, Any]]:
    details = {"resourceContent": dict(planned.content), "apiVersion": planned.version}
    path = f"{scope}/providers/Microsoft.PolicyInsights/checkPolicyRestrictions"
    answer = arm.run("POST", path, {"api-version": VERSION}, {"resourceDetails": details}) or {}
    evaluated = (answer.get("contentEvaluationResult") or {}).get("policyEvaluations") or ()
    return [
        each
        for each in evaluated
        if each.get("evaluationResult") == "NonCompliant"
        and str((each.get("effectDetails") or {}).get("policyEffect", "")).lower() == "deny"
    ]


def _title(arm: Arm, assignment: str) -> str:
    """What the assignment is shown as; the end of its id for whoever may not read it, as at a management group."""
    from azure.core.exceptions import HttpResponseError

    try:
        there = arm.find(assignment, ASSIGNMENT_VERSION) if assignment else None
    except HttpResponseError:
        there = None
    own = (there or {}).get("properties") or {}
    return str(own.get("displayName") or assignment.rpartition("/")[2])


def _told(arm: Arm, planned: Planned, denial: Mapping[str, Any], titles: dict[str, str]) -> Finding:
    assignment = str((denial.get("policyInfo") or {}).get("policyAssignmentId") or "")
    if assignment not in titles:
        titles[assignment] = _title(arm, assignment)
    compared = [
        each
        for each in (denial.get("evaluationDetails") or {}).get("evaluatedExpressions") or ()
        if str(each.get("expression") or each.get("path") or "").lower() not in ("type", "kind")
    ]
    shown = "; ".join(_compared(each) for each in compared) or "it says no more"
    name = planned.content.get("name")
    policy = f"the policy {titles[assignment]!r}" if assignment else "a policy of no name"
    says = f"{policy} denies {planned.label} {name}: {shown}"
    settings = list(dict.fromkeys(setting for each in compared if (setting := setting_of(str(each.get("path"))))))
    exempt = (
        f"az policy exemption create --name {name} --exemption-category Waiver --scope <scope> "
        f"--policy-assignment {assignment or '<assignment>'}"
    )
    fix = f"set {'; or '.join(settings)}" if settings else f"no setting of this program satisfies it; {exempt}"
    return Finding(check=NAME, state=State.REFUSED, found=says, fix=fix)


def _compared(expression: Mapping[str, Any]) -> str:
    path = str(expression.get("path") or expression.get("expression")).rsplit("/", 1)[-1]
    value = expression.get("expressionValue", "nothing")
    return f"{path} is {value}, and the policy is for {expression.get('operator')} {expression.get('targetValue')}"


def setting_of(path: str) -> str:
    """The setting that decides a field or an alias of Azure Policy; empty where none does."""
    low = path.rsplit("/", 1)[-1].lower()
    return next((setting for part, setting in fields() if part in low), "")
