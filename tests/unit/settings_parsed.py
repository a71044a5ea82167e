"""Settings of sections, without a stack file."""

from __future__ import annotations

from typing import Any

from settings.stack import Settings
from settings.stack import parse as parse_config

STACKS = ["local", "dev", "prod"]


def parse(**sections: Any) -> Settings:
    config = {f"finetune-phi:{key}": value for key, value in {"purgeOnDestroy": True, **sections}.items()}
    return parse_config(config, "test")


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
