"""Prod's own stack file with one thing wrong, in every way: each is told clearly, before anything is touched."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import stack
from settings.__main__ import main
from settings.stack import ROOT, SettingsError, load

GONE = object()
LONG = "x" * 257
SOMEBODY = "99999999-2222-3333-4444-555555555555"
MUTATIONS: list[tuple[str, Any, str, str]] = [
    # wrong type
    ("recipe.learning_rate", "fast", "recipe.learning_rate", "must be a number"),
    ("recipe.apply_lora", "maybe", "recipe.apply_lora", "must be true or false"),
    ("compute.maxNodes", 1.5, "compute.maxNodes", "whole number"),
    ("compute", "big", "compute", "keys of its own"),
    ("serving.trafficSteps", "all", "serving.trafficSteps", "must be a list"),
    ("monitoring.diagnostics", 2, "monitoring.diagnostics", "must be true or false"),
    ("tags.owner", 7, "tags.owner", "must be text"),
    ("tags", ["owner"], "tags", "keys of its own"),
    # out of range
    ("recipe.learning_rate", -1, "recipe.learning_rate", "must be greater than 0"),
    ("recipe.num_train_epochs", 0, "recipe.num_train_epochs", "must be 1 or more"),
    ("recipe.lora_dropout", 1, "recipe.lora_dropout", "must be less than 1"),
    ("recipe.max_seq_length", 0, "recipe.max_seq_length", "-1 for no limit"),
    ("recipe.optim", "adamw_hf", "recipe.optim", "must be one of"),
    ("data.testRatio", 1, "data.testRatio", "must be less than 1"),
    ("compute.idleSeconds", 5, "compute.idleSeconds", "must be 60 or more"),
    ("serving.instances", 0, "serving.instances", "must be 1 or more"),
    ("serving.trafficSteps", [10, 50], "serving.trafficSteps", "end at 100"),
    ("serving.trafficSteps", [50, 10, 100], "serving.trafficSteps", "must rise"),
    ("serving.requestTimeoutSeconds", 600, "serving.requestTimeoutSeconds", "must be 180 or less"),
    ("vault.retentionDays", 6, "vault.retentionDays", "must be 7 or more"),
    ("monitoring.budget.amount", -5, "monitoring.budget.amount", "must be 0 or more"),
    # region, size, model
    ("azure-native:location", "east-us-2", "azure-native:location", "name of an Azure region"),
    ("azure-native:location", 4, "azure-native:location", "must be text"),
    ("azure-native:subscriptionId", "mine", "azure-native:subscriptionId", "must be the id of a subscription"),
    ("azure-native:subscriptionId", {"secure": "v1:x"}, "azure-native:subscriptionId", "in plain text"),
    ("azure-native:subscriptionId", None, "azure-native:subscriptionId", "has no value"),
    ("subscriptionId", "00000000-0000-4000-8000-0000000000b2", "subscriptionId", "there is no such key"),
    ("compute.vmSize", "Standard_NC6s_v3", "compute.vmSize", "retired by Azure on 2025-09-30"),
    ("compute.vmSize", "Standard_D4s_v5", "compute.vmSize", "must be a GPU size"),
    ("compute.vmSize", "Standard_NV36ads_A10_v5", "compute.vmSize", "not offered for Azure ML clusters"),
    ("serving.vmSize", "Standard_NC24ads_A100", "serving.vmSize", "must be a GPU size"),
    ("model.name", "Phi-3-mini-4k-instruct", "model.name", "can no longer be fine-tuned"),
    ("model.version", "newest", "model.version", "must be a version number"),
    ("model", {"id": "Phi-4-mini-instruct"}, "model.id", "must be azureml://registries/"),
    ("storage.sku", "Premium_LRS", "storage.sku", "must be one of"),
    ("storage.deployers.me", "User", "storage.deployers.me", "must be an object id of Entra ID"),
    (f"storage.deployers.{SOMEBODY}", "Person", f"storage.deployers.{SOMEBODY}", "must be one of"),
    ("network", "closed", "network", "must be one of"),
    ("identity.contributorScope", "subscription", "identity.contributorScope", "must be one of"),
    # names
    ("name", "Phi_Prod", "name", "lower-case letters and digits"),
    ("name", "averylongname", "name", "2 to 8"),
    ("suffix", "A-1", "suffix", "3 to 6 lower-case"),
    ("tags.a<b", "x", "tags.a<b", "without <"),
    ("tags.Stack", "x", "tags.Stack", "the program sets itself"),
    ("tags.azure-team", "x", "tags.azure-team", "Azure keeps for itself"),
    ("tags.OWNER", "x", "tags.owner", "ignores the case"),
    ("tags.owner", LONG, "tags.owner", "at most 256 characters"),
    ("monitoring.email", "nobody", "monitoring.email", "must be an e-mail address"),
    ("finetune.component.version", "new", "finetune.component.version", "`latest` or a version number"),
    ("serving.health.failedPercent", 101, "serving.health.failedPercent", "must be 100 or less"),
    ("evaluation.minimumScore", 50, "evaluation.minimumScore", "must be 1 or less"),
    ("evaluation.questions", "../mine.jsonl", "evaluation.questions", "inside the project"),
    ("evaluation.questions", "golden.csv", "evaluation.questions", ".jsonl"),
    # missing, empty and unknown keys
    ("purgeOnDestroy", GONE, "purgeOnDestroy", "is needed and has no default"),
    ("recipe.learning_rate", None, "recipe.learning_rate", "has no value"),
    ("recipe.learningRate", 0.1, "recipe.learningRate", "there is no such key"),
    ("serving.instanceCount", 2, "serving.instanceCount", "there is no such key"),
    ("monitorring", {}, "monitorring", "there is no such key"),
    ("finetune-ph:name", "x", "finetune-ph:name", "there is no such key"),
    # keys that cannot go together
    ("purgeOnDestroy", True, "purgeOnDestroy", "vault.purgeProtection"),
    ("github.repository", "someone/finetune-phi", "storage.deployers", "taken away from the one by the other"),
    ("compute.maxNodes", 0, "compute.maxNodes", "must be 1 or more"),
    ("compute", {"minNodes": 1, "maxNodes": 1}, "compute.minNodes", "must be 0 with network: managed"),
    ("monitoring.email", "", "monitoring.email", "monitoring.alerts and monitoring.budget send e-mail"),
    ("monitoring.latencySeconds", 120, "monitoring.latencySeconds", "is never reached"),
    ("serving.strategy", "recreate", "serving.trafficSteps", "cannot be with serving.strategy: recreate"),
    ("serving.vmSize", "Standard_NC4as_T4_v3", "serving.vmSize", "16 GB of GPU memory"),
    ("serving.vmSize", "Standard_NC64as_T4_v3", "serving.vmSize", "in each of its 4 GPUs"),
    (
        "compute.vmSize",
        "Standard_NC16as_T4_v3",
        "compute.vmSize",
        "adapters of Phi-4-mini-instruct needs at least 17 GB",
    ),
    ("recipe.max_seq_length", 200_000, "recipe.max_seq_length", "131072 tokens"),
    ("recipe.deepspeed_stage", 3, "recipe.deepspeed_stage", "no effect without apply_deepspeed"),
    ("recipe", {"warmup_steps": 5, "max_steps": 5}, "recipe.max_steps", "ends before the learning rate"),
    ("recipe", {"lr_scheduler_type": "constant", "warmup_steps": 5}, "recipe.warmup_steps", "has no effect"),
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with nothing but Pulumi.yaml, which the command line takes for the project."""
    shutil.copyfile(ROOT / "Pulumi.yaml", tmp_path / "Pulumi.yaml")
    monkeypatch.setattr(stack, "ROOT", tmp_path)
    return tmp_path


