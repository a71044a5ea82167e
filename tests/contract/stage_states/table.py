"""The table of the states that an earlier run can have left, and of what then has to happen.

Each has one test in this folder, named by `starts_from`. Jobs are real requests to the emulator, but none trains: a
test says what becomes of it.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.contract.stages import Place

STATES = {
    ("dataset", "nothing there"): "both files are uploaded and registered",
    ("dataset", "an upload was cut off"): "the blob is written again, whole",
    ("dataset", "one of two assets registered"): "the other one is added",
    ("dataset", "both registered"): "nothing is sent",
    ("finetune", "no job"): "one is submitted, followed, and its model registered",
    ("finetune", "job queued"): "it is followed, no second one",
    ("finetune", "job running"): "it is followed, no second one",
    ("finetune", "job completed"): "its model is registered, no second one",
    ("finetune", "job completed and archived"): "its model is registered, no second one",
    ("finetune", "job completed, its output gone"): "another attempt, which reuses no step",
    ("finetune", "job past its limit"): "it is cancelled and said; another attempt when the limit is raised",
    ("finetune", "job failed"): "another attempt",
    ("finetune", "job cancelled"): "another attempt, also beyond maxAttempts",
    ("finetune", "job being cancelled"): "another attempt",
    ("finetune", "job deleted"): "one is submitted",
    ("finetune", "all attempts failed"): "an error says so, no job",
    ("finetune", "submitted, not waited for"): "the next run goes on with it",
    ("finetune", "interrupted"): "the job goes on, the next run follows it",
    ("finetune", "interrupted, to be cancelled"): "the job is cancelled, the next run starts another attempt",
    ("finetune", "two machines submit at once"): "one job, both follow it",
    ("registration", "model there, made by this"): "nothing is done",
    ("registration", "model there, made by another job"): "it is refused before any job",
    ("supersede", "job of an earlier recipe runs"): "it is cancelled, those of other stacks and people are not",
    ("supersede", "job of an earlier recipe runs, keep"): "it goes on",
    ("supersede", "job of an earlier recipe completes meanwhile"): "it stays completed",
}
tested: dict[tuple[str, str], str] = {}
Test = Callable[..., None]


def starts_from(stage: str, state: str) -> Callable[[Test], Test]:
    """Says which state of the table a test is about."""

    def note(test: Test) -> Test:
        assert (stage, state) not in tested, "one test for each state"
        tested[stage, state] = test.__name__
        return test

    return note


def registered(place: Place, name: str) -> set[str]:
    """Which of both assets of a data set are there."""
    versions = {
        asset: [each.version for each in place.ml.data.list(asset)] for asset in (f"{name}-train", f"{name}-test")
    }
    return {asset for asset, found in versions.items() if found}
