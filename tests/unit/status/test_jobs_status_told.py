"""Everything that a status tells, word for word: as JSON, as tables, and as lines of a log."""

from __future__ import annotations

import dataclasses
from typing import Any

from status_azure import printed
from status_made import PAUSE, RUNNING, WHOLE, ago, job

from jobs.release.judging.health import Health
from jobs.status.spending import HourPrice
from jobs.status.status import Status
from jobs.status.usage import Requests
from jobs.status.view import (
    cost_line,
    half_way,
    lines,
    view,
)


def other(**changes: Any) -> Status:
    return dataclasses.replace(WHOLE, **changes)


STANDING = dataclasses.replace(WHOLE.deployments[0], traffic=100, tags={})
"""Alone, with all of the traffic."""


def test_its_json_has_everything() -> None:
    assert WHOLE.to_json() == {
        "stack": "dev",
        "at": "2026-11-25T12:30:15+00:00",
        "stages": [
            {"name": "dataset", "state": "done", "detail": "ultrachat-train:1"},
            {"name": "finetune", "state": "running", "detail": ""},
            {"name": "release", "state": "to do", "detail": "m7"},
        ],
        "recipe": "gentle",
        "job": "finetune-1-2",
        "job_status": "Running",
        "job_url": "https://ml.azure.com/runs/finetune-1-2",
        "job_started": "2026-11-25T10:30:15+00:00",
        "job_ended": None,
        "attempts": {"finetune-1-2": "Running", "finetune-1-1": "Failed"},
        "other_jobs": {"finetune-2-1": "Queued", "finetune-3-1": "Running", "prepare-4-1": "Running"},
        "progress": {"share": 0.25, "left": 5400.0, "basis": "a guess"},
        "model": "phi:7",
        "model_state": "not there",
        "endpoint": "phi",
        "endpoint_state": "Succeeded",
        "deployments": [
            {
                "name": "m6",
                "state": "Succeeded",
                "traffic": 90,
                "model": "phi:6",
                "instances": "2 x big",
                "since": "2026-11-25T02:30:15+00:00",
            },
            {
                "name": "base",
                "state": "Updating",
                "traffic": 10,
                "model": "azureml://registries/azureml/models/Phi-4/versions/3",
                "instances": "1 x small",
                "since": None,
            },
        ],
        "half_released": "m6",
        "kept": "",
        "hours": "Mon-Fri 08:00-18:00 UTC",
        "paused": None,
        "cost": {
            "currency": "USD",
            "so_far": 147.4723,
            "hourly": 12.0,
            "lines": [
                {
                    "what": "job finetune-1-2",
                    "vm_size": "big",
                    "count": 3,
                    "hours": 2,
                    "now": True,
                    "cost": 24.0,
                },
                {
                    "what": "deployment base",
                    "vm_size": "small",
                    "count": 1,
                    "hours": 1000.126,
                    "now": False,
                    "cost": 123.4723,
                },
            ],
            "prices": {
                "big": {"hourly": 4.0, "source": "made up"},
                "small": {"hourly": 0.12345678, "source": "list price of a day (small one)"},
            },
        },
        "requests": {
            "last_hour": {
                "m6": {"requests": 10, "failed": 1, "busy": 2, "refused": 3, "p95_seconds": 1.5},
                "m5": {"requests": 5, "failed": 4, "busy": 1, "refused": 0, "p95_seconds": None},
            },
            "idle_hours": 2.0,
            "trouble": "",
            "idle_cost": 16.2469,
        },
    }


def test_its_json_of_what_is_not_there() -> None:
    ended = dataclasses.replace(RUNNING, ended=ago(1))
    found = other(job=ended, pause=PAUSE, progress=None).to_json()
    assert (found["job_ended"], found["progress"]) == ("2026-11-25T11:30:15+00:00", None)
    assert found["paused"] == {
        "at": "2026-11-24T22:30:15+00:00",
        "by": "hand",
        "version": "7",
        "deployment": "m7",
        "previous": "",
        "coming": "8",
        "machines": "",
    }
    nothing = other(job=None).to_json()
    keys = ("job", "job_status", "job_url", "job_started", "job_ended")
    assert [nothing[key] for key in keys] == ["", "not there", "", None, None]
    queued = other(job=dataclasses.replace(RUNNING, started=None)).to_json()
    assert queued["job_started"] is None
    unknown = dataclasses.replace(WHOLE.spending, prices={"big": HourPrice(None, ""), "small": HourPrice(1.0, "")})
    assert other(spending=unknown).to_json()["requests"]["idle_cost"] is None


def cells(text: str) -> list[list[str]]:
    """The rows of all tables in it."""
    rows = [line for line in text.splitlines() if line[:1] in "│┃"]
    return [[cell.strip() for cell in line.replace("┃", "│").strip("│").split("│")] for line in rows]


