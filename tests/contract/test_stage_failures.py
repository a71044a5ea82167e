"""A fine-tuning that fails says where, with which exit code, why, and what to do: jobs that the emulator runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.errors import StageError
from emulator.front import admin
from emulator.machine.home import Home
from jobs import __main__ as cli
from jobs.training import finetune, following
from jobs.training.spec import FinetuneSpec
from tests.changing import changed
from tests.contract.arm import Arm
from tests.contract.lab import Lab
from tests.contract.stages import FAMILY, Place

STEP = "step ft_nlp_common_validation ended Failed"


@pytest.fixture(scope="module")
def place(arm: Arm, home: Home, train_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(arm, home, train_file, tmp_path_factory.mktemp("failures"), "failures")
    yield place
    place.store.close()


class Often(threading.Event):
    """Looks at a job several times a second."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(0.2)


def failed(spec: FinetuneSpec) -> str:
    """The one message that a person gets, the job being followed in real time."""
    with pytest.raises(StageError) as told:
        finetune.run(changed(spec, max_attempts=1), lambda _: None, Often())
    return str(told.value)


def test_a_bad_row(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from azure.ai.ml.entities import Data

    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        '{"messages": [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": null}]}\n' * 12
    )
    for asset in ("bad-train", "bad-test"):  # not by the stage, which refuses such a file
        place.ml.data.create_or_update(Data(name=asset, version="1", type="uri_file", path=str(rows)))
    spec = place.recipe(1, dataset_name="bad", dataset_fingerprint="1")
    message = failed(spec)
    assert (
        "step chat_completion_datapreprocess ended Failed with exit code 1. Azure says: UserError: Execution" in message
    )
    assert "Failure while applying chat template to dataset: 'dict object' has no attribute 'content'" in message
    assert "Likely cause: data row" in message and "Correct the conversation" in message
    assert f"https://ml.azure.com/runs/{spec.job_name(1)}" in message

    monkeypatch.setattr("cloud.place.described", place.described)
    monkeypatch.setattr(cli, "check_stack", lambda *_: None)  # the place's name is that of no stack file
    with pytest.raises(SystemExit) as left:
        cli.main(["logs", "--stack", "states", "--follow"])
    assert left.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{spec.job_name(1)}  Failed")
    assert lines[1] == "--- chat_completion_datapreprocess, Failed"
    assert [line.partition(":")[0] for line in lines[-3:]] == ["Why", "Likely cause", "What to do"]


def test_data_that_is_gone(place: Place, tmp_path: Path, train_file: Path) -> None:
    gone = place.files("gone", tmp_path, train_file.read_text() * 2)
    place.run_dataset(gone)
    path = str(place.ml.data.get("gone-train", version=gone.fingerprint).path).rpartition("/paths/")[2]
    place.blobs().delete_blob(path)
    message = failed(place.recipe(2, dataset_name="gone", dataset_fingerprint=gone.fingerprint))
    assert STEP in message and "exit code" not in message, "nothing was started"
    assert "Likely cause: data missing" in message


def test_a_cluster_that_is_gone(place: Place) -> None:
    message = failed(place.recipe(3, cluster="nowhere"))
    assert STEP in message and "Likely cause: compute missing" in message
    with pytest.raises(StageError, match="all 1 attempts at this fine-tuning failed"):
        place.finetune(place.recipe(3, cluster="nowhere", max_attempts=1))


def test_a_job_that_waits_for_quota(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_SILENCE_SECONDS", 0.0)
    said: list[str] = []

    class Told(Often):
        def wait(self, timeout: float | None = None) -> bool:
            if any("ClusterCoreQuotaReached" in line for line in said):
                self.set()
            return super().wait(timeout)

    spec = place.recipe(5, cancel_on_interrupt=True)
    admin.call(place.home, "POST", "quota", {FAMILY: 12})
    try:
        with pytest.raises(StageError, match="was cancelled"):
            finetune.run(spec, said.append, Told())
    finally:
        admin.call(place.home, "DELETE", "quota")
    (told,) = [line for line in said if "ClusterCoreQuotaReached" in line]
    assert f"job {spec.job_name(1)}: still Queued after " in told
    assert "cluster gpu says ClusterCoreQuotaReached" in told and "Maximum allowed: 12" in told
    assert told.endswith(
        "Ask for more with `python -m jobs quota request`, or end what uses it (`python -m jobs quota`)."
    )


def test_a_role_that_is_missing(place: Place, lab: Lab) -> None:
    identity = lab.make_identity("id-fails", ("AcrPull",))
    cluster = lab.make_cluster("no-roles", identity=identity, workspace=place.workspace).rsplit("/", 1)[1]
    message = failed(place.recipe(4, cluster=cluster))
    assert STEP in message and "does not have the role Contributor" in message
    assert "Likely cause: missing role" in message
