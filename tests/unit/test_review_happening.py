"""What an update will do, sentence for sentence: resources, and each stage for each reason to run again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from review_steps import preview, step

from review.durations import Past
from review.events import Step
from review.happening import sentences

TOLD = Path(__file__).parents[1] / "fixtures" / "review_happening.txt"
"""Of each preview below: its first step, and the sentences."""
BLOCKS = [block.split("\n") for block in TOLD.read_text(encoding="utf-8").strip().split("\n\n")]
ML = "azure-native:machinelearningservices"
CLUSTER = step(
    "same",
    "cluster",
    {"properties": {"properties": {"vmSize": "Standard_NC24ads_A100_v4"}}},
    {"properties": {"properties": {"vmSize": "Standard_NC24ads_A100_v4"}}},
    f"{ML}:Compute",
)
DATA = {"name": "chats", "fingerprint": "d1", "target": "t", "workspace_id": "w"}
TUNE = {
    "fingerprint": "f1",
    "dataset_fingerprint": "d1",
    "dataset_name": "chats",
    "base_model": {"name": "Phi", "version": 1},
    "component": {"name": "c", "version": "2"},
    "recipe": {"learning_rate": 0.00002, "num_train_epochs": 1},
    "model_name": "m",
    "cluster": "gpu",
    "gpus_per_node": 2,
    "target": "t",
    "workspace_id": "w",
}
RELEASE = {
    "fingerprint": "r1",
    "model_fingerprint": "m1",
    "model_version": "1",
    "model_name": "m",
    "instance_type": "Standard_X",
    "instance_count": 2,
    "endpoint": "e",
    "target": "t",
    "endpoint_created": "1",
}
AGAIN = {**RELEASE, "fingerprint": "r2", "model_fingerprint": "m2"}
ENDPOINT = step("create", "endpoint", None, {}, f"{ML}:OnlineEndpoint")
FLOW = {"name": "phi-chat", "connection": "c", "workspace_id": "w"}
PAST = Past(seconds={"finetune": 2400, "release": 600, "other": 30})


def stage(name: str, op: str, old: Any = None, new: Any = None) -> Step:
    return step(op, name, *({"input": each} if each is not None else None for each in (old, new)), "pulumi:index:Stash")


def group(name: str, op: str = "create", **inputs: Any) -> Step:
    return step(
        op,
        name,
        {"resourceGroupName": name} if op == "update" else None,
        {"resourceGroupName": name, **inputs},
        "azure-native:resources:ResourceGroup",
    )


CASES: list[list[Step]] = [
    [stage("preflight", "update", {}, {"existing": {"vault": "/x/kv", "storage": "/x/st", "group": "/x/rg"}})],
    [stage("preflight", "same", {}, {"existing": {"vault": "/x/kv"}})],
    [stage("preflight", "same", {}, {"existing": {}})],
    [
        group("a"),
        group("b"),
        step("delete", "st", {"accountName": "st1"}),
        step("import", "kv", None, {"vaultName": "kv1"}, "azure-native:keyvault:Vault"),
    ],
    [group("a", "update", tags={"x": "y"}, location="z", managedBy="m")],
    [group("a", "update", tags={"x": "y"})],
    [
        step("update", "st", {"etag": 1}, {"etag": 2}),
        step("replace", "kv", {"vaultName": "a"}, {"vaultName": "b"}, "azure-native:keyvault:Vault"),
    ],
    [
        *(group(name) for name in "abc"),
        *(step("create", name, None, {}) for name in "de"),
        step("create", "kv", None, {}, "azure-native:keyvault:Vault"),
        *(step("create", n, None, {}, f"azure-native:x:{n}") for n in ("FirstKind", "SecondKind")),
    ],
    [*(step("create", name, None, {}, "azure-native:managedidentity:UserAssignedIdentity") for name in "abcde")],
    [stage("dataset", "create", None, DATA)],
    [stage("dataset", "create", None, {**DATA, "source": "s", "cluster": "cpu"})],
    [
        stage(
            "dataset", "update", {**DATA, "source": "s"}, {**DATA, "source": "s", "cluster": "cpu", "workspace_id": "v"}
        )
    ],
    [stage("dataset", "update", DATA, {**DATA, "fingerprint": "d2", "name": "other"})],
    [stage("dataset", "update", DATA, {**DATA, "target": "u"})],
    [stage("dataset", "update", DATA, {**DATA, "workspace_id": "v"})],
    [stage("dataset", "update", DATA, {**DATA, "nodes": 2})],
    [stage("dataset", "delete", DATA)],
    [stage("flow", "create", None, FLOW)],
    [stage("flow", "update", FLOW, {**FLOW, "workspace_id": "v"})],
    [stage("flow", "update", FLOW, {**FLOW, "connection": "d"})],
    [stage("flow", "delete", FLOW)],
    [CLUSTER, stage("finetune", "create", None, TUNE)],
    [stage("finetune-a", "create", None, {**TUNE, "recipe_name": "a", "wait": False})],
    [
        CLUSTER,
        stage(
            "finetune",
            "update",
            TUNE,
            {
                **TUNE,
                "fingerprint": "f2",
                "recipe": {
                    "learning_rate": 0.0001,
                    "num_train_epochs": 1,
                    "apply_lora": True,
                    "lr_scheduler_type": "cosine",
                    "per_device_train_batch_size": 8,
                    "max_seq_length": 9,
                    "lora_r": 4,
                },
            },
        ),
    ],
    [
        CLUSTER,
        stage(
            "finetune",
            "update",
            TUNE,
            {
                **TUNE,
                "fingerprint": "f2",
                "base_model": "own",
                "component": {"name": "c", "version": "3"},
                "dataset_fingerprint": "d2",
                "model_name": "n",
                "cluster": "g",
                "gpus_per_node": 1,
                "dataset_name": "x",
                "target": "u",
            },
        ),
    ],
    [stage("finetune", "update", TUNE, {**TUNE, "fingerprint": "f2"})],
    [stage("finetune", "update", TUNE, {**TUNE, "workspace_id": "v"})],
    [stage("finetune", "update", TUNE, {**TUNE, "max_attempts": 2})],
    [stage("finetune", "update", TUNE, TUNE)],
    [stage("finetune", "delete", {**TUNE, "recipe_name": "a"})],
    [stage("finetune", "delete", TUNE), stage("finetune-a", "create", None, {**TUNE, "recipe_name": "a"})],
    [stage("release", "create", None, {**RELEASE, "compare_with_base": True})],
    [stage("release", "update", RELEASE, {**RELEASE, "fingerprint": "r2", "instance_count": 3})],
    [stage("release", "update", RELEASE, AGAIN)],
    [
        ENDPOINT,
        stage(
            "release",
            "update",
            RELEASE,
            {**AGAIN, "traffic_steps": [10, 100], "soak_seconds": 300, "instance_count": 3, "compare_with_base": True},
        ),
    ],
    [stage("release", "update", {**RELEASE, "compare_with_base": True}, {**AGAIN, "traffic_steps": [10, 100]})],
    [stage("release", "update", RELEASE, {**RELEASE, "endpoint_created": "2"})],
    [stage("release", "update", RELEASE, {**RELEASE, "soak_seconds": 5, "hours": "x"})],
    [stage("release", "update", RELEASE, {**RELEASE, "model_version": "2"})],
    [stage("release", "replace", RELEASE, RELEASE)],
    [stage("release", "delete", RELEASE)],
    [stage("other", "create", None, {}), stage("another", "create", None, {})],
    [stage("other", "update", {"a": 1}, {"a": 2}), stage("another", "update", {}, {"a": 2})],
    [stage("other", "delete", {})],
    [
        stage("flow", "create", None, FLOW),
        stage("release", "create", None, RELEASE),
        stage("dataset", "create", None, DATA),
        stage("roles", "create", None, {"grants": [1]}),
    ],
]


@pytest.mark.parametrize(("case", "told"), zip(CASES, BLOCKS, strict=True))
def test_what_an_update_will_do(case: list[Step], told: list[str]) -> None:
    assert [f"{case[0].op} {case[0].name}", *(sentences(preview(*case), PAST) or ["nothing"])] == told