def test_the_tables_have_a_row_for_each_thing() -> None:
    text = printed(view(WHOLE), 200)
    assert cells(text) == [
        ["what", "name", "state", "traffic", "details"],
        ["stage dataset", "", "done", "", "ultrachat-train:1"],
        ["stage finetune", "", "running", "", ""],
        ["stage release", "", "to do", "", "m7"],
        ["job", "finetune-1-2", "Running", "", "2 h; 25 %, about 90 min left (a guess)"],
        ["job", "finetune-1-1", "Failed", "", "60 min"],
        ["job", "finetune-2-1", "Queued", "", "of the recipe bold"],
        ["job", "finetune-3-1", "Running", "", "30 min; of another recipe"],
        ["job", "prepare-4-1", "Running", "", "15 min; prepares the data"],
        ["model", "phi:7", "not there", "", ""],
        ["endpoint", "phi", "Succeeded", "", ""],
        [
            "deployment",
            "m6",
            "Succeeded",
            "90 %",
            "phi:6, 2 x big; in the last hour 10 requests, 1 failed (20.0 %), 2 too many at once (429), 3 wrongly "
            "asked (4xx), 95 % within 1.5 s",
        ],
        ["deployment", "base", "Updating", "10 %", "Phi-4:3, 1 x small; in the last hour no request"],
        ["what", "machines", "hours", "cost"],
        ["job finetune-1-2", "3 x big", "2.00", "24.00"],
        ["deployment base", "1 x small", "1,000.13", "123.47"],
        ["so far", "goes on: 12.00 an hour", "", "147.47"],
    ]
    beside = [line.rstrip() for line in text.splitlines() if line[:1] not in "│┃┏┡├└"]
    assert beside == [
        "Stack dev",
        "Cost so far in USD (an estimate: machines only)",
        "The release of m6 has not come to its end, and its machines bill. `pulumi up` goes on with it if the stack "
        "file asks for it; `python -m jobs rollback --stack dev` takes it back.",
        "Nobody has asked the endpoint for 2 h or more; its machines have cost 16.25 USD meanwhile. `pulumi destroy "
        "--stack dev` ends that.",
        "Not read just now: energy (no)",
        "big: 4.00 USD an hour, made up",
        "small: 0.12 USD an hour, list price of a day (small one)",
        "job: https://ml.azure.com/runs/finetune-1-2",
    ]


def test_the_tables_of_a_stack_with_nothing() -> None:
    spent = dataclasses.replace(WHOLE.spending, lines=(), prices={}, so_far=0.0, hourly=0.0)
    bare = other(
        stages=(),
        job=None,
        attempts=(),
        others=(),
        progress=None,
        deployments=(),
        spending=spent,
        not_read=(),
        hours="",
    )
    text = printed(view(dataclasses.replace(bare, usage=Requests(recent={}, since=None, last=None))), 200)
    assert cells(text)[1:] == [
        ["job", "", "not there", "", ""],
        ["model", "phi:7", "not there", "", ""],
        ["endpoint", "phi", "Succeeded", "", ""],
    ]
    assert text.splitlines()[-1] == "Cost so far: no machine has run yet."


def test_what_an_attempt_tells_of_itself() -> None:
    """How far it is is that of the newest alone, and a queued one has run for no time."""
    queued = job("finetune-1-3", "Queued", None)
    (row,) = [row for row in cells(printed(view(other(job=queued, attempts=(queued,))), 200)) if row[1] == queued.name]
    assert row[4] == "25 %, about 90 min left (a guess)"
    found = cells(printed(view(other(job=queued, progress=None, attempts=(queued, RUNNING))), 200))
    assert [row[4] for row in found if row[0] == "job"][:2] == ["", "2 h"]


def test_a_sum_that_goes_on_nowhere_says_so() -> None:
    still = dataclasses.replace(WHOLE.spending, hourly=0.0)
    assert cells(printed(view(other(spending=still)), 200))[-1] == ["so far", "nothing runs", "", "147.47"]
    unknown = dataclasses.replace(WHOLE.spending, hourly=None, so_far=None)
    assert cells(printed(view(other(spending=unknown)), 200))[-1] == [
        "so far",
        "goes on: unknown an hour",
        "",
        "unknown",
    ]


def test_each_line_of_a_log() -> None:
    assert lines(WHOLE) == [
        "stage dataset: done (ultrachat-train:1)",
        "stage finetune: running",
        "stage release: to do (m7)",
        "job finetune-1-2: Running",
        "job finetune-1-1: Failed",
        "job finetune-2-1: Queued",
        "job finetune-3-1: Running",
        "job prepare-4-1: Running",
        "endpoint phi: Succeeded",
        "deployment m6: Succeeded, 90 % of the traffic",
        "deployment base: Updating, 10 % of the traffic",
        half_way(WHOLE),
        "failed requests in the last hour: 5",
        "requests turned away for load (429) in the last hour: 3; serving.maxConcurrentRequests or serving.instances "
        "let more in",
    ]
    well = Requests(recent={"m6": Health(requests=9, failed=0, p95_seconds=1.0)}, since=ago(1), last=ago(0))
    assert lines(other(usage=well))[-1] == half_way(WHOLE)


def test_the_sum_in_a_line() -> None:
    assert cost_line(WHOLE) == (
        "cost so far: 147.47 USD, 12.00 USD an hour now (an estimate, made up; list price of a day (small one))"
    )
    twice = dataclasses.replace(WHOLE.spending, prices={"a": HourPrice(1.0, "same"), "b": HourPrice(2.0, "same")})
    assert cost_line(other(spending=twice)).endswith("(an estimate, same)")
    none = dataclasses.replace(WHOLE.spending, prices={})
    assert cost_line(other(spending=none)).endswith("now (no machine has run yet)")
