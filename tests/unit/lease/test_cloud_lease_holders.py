"""Who holds a lease: what is said of a person, a run, a machine and of how long ago."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from lease_fake import NOW, OTHER, TARGET, Blob, held_by

from cloud.services import lease
from cloud.services.lease import Holder


def test_all_are_broken_and_each_holder_is_named(blob: Blob) -> None:
    held_by(blob, OTHER)
    said: list[str] = []
    lease.break_all(TARGET, said.append)
    assert said[0] == f"data of mlw-phi: taken from {OTHER}"
    assert said[1:] == [f"{scope} of mlw-phi: nobody holds it" for scope in ("training", "endpoint", "flow")]


def test_a_holder_that_left_no_name_is_somebody(blob: Blob) -> None:
    blob.owner, blob.written = "theirs", b"{}"
    found = lease._Lease(TARGET, "endpoint", None).holder(blob)  # type: ignore[arg-type]
    assert found == Holder(who="somebody", host="?", pid=0, command="?", since=NOW.isoformat(), seen=NOW.isoformat())


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (3_599, "59 min"), (-5, "0 s")]
)
def test_ages(seconds: int, words: str) -> None:
    # The moment lies between two readings of the clock.
    moment = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
    assert lease._ago(moment) in (words, words.replace("119 s", "2 min"))


@pytest.mark.parametrize("moment", ["", "?", "2026-11-23T09:00:00"])
def test_an_age_that_cannot_be_read(moment: str) -> None:
    assert lease._ago(moment) == "an unknown time"


@pytest.mark.parametrize(
    ("environment", "who"),
    [
        (
            {
                "GITHUB_RUN_ID": "12",
                "GITHUB_ACTOR": "ada",
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_REPOSITORY": "a/b",
            },
            "ada, https://github.com/a/b/actions/runs/12",
        ),
        ({"GITHUB_RUN_ID": "12", "GITHUB_SERVER_URL": "javascript:", "GITHUB_REPOSITORY": "a/b"}, "GitHub, a workflow"),
        ({"LOGNAME": "grace"}, "grace"),
    ],
)
def test_who_is_at_work(environment: dict[str, str], who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_RUN_ID", "GITHUB_ACTOR", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert lease._who() == who


def test_this_process_runs_and_a_number_nobody_has_does_not() -> None:
    assert lease.runs(os.getpid())
    assert not lease.runs(2**22 + 1)
