"""The settings of the stacks that are here, their defaults, and what they are read from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from settings_parsed import STACKS, parse

from settings.__main__ import main
from settings.machines import VM_SIZES
from settings.models import MODELS
from settings.recipes.recipe import Recipe
from settings.stack import ROOT, Settings, SettingsError, from_pulumi, load
from settings.stack import parse as parse_config


@pytest.mark.parametrize("stack", STACKS)
def test_the_stacks_are_valid(stack: str) -> None:
    settings = load(stack)
    assert settings.purge_on_destroy is (stack != "prod")
    assert settings.serving.compare_with_base is (stack == "local")
    assert parse_config(settings.effective(), stack) == settings


def test_dev_has_the_tutorials_values() -> None:
    dev = load("dev")
    assert (dev.data.source, dev.data.split, dev.data.test_ratio) == (
        "HuggingFaceH4/ultrachat_200k",
        "train_sft[:1%]",
        0.2,
    )
    assert (dev.compute.vm_size, dev.compute.min_nodes, dev.compute.max_nodes) == (
        "Standard_NC24ads_A100_v4",
        0,
        1,
    )


def test_pulumi_yaml_declares_every_key_with_the_same_default() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    tree = Settings.model_validate({"purgeOnDestroy": True}).model_dump(mode="json", by_alias=True, exclude_none=True)
    assert declared.pop("azure-native:location")["value"] == tree.pop("location")
    assert declared.keys() == tree.keys()
    for key, entry in declared.items():
        assert entry["description"] and entry["type"], key
        if key != "purgeOnDestroy":
            assert entry["default"] == tree[key], key
        if isinstance(tree[key], dict):
            assert all(f"  {inner} " in entry["description"] for inner in tree[key]), key


@pytest.mark.parametrize("stack", STACKS)
def test_a_running_program_gets_the_same_settings(stack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The engine passes sections as JSON text and everything else as plain text.
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    config = {
        key if ":" in key else f"finetune-phi:{key}": entry.get("value", entry.get("default"))
        for key, entry in declared.items()
        if "value" in entry or "default" in entry
    }
    config |= yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(texts))
    monkeypatch.setattr(pulumi, "get_stack", lambda: stack)
    assert from_pulumi() == load(stack)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse().data.source = "other"  # type: ignore[misc]


def test_a_section_may_name_only_what_it_changes() -> None:
    settings = parse(recipe={"seed": 1}, finetune={"component": {"version": "0.0.82"}})
    assert (settings.recipe.seed, settings.recipe.learning_rate) == (1, 2e-5)
    assert settings.finetune.component.name == "chat_completion_pipeline"


@pytest.mark.parametrize("written", ["2e-5", "0.00002", 2e-5, "2E-05"])
def test_learning_rate_is_a_number_however_it_is_written(written: Any) -> None:
    # YAML 1.1 reads 2e-5 as text.
    rate = parse(recipe={"learning_rate": written}).recipe.inputs()["learning_rate"]
    assert rate == 2e-5
    assert isinstance(rate, float)


def test_inputs_hold_only_what_is_set() -> None:
    inputs = parse(recipe={"precision": "16", "apply_lora": "true"}).recipe.inputs()
    assert (inputs["precision"], inputs["apply_lora"]) == (16, True)
    assert "lora_r" not in inputs


def test_regions_may_be_written_as_in_the_portal() -> None:
    settings = parse_config({"azure-native:location": "East US 2", "finetune-phi:purgeOnDestroy": "false"}, "t")
    assert (settings.location, settings.purge_on_destroy) == ("eastus2", False)


def test_a_stack_file_may_name_the_providers_subscription() -> None:
    key, other = "azure-native:subscriptionId", "00000000-0000-4000-8000-0000000000B2"
    settings = parse_config({key: other, "finetune-phi:purgeOnDestroy": True}, "test")
    assert settings.subscription_id == settings.effective()[key] == other
    assert key not in parse().effective()


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        parse(
            name="X",
            nosuch=1,
            recipe={"learning_rate": 3, "lr_scheduler_type": "none", "seed": None},
            compute={"vmSize": "Standard_NC6s_v3"},
            serving={"trafficSteps": [50], "instances": 0},
        )
    assert {problem.key.removeprefix("finetune-phi:") for problem in raised.value.problems} == {
        "name",
        "nosuch",
        "recipe.learning_rate",
        "recipe.lr_scheduler_type",
        "recipe.seed",
        "compute.vmSize",
        "serving.trafficSteps",
        "serving.instances",
    }
    assert "have 8 problems" in str(raised.value)


def test_an_unknown_stack_lists_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"(?s)no stack 'nosuch'.*there are dev, local, prod"):
        main(["--stack", "nosuch"])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    return tmp_path


def test_a_stack_file_that_is_no_yaml(project: Path) -> None:
    (project / "Pulumi.x.yaml").write_text("config:\n  a: [1\n")
    with pytest.raises(SettingsError, match=r"Pulumi\.x\.yaml.*\n.*is no YAML.*line"):
        load("x", project)


@pytest.mark.parametrize("text", ["config: 3\n", "- a\n", "config: [a]\n"])
def test_a_stack_file_of_another_shape(project: Path, text: str) -> None:
    (project / "Pulumi.x.yaml").write_text(text)
    with pytest.raises(SettingsError, match="must hold `config:`"):
        load("x", project)


def test_keys_without_a_namespace_are_the_projects(project: Path) -> None:
    (project / "Pulumi.x.yaml").write_text("config:\n  purgeOnDestroy: true\n  name: abc\n")
    assert load("x", project).name == "abc"
    assert load("organization/finetune-phi/x", project).name == "abc"


def test_the_command_prints_what_is_in_effect(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--stack", "dev", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert printed["finetune-phi:recipe"]["learning_rate"] == 2e-5
    main(["--stack", "dev"])
    assert yaml.safe_load(capsys.readouterr().out) == printed
    main(["--stack", "dev", "--quiet"])
    assert capsys.readouterr().out == ""


def test_catalogue_points_only_at_what_is_offered() -> None:
    for entry in (*VM_SIZES.values(), *MODELS.values()):
        assert bool(entry.retired) == bool(entry.successor)
    assert all(not VM_SIZES[size.successor].retired for size in VM_SIZES.values() if size.successor)
    assert all(not MODELS[model.successor.lower()].retired for model in MODELS.values() if model.successor)


def test_recipe_is_like_a_mapping() -> None:
    assert dict(Recipe())["learning_rate"] == 2e-5
