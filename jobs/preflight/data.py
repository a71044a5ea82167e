"""Whether the fine-tune component can train on the prepared data: known before its node is paid for."""

from __future__ import annotations

from pathlib import Path

from cloud.arm import Arm
from jobs.preflight.findings import Finding, State
from jobs.preflight.spec import PreflightSpec

NAME = "training data"


def fits(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """Rows enough, an answer in the first row, and what max_seq_length cuts. Azure is not asked."""
    del arm
    if spec.data is None:
        return [
            Finding(
                check=NAME,
                state=State.OK,
                found="not on this machine: a job on the cluster prepares them and looks at them",
            )
        ]
    from data_prep.card.fit import fit

    try:
        found = fit(Path(spec.data.directory), spec.data.max_seq_length, spec.data.model)
    except (OSError, ValueError, LookupError, TypeError) as error:
        says = f"not checked: {spec.data.directory} cannot be read ({error})"
        return [Finding(check=NAME, state=State.WARNING, found=says, fix=f"make data STACK={spec.stack}")]
    if found.refused:
        reasons = [reason.rpartition(": ") for reason in found.refused]
        return [Finding(check=NAME, state=State.REFUSED, found=what, fix=todo) for what, _, todo in reasons]
    if found.told:
        fix = "raise recipe.max_seq_length if the rest of these rows matters"
        return [Finding(check=NAME, state=State.WARNING, found="; ".join(found.told), fix=fix)]
    cut = f", none longer than {found.most} tokens" if found.most else ""
    return [Finding(check=NAME, state=State.OK, found=f"{found.rows} rows to train on{cut}")]
