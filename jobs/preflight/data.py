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
        return [Finding(NAME, State.OK, "not on this machine: a job on the cluster prepares them and looks at them")]
    from data_prep.card.fit import fit

    try:
        found = fit(Path(spec.data.directory), spec.data.max_seq_length, spec.data.model)
    except (OSError, ValueError, LookupError, TypeError) as error:
        told = f"not checked: {spec.data.directory} cannot be read ({error})"
        return [Finding(NAME, State.WARNING, told, f"make data STACK={spec.stack}")]
    if found.refused:
        return [Finding(NAME, State.REFUSED, *reason.rsplit(": ", 1)) for reason in found.refused]
    if found.told:
        fix = "raise recipe.max_seq_length if the rest of these rows matters"
        return [Finding(NAME, State.WARNING, "; ".join(found.told), fix)]
    cut = f", none longer than {found.most} tokens" if found.most else ""
    return [Finding(NAME, State.OK, f"{found.rows} rows to train on{cut}")]
