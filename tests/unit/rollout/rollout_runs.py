"""The stage release, run on a fake, and what the tests of this folder share."""

from __future__ import annotations

import pytest
from jobs_fake import Stop
from test_jobs_specs import RELEASE

from cloud.errors import StageError
from jobs.release import rollout
from tests.changing import changed

NEW, OLD, BASE = RELEASE.deployment_name, "mold", "base"
KNOWING = changed(RELEASE, questions="golden/sample.jsonl", minimum_score=0)
ALL_SIX = "Bill Gates and Paul Allen, HyperText Markup Language, Paris, eight, Linus Torvalds and the Pacific Ocean."
COMPARING = changed(RELEASE, compare_with_base=True)


def run(spec: object = RELEASE, stop: Stop | None = None) -> list[str]:
    said: list[str] = []
    rollout.run(spec, said.append, stop or Stop())  # type: ignore[arg-type]
    return said


def refused(spec: object = RELEASE, stop: Stop | None = None) -> tuple[list[str], StageError]:
    """What is said, and the error."""
    said: list[str] = []
    with pytest.raises(StageError) as error:
        rollout.run(spec, said.append, stop or Stop())  # type: ignore[arg-type]
    return said, error.value
