"""Several recipes in a stack's file: what they share, what each has of its own, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from settings.stack import Settings, SettingsError
from settings.stack import parse as parse_config


def parse(**sections: Any) -> Settings:
    config = {f"finetune-phi:{key}": value for key, value in {"purgeOnDestroy": True, **sections}.items()}
    return parse_config(config, "test")


def test_without_names_there_is_the_one_recipe() -> None:
    settings = parse(recipe={"seed": 7})
    assert {name: recipe.seed for name, recipe in settings.trained.items()} == {"": 7}


def test_each_has_what_all_share_and_its_own_before_it() -> None:
    """As the Pulumi CLI writes it: numbers and flags as text."""
    settings = parse(
        recipe={"num_train_epochs": 3, "learning_rate": "2e-4"},
        recipes={"base": {}, "lora-16": {"apply_lora": "true", "lora_r": "16"}, "hot": {"learning_rate": "1e-3"}},
        released="best",
    )
    found = settings.trained
    assert list(found) == ["base", "lora-16", "hot"]
    assert found["base"] == settings.recipe
    assert found["lora-16"].inputs() == {**settings.recipe.inputs(), "apply_lora": True, "lora_r": 16}
    assert (found["hot"].learning_rate, found["hot"].num_train_epochs) == (0.001, 3)


@pytest.mark.parametrize(
    ("sections", "problem", "remedy"),
    [
        (
            {"recipes": {"a": {"sed": 1}}},
            "recipes.a.sed = 1\n      there is no such key",
            "did you mean seed?",
        ),
        (
            {"recipes": {"a": {"learning_rate": 7}}},
            "recipes.a.learning_rate = 7\n      must be 1 or less",
            "config set --path 'finetune-phi:recipes.a.learning_rate' 2e-05",
        ),
        # Together with the shared recipe it makes no sense, though each does by itself.
        (
            {"recipe": {"lora_r": 8, "apply_lora": True}, "recipes": {"full": {"apply_lora": False}}},
            "recipes.full.lora_r = 8\n      has no effect without apply_lora: true",
            "set apply_lora to true",
        ),
        ({"recipes": {"Hot!": {}}}, "recipes.Hot! = {}\n      must be lower-case letters, digits", "lora-r16"),
        ({"recipes": {"a--b": {}}}, "recipes.a--b = {}\n      must be lower-case letters", "lora-r16"),
        ({"recipes": {"a" * 25: {}}}, "must be lower-case letters, digits and single hyphens, 24 at most", "lora-r16"),
        ({"recipes": {"best": {}}}, "recipes.best = {}\n      cannot be called best", "give it another name"),
        ({"recipes": {"a": []}}, "recipes.a = []\n      must be a section with keys of its own", ""),
        (
            {"recipes": {"a": {}, "b": {"seed": 42}}, "released": "a"},
            'recipes.b = {"seed": 42}\n      is the same recipe as a',
            "remove one of the two",
        ),
        (
            {"recipes": {"a": {}, "b": {"seed": 1}}},
            'released = ""\n      is needed to say which of 2 recipes goes into service',
            "set it to a, b or best",
        ),
        (
            {"recipes": {"gentle": {}, "b": {"seed": 1}}, "released": "gentel"},
            'released = "gentel"\n      is none of the recipes',
            "did you mean gentle? there are gentle, b, and best",
        ),
        ({"released": "best"}, 'released = "best"\n      names one of several recipes, and there are none', "remove"),
        (
            {"recipes": {"a": {"evaluation_strategy": "disable"}, "b": {}}, "released": "best"},
            'recipes.a.evaluation_strategy = "disable"\n      leaves no loss on the held-out data',
            "or release one by its name",
        ),
        (
            {"recipes": {"a": {"num_nodes_finetune": 4}}},
            "recipes.a.num_nodes_finetune = 4\n      is more than the cluster ever has: compute.maxNodes is 1",
            "raise compute.maxNodes",
        ),
        (
            {"recipes": {"a": {"max_seq_length": 200_000}}},
            "recipes.a.max_seq_length = 200000\n      is more than Phi-4-mini-instruct can read",
            "set it to -1",
        ),
        (
            {"compute": {"vmSize": "Standard_NC4as_T4_v3"}, "recipes": {"full": {}, "l": {"apply_lora": True}}},
            "training all weights of Phi-4-mini-instruct by the recipe full needs at least",
            "take Standard_NC24ads_A100_v4",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_recipe(sections: dict[str, Any], problem: str, remedy: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse(**sections)
    assert problem in str(refused.value)
    assert remedy in str(refused.value)


def test_what_all_share_is_told_once() -> None:
    with pytest.raises(SettingsError) as refused:
        parse(recipe={"max_seq_length": 200_000}, recipes={"a": {}, "b": {"seed": 1}}, released="a")
    assert [problem.key for problem in refused.value.problems] == ["finetune-phi:recipe.max_seq_length"]


def test_the_only_named_one_is_released_without_being_told() -> None:
    assert parse(recipes={"a": {"seed": 1}}).released == ""