def write(project: Path, key: str, value: Any) -> None:
    config = copy.deepcopy(yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"])
    top, *path = key.split(".") if ":" not in key else [key]
    places = config
    for part in [top if ":" in top else f"finetune-phi:{top}", *path][:-1]:
        places = places.setdefault(part, {})
    last = path[-1] if path else (top if ":" in top else f"finetune-phi:{top}")
    if value is GONE:
        del places[last]
    else:
        places[last] = value
    (project / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": config}))


def test_prod_itself_is_fine(project: Path) -> None:
    write(project, "name", "phi")
    assert load("prod", project).network == "managed"


def test_there_are_forty_of_them() -> None:
    assert len(MUTATIONS) >= 40


@pytest.mark.parametrize(("key", "value", "at", "rule"), MUTATIONS)
def test_one_thing_wrong_is_one_clear_message(
    project: Path, capsys: pytest.CaptureFixture[str], key: str, value: Any, at: str, rule: str
) -> None:
    write(project, key, value)
    with pytest.raises(SettingsError) as raised:
        load("prod", project)
    (problem,) = raised.value.problems
    assert problem.key == (at if ":" in at else f"finetune-phi:{at}")
    assert rule in problem.rule
    assert problem.value
    assert problem.remedy
    # The command line says just that.
    with pytest.raises(SystemExit) as ended:
        main(["--stack", "prod"])
    message = str(ended.value.code)
    assert message.startswith("error: the settings of stack 'prod' have a problem")
    for part in (problem.key, problem.value, problem.rule, f"fix: {problem.remedy}"):
        assert part in message
    assert "Traceback" not in message + "".join(capsys.readouterr())


def test_conflicts_are_told_together_with_everything_else(project: Path) -> None:
    config = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"]
    config["finetune-phi:purgeOnDestroy"] = True
    config["finetune-phi:name"] = "X"
    config["finetune-phi:monitoring"]["email"] = ""
    config["finetune-phi:recipe"]["learning_rate"] = 7
    (project / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": config}))
    with pytest.raises(SettingsError) as raised:
        load("prod", project)
    found = {problem.key.removeprefix("finetune-phi:") for problem in raised.value.problems}
    assert found == {"purgeOnDestroy", "name", "monitoring.email", "recipe.learning_rate"}
