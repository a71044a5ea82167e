"""Settings: what is accepted, and how each kind of mistake is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pydantic import ValidationError

from settings.__main__ import main
from settings.machines import VM_SIZES
from settings.models import MODELS
from settings.recipes import recipe as recipe_module
from settings.recipes.recipe import Recipe
from settings.stack import ROOT, Settings, SettingsError, from_pulumi, load
from settings.stack import parse as parse_config

STACKS = ["local", "dev", "prod"]


def parse(**sections: Any) -> Settings:
    config = {f"finetune-phi:{key}": value for key, value in {"purgeOnDestroy": True, **sections}.items()}
    return parse_config(config, "test")


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


GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-platform"
WRONG = [
    ("name", "Phi-1", "lower-case", "pulumi config set 'finetune-phi:name' 'phi' --stack test"),
    ("name", 7, "must be text", "phi"),
    ("names.storageAccount", "st-phi", "3 to 24 lower-case letters and digits", "remove the line"),
    ("names.keyVault", "kv--phi", "must be as Azure takes it", "remove the line"),
    ("names.hubs", "x", "there is no such key", "did you mean hub"),
    ("existing.vault", "kv-platform-ai", "must be the id of a key vault", "Microsoft.KeyVault/vaults/<name>"),
    ("existing.identity", "id-train", "must be the id of an identity", "userAssignedIdentities/<name>"),
    ("existing.group", f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv", "the id of a resource group", "<group>"),
    ("existing.storage", f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv", "the id of a storage account", "<name>"),
    (
        "existing.logs",
        f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/l",
        "must end with a name as Azure",
        "<name>",
    ),
    ("existing.keyVault", "x", "there is no such key", "vault"),
    ("names.pattern", "{kind}-{name}", "must be made of letters", "{kind}-{project}-{stack}"),
    ("names.pattern", "rg-{stack}", "which tells the names apart", "{kind}-{project}-{stack}"),
    ("tags", {"Stack": "x"}, "the program sets itself", "remove it"),
    ("tags", {"a<b": "x"}, "without <", "rename"),
    ("tags", {"a": 1}, "must be text", "Pulumi.yaml"),
    ("tagsFromElsewhere", ["Project"], "the program sets itself", "remove it"),
    ("tagsFromElsewhere", [7], "must be text", "Pulumi.yaml"),
    ("data.source", "no such thing", "must be `sample`", "HuggingFaceH4/ultrachat_200k"),
    ("data.source", "https://st.blob.core.windows.net/c/f.jsonl?sv=1&sig=x", "must not be an address", "data asset"),
    ("data.testRatio", 1.5, "must be less than 1", "0.2"),
    ("data.testRatio", 0, "must be greater than 0", "0.2"),
    ("data.testRatio", True, "must be a number", "0.2"),
    ("data.seed", -1, "must be 0 or more", "--path 'finetune-phi:data.seed' 0"),
    ("data.runOn", "moon", "must be", "local"),
    ("data.cluster.vmSize", "Standard_NC24ads_A100_v4", "must be a CPU size", "Standard_D4s_v3"),
    ("data.cluster.maxNodes", 0, "must be 1 or more", "1"),
    ("data.directory", "/etc", "inside the project", "data"),
    ("data.directory", "../x", "inside the project", "data"),
    ("data.split", "", "must not be empty", "train_sft"),
    ("model.name", "Phi-3-mini-4k-instruct", "2025-08-30", "Phi-4-mini-instruct"),
    ("model.version", "newest", "version number", "'1'"),
    ("recipe.learning_rate", 0, "must be greater than 0", "2e-05"),
    ("recipe.learning_rate", 3, "must be 1 or less", "2e-05"),
    ("recipe.learning_rate", "fast", "must be a number", "2e-05"),
    ("recipe.learning_rate", float("nan"), "finite", "2e-05"),
    ("recipe.lr_scheduler_type", "cosin", "must be one of 'linear'", "did you mean cosine?"),
    ("recipe.num_train_epochs", 1.5, "must be a whole number", "1"),
    ("recipe.num_train_epochs", 0, "must be 1 or more", "1"),
    ("recipe.apply_lora", "yes", "must be true or false", "false"),
    ("recipe.precision", 8, "must be one of 16 or 32", "Pulumi.yaml"),
    ("recipe.lora_r", 8, "no effect without apply_lora", "set apply_lora to true"),
    ("recipe.deepspeed_stage", 2, "no effect without apply_deepspeed", "apply_deepspeed"),
    ("recipe.early_stopping_patience", 2, "no effect without apply_early_stopping", "remove this key"),
    ("recipe.metric_for_best_model", "f1", "fails at the first evaluation", "set it to loss"),
    ("recipe.apply_ort", True, "switches ONNX Runtime off", "remove this key"),
    ("recipe.eval_steps", 5, "no effect without evaluation_strategy: steps", "set evaluation_strategy to steps"),
    ("recipe.evaluation_steps_interval", 0.5, "no effect without evaluation_strategy: steps", "remove this key"),
    ("recipe.shm_size_finetune", "16 GB", "a number with b, k, m or g", "Pulumi.yaml"),
    ("recipe.shm_size_finetune", "0g", "a number with b, k, m or g", "Pulumi.yaml"),
    ("recipe.num_nodes_finetune", 0, "must be 1 or more", "Pulumi.yaml"),
    ("recipe.num_nodes_finetune", 2, "compute.maxNodes is 1", "raise compute.maxNodes"),
    ("recipe.finetune_config_path", "/etc/x.json", "a .json file inside the project", "finetune-config.json"),
    ("recipe.finetune_config_path", "nowhere.json", "cannot be read: No such file", "name a file"),
    ("recipe.finetune_config_path", "x.yaml", "a .json file inside the project", "finetune-config.json"),
    ("finetune.maxAttempts", 11, "must be 10 or less", "3"),
    ("finetune.component", "latest", "keys of its own", "chat_completion_pipeline"),
    ("finetune.component.version", "new", "must be `latest`", "'latest'"),
    ("finetune.wait", 1, "must be true or false", "true"),
    ("compute.vmSize", "Standard_NC6s_v3", "retired by Azure on 2025-09-30", "Standard_NC24ads_A100_v4"),
    ("compute.vmSize", "Standard_NC24ads_A100", "GPU size", "did you mean Standard_NC24ads_A100_v4?"),
    ("compute.vmSize", "Standard_NV36ads_A10_v5", "not offered for Azure ML clusters", "A100"),
    ("compute.idleSeconds", 5, "must be 60 or more", "120"),
    ("serving.vmSize", "Standard_NC4as_T4_v3", "16 GB of GPU memory", "Standard_NC24ads_A100_v4"),
    ("serving.trafficSteps", [10, 5, 100], "must rise", "[10, 50, 100]"),
    ("serving.trafficSteps", [10, 50], "end at 100", "[100]"),
    ("serving.trafficSteps", 100, "", "[100]"),
    ("serving.requestTimeoutSeconds", 181, "must be 180 or less", "90"),
    ("serving.instances", 0, "must be 1 or more", "python -m jobs pause"),
    ("purgeOnDestroy", "maybe", "must be true or false", "true"),
    ("recipe.learningRate", 1, "no such key", "did you mean learning_rate?"),
    ("data.test_ratio", 0.1, "no such key", "did you mean testRatio?"),
    ("data.sead", 1, "no such key", "did you mean seed?"),
    ("nmae", "x", "no such key", "did you mean name?"),
    ("location", "x", "no such key", "azure-native:location"),
    ("zzz", "x", "no such key", "the keys here are commitTag"),
]


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


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    return tmp_path


def test_an_unknown_stack_lists_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"(?s)no stack 'nosuch'.*there are dev, local, prod"):
        main(["--stack", "nosuch"])


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


COMPONENT = yaml.safe_load((ROOT / "emulator" / "registry" / "chat_completion_pipeline.yaml").read_text())["inputs"]


@pytest.mark.parametrize("name", Recipe.model_fields)
def test_the_recipe_is_the_components(name: str) -> None:
    spec = COMPONENT[name]
    default, rules = Recipe.model_fields[name].default, _rules(Recipe, name)
    if default is not None:
        written = str(default).lower() if isinstance(default, bool) else default
        assert str(written) == spec["default"] or float(written) == float(spec["default"])
    if choices := rules.get("enum"):
        assert {str(choice) for choice in choices} == set(spec["enum"])
    elif spec.get("enum"):
        assert (rules["type"], spec["enum"]) == ("boolean", ["true", "false"])
    elif spec["type"] in ("integer", "number"):
        assert rules["type"] in ("integer", "number")
        assert rules["type"] == spec["type"]
        if "min" in spec:
            with pytest.raises(ValidationError):
                Recipe.model_validate({name: spec["min"] - 1})


def _rules(model: Any, name: str) -> dict[str, Any]:
    """The JSON schema of a field's values."""
    schema: dict[str, Any] = model.model_json_schema()["properties"][name]
    return next((each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"), schema)


def test_what_the_recipe_leaves_out_is_the_programs_to_fill() -> None:
    left = {name for name in COMPONENT if name not in Recipe.model_fields}
    machines = ("instance_type_", "compute_", "number_of_gpu_")
    left = {name for name in left if not name.startswith(machines)}
    assert left == {
        "huggingface_id",
        "pytorch_model_path",
        "mlflow_model_path",
        "task_name",
        "train_file_path",
        "validation_file_path",
        "test_file_path",
        "train_mltable_path",
        "validation_mltable_path",
        "test_mltable_path",
        "deepspeed",
        "evaluation_config",
        "evaluation_config_params",
    }


def test_a_model_by_its_id() -> None:
    model = parse(model={"id": "azureml://registries/azureml-meta/models/Llama-3/versions/2"}).model
    assert (model.registry, model.name, model.version) == ("azureml-meta", "Llama-3", "2")
    with pytest.raises(SettingsError, match="says the same as name"):
        parse(model={"id": "azureml://registries/azureml/models/a/versions/1", "name": "a"})
    with pytest.raises(SettingsError, match="can no longer be fine-tuned"):
        parse(model={"id": "azureml://registries/azureml/models/Phi-3-mini-4k-instruct/versions/15"})


@pytest.mark.parametrize(
    ("size", "machines", "endpoint", "cluster"),
    [
        ("Standard_NC24ads_A100_v4", 2, 48, 48),  # A100 and H100 have no reserve
        ("Standard_NC4as_T4_v3", 1, 8, 4),
        ("Standard_NC4as_T4_v3", 5, 24, 20),
        ("Standard_NV36ads_A10_v5", 6, 288, 216),
    ],
)
def test_cores_of_an_endpoint_include_the_reserve(size: str, machines: int, endpoint: int, cluster: int) -> None:
    assert VM_SIZES[size].endpoint_cores(machines) == endpoint
    assert VM_SIZES[size].cluster_cores(machines) == cluster


def test_prod_differs_where_production_does() -> None:
    dev, prod = load("dev"), load("prod")
    assert (prod.network, dev.network) == ("managed", "public")
    assert (prod.vault.purge_protection, prod.purge_on_destroy) == (True, False)
    assert prod.storage.sku == "Standard_GRS"
    assert (prod.serving.instances, prod.serving.traffic_steps) == (2, (10, 50, 100))
    assert prod.serving.soak_seconds > 0
    assert prod.monitoring.alerts
    assert prod.monitoring.budget.amount > 0
    assert (dev.recipe, dev.model) == (prod.recipe, prod.model)


def test_names_of_a_pattern_and_names_beside_each_other_are_told_all_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        parse(names={"pattern": "{kind}-contoso-platforms-{stack}", "hub": "ml-1", "project": "ML-1"})
    told = [(problem.key, problem.value, problem.rule.partition(":")[0]) for problem in refused.value.problems]
    assert told == [
        ("finetune-phi:names.keyVault", '"kv-contoso-platforms-test"', "is no name for it"),
        ("finetune-phi:names.hub", '"ml-1"', "is the name of its project too, and Azure ignores case"),
    ]


def test_what_somebody_else_has_made_is_neither_named_nor_tagged_nor_budgeted() -> None:
    vault = f"{GROUP}/providers/microsoft.keyvault/Vaults/kv-platform"
    assert parse(existing={"group": GROUP, "vault": vault}).existing.ids() == {"group": GROUP, "vault": vault}
    with pytest.raises(SettingsError) as refused:
        parse(
            existing={"group": GROUP, "vault": vault},
            names={"keyVault": "kv-ours", "hub": "hub-ours"},
            commitTag=True,
            monitoring={"budget": {"amount": 5}, "email": "me@contoso.com"},
        )
    assert sorted((problem.key, problem.rule) for problem in refused.value.problems) == [
        ("finetune-phi:commitTag", "would tag existing.group, which is somebody else's"),
        (
            "finetune-phi:monitoring.budget.amount",
            "would be a budget on existing.group, whose owner pays and may have one",
        ),
        ("finetune-phi:names.keyVault", "names what existing.vault has made already"),
    ]
    with pytest.raises(SettingsError, match=r"existing\.group.*"):
        parse_config(
            {
                "finetune-phi:purgeOnDestroy": False,
                "azure-native:subscriptionId": "00000000-0000-4000-8000-000000000009",
                "finetune-phi:existing": {"group": GROUP},
            },
            "test",
        )


LOCKED_GROUP = "/subscriptions/00000000-1111-2222-3333-444444444444/resourceGroups/rg"
LOCKED_VAULT = f"{LOCKED_GROUP}/providers/Microsoft.KeyVault/vaults/kv-k"
LOCKED_KEY = "https://kv-k.vault.azure.net/keys/cmk/0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("sections", "key", "rule"),
    [
        ({"localAuth": False, "storage": {"sharedKeys": True}}, "storage.sharedKeys", "by which no key opens anything"),
        ({"encryption": {"key": LOCKED_KEY}}, "encryption.vault", "is needed beside encryption.key"),
        (
            {"encryption": {"key": LOCKED_KEY.replace("kv-k", "kv-other"), "vault": LOCKED_VAULT}},
            "encryption.vault",
            "is another vault",
        ),
        ({"encryption": {"vault": LOCKED_VAULT}}, "encryption.vault", "has no effect without encryption.key"),
        ({"encryption": {"key": LOCKED_KEY[:-33], "vault": LOCKED_VAULT}}, "encryption.key", "with its version"),
        (
            {
                "encryption": {"key": LOCKED_KEY, "vault": LOCKED_VAULT},
                "identity": {"assignRoles": False},
            },
            "encryption.identity",
            "is needed with identity.assignRoles: false",
        ),
    ],
)
def test_what_does_not_go_with_being_locked_down(sections: dict[str, Any], key: str, rule: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse(**sections)
    assert [(each.key, rule in each.rule) for each in raised.value.problems] == [(f"finetune-phi:{key}", True)]


@pytest.mark.parametrize("off", [False, "false"])
def test_without_local_auth_the_storage_account_takes_no_keys(off: Any) -> None:
    assert parse(localAuth=off).storage.shared_keys is False
    assert parse(localAuth=off, storage={"sku": "Standard_GRS"}).storage.shared_keys is False
    assert parse(localAuth=True).storage.shared_keys is True
