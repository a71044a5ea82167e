"""Settings that are each fine and do not go together: every conflict, word for word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from settings.checks.conflict import Conflict
from settings.checks.conflicts import conflicts
from settings.problems import Problem
from settings.tree import Settings

TOLD = Path(__file__).parents[1] / "fixtures" / "settings_conflicts.txt"
"""Of each stack file below: its name, and a line `key = value | rule | remedy | keys beside it` for each conflict."""
BLOCKS = [block.split("\n", 1) for block in TOLD.read_text(encoding="utf-8").strip().split("\n\n")]

SUB = "00000000-0000-4000-8000-000000000001"
GROUP = f"/subscriptions/{SUB}/resourceGroups/rg-ml"
ML = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-own"
ID = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-own"
SUBNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/snet"
KEY = {"key": "https://kv-own.vault.azure.net/keys/k/0123456789abcdef0123456789abcdef", "vault": VAULT}
SOURCES = [{"source": "a/b", "share": "40%"}, {"source": "c/d", "share": "60%"}]
T4 = "Standard_NC4as_T4_v3"
CONFIGS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "too small to serve": {"serving": {"vmSize": T4}},
    "too small to train": {"compute": {"vmSize": T4}, "recipe": {"apply_lora": False}},
    "too long padded": {"recipe": {"pad_to_max_length": True, "max_seq_length": 131072}},
    "many nodes": {"recipe": {"num_nodes_finetune": 3}},
    "too long": {"recipe": {"max_seq_length": 1000000}},
    "tokenizer": {"data": {"runOn": "cluster", "tokenizer": "a/tokenizer.json"}},
    "shares": {"data": {"sources": [{"source": "a/b", "share": "40%"}, {"source": "c/d", "share": "0%"}]}},
    "sources twice": {"data": {"sources": [{"source": "a/b", "share": "40%"}, {"source": "a/b", "share": "60%"}]}},
    "sources on a cluster": {
        "data": {"sources": SOURCES, "runOn": "cluster", "rows": "1%", "test": "t", "validation": "v"}
    },
    "shares of a third": {
        "data": {
            "sources": [
                {"source": f"a/{x}", "share": s} for x, s in (("b", "33.33%"), ("c", "33.33%"), ("d", "33.34%"))
            ]
        }
    },
    "nodes": {"data": {"runOn": "cluster", "source": "azureml:x:1", "cluster": {"nodes": 3, "maxNodes": 2}}},
    "nodes of the hub": {"data": {"runOn": "cluster", "cluster": {"nodes": 2, "maxNodes": 2}}},
    "nodes of so many rows": {
        "data": {"runOn": "cluster", "source": "azureml:x:1", "rows": "1000", "cluster": {"nodes": 2, "maxNodes": 2}}
    },
    "nodes of a slice": {
        "data": {
            "runOn": "cluster",
            "source": "azureml:x:1",
            "rows": "all",
            "split": "train[:10]",
            "cluster": {"nodes": 2, "maxNodes": 2},
        }
    },
    "no rows to train on": {"data": {"testRatio": 0.5, "validationRatio": 0.5}},
    "validation twice": {"data": {"validation": "v.jsonl", "validationRatio": 0.1}},
    "purge": {"purgeOnDestroy": True, "vault": {"purgeProtection": True}},
    "alerts for nobody": {"monitoring": {"alerts": True, "budget": {"amount": 10}}},
    "a budget for nobody": {"monitoring": {"alerts": False, "budget": {"amount": 10}}},
    "late": {
        "monitoring": {"alerts": True, "email": "a@example.org", "latencySeconds": 90},
        "serving": {"requestTimeoutSeconds": 90},
    },
    "tags of two": {"tags": {"Owner": "a", "x": "y"}, "tagsFromElsewhere": ["owner", "X"]},
    "kept nodes": {"network": "managed", "compute": {"minNodes": 1}},
    "mirror": {"serving": {"mirrorPercent": 10, "soakSeconds": 0}},
    "scale backwards": {"serving": {"scale": {"min": 3, "max": 2}}},
    "scale beside": {"serving": {"instances": 5, "scale": {"min": 2, "max": 4}}},
    "recreate": {
        "serving": {
            "strategy": "recreate",
            "trafficSteps": [10, 100],
            "mirrorPercent": 5,
            "soakSeconds": 60,
            "keepPreviousHours": 1,
            "onFailure": "keep",
        },
        "compute": {"minNodes": 1},
    },
    "deployers": {"github": {"repository": "a/b"}, "storage": {"sharedKeys": False}},
    "environment": {"github": {"repository": "a/b", "environment": "other", "subject": "repo:c@1/d@2"}},
    "subject": {"github": {"repository": "a/b", "environment": "dev", "subject": "repo:A@1/B@2"}},
    "keys": {"localAuth": False, "storage": {"sharedKeys": True, "deployers": {SUB: "User"}}},
    "key without a vault": {"encryption": {"key": KEY["key"]}},
    "key of another vault": {"encryption": {"key": KEY["key"].replace("kv-own", "kv-other"), "vault": VAULT}},
    "vault without a key": {"encryption": {"vault": VAULT, "identity": ID}},
    "key for nobody": {"encryption": KEY, "identity": {"assignRoles": False}, "storage": {"deployers": {SUB: "User"}}},
    "sealed": {
        "sealed": True,
        "privateEndpoints": {"subnet": SUBNET},
        "purgeOnDestroy": False,
        "storage": {"deployers": {SUB: "User"}},
    },
    "private": {"network": "private"},
    "a subnet for nothing": {"privateEndpoints": {"subnet": SUBNET, "zones": GROUP}},
    "out of nothing": {"outbound": {"to": "approved"}},
    "hosts for nothing": {"network": "managed", "outbound": {"hosts": ["a.example.org", "b.example.org"]}},
    "shared to Microsoft": {"model": {"share": {"registry": "azureml-x"}}},
    "shared to nobody": {"model": {"share": {"make": True}}},
    "shared in the open": {
        "model": {"share": {"make": True, "registry": "ours"}},
        "network": "private",
        "privateEndpoints": {"subnet": SUBNET},
        "encryption": KEY,
    },
    "taken of nobody": {"model": {"promote": {"registry": "AzureML", "version": "3"}}},
    "taken of itself": {
        "model": {"promote": {"stack": "dev"}, "share": {"registry": "ours"}},
        "serving": {"strategy": "recreate", "trafficSteps": [100], "onFailure": "remove"},
        "recipes": {"a": {"seed": 1}},
        "sweep": {"over": {"seed": [2]}},
    },
    "names": {"names": {"pattern": "{kind}-contoso-{location}-{project}-{stack}"}},
    "a name that is given": {"existing": {"vault": VAULT}, "names": {"keyVault": "kv-x"}},
    "a group of somebody": {
        "existing": {"group": GROUP},
        "subscriptionId": SUB.replace("1", "2"),
        "commitTag": True,
        "monitoring": {"budget": {"amount": 5}, "email": "a@example.org"},
    },
    "a workspace by itself": {"existing": {"workspace": f"{ML}/mlw"}},
    "a project elsewhere": {"existing": {"project": f"{ML}/proj", "group": f"{GROUP}2"}},
    "a cluster elsewhere": {"existing": {"cluster": f"{ML}/other/computes/gpus"}},
    "roles of others": {"identity": {"assignRoles": False}, "storage": {"sharedKeys": False}},
    "alike": {"recipes": {"a": {"seed": 1}, "b": {"seed": 1}}, "released": "a"},
    "unreleased": {"recipes": {"a": {"seed": 1}, "b": {"seed": 2}}},
    "released by a slip": {"recipes": {"long": {"seed": 1}, "b": {"seed": 2}}, "released": "lonk"},
    "released of none": {"released": "a"},
    "best of nothing": {
        "recipes": {"a": {"seed": 1}, "b": {"seed": 2}},
        "released": "best",
        "recipe": {"evaluation_strategy": "disable"},
    },
    "a sweep over nothing": {"sweep": {"runs": 3, "method": "random", "leaveOut": ["x"]}},
    "a grid of a range": {"sweep": {"over": {"learning_rate": {"min": 0.00001, "max": 0.0001}}}, "released": "best"},
    "a large grid": {"sweep": {"over": {"seed": [1, 2, 3], "num_train_epochs": [1, 2]}, "runs": 4}, "released": "best"},
    "runs left out": {
        "sweep": {"over": {"seed": [1, 2]}, "leaveOut": ["sweep-a4bbadc1", "sweep-b105c577", "sweep-a4bbadc9"]},
        "released": "best",
    },
    "a recipe called as a run": {"recipes": {"sweep-x": {"seed": 1}}},
}


def told(sections: dict[str, Any]) -> str:
    settings = Settings.model_validate({"purgeOnDestroy": False, **sections})
    found = [(each.problem, each.beside) for each in conflicts(settings, "dev")]
    lines = [
        f"{one.key} = {one.value} | {one.rule} | {one.remedy} | {', '.join(beside) or 'nothing beside it'}"
        for one, beside in found
    ]
    return "\n".join(lines) or "nothing"


@pytest.mark.parametrize(("name", "expected"), BLOCKS)
def test_what_does_not_go_together(name: str, expected: str) -> None:
    assert told(CONFIGS[name]) == expected


def test_every_stack_file_is_told_of() -> None:
    assert [name for name, _ in BLOCKS] == list(CONFIGS)


@pytest.mark.parametrize(
    ("key", "touches"),
    [
        ("finetune-phi:serving.vmSize", True),
        ("finetune-phi:serving", True),
        ("finetune-phi:serving.vmSize.x", True),
        ("finetune-phi:serving.vmSizes", False),
        ("finetune-phi:model.name", True),
        ("finetune-phi:model.id", False),
        ("azure-native:location", True),
    ],
)
def test_what_a_conflict_is_about(key: str, touches: bool) -> None:
    conflict = Conflict("serving.vmSize", 1.5, "rule", "remedy", ("model.name", "location"))
    assert conflict.touches(key) is touches
    assert conflict.problem == Problem("finetune-phi:serving.vmSize", "1.5", "rule", "remedy")
