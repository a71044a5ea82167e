"""Jobs of the fine-tuning and how they end, on a fake."""

from __future__ import annotations

from jobs_fake import FakeMl
from test_jobs_specs import FINETUNE

FIRST, SECOND, THIRD = (FINETUNE.job_name(attempt) for attempt in (1, 2, 3))


def registered(ml: FakeMl) -> list[str]:
    return [asset.path for asset in ml.models.there.values()]
