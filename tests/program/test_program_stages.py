"""What the stages record, and what changes them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from cloud.place import Place
from data_prep import fingerprint
from jobs.specs import flow, specs
from settings.stack import load
from tests.program.conftest import ROOT, SUBSCRIPTION, Azure, Program, Run


@pytest.mark.parametrize("stack", ["local", "dev", "prod"])
def test_stages_record_their_specs(run: Run, stack: str) -> None:
    program = run(stack)
    settings = load(stack, ROOT)
    expected = specs(settings, Place.of(settings, stack, SUBSCRIPTION), fingerprint(Path("data")))
    for name in ("dataset", "finetune", "release"):
        spec = getattr(expected, name)
        recorded = program.resources[name].inputs["input"]
        assert {key: recorded[key] for key in spec.to_inputs()} == spec.to_inputs()
        # The tags go to the deployment alone: they decide nothing.
        assert type(spec).from_inputs(recorded) == (dataclasses.replace(spec, tags={}) if name == "release" else spec)
        assert recorded["fingerprint"] == type(spec).from_inputs(recorded).fingerprint
    assert program.resources["finetune"].request.hooks.before_create == ["finetune"]
    assert program.resources["finetune"].request.hooks.before_update == ["finetune"]
    assert not program.resources["finetune"].request.hooks.before_delete


def test_stages_record_which_workspace_and_endpoint_they_have_filled(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what Azure gives anew, as names, and so ids, are the same for the next one."""

    def recorded() -> dict[str, dict[str, Any]]:
        stages = run(change=lambda config: None).resources
        return {name: stages[name].inputs["input"] for name in ("dataset", "finetune", "release", "flow")}

    before = recorded()
    monkeypatch.setattr(Azure, "made", "2026-02-02T00:00:00.1Z")
    after = recorded()
    changed = {name: [key for key in before[name] if before[name][key] != after[name][key]] for name in before}
    assert changed == {
        "dataset": ["workspace_id"],
        "finetune": ["workspace_id"],
        "release": ["endpoint_created"],
        "flow": ["workspace_id"],
    }
    assert after["release"]["endpoint_created"] == "2026-02-02T00:00:00", "however many digits Azure tells"


def test_the_flow_waits_for_its_connection_and_for_no_other_stage(local: Program) -> None:
    assert "endpoint-connection" in local.waits_for("flow")
    assert not local.waits_for("flow") & {"dataset", "finetune", "release", "cluster"}
    spec = flow(Place.of(load("local", ROOT), "local", SUBSCRIPTION))
    assert local.resources["flow"].inputs["input"] == {
        **spec.to_inputs(),
        "workspace_id": f"guid-of-project-{Azure.made}",
    }
    assert local.resources["flow"].request.hooks.before_update == ["flow"]


def test_a_stack_can_do_without_the_flow(run: Run) -> None:
    def without(config: dict[str, Any]) -> None:
        config["finetune-phi:flow"] = {"publish": False}

    assert "flow" not in run(change=without).resources


def test_another_learning_rate_changes_finetune_and_release_only(run: Run) -> None:
    def faster(config: dict[str, Any]) -> None:
        config["finetune-phi:recipe"] = {**config["finetune-phi:recipe"], "learning_rate": 0.004}

    before, after = run().resources, run(change=faster).resources
    assert before.keys() == after.keys()
    changed = {name for name in before if before[name].inputs != after[name].inputs}
    assert changed == {"finetune", "release"}
    assert after["finetune"].inputs["input"]["recipe"]["learning_rate"] == 0.004
