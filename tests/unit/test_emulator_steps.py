"""The runs of a fine-tuning, by the names that the component's steps have on Azure."""

from __future__ import annotations

from emulator.faults.causes import CAUSES, Failure
from emulator.faults.rules import Rule
from emulator.machine.store import Resource
from emulator.registry import steps
from emulator.runs.launching import current_run, training_run


def _job(runs: list[dict[str, str]]) -> Resource:
    return Resource({"id": "/j", "name": "job-1", "type": "t", "properties": {"jobs": {"node": {}}}}, {"runs": runs})


def test_the_steps_are_the_components_own_and_run_in_its_order() -> None:
    runs = steps.tree("job-1", "node", steps.FINETUNE)
    assert [(run["name"], run.get("status")) for run in runs] == [
        ("node", None),
        ("ft_nlp_common_validation", "Completed"),
        ("chat_completion_model_import", "Completed"),
        ("chat_completion_datapreprocess", "Completed"),
        ("chat_completion_finetune", None),
        ("ft_nlp_model_converter", "NotStarted"),
    ]
    assert {run["parent"] for run in runs[1:]} == {"job-1-node"} and runs[0]["parent"] == "job-1"
    assert current_run(_job(runs)) == training_run(_job(runs)) == "job-1-node-chat_completion_finetune"
    later = steps.tree("job-1", "node", steps.CONVERTER)
    assert current_run(_job(later)) == "job-1-node-ft_nlp_model_converter"
    assert training_run(_job(later)) == "job-1-node-chat_completion_finetune"


def test_a_job_that_is_made_to_fail_fails_in_one_of_them() -> None:
    told = {cause: Failure.of(Rule(id="f1", kind="job-fails", cause=cause)).step for cause in CAUSES}
    assert told["bad-row"] == "chat_completion_datapreprocess"
    assert told["out-of-memory"] == "chat_completion_finetune"
    assert told["image-pull"] == "chat_completion_model_import"
    runs = Failure.of(Rule(id="f1", kind="job-fails", cause="bad-row")).runs("job-1", "node")
    assert [run["name"] for run in runs if run.get("status") == "Failed"] == ["node", "chat_completion_datapreprocess"]
    assert current_run(_job(runs)) == "job-1-node-chat_completion_datapreprocess"
