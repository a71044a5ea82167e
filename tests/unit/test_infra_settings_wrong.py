"""A mistake in the settings is told with key, value, rule and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from settings_parsed import WRONG, parse

from settings.recipes import recipe as recipe_module
from settings.stack import Settings, SettingsError
from settings.stack import parse as parse_config

TOGETHER: list[tuple[dict[str, Any], str, str]] = [
    ({"apply_lora": True, "merge_lora_weights": False}, "merge_lora_weights", "always merges the adapters"),
    ({"auto_find_batch_size": True, "apply_deepspeed": True}, "apply_deepspeed", "auto_find_batch_size: true"),
    ({"evaluation_strategy": "disable", "apply_early_stopping": True}, "apply_early_stopping", "is refused by"),
    ({"optim": "adafactor", "adam_beta1": 0.8}, "adam_beta1", "no effect with optim: adafactor"),
    ({"logging_strategy": "epoch", "logging_steps": 5}, "logging_steps", "no effect with logging_strategy"),
    (
        {"evaluation_strategy": "steps", "evaluation_steps_interval": 0.1, "eval_steps": 5},
        "eval_steps",
        "no effect with evaluation_steps_interval",
    ),
    (
        {"evaluation_strategy": "steps", "evaluation_steps_interval": 0.5, "per_device_train_batch_size": 16},
        "evaluation_steps_interval",
        "it would evaluate every 8 epochs of 1",
    ),
]
"""Keys that the component refuses or ignores beside each other, the one to mend, and why."""


@pytest.mark.parametrize(("recipe", "key", "rule"), TOGETHER)
def test_keys_of_the_recipe_that_do_not_go_together(recipe: dict[str, Any], key: str, rule: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse(recipe=recipe)
    (problem,) = raised.value.problems
    assert problem.key == f"finetune-phi:recipe.{key}"
    assert rule in problem.rule and problem.remedy
    assert parse(recipe={name: value for name, value in recipe.items() if name != key})


@pytest.mark.parametrize(
    "recipe",
    [
        {"metric_for_best_model": "loss", "merge_lora_weights": True, "apply_lora": True, "apply_ort": False},
        # As the registry's own defaults for Phi-4 have it.
        {"apply_lora": True, "apply_deepspeed": True, "deepspeed_stage": 3, "precision": 16},
        {"evaluation_strategy": "steps", "evaluation_steps_interval": 0.5, "per_device_train_batch_size": 2},
        {"evaluation_strategy": "steps", "evaluation_steps_interval": 0.5, "max_steps": 90},
        {"shm_size_finetune": "16g", "trust_remote_code": True, "num_nodes_finetune": 1},
    ],
)
def test_keys_of_the_recipe_that_go_together(recipe: dict[str, Any]) -> None:
    given = parse(recipe=recipe).recipe.inputs()
    assert {name: given[name] for name in recipe} == recipe


def test_a_finetune_config_is_read_when_the_settings_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe_module, "_ROOT", tmp_path)
    (tmp_path / "own.json").write_text('{"lora_target_modules": ["qkv_proj"],\n "lora_algo": "peft"}')
    recipe = parse(recipe={"finetune_config_path": "own.json"}).recipe
    assert "finetune_config_path" not in recipe.inputs()
    assert recipe.finetune_config() == '{"lora_algo":"peft","lora_target_modules":["qkv_proj"]}'
    for text, rule in (("[1]", "must hold an object"), ("{", "is no JSON")):
        (tmp_path / "own.json").write_text(text)
        with pytest.raises(SettingsError, match=rule):
            parse(recipe={"finetune_config_path": "own.json"})


@pytest.mark.parametrize(("key", "value", "rule", "remedy"), WRONG)
def test_a_mistake_is_told_with_key_value_rule_and_remedy(key: str, value: Any, rule: str, remedy: str) -> None:
    nested = value
    *sections, first = key.split(".")[::-1]
    for section in sections:
        nested = {section: nested}
    with pytest.raises(SettingsError) as raised:
        parse(**{first: nested})
    (problem,) = raised.value.problems
    assert problem.key.startswith(f"finetune-phi:{key}")
    assert rule in problem.rule
    assert remedy in problem.remedy
    assert str(problem) in str(raised.value)


def test_a_section_that_is_none_is_shown_with_the_keys_that_have_a_default() -> None:
    with pytest.raises(SettingsError) as raised:
        parse(recipe="hello")
    assert "learning_rate" in str(raised.value) and "null" not in str(raised.value)


def test_regions_are_azures_to_know() -> None:
    settings = parse_config({"azure-native:location": "eastus3", "finetune-phi:purgeOnDestroy": True}, "test")
    assert settings.location == "eastus3"


@pytest.mark.parametrize("name", ["east-us", "2eastus", "us", "eastus2/"])
def test_what_cannot_be_a_region(name: str) -> None:
    with pytest.raises(SettingsError, match=r"(?s)azure-native:location.*must be the name of an Azure region"):
        parse_config({"azure-native:location": name, "finetune-phi:purgeOnDestroy": True}, "test")


def trusting(stack: str = "prod", **github: str) -> Settings:
    config = {"finetune-phi:purgeOnDestroy": True, "finetune-phi:github": {"repository": "me/phi", **github}}
    return parse_config(config, stack)


@pytest.mark.parametrize("stack", ["dev", "prod", "staging"])
def test_the_github_environment_is_the_stacks(stack: str) -> None:
    assert trusting(stack).github.subject_of(stack) == f"repo:me/phi:environment:{stack}"
    assert trusting(stack, environment=stack).github.environment == stack


def test_another_environment_does_not_deploy_the_stack() -> None:
    with pytest.raises(SettingsError, match=r'(?s)environment = "dev"\n.*is not prod: jobs that another') as raised:
        trusting(environment="dev")
    assert len(raised.value.problems) == 1
    without = {"finetune-phi:purgeOnDestroy": True, "finetune-phi:github": {"environment": "dev"}}
    parse_config(without, "prod")  # trusts nobody


def test_how_the_subject_begins_can_be_set() -> None:
    found = trusting(subject="repo:Me@1/phi@23").github
    assert found.subject_of("prod-review") == "repo:Me@1/phi@23:environment:prod-review"
    with pytest.raises(SettingsError, match="is that of another repository than me/phi"):
        trusting(subject="repo:me@1/psi@23")
    for wrong in ("me/phi", "repo:me/phi:environment:prod", "repo:me@x/phi", "repo:me@1", "repo:*/phi"):
        with pytest.raises(SettingsError, match="must be how GitHub's tokens for the repository begin"):
            trusting(subject=wrong)


def test_purge_on_destroy_has_no_default() -> None:
    with pytest.raises(SettingsError, match=r"finetune-phi:purgeOnDestroy = \(nothing\)\n.*is needed"):
        parse_config({}, "test")


def test_a_key_without_a_value() -> None:
    with pytest.raises(SettingsError, match=r"finetune-phi:recipe\.learning_rate = \(nothing\)\n +has no value"):
        parse(recipe={"learning_rate": None})


def test_fewer_nodes_at_most_than_at_least() -> None:
    with pytest.raises(SettingsError, match="must not be less than minNodes, which is 3"):
        parse(compute={"minNodes": 3, "maxNodes": 2})


def test_a_tag_is_set_by_one_of_two() -> None:
    with pytest.raises(SettingsError, match="something else sets a tag that is also in tags"):
        parse(tags={"costCenter": "research"}, tagsFromElsewhere=["owner", "CostCenter"])


def test_a_misspelt_namespace() -> None:
    with pytest.raises(SettingsError, match="did you mean finetune-phi:name"):
        parse_config({"finetune-ph:name": "x", "finetune-phi:purgeOnDestroy": True}, "test")


def test_other_providers_keys_are_theirs() -> None:
    config = {"azure-native:tenantId": "x", "aws:region": "y", "finetune-phi:purgeOnDestroy": True}
    assert parse_config(config, "test").location == "eastus2"
