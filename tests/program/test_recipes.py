"""Several recipes in one program: which stages there are, what waits for what, and who is trained again."""

from __future__ import annotations

from typing import Any

import pytest

from settings.stack import Settings
from tests.program.conftest import Program, Run

GENTLE, BOLD = {"learning_rate": 0.001}, {"learning_rate": 0.01, "num_train_epochs": 5}


def named(config: dict[str, Any]) -> None:
    config["finetune-phi:recipes"] = {"gentle": GENTLE, "bold": BOLD}
    config["finetune-phi:released"] = "gentle"


def with_another(config: dict[str, Any]) -> None:
    named(config)
    config["finetune-phi:recipes"] |= {"long": {"num_train_epochs": 40}}


def of_the_best(config: dict[str, Any]) -> None:
    named(config)
    config["finetune-phi:released"] = "best"


def adopted(config: dict[str, Any]) -> None:
    """The recipe that the stack had, under a name, beside another one."""
    config["finetune-phi:recipes"] = {"as-before": {}, "bold": BOLD}
    config["finetune-phi:released"] = "as-before"


def spec(program: Program, stage: str) -> dict[str, Any]:
    return dict(program.resources[stage].inputs["input"])


def test_each_recipe_has_a_stage_of_its_own_side_by_side(run: Run) -> None:
    program = run(change=named)
    assert "finetune" not in program.resources and "choice" not in program.resources
    gentle, bold = spec(program, "finetune-gentle"), spec(program, "finetune-bold")
    assert (gentle["recipe"]["learning_rate"], gentle["recipe"]["num_train_epochs"]) == (0.001, 20)
    assert (bold["recipe"]["learning_rate"], bold["recipe"]["num_train_epochs"]) == (0.01, 5)
    assert (gentle["recipe_name"], bold["recipe_name"]) == ("gentle", "bold")
    assert "finetune-bold" not in program.waits_for("finetune-gentle")
    assert "beside" not in gentle, "what else is trained is no change of it"


def test_the_released_one_alone_is_waited_for(run: Run) -> None:
    program = run(change=named)
    release = spec(program, "release")
    assert release["model_fingerprint"] == spec(program, "finetune-gentle")["fingerprint"]
    assert "finetune-gentle" in program.waits_for("release")
    assert "finetune-bold" not in program.waits_for("release")
    assert program.outputs["recipe"] == "gentle"
    assert program.outputs["modelVersion"] == release["model_version"]


def test_the_best_one_is_known_when_all_are_trained(run: Run) -> None:
    program = run(change=of_the_best)
    choice = program.resources["choice"]
    assert choice.inputs["metric"] == "eval_loss"
    assert choice.inputs["candidates"] == {
        name: spec(program, f"finetune-{name}")["fingerprint"] for name in ("gentle", "bold")
    }
    assert {"finetune-gentle", "finetune-bold"} <= program.waits_for("choice")
    assert "choice" in program.waits_for("release")
    # The mocks choose the first by name.
    release = spec(program, "release")
    assert release["model_fingerprint"] == spec(program, "finetune-bold")["fingerprint"]
    assert program.outputs["recipe"] == "bold"
    assert program.outputs["deployment"] == f"m{release['fingerprint']}"


def test_another_recipe_changes_none_of_the_others(run: Run) -> None:
    before, after = run(change=named), run(change=with_another)
    for stage in ("dataset", "finetune-gentle", "finetune-bold", "release"):
        assert spec(before, stage) == spec(after, stage), stage
    assert set(after.resources) - set(before.resources) == {"finetune-long"}


def test_a_stack_that_gets_names_for_its_recipe_is_not_trained_again(run: Run) -> None:
    """The job and the model are found by the fingerprint, whatever the stage is called."""
    single, several = run(), run(change=adopted)
    assert spec(several, "finetune-as-before")["fingerprint"] == spec(single, "finetune")["fingerprint"]
    assert spec(several, "release") == spec(single, "release")


@pytest.mark.parametrize("change", [named, of_the_best])
def test_a_release_of_a_name_and_of_the_best_differ_in_the_model_alone(run: Run, change: Any) -> None:
    single, several = spec(run(), "release"), spec(run(change=change), "release")
    assert {key for key in {*single, *several} if single.get(key) != several.get(key)} == {
        *("model_version", "model_fingerprint", "fingerprint")
    }


def test_a_preview_says_where_an_update_follows_fewer_jobs_than_the_cluster_has_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from infra import preflight

    def told(at_once: int | None, **changed: object) -> list[str]:
        settings = Settings.model_validate(
            {
                "purgeOnDestroy": True,
                "recipes": {f"r{at}": {"learning_rate": 1e-5 * at} for at in range(1, 13)},
                "released": "r1",
                **changed,
            }
        )
        monkeypatch.setattr(preflight.pulumi.runtime.settings.SETTINGS, "parallel", at_once, raising=False)
        return [str(each) for each in preflight.side_by_side(settings)]

    assert told(8, compute={"maxNodes": 8}) == [], "the others wait for the cluster anyway"
    (found,) = told(8, compute={"maxNodes": 10})
    assert "room for 10 jobs at a time" in found and found.endswith("pulumi up --parallel 10")
    (found,) = told(8, compute={"maxNodes": 100})
    assert found.endswith("--parallel 12"), "there are no more recipes"
    two = {"recipe": {"num_nodes_finetune": 2, "apply_deepspeed": True}, "compute": {"maxNodes": 10}}
    assert told(8, **two) == [], "five at a time"
    assert told(None, compute={"maxNodes": 100}) == [], "as many as there are"
