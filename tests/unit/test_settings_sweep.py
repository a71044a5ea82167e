"""A sweep: which recipes it makes, under which names, what they may cost together, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from test_settings_recipes import parse

from cloud.place import Place
from jobs import specs
from settings.recipes.sweep import PREFIX, SweepSettings, recipes
from settings.stack import SettingsError

RATES = {"min": 1e-5, "max": 1e-3, "log": True}


def made(**sweep: Any) -> dict[str, dict[str, Any]]:
    return recipes(SweepSettings.model_validate(sweep))


def test_a_grid_is_every_combination() -> None:
    found = made(over={"learning_rate": [1e-5, 1e-4], "num_train_epochs": [1, 2, 3]})
    assert [(own["learning_rate"], own["num_train_epochs"]) for own in found.values()] == [
        *((1e-5, 1), (1e-5, 2), (1e-5, 3)),
        *((1e-4, 1), (1e-4, 2), (1e-4, 3)),
    ]


def test_a_name_is_made_from_the_values_and_nothing_else() -> None:
    # Jobs and models hang on the recipe, stages in the state on this name.
    (name,) = made(over={"learning_rate": [2e-5], "apply_lora": [True]})
    assert name == "sweep-623f2fb1"
    assert list(made(over={"apply_lora": ["true"], "learning_rate": ["2e-5"]})) == [name]
    assert list(made(over={"learning_rate": [3e-5], "apply_lora": [True]})) != [name]


def test_by_chance_is_the_same_each_time_and_more_are_added_behind() -> None:
    few, many = (made(over={"learning_rate": RATES, "lora_r": [8, 16]}, method="random", runs=n) for n in (4, 9))
    assert len(few) == 4 and len(many) == 9
    assert list(many)[:4] == list(few)
    assert list(made(over={"learning_rate": RATES, "lora_r": [8, 16]}, method="random", runs=4, seed=1)) != list(few)
    for own in many.values():
        assert 1e-5 <= own["learning_rate"] <= 1e-3 and own["lora_r"] in (8, 16)


def test_a_logarithmic_range_is_drawn_from_by_orders_of_magnitude() -> None:
    even, by_log = (
        sorted(own["learning_rate"] for own in made(over={"learning_rate": one}, method="random", runs=99).values())
        for one in ({"min": 1e-5, "max": 1e-3}, RATES)
    )
    assert 4e-4 < even[49] < 6e-4
    assert 7e-5 < by_log[49] < 2e-4


def test_whole_numbers_stay_whole_and_few_combinations_are_each_drawn_once() -> None:
    found = made(over={"num_train_epochs": {"min": 1, "max": 3}}, method="random", runs=50)
    assert sorted(own["num_train_epochs"] for own in found.values()) == [1, 2, 3]


def test_a_run_can_be_left_out() -> None:
    every = list(made(over={"seed": [1, 2, 3]}))
    assert list(made(over={"seed": [1, 2, 3]}, leaveOut=[every[1]])) == [every[0], every[2]]


def test_runs_are_recipes_beside_those_of_the_file() -> None:
    settings = parse(recipes={"as-it-is": {}}, sweep={"over": {"learning_rate": ["1e-4"]}}, released="best")
    alone, run = settings.trained
    assert alone == "as-it-is" and run.startswith(PREFIX)
    assert settings.trained[run].learning_rate == 1e-4


@pytest.mark.parametrize(
    ("finetune", "sweep", "hours", "cost"),
    [
        ({}, {}, 12, 0),
        ({}, {"maxHours": 8, "maxCost": 20}, 2, 5),
        ({"maxHours": 1, "maxCost": 3}, {"maxHours": 8, "maxCost": 20}, 1, 3),
    ],
)
def test_all_runs_together_stay_within_the_limits(
    finetune: dict[str, Any], sweep: dict[str, Any], hours: float, cost: float
) -> None:
    settings = parse(
        finetune=finetune,
        recipes={"alone": {}},
        sweep={"over": {"seed": [1, 2, 3, 4]}, **sweep},
        released="best",
        compute={"hourlyPrice": 4},
    )
    place = Place.of(settings, "dev", "00000000-0000-4000-8000-0000000000a1")
    alone, *runs = specs.specs(settings, place, "0" * 12).finetunes
    assert {(run.finetune.max_hours, run.finetune.max_cost) for run in runs} == {(hours, cost)}
    assert alone.finetune == settings.finetune, "a recipe of the file is none of them"
    assert all(run.hourly_price == (4 if cost else 0) for run in runs)


@pytest.mark.parametrize(
    ("sections", "problem", "remedy"),
    [
        ({"sweep": {"over": {"lerning_rate": [1]}}}, "sweep.over.lerning_rate", "did you mean learning_rate?"),
        ({"sweep": {"over": {"seed": 3}}}, "must be a list of values, or {min, max}", "for example [8, 16]"),
        ({"sweep": {"over": {"seed": []}}}, "must be a list of values, or {min, max}", "for example [8, 16]"),
        ({"sweep": {"over": {"seed": [1, "1"]}}}, "has a value twice", "name each once"),
        ({"sweep": {"over": {"seed": {"min": 1, "max": "x"}}}}, "sweep.over.seed = ", "for example {min: 0.00001"),
        (
            {"sweep": {"maxCost": 5}},
            "sweep.maxCost = 5.0\n      has no effect without sweep.over",
            "say in sweep.over which",
        ),
        (
            {"sweep": {"over": {"seed": [1]}, "leaveOut": ["sweep-a4bbadc1"]}, "released": "best"},
            "leaves no run of the sweep",
            "leave out fewer",
        ),
        (
            {"sweep": {"over": {"apply_lora": {"min": 0, "max": 1}}, "method": "random"}, "released": "best"},
            "sweep.over.apply_lora = 0\n      must be true or false",
            "take it out, or mend it",
        ),
        ({"sweep": {"over": {"seed": {"min": 3}}}}, "must be a list of values, or {min, max}", ""),
        (
            {"sweep": {"over": {"learning_rate": {"min": 0, "max": 1, "log": True}}, "method": "random"}},
            "must have a min below its max, above 0 with log",
            "",
        ),
        (
            {"sweep": {"over": {"learning_rate": RATES}}, "released": "best"},
            "is a range, of which a grid knows no steps",
            "give a list, or method: random",
        ),
        (
            {"sweep": {"over": {"seed": [1, 2, 3], "num_train_epochs": [1, 2, 3]}}, "released": "best"},
            "sweep.runs = 8\n      is less than the 9 combinations of sweep.over",
            "set it to 9, give fewer values, or take method: random",
        ),
        (
            {"sweep": {"over": {"learning_rate": [1e-4, 7]}}, "released": "best"},
            "sweep.over.learning_rate = 7\n      must be 1 or less",
            "",
        ),
        (
            {"sweep": {"over": {"seed": [1, 2]}, "leaveOut": ["sweep-00000000"]}, "released": "best"},
            "is no run of the sweep",
            "there are sweep-",
        ),
        ({"sweep": {"over": {"seed": [1, 2]}}}, "is needed to say which of 2 recipes goes into service", "or best"),
        ({"recipes": {"sweep-mine": {}}}, "is called as the runs of a sweep are", "give it another name"),
        (
            {"recipes": {"a": {"seed": 1}}, "sweep": {"over": {"seed": [1, 2]}}, "released": "best"},
            "is the same recipe as a",
            "leave out sweep-",
        ),
    ],
)
def test_what_is_wrong_with_a_sweep(sections: dict[str, Any], problem: str, remedy: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse(**sections)
    assert problem in str(refused.value)
    assert remedy in str(refused.value)


def test_what_makes_no_recipe_is_not_told_again_as_a_released_one_that_is_not_there() -> None:
    for sweep in (
        {"over": {"sede": [1]}},
        {"over": {"seed": []}},
        {"over": {"seed": [1]}, "leaveOut": ["sweep-a4bbadc1"]},
    ):
        with pytest.raises(SettingsError) as refused:
            parse(sweep=sweep, released="best")
        assert len(refused.value.problems) == 1, refused.value


@pytest.mark.parametrize("key", ["earlyTermination", "early_termination", "earlyStopping"])
def test_azures_policies_are_refused_in_a_sentence(key: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse(sweep={"over": {"seed": [1, 2]}, key: {"type": "bandit", "slack_factor": 0.1}}, released="best")
    problem = next(each for each in refused.value.problems if each.key == f"finetune-phi:sweep.{key}")
    assert "is of Azure's own sweep jobs" in problem.rule and "apply_early_stopping" in problem.remedy
