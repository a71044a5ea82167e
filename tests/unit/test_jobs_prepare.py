"""The stage dataset on a cluster, from every state it can find."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from azure.ai.ml import Input
from jobs_fake import FakeMl, Stop, install
from test_jobs_specs import TARGET

from cloud.errors import NotFinished, StageError
from data_prep.asked import request_fingerprint
from data_prep.prepare import Request
from data_prep.stack import DECIDING
from jobs.dataset import pipeline, prepare
from jobs.dataset.image import environment
from jobs.dataset.spec import PreparationSpec


def asked(request: Request) -> PreparationSpec:
    """The spec of a request."""
    options = {key: getattr(request, key) for key in (*DECIDING, "model")}
    options["repairs"] = ",".join(request.repairs)
    return PreparationSpec(
        target=TARGET,
        name="chats",
        fingerprint=request_fingerprint(request),
        directory="data",
        source=request.source,
        options=options,
        cluster="cpu-cluster",
        vm_size="Standard_D4s_v3",
        experiment="finetune-phi",
        max_attempts=3,
    )


SPEC = asked(Request(source="sample"))
FIRST, SECOND, THIRD = (SPEC.job_name(attempt) for attempt in (1, 2, 3))


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    monkeypatch.setattr(prepare, "_card", lambda client, job: None)
    return install(monkeypatch)


@pytest.fixture
def said() -> list[str]:
    return []


def ends(ml: FakeMl, name: str, status: str = "Completed") -> Callable[[], None]:
    return lambda: setattr(ml.jobs.there[name], "status", status)


def paths(ml: FakeMl) -> dict[str, str]:
    return {name: asset.path for (name, version), asset in ml.data.there.items() if version == SPEC.fingerprint}


def files_of(job: str) -> dict[str, str]:
    folder = f"azureml://datastores/workspaceblobstore/paths/prepared/{job}"
    return {"chats-train": f"{folder}/train_data.jsonl", "chats-test": f"{folder}/test_data.jsonl"}


def test_no_job_yet_submits_follows_and_registers(ml: FakeMl, said: list[str]) -> None:
    prepare.run(SPEC, said.append, Stop(ends(ml, FIRST, "Running"), ends(ml, FIRST)))
    (job,) = ml.jobs.submitted
    assert (job.name, job.compute, job.inputs) == (FIRST, "cpu-cluster", {})
    assert job.command.startswith("python -m data_prep --source sample --config default ")
    assert job.command.endswith(" --out ${{outputs.data}}")
    assert "--split 'train_sft[:1%]'" in job.command and "--revision '' " in job.command
    assert " --no-mask " in job.command and "--test-ratio 0.2 --seed 0 " in job.command
    assert (job.outputs["data"].path, job.outputs["data"].mode) == (prepare.folder_of(FIRST), "upload")
    pins = job.environment.conda_file["dependencies"][-1]["pip"]
    assert any(pin.startswith("datasets==") for pin in pins)
    assert paths(ml) == files_of(FIRST)
    assert ml.data.there["chats-train", SPEC.fingerprint].tags == {"request": SPEC.fingerprint, "job": FIRST}


def test_several_nodes_are_a_pipeline_of_parts_and_a_join(tmp_path: Path) -> None:
    spec = dataclasses.replace(SPEC, nodes=3)
    assert spec.job_name(1) != FIRST
    (tmp_path / "x.py").touch()
    given = {"source": Input(type="uri_folder", path="azureml:chats-source:1")}
    folder = prepare.folder_of("job")
    line = "python -m data_prep --source ${{inputs.source}}"
    job = pipeline.divided(
        spec, command=line, inputs=given, code=str(tmp_path), environment=environment(), output="data", folder=folder
    )
    assert list(job.jobs) == ["part_1", "part_2", "part_3", "join"]
    nodes = {name: node._to_rest_object() for name, node in job.jobs.items()}
    parts, join = [nodes[f"part_{number}"] for number in (1, 2, 3)], nodes["join"]
    assert [part["inputs"]["number"]["value"] for part in parts] == ["1/3", "2/3", "3/3"]
    assert {key: each["value"] for key, each in join["inputs"].items() if key != "source"} == {
        f"part_{number}": f"${{{{parent.jobs.part_{number}.outputs.made}}}}" for number in (1, 2, 3)
    }
    assert {node["limits"]["timeout"] for node in nodes.values()} == {"PT12H"}
    # What a failed attempt has made is made anew by the next one.
    assert [node.component.is_deterministic for node in job.jobs.values()] == [False] * 4
    assert {node["computeId"] for node in nodes.values()} == {"cpu-cluster"}
    taken = " ".join(f"${{{{inputs.part_{number}}}}}" for number in (1, 2, 3))
    assert {job.jobs[name].component.command for name in nodes} == {
        f"{line} --part ${{{{inputs.number}}}} --out ${{{{outputs.made}}}}",
        f"{line} --parts {taken} --out ${{{{outputs.data}}}}",
    }
    assert (job.display_name, job.experiment_name) == ("chats: sample", "finetune-phi")
    assert job.settings is not None and job.settings.continue_on_step_failure is False
    steps = {name: job.jobs[name].component for name in nodes}
    assert [step.name for step in steps.values()] == ["prepare_part"] * 3 + ["join_parts"]
    for step in steps.values():
        assert {name: its.type for name, its in step.inputs.items() if name != "number"} == dict.fromkeys(
            [name for name in step.inputs if name != "number"], "uri_folder"
        )
        assert [(its.type, its.mode) for its in step.outputs.values()] == [("uri_folder", "upload")]
        assert (step.code, step.environment.name) == (str(tmp_path), "data-prep")
    source = {"uri": "azureml:chats-source:1", "job_input_type": "uri_folder"}
    assert [node["inputs"]["source"] for node in nodes.values()] == [source] * 4
    assert job._to_rest_object().properties.outputs["data"].mode == "Upload"
    assert (job.outputs["data"].path, job.outputs["data"].mode) == (folder, "upload")


def test_what_is_registered_needs_no_job(ml: FakeMl, said: list[str]) -> None:
    for asset in ("chats-train", "chats-test"):
        ml.data.there[asset, SPEC.fingerprint] = SimpleNamespace(path="")
    prepare.run(SPEC, said.append, Stop())
    assert ml.jobs.there == {} and "are there already" in said[0]


def test_half_registered_is_completed_from_the_job(ml: FakeMl, said: list[str]) -> None:
    ml.data.there["chats-train", SPEC.fingerprint] = SimpleNamespace(path="kept")
    ml.jobs.put(FIRST, "Completed")
    prepare.run(SPEC, said.append, Stop())
    assert ml.jobs.submitted == []
    assert paths(ml) == {**files_of(FIRST), "chats-train": "kept"}


def test_a_running_job_is_followed_and_a_failed_one_followed_by_the_next(ml: FakeMl, said: list[str]) -> None:
    ml.jobs.put(FIRST, "Running")
    prepare.run(SPEC, said.append, Stop(ends(ml, FIRST)))
    assert ml.jobs.submitted == []
    ml.data.there.clear()
    ml.jobs.put(FIRST, "Failed")
    prepare.run(SPEC, said.append, Stop(ends(ml, SECOND)))
    assert [job.name for job in ml.jobs.submitted] == [SECOND]
    assert paths(ml) == files_of(SECOND)


def test_a_failure_is_told_and_registers_nothing(ml: FakeMl, said: list[str]) -> None:
    ml.jobs.reasons[FIRST] = "User process exited with code 1."
    with pytest.raises(StageError, match=r"preparation of the data did not succeed.*exited with code 1"):
        prepare.run(SPEC, said.append, Stop(ends(ml, FIRST, "Failed")))
    assert ml.data.there == {}


def test_no_attempt_left(ml: FakeMl, said: list[str]) -> None:
    for name in (FIRST, SECOND, THIRD):
        ml.jobs.put(name, "Failed")
    with pytest.raises(StageError, match="all 3 attempts at this preparation of the data failed") as caught:
        prepare.run(SPEC, said.append, Stop())
    assert "data.cluster's vmSize" in str(caught.value)


def test_stopping_leaves_the_job_running(ml: FakeMl, said: list[str]) -> None:
    stop = Stop()
    stop.turns.append(stop.set)
    with pytest.raises(NotFinished, match="the preparation of the data goes on in Azure"):
        prepare.run(SPEC, said.append, stop)
    assert ml.jobs.there[FIRST].status == "Queued" and ml.data.there == {}


def test_files_are_uploaded_once_and_their_order_is_kept(ml: FakeMl, said: list[str], tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl.gz"):
        (tmp_path / name).write_text(name)
    spec = asked(Request(source=str(tmp_path)))
    uploaded: list[str] = []
    register = ml.data.create_or_update

    def upload(asset: SimpleNamespace) -> object:
        if asset.name == "chats-source":
            uploaded.extend(sorted(file.name for file in Path(asset.path).iterdir()))
        return register(asset)

    ml.data.create_or_update = upload  # type: ignore[method-assign]
    prepare.run(spec, said.append, Stop(ends(ml, spec.job_name(1), "Running"), ends(ml, spec.job_name(1))))
    assert uploaded == ["00000-a.jsonl.gz", "00001-b.jsonl"]
    (job,) = ml.jobs.submitted
    assert job.inputs["source"].path == f"azureml:chats-source:{spec.fingerprint}"
    assert job.command.startswith("python -m data_prep --source ${{inputs.source}} ")

    (tmp_path / "b.jsonl").write_text("changed")
    ml.jobs.put(spec.job_name(1), "Failed")
    ml.data.there.clear()
    with pytest.raises(StageError, match="changed since this run began"):
        prepare.run(spec, said.append, Stop())
    (tmp_path / "b.jsonl").unlink()
    (tmp_path / "a.jsonl.gz").unlink()
    with pytest.raises(StageError, match=r"no data to prepare.*holds no file that is read"):
        prepare.run(spec, said.append, Stop())


def test_three_files_and_own_ones_are_inputs_and_assets(ml: FakeMl, said: list[str], tmp_path: Path) -> None:
    for name in ("chats.jsonl", "mine.jsonl"):
        (tmp_path / name).write_text(name)
    request = Request(source=str(tmp_path / "chats.jsonl"), test=str(tmp_path / "mine.jsonl"), validation_ratio=0.1)
    spec = dataclasses.replace(asked(request), own={"test": request.test}, validation=True)
    job_name = spec.job_name(1)
    prepare.run(spec, said.append, Stop(ends(ml, job_name, "Running"), ends(ml, job_name)))
    (job,) = ml.jobs.submitted
    assert job.command.startswith("python -m data_prep --source ${{inputs.source}} --test ${{inputs.test}} --config ")
    assert " --validation-ratio 0.1 " in job.command
    assert {name: each.path for name, each in job.inputs.items()} == {
        "source": f"azureml:chats-source:{spec.fingerprint}",
        "test": f"azureml:chats-source-test:{spec.fingerprint}",
    }
    registered = ml.data.there["chats-validation", spec.fingerprint]
    assert registered.path == f"{prepare.folder_of(spec.job_name(1))}/validation_data.jsonl"


@pytest.mark.parametrize(("kind", "refused"), [("uri_folder", False), ("uri_file", False), ("mltable", True)])
def test_an_asset_is_an_input(
    ml: FakeMl, said: list[str], monkeypatch: pytest.MonkeyPatch, kind: str, refused: bool
) -> None:
    asset = SimpleNamespace(type=kind, path="azureml://datastores/workspaceblobstore/paths/x/my chats.jsonl")
    monkeypatch.setattr("data_prep.source.azureml.entity", lambda uri, workspace: (asset, ml))
    spec = asked(Request(source="azureml:chats:1"))
    stop = Stop(ends(ml, spec.job_name(1), "Running") if not refused else lambda: None, ends(ml, spec.job_name(1)))
    if refused:
        with pytest.raises(StageError, match="it is of type mltable"):
            prepare.run(spec, said.append, stop)
        return
    prepare.run(spec, said.append, stop)
    (job,) = ml.jobs.submitted
    assert vars(job.inputs["source"]) == vars(asset)
    if kind == "uri_file":
        link = "mkdir source && ln -s ${{inputs.source}} 'source/my chats.jsonl' && "
        assert job.command.startswith(f"{link}python -m data_prep --source 'source/my chats.jsonl' ")
    else:
        assert job.command.startswith("python -m data_prep --source ${{inputs.source}} ")


def test_the_spec_goes_through_the_state_and_names_its_jobs() -> None:
    inputs = SPEC.to_inputs()
    as_doubles = {**inputs["options"], "seed": 0.0}  # the engine carries every number as a double
    again = PreparationSpec.from_inputs({**inputs, "options": as_doubles})
    assert again == SPEC and again.options["seed"] == 0 and isinstance(again.options["seed"], int)
    assert dataclasses.replace(SPEC, vm_size="Standard_D8s_v3").job_name(1) != FIRST
    assert dataclasses.replace(SPEC, experiment="x", max_attempts=9, name="y").job_name(1) == FIRST


def test_the_request_decides_the_version(tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl"
    file.write_text("a")
    one = request_fingerprint(Request(source=str(file)))
    assert one == request_fingerprint(Request(source=str(file), directory=tmp_path, processes=3))
    assert one != request_fingerprint(Request(source=str(file), seed=1))
    file.write_text("b")
    assert one != request_fingerprint(Request(source=str(file)))
