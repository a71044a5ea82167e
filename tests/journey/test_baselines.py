"""What the three environments send to Azure is what a person has read: a changed word is a diff of a committed file."""

from __future__ import annotations

import difflib

import pytest

from tests.baselines.rehearsals import COMMAND, STACKS, baseline, record

pytestmark = pytest.mark.journey


@pytest.mark.parametrize("stack", STACKS)
def test_a_rehearsal_sends_what_was_read_by_a_person(stack: str) -> None:
    now, read = record(stack), baseline(stack).read_text(encoding="utf-8")
    changes = "\n".join(difflib.unified_diff(read.splitlines(), now.splitlines(), f"{stack}.yaml", "now", "", "", 4))
    assert not changes, (
        f"what goes to Azure has changed. If it is meant: {COMMAND} {stack}, and commit the diff.\n{changes}"
    )
