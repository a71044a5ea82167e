"""The fine-tuning's job, and what is said of one that is followed, whole."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from finetune_jobs import FIRST, SECOND
from jobs_fake import FakeMl, Stop
from test_jobs_specs import FINETUNE

from cloud.errors import StageError
from cloud.waiting import TooLong
from jobs.training import finetune, following, registering
from jobs.training.unsuccessful import studio
from tests.changing import changed

BOTH = changed(FINETUNE, stack="dev", recipe_name="gentle")
STUDIO = f"https://ml.azure.com/runs/{FIRST}"
DATA = "azureml:ultrachat-{}:0123456789ab".format


def ends(ml: FakeMl, status: str = "Completed") -> Stop:
    """The newest job ends in a state when it is first waited for."""
    return Stop(lambda: setattr(list(ml.jobs.there.values())[-1], "status", status))


def test_the_job_whole(ml: FakeMl, said: list[str]) -> None:
    finetune.run(FINETUNE, said.append, ends(ml))
    (job,) = ml.jobs.submitted
    tags = {
        "stack": "",
        "fingerprint": "7b963b464e21",
        "dataset": "ultrachat:0123456789ab",
        "model": "phi-ultrachat",
        "component": "chat_completion_pipeline:0.0.82",
        "vmSize": "Standard_NC24ads_A100_v4",
    }
    assert vars(job) | {"settings": vars(job.settings)} == {
        "display_name": "phi-ultrachat: Phi-4-mini-instruct on ultrachat",
        "experiment_name": "finetune-phi",
        "tags": tags,
        "outputs": {"mlflow_model_folder": "node output"},
        "settings": {"continue_on_step_failure": False, "force_rerun": False},
        "name": FIRST,
    }
    given = {
        key: vars(its) if isinstance(its, SimpleNamespace) else its for key, its in ml.component.node.inputs.items()
    }
    assert given == {
        "mlflow_model_path": {
            "type": "mlflow_model",
            "path": "azureml://registries/azureml/models/Phi-4-mini-instruct/versions/1",
        },
        "train_file_path": {"type": "uri_file", "path": DATA("train")},
        "validation_file_path": {"type": "uri_file", "path": DATA("test")},
        "test_file_path": {"type": "uri_file", "path": DATA("test")},
        "learning_rate": 2e-5,
        "num_train_epochs": 3,
        "apply_lora": "true",
        "lr_scheduler_type": "cosine",
        "save_total_limit": 1,
        "compute_finetune": "gpu",
        "compute_preprocess": "gpu",
        "number_of_gpu_to_use_finetuning": 1,
    }
    assert said == [
        f"job {FIRST} submitted, watch it at {STUDIO}; it may run for 12 h 00 min (finetune.maxHours is 12)",
        f"job {FIRST}: Queued after 0 s",
        f"job {FIRST}: Completed after 0 s",
        f"model phi-ultrachat:994526542 registered from job {FIRST}",
    ]


def test_one_of_several_recipes_is_named(ml: FakeMl, said: list[str]) -> None:
    finetune.run(BOTH, said.append, ends(ml))
    (job,) = ml.jobs.submitted
    assert job.display_name == "phi-ultrachat: Phi-4-mini-instruct on ultrachat, by gentle"
    assert (job.tags["recipe_name"], job.tags["stack"]) == ("gentle", "dev")


def test_a_model_whose_files_are_gone_is_made_anew(
    ml: FakeMl, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ml.jobs.put(FIRST, "Completed")
    register, gone = registering.register, [FIRST]

    def once(client: Any, spec: Any, job: str, report: Any) -> None:
        if job in gone:
            raise registering.OutputGone("not registered", on="model", why="No blobs found", todo="")
        register(client, spec, job, report)

    monkeypatch.setattr(registering, "register", once)
    finetune.run(FINETUNE, said.append, ends(ml))
    (job,) = ml.jobs.submitted
    assert (job.name, job.settings.force_rerun) == (SECOND, True), "its steps are not taken from the first"
    assert said[:3] == [
        f"job {FIRST} is Completed: no new one is needed",
        f"job {FIRST}: Completed after 0 s",
        f"warning: job {FIRST} completed, but its model is no longer in storage: No blobs found",
    ]


def test_defaults_that_are_recorded_are_cut_to_azures_limit(ml: FakeMl, said: list[str]) -> None:
    from jobs.training.model_defaults import Defaults

    many = Defaults({f"key_{number:02d}": "x" * 20 for number in range(20)}, {})
    ml.models.there["Phi-4-mini-instruct", "1"] = SimpleNamespace(tags=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jobs.training.model_defaults.chosen", lambda *_: many)
        patch.setattr(finetune, "component_inputs", lambda spec, known, defaults: dict(defaults))
        finetune.run(FINETUNE, said.append, ends(ml))
    tag = ml.jobs.submitted[0].tags["model_defaults"]
    assert (len(tag), tag[:28]) == (256, "key_00=xxxxxxxxxxxxxxxxxxxx,")


def refused(ml: FakeMl, spec: Any = BOTH, stop: threading.Event | None = None) -> str:
    with pytest.raises(StageError) as error:
        finetune.run(spec, lambda _: None, stop or Stop())
    return str(error.value)


LOGS = f"python -m jobs logs --stack dev --job {FIRST}"
CANCEL = f"python -m jobs cancel --stack dev --job {FIRST}"
LEFT = (
    "; the job is left running, and bills while it does. `pulumi up` takes it up again where it is then. To see what "
    f"it does: `{LOGS} --follow`; to end it: `{CANCEL}`."
)


def stops() -> Stop:
    stop = Stop()
    stop.turns.append(stop.set)
    return stop


def test_what_is_said_of_a_job_that_is_left(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    on = f"(job {FIRST})"
    assert (
        refused(ml, stop=stops()) == f"the fine-tuning goes on in Azure (Queued) {on}: you asked to stop waiting{LEFT}"
    )
    assert refused(ml, changed(BOTH, wait=False)) == (
        f"the fine-tuning is under way in Azure (Queued); nothing has failed {on}: finetune.wait is false, and the "
        "release needs the model, so this update ends here. Run `pulumi up` again when the job has completed: "
        f"`{LOGS} --follow` waits for that. To end it: `{CANCEL}`."
    )

    def too_long(*_: object, **__: object) -> None:
        raise TooLong

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, "wait", too_long)
        assert refused(ml) == (f"the fine-tuning goes on in Azure () {on}: `pulumi up` waits 72 hours at most{LEFT}")
    monkeypatch.setattr(following, "seconds_here", lambda: 0.0)
    assert refused(ml) == (
        f"the fine-tuning goes on in Azure (Queued) {on}: the machine that runs this update is taken away soon{LEFT}"
    )


def test_what_is_said_of_a_job_that_was_not_begun(ml: FakeMl) -> None:
    stop = Stop()
    stop.set()
    assert refused(ml, stop=stop) == (
        f"the fine-tuning was not begun (job {FIRST}): you asked to stop before its job was submitted. Run `pulumi up` "
        "again: it goes on where it stopped."
    )


@pytest.mark.parametrize(
    ("becomes", "said"),
    [
        (
            "Canceled",
            f"cancelled (Canceled) (job {FIRST}): you interrupted `pulumi up`, and finetune.cancelOnInterrupt is true. "
            f"`pulumi up` starts it again, as a new attempt (job {FIRST} does not count as a failed one).",
        ),
        (
            "Completed",
            f"interrupted (Completed) (job {FIRST}): you interrupted `pulumi up`, and finetune.cancelOnInterrupt is "
            "true. `pulumi up` goes on with what it made.",
        ),
    ],
)
def test_what_is_said_of_a_job_that_an_interrupt_ends(ml: FakeMl, becomes: str, said: str) -> None:
    ml.jobs.put(FIRST, "Running")
    ml.jobs.cancelled[FIRST] = becomes
    assert refused(ml, changed(BOTH, cancel_on_interrupt=True), stops()) == f"the fine-tuning was {said}"


def test_what_is_said_where_no_attempt_is_left(ml: FakeMl) -> None:
    for number in (1, 2, 3):
        ml.jobs.put(BOTH.job_name(number), "Failed", vmSize="Standard_NC24ads_A100_v4")
    last = BOTH.job_name(3)
    assert refused(ml) == (
        f"all 3 attempts at this fine-tuning failed (job {last}): the last one ended Failed on "
        f"Standard_NC24ads_A100_v4; its logs are at https://ml.azure.com/runs/{last}. `python -m jobs logs --stack dev "
        f"--job {last}` shows why. Change what made it fail (recipe, data or vmSize), or raise finetune.maxAttempts to "
        "try the same once more; then run `pulumi up` again."
    )


def test_what_is_said_of_a_job_that_failed_or_was_cancelled(ml: FakeMl) -> None:
    ml.jobs.reasons[FIRST] = "CUDA out of memory."
    assert refused(ml, stop=ends(ml, "Failed")).startswith(
        f"the fine-tuning did not succeed (job {FIRST}): it ended Failed. Azure says: CUDA out of memory. Likely "
        "cause: GPU memory, the GPU's memory does not hold model, batch and optimizer. Lower recipe."
    )
    ml.jobs.there.clear()
    ml.jobs.reasons[FIRST] = "Novel."
    assert refused(ml, stop=ends(ml, "Failed")) == (
        f"the fine-tuning did not succeed (job {FIRST}): it ended Failed. Azure says: Novel. All of the log: `{LOGS}`, "
        f"or {STUDIO}. `pulumi up` makes a new attempt; 3 may fail (finetune.maxAttempts)."
    )
    ml.jobs.there.clear()
    assert refused(ml, stop=ends(ml, "Canceled")) == (
        f"the fine-tuning was cancelled (job {FIRST}): it was cancelled, by `python -m jobs cancel`, in the studio or "
        "by an update with another recipe. `pulumi up` starts it again, as a new attempt."
    )


def test_what_cannot_be_looked_up_is_told(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise HttpResponseError("not you")

    monkeypatch.setattr(ml.models, "get", away)
    assert refused(ml).startswith("the fine-tuning could not be looked up (experiment finetune-phi): not you. ")
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("services", "place"),
    [
        ({"Studio": SimpleNamespace(endpoint="https://x")}, "https://x"),
        ({"Studio": SimpleNamespace(endpoint=None)}, "Azure ML studio"),
        ({}, "Azure ML studio"),
        (None, "Azure ML studio"),
    ],
)
def test_where_a_job_is_watched(services: Any, place: str) -> None:
    assert studio(SimpleNamespace(services=services)) == place  # type: ignore[arg-type]
