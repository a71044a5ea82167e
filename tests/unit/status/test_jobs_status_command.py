"""The command: at once, followed, and as a dashboard."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from jobs_fake import Stop
from rich.console import Console
from status_azure import A100, NOW, STACK, WANTED, WORKSPACE, Azure, book, printed, read
from test_jobs_specs import FINETUNE, RELEASE

from cloud.errors import StageError
from cloud.services.prices import PriceBook
from jobs import __main__ as cli
from jobs.release import unfinished
from jobs.status import watch
from jobs.status.progress import Progress
from jobs.status.reader import Reader
from jobs.status.stack import Stack
from jobs.status.status import Job
from jobs.status.view import lines


def test_the_command(
    azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Stack, "of", lambda name: STACK)
    monkeypatch.setattr(PriceBook, "of_stack", lambda name: book(tmp_path))
    azure.registered()
    azure.deployment(WANTED.deployment_name, traffic=100)
    cli.main(["status", "--stack", "dev", "--json"])
    assert json.loads(capsys.readouterr().out)["deployments"][0]["traffic"] == 100
    cli.main(["status", "--stack", "dev"])
    assert "100 %" in capsys.readouterr().out
    cli.main(["status", "--stack", "dev", "--watch"])  # no terminal, and everything is done
    assert "all done; cost so far" in capsys.readouterr().out
    cli.main(["status", "--stack", "dev", "--watch", "--json"])
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["stages"][2]["state"] == "done"


def test_a_release_left_half_way_is_told_of(
    azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Stack, "of", lambda name: STACK)
    monkeypatch.setattr(PriceBook, "of_stack", lambda name: book(tmp_path))
    azure.deployment(WANTED.deployment_name, traffic=90)
    azure.deployment("mnew", traffic=10)
    azure.deployments[1]["tags"] |= unfinished.tags({WANTED.deployment_name: 100})
    cli.main(["status", "--stack", "dev"])
    assert "The release of mnew has not come to its end" in " ".join(capsys.readouterr().out.split())
    cli.main(["status", "--stack", "dev", "--json"])
    assert json.loads(capsys.readouterr().out)["half_released"] == "mnew"
    azure.deployments[1]["tags"] |= unfinished.tags({})
    cli.main(["status", "--stack", "dev"])
    assert "has not come to its end" not in capsys.readouterr().out


def test_a_log_tells_each_change_once_and_ends_when_all_is_done(
    azure: Azure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    azure.job(FINETUNE.job_name(1), "Running", 1)
    reader = Reader(STACK, book(tmp_path), lambda: NOW)

    def finish() -> None:
        azure.jobs.clear()
        azure.job(FINETUNE.job_name(1), "Completed", 1, ended=0.5)
        azure.registered()
        azure.deployment(WANTED.deployment_name, traffic=100)

    watch.watch(reader.read, Stop(lambda: None, finish), Console(force_terminal=False))
    out = capsys.readouterr().out
    assert out.count(f"job {FINETUNE.job_name(1)}: Running") == 1
    assert "stage release: done" in out
    assert "all done; cost so far: 10.00 USD" in out.splitlines()[-1]  # half an hour, and two machines for one
    assert "an estimate, list price of 2026-11-25 (made-up price" in out.splitlines()[-1]


def test_a_failure_to_read_is_borne_for_a_while(azure: Azure, tmp_path: Path) -> None:
    azure.job(FINETUNE.job_name(1), "Running", 1)
    reader = Reader(STACK, book(tmp_path), lambda: NOW)

    class Everything(set[str]):
        def __contains__(self, key: object) -> bool:
            return True

    def cut() -> None:
        azure.unreachable = Everything()

    stop = Stop(cut)
    with pytest.raises(StageError, match=r"the state could not be read \(stack dev\): no route to host"):
        watch.watch(reader.read, stop, Console(force_terminal=False))
    assert len(stop.waited) == 5


def test_the_workspaces_own_answer_may_fail_as_any_other(azure: Azure, tmp_path: Path) -> None:
    azure.job(FINETUNE.job_name(1), "Running", 1)
    azure.unreachable.add(f"GET {WORKSPACE}".lower())
    found = Reader(STACK, book(tmp_path), lambda: NOW).read()
    assert found.job is not None and found.job.status == "Running"
    assert "Not read just now: the workspace" in [line.split(" (")[0] for line in found.not_read]


def test_the_dashboard_shows_a_bar_and_ends_cleanly(azure: Azure, tmp_path: Path) -> None:
    azure.job(FINETUNE.job_name(1), "Running", 1)
    reader = Reader(STACK, book(tmp_path), lambda: NOW)
    screen = io.StringIO()

    def press() -> None:
        raise KeyboardInterrupt

    watch.watch(reader.read, Stop(lambda: None, press), Console(file=screen, force_terminal=True, width=120, height=40))
    shown = screen.getvalue()
    assert "Stack dev" in shown[shown.index("\x1b[?1049l") :], "the last look stays on the screen"
    assert "time left unknown" in shown
    assert shown.count("\x1b[?1049h") == shown.count("\x1b[?1049l") == 1  # the other screen was left again
    text = printed(watch.dashboard(reader.read(), "the network is gone"), 120)
    assert "the network is gone" in text and "━" in text


def test_every_line_stands_for_itself(azure: Azure, tmp_path: Path) -> None:
    azure.job(FINETUNE.job_name(1), "Running", 1)
    azure.deployment("mold", traffic=100)
    found = lines(read(tmp_path))
    assert "deployment mold: Succeeded, 100 % of the traffic" in found
    assert f"job {FINETUNE.job_name(1)}: Running" in found


@pytest.mark.parametrize("data", [True, False])
def test_a_stack_is_told_by_its_settings(data: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs import specs

    monkeypatch.setenv("ARM_SUBSCRIPTION_ID", "00000000-0000-4000-8000-0000000000a1")
    if data:
        monkeypatch.setattr(specs, "dataset_version", lambda settings: "0123456789ab")
    else:
        monkeypatch.chdir(tmp_path)
    found = Stack.of("org/finetune-phi/dev")
    assert (found.name, found.cluster_size, found.evaluation.questions) == ("dev", A100, "golden/general.jsonl")
    assert found.target.workspace.startswith("mlw-") and found.endpoint
    assert (found.stages is not None) is data
    if found.stages is not None:
        assert found.stages.release.model_version == found.stages.finetune.model_version
        assert found.stages.dataset.fingerprint == "0123456789ab"


@pytest.mark.parametrize(
    ("given", "nodes"), [({}, 1), ({"num_nodes_finetune": "3"}, 3), ({"num_nodes_finetune": ""}, 1)]
)
def test_a_job_costs_as_many_machines_as_it_trains_on(given: dict[str, str], nodes: int) -> None:
    assert Job(name="finetune-1", version="1", status="Running", url="", created=None, inputs=given).nodes == nodes


def test_a_model_of_the_time_before_numbers_is_found_by_its_job(azure: Azure, tmp_path: Path) -> None:
    azure.job(FINETUNE.job_name(1), "Completed", 9, ended=8)
    old = {"name": "7b963b464e21", "properties": {"tags": {"job": "finetune-7b963b464e21-1"}}}
    other = {"name": "3", "properties": {"tags": None, "jobName": "finetune-aaaaaaaaaaaa-1"}}
    azure.get(f"{WORKSPACE}/models/{RELEASE.model_name}/versions", {"value": [other, old]})
    found = read(tmp_path)
    assert (found.model, found.model_state) == ("phi-ultrachat:7b963b464e21", "registered")
    assert (found.stages[1].state, found.stages[1].detail) == ("done", "phi-ultrachat:7b963b464e21")


def test_progress_as_json_has_no_more_digits_than_say_something() -> None:
    assert Progress(1 / 3, 12.34567, "a guess").to_json() == {"share": 0.333, "left": 12.346, "basis": "a guess"}
    assert Progress(None, None, "a guess").to_json() == {"share": None, "left": None, "basis": "a guess"}
