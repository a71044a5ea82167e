"""One stack shares what it has proved, another takes it: which stages there are, and what the other does without."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from cloud.target import Target
from jobs.promotion import found
from jobs.promotion.spec import PromotionSpec
from tests.program.conftest import Program, Run

PROVED = PromotionSpec(
    target=Target("sub", "rg", "ws"),
    registry="mlr-phi",
    stack="dev",
    model_name="phi-local",
    model_version="994526542",
    model_fingerprint="7b963b464e21",
    evidence={"proved_by": "dev", "job": "finetune-7b963b464e21-1", "proved_score": "0.9000"},
)


def sharing(config: dict[str, Any]) -> None:
    config["finetune-phi:model"] |= {"share": {"registry": "mlr-phi"}}


def sharing_the_best(config: dict[str, Any]) -> None:
    sharing(config)
    config["finetune-phi:recipes"] = {"gentle": {"learning_rate": 0.001}, "bold": {"learning_rate": 0.01}}
    config["finetune-phi:released"] = "best"


def taking(config: dict[str, Any]) -> None:
    config["finetune-phi:model"] |= {"promote": {"stack": "dev", "registry": "mlr-phi"}}


def spec(program: Program, stage: str) -> dict[str, Any]:
    return dict(program.resources[stage].inputs["input"])


def test_sharing_is_one_more_stage_and_changes_no_other(run: Run) -> None:
    before, after = run(), run(change=sharing)
    assert set(after.resources) - set(before.resources) == {"share"}
    for stage in ("dataset", "finetune", "release"):
        assert spec(before, stage) == spec(after, stage), stage
    assert "release" in after.waits_for("share")
    share = spec(after, "share")
    assert (share["registry"], share["stack"], share["endpoint"]) == (
        *("mlr-phi", "local"),
        spec(after, "release")["endpoint"],
    )
    assert share["model_fingerprint"] == spec(after, "finetune")["fingerprint"]


def making(config: dict[str, Any]) -> None:
    config["finetune-phi:model"] |= {"share": {"registry": "mlr-phi", "make": True}}


def test_the_registry_is_made_where_it_is_missing_and_never_destroyed_by_accident(run: Run) -> None:
    program = run(change=making)
    made = program.resources["model-registry"]
    assert made.inputs["registryName"] == "mlr-phi"
    assert made.request.protect, "others serve what is in it, whatever `protect` says of this stack"
    assert made.inputs["regionDetails"][0]["location"] == "eastus2"
    assert "model-registry" in program.waits_for("share")
    assert set(program.resources) - set(run(change=sharing).resources) == {"model-registry"}


def test_the_best_of_several_is_the_one_that_is_shared(run: Run) -> None:
    program = run(change=sharing_the_best)
    release, share = spec(program, "release"), spec(program, "share")
    assert share["model_fingerprint"] == release["model_fingerprint"]
    assert share["model_version"] == release["model_version"]


def test_a_stack_that_takes_anothers_model_prepares_and_trains_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def proved(_settings: object, place: Any) -> PromotionSpec:
        return dataclasses.replace(PROVED, target=place.workspace)

    monkeypatch.setattr(found, "proved", proved)
    program = run.__wrapped__(change=taking)  # type: ignore[attr-defined]
    assert not {"dataset", "finetune", "choice", "share"} & set(program.resources)
    release = spec(program, "release")
    assert (release["registry"], release["model_version"], release["model_fingerprint"]) == (
        *("mlr-phi", "994526542", "7b963b464e21"),
    )
    assert "promotion" in program.waits_for("release")
    assert spec(program, "promotion")["evidence"] == PROVED.evidence
    assert program.outputs["modelVersion"] == "994526542"
    assert "cluster" not in {each["use"] for each in spec(program, "preflight")["machines"]}


def test_a_model_that_is_not_there_ends_the_program_before_anything_is_registered(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cloud.errors import StageError

    def none(_settings: object, _place: object) -> PromotionSpec:
        raise StageError("there is no model to take", on="registry mlr-phi", why="it has none", todo="Share one.")

    monkeypatch.setattr(found, "proved", none)
    with pytest.raises(Exception, match="there is no model to take"):
        run.__wrapped__(change=taking)  # type: ignore[attr-defined]
