"""Stage promotion: the version that another stack has proved is still what was planned with. Nothing is trained."""

from __future__ import annotations

import threading

from cloud.arm import ML_SCOPE, Arm
from cloud.errors import StageError, azure_errors
from cloud.report import Report
from cloud.services import modelfiles, registry
from jobs.promotion import evidence
from jobs.promotion.spec import PromotionSpec


def run(spec: PromotionSpec, report: Report, stop: threading.Event) -> None:
    """Says on what it rests. Raises StageError where the version, its evidence or its files are other than planned."""
    del stop  # seconds
    asset = spec.asset
    with azure_errors("the model of another stack could not be looked up", asset.model_uri):
        arm = Arm(ML_SCOPE)
        shelf = registry.shelf(asset, registry.MODELS, arm)
        found = shelf.version() if shelf else None
        if found is None:
            raise _changed(spec, "it is no longer there")
        now = evidence.of(registry.tags_of(found))
        if other := sorted(key for key in {*now, *spec.evidence} if now.get(key) != spec.evidence.get(key)):
            raise _changed(spec, f"what is written on it has changed since: {', '.join(other)}")
        with modelfiles.of_registry(arm, asset) as folder:
            files = modelfiles.digest(folder.files())
    if files != (proved := spec.evidence.get(evidence.FILES)):
        raise _changed(spec, f"its files are others ({files}) than those that were proved ({proved or 'not told'})")
    report(f"{asset.model_uri} is taken from stack {spec.stack}, and nothing is trained: {files}")
    report(f"proved {now.get(evidence.AT)}: {now.get(evidence.GATE)}")
    report(f"made by job {now.get('job')} from {now.get('base_model')} and {now.get('dataset')}")


def _changed(spec: PromotionSpec, why: str) -> StageError:
    return StageError(
        "the model is not what was planned with",
        on=spec.asset.model_uri,
        why=why,
        todo="Nothing was released. Ask who keeps the registry; `pulumi preview` shows what it has now.",
    )
