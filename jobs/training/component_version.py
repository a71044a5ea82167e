"""Which version of the fine-tune component is taken: `latest` is asked for once, and kept for all attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobs.training.spec import FinetuneSpec

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

LATEST = "latest"
TAG = "component"
"""Tag of a job and of the model that it made: name and version, as chat_completion_pipeline:0.0.82."""


def version(client: MLClient, spec: FinetuneSpec, job_name: str) -> str:
    """The stack's, or where that is `latest` the one that an earlier attempt at the same fine-tuning had.

    Raises what the SDK raises, except for "not found".
    """
    from azure.core.exceptions import ResourceNotFoundError

    if spec.finetune.component.version != LATEST:
        return spec.finetune.component.version
    for attempt in range(int(job_name.rpartition("-")[2]) - 1, 0, -1):
        try:
            tags = client.jobs.get(spec.job_name(attempt)).tags or {}
        except ResourceNotFoundError:
            continue
        name, _, recorded = str(tags.get(TAG) or "").partition(":")
        if name == spec.finetune.component.name and recorded:
            return recorded
    return LATEST


def component(registry: MLClient, name: str, wanted: str) -> Any:
    """The registry's component in that version."""
    if wanted == LATEST:
        return registry.components.get(name, label=LATEST)
    return registry.components.get(name, version=wanted)
