"""Every setting of a stack reaches the stage it is for: one stack that leaves none at its default."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import pytest
from test_jobs_specs import RELEASE

from cloud.place import Place
from jobs import specs
from jobs.release.spec import ReleaseSpec
from jobs.spec import Spec
from jobs.training.spec import FinetuneSpec
from settings.fields import Whole
from settings.sections.serving import ServingSettings
from settings.stack import Settings, parse

SUBSCRIPTION = "00000000-0000-4000-8000-0000000000a1"
CONFIG = {
    "azure-native:location": "swedencentral",
    "finetune-phi:name": "chat",
    "finetune-phi:suffix": "abc123",
    "finetune-phi:purgeOnDestroy": False,
    "finetune-phi:network": "managed",
    "finetune-phi:data": {
        "source": "mine.jsonl",
        "config": "second",
        "split": "train[:7]",
        "revision": "v2",
        "rows": "5%",
        "shape": "alpaca",
        "testRatio": 0.3,
        "seed": 4,
        "badRows": "repair",
        "repairs": ["marks", "control"],
        "maxRejected": "3",
        "duplicates": "near",
        "mask": True,
        "tokenizer": "estimate",
        "directory": "elsewhere",
        "name": "chats",
        "runOn": "cluster",
        "cluster": {"vmSize": "Standard_D8s_v3", "maxNodes": 2},
    },
    "finetune-phi:model": {"registry": "ours", "name": "Phi-9", "version": "7"},
    "finetune-phi:recipe": {"learning_rate": 0.5, "num_train_epochs": 6, "apply_lora": True, "lora_r": 5},
    "finetune-phi:finetune": {
        "component": {"registry": "theirs", "name": "pipeline", "version": "0.1"},
        "modelName": "tuned",
        "experiment": "trials",
        "wait": False,
        "cancelOnInterrupt": True,
        "supersede": "keep",
        "maxAttempts": 8,
    },
    "finetune-phi:compute": {"vmSize": "Standard_NC64as_T4_v3", "maxNodes": 5},
    "finetune-phi:serving": {
        "vmSize": "Standard_NC8as_T4_v3",
        "instances": 3,
        "trafficSteps": [20, 100],
        "soakSeconds": 11,
        "drainSeconds": 12,
        "health": {"failedPercent": 13, "latencySeconds": 14, "minimumRequests": 15},
        "maxConcurrentRequests": 16,
        "liveness": {"initialDelaySeconds": 17, "timeoutSeconds": 18, "periodSeconds": 19, "failureThreshold": 21},
        "readiness": {"initialDelaySeconds": 22, "timeoutSeconds": 23, "periodSeconds": 24, "failureThreshold": 25},
        "requestTimeoutSeconds": 26,
        "compareWithBase": True,
        "question": "Why?",
    },
    "finetune-phi:evaluation": {
        "questions": "golden/sample.jsonl",
        "minimumScore": 0.27,
        "maximumDrop": 0.28,
        "latencySeconds": 29,
    },
    "finetune-phi:monitoring": {"budget": {"amount": 30}, "email": "somebody@contoso.com"},
}
TARGET = {
    "subscription_id": SUBSCRIPTION,
    "resource_group": "rg-chat-team-abc123",
    "workspace": "mlw-chat-team-abc123",
}
BASE_MODEL = {"registry": "ours", "name": "Phi-9", "version": "7"}
COMPONENT = {"registry": "theirs", "name": "pipeline", "version": "0.1"}
DATASET = {
    "target": TARGET,
    "name": "chats",
    "fingerprint": "0123456789ab",
    "directory": "elsewhere",
    "source": "mine.jsonl",
    "options": {
        "config": "second",
        "split": "train[:7]",
        "revision": "v2",
        "rows": "5%",
        "shape": "alpaca",
        "test_ratio": 0.3,
        "seed": 4,
        "bad_rows": "repair",
        "repairs": "marks,control",
        "max_rejected": "3",
        "duplicates": "near",
        "mask": True,
        "tokenizer": "estimate",
        "model": "Phi-9",
    },
    "cluster": "cpu-cluster",
    "vm_size": "Standard_D8s_v3",
    "experiment": "trials",
    "max_attempts": 8,
    "stack": "team",
}
FINETUNE = {
    "target": TARGET,
    "dataset_name": "chats",
    "dataset_fingerprint": "0123456789ab",
    "base_model": BASE_MODEL,
    "component": COMPONENT,
    "recipe": {
        "learning_rate": 0.5,
        "lr_scheduler_type": "linear",
        "num_train_epochs": 6,
        "per_device_train_batch_size": 1,
        "warmup_steps": 0,
        "weight_decay": 0,
        "gradient_accumulation_steps": 1,
        "seed": 42,
        "max_seq_length": -1,
        "apply_lora": True,
        "lora_r": 5,
    },
    "cluster": "gpu-cluster",
    "gpus_per_node": 4,
    "experiment": "trials",
    "model_name": "tuned",
    "max_attempts": 8,
    "wait": False,
    "cancel_on_interrupt": True,
    "supersede": "keep",
    "stack": "team",
    "fingerprint": "a309844a659a",
}
RELEASED = {
    "target": TARGET,
    "endpoint": "chat-team-abc123",
    "model_name": "tuned",
    "model_version": "72068014",
    "model_fingerprint": "a309844a659a",
    "base_model": BASE_MODEL,
    "instance_type": "Standard_NC8as_T4_v3",
    "instance_count": 3,
    "request_timeout_seconds": 26,
    "traffic_steps": [20, 100],
    "soak_seconds": 11,
    "drain_seconds": 12,
    "health": {"failed_percent": 13, "latency_seconds": 14, "minimum_requests": 15},
    "question": "Why?",
    "evaluation": {
        "questions": "golden/sample.jsonl",
        "minimum_score": 0.27,
        "maximum_drop": 0.28,
        "latency_seconds": 29,
    },
    "compare_with_base": True,
    "max_concurrent_requests": 16,
    "liveness": {"initial_delay_seconds": 17, "timeout_seconds": 18, "period_seconds": 19, "failure_threshold": 21},
    "readiness": {"initial_delay_seconds": 22, "timeout_seconds": 23, "period_seconds": 24, "failure_threshold": 25},
    "fingerprint": "84a49bc215e0",
}


def machines(use: str, size: str, family: str, cores: int, count: int, reserve: float) -> dict[str, Any]:
    found: dict[str, Any] = {"use": use, "vm_size": size, "family": family, "cores": cores, "count": count}
    return {**found, "reserve": reserve, "retired": "", "successor": ""}


T4 = "Standard NCASv3_T4 Family"
PREFLIGHT = {
    "stack": "team",
    "subscription_id": SUBSCRIPTION,
    "location": "swedencentral",
    "resource_group": "rg-chat-team-abc123",
    "workspace": "mlw-chat-team-abc123",
    "cluster_name": "gpu-cluster",
    "data_cluster_name": "cpu-cluster",
    "endpoint": "chat-team-abc123",
    "vault": "kvchatteamabc123",
    "ai_services": "ais-chat-team-abc123",
    "machines": [
        machines("cluster", "Standard_NC64as_T4_v3", T4, 64, 5, 0),
        machines("endpoint", "Standard_NC8as_T4_v3", T4, 8, 3, 0.2),
        machines("data cluster", "Standard_D8s_v3", "standardDSv3Family", 8, 2, 0),
        machines("base model", "Standard_NC8as_T4_v3", T4, 8, 3, 0.2),
    ],
    "releasing": 3,
    "base_model": BASE_MODEL,
    "base_model_successor": "",
    "component": COMPONENT,
    "namespaces": ["Microsoft.Consumption", "Microsoft.Network"],
    "data": None,
    "fingerprint": "6c9a012133f4",
}


def stack(**sections: dict[str, Any]) -> tuple[Settings, Place]:
    """The one above, with other keys of some sections."""
    others = {f"finetune-phi:{name}": {**CONFIG[f"finetune-phi:{name}"], **keys} for name, keys in sections.items()}
    settings = parse({**CONFIG, **others}, "team")
    return settings, Place.of(settings, "team", SUBSCRIPTION)


@pytest.mark.parametrize(("which", "expected"), {"dataset": DATASET, "finetune": FINETUNE, "release": RELEASED}.items())
def test_a_stage_has_all_that_is_set_for_it(which: str, expected: dict[str, Any]) -> None:
    assert getattr(specs.specs(*stack(), "0123456789ab"), which).to_inputs() == expected


def test_the_preflight_asks_for_all_that_is_set() -> None:
    assert specs.preflight(*stack()).to_inputs() == PREFLIGHT


def test_a_model_that_is_retired_has_its_successor() -> None:
    settings, place = stack()
    model = settings.model.model_copy(update={"name": "Phi-3-mini-4k-instruct"})
    assert specs.preflight(settings.model_copy(update={"model": model}), place).base_model_successor == (
        "Phi-4-mini-instruct"
    )


def test_data_made_here_are_their_files() -> None:
    data = specs.specs(*stack(data={"runOn": "local"}), "0123456789ab").dataset
    assert data.to_inputs() == {
        "target": TARGET,
        "name": "chats",
        "fingerprint": "0123456789ab",
        "directory": "elsewhere",
    }


def test_the_flow_goes_to_the_project() -> None:
    recorded = specs.flow(stack()[1]).to_inputs()
    assert recorded["target"] == {**TARGET, "workspace": "proj-chat-team-abc123"}
    assert (recorded["name"], recorded["connection"]) == ("chat-chat", "chat-connection")


def test_golden_questions_are_counted_before_anything_is_made() -> None:
    assert specs.golden_questions(stack()[0]) == 6
    assert specs.golden_questions(stack(evaluation={"questions": ""})[0]) == 0


class More(ServingSettings):
    """The section with a setting that a later program may have."""

    surge: Whole = 1


@dataclass(frozen=True, kw_only=True)
class MoreSpec(ReleaseSpec):
    serving: More


def later(**keys: int) -> MoreSpec:
    own = {field.name: getattr(RELEASE, field.name) for field in fields(RELEASE)}
    return MoreSpec(**{**own, "serving": More.model_construct(**dict(RELEASE.serving), **keys)})


def test_a_new_setting_changes_nothing_until_it_is_set() -> None:
    assert later().to_inputs() == RELEASE.to_inputs()


def test_a_new_setting_reaches_its_stage_and_decides_nothing() -> None:
    spec = later(surge=2)
    assert spec.to_inputs() == {**RELEASE.to_inputs(), "surge": 2}
    assert MoreSpec.from_inputs({**spec.to_inputs(), "surge": 2.0}).serving.surge == 2


@pytest.mark.parametrize(("spec", "section"), [(FinetuneSpec, "finetune"), (ReleaseSpec, "serving")])
def test_no_key_of_a_section_has_the_name_of_a_field_beside_it(spec: type[Spec], section: str) -> None:
    keys = {spec.RENAMED.get(key, key) for key in type(getattr(stack()[0], section)).model_fields}
    assert not keys & {field.name for field in fields(spec)}  # type: ignore[arg-type]
