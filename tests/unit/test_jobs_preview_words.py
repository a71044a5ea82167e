"""What a preview tells of memory and limits: each finding whole, and how a conversation is cut."""

from __future__ import annotations

from typing import Any

import pytest
from test_settings_recipes import parse

from data_prep.card.card import Card
from jobs.preflight import limits, memory

TWO_GPUS, FOUR_GPUS, T4 = "Standard_NC48ads_A100_v4", "Standard_NC96ads_A100_v4", "Standard_NC4as_T4_v3"
NO_SIZE = {"name": "Llama-3", "size": {}}
LORA: dict[str, Any] = {"apply_lora": True, "precision": 16}
LONG, SHORT = {"median": 300, "longest": 30_000}, {"median": 300, "longest": 2000}
CARD = {"train": 50_000_000, "kept": {"128": 1.0}}
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "memory: it fits": ("memory", SHORT, {"recipe": LORA}),
    "memory: the longest does not": ("memory", LONG, {"recipe": LORA}),
    "memory: but in parts": ("memory", LONG, {"recipe": {**LORA, "per_device_train_batch_size": 8}}),
    "memory: cut": ("memory", LONG, {"recipe": {**LORA, "max_seq_length": 1024}}),
    "memory: padded": ("memory", SHORT, {"recipe": {**LORA, "max_seq_length": 8192, "pad_to_max_length": True}}),
    "memory: not padded": ("memory", SHORT, {"recipe": {**LORA, "max_seq_length": 8192}}),
    "memory: as long as they are": ("memory", SHORT, {"recipe": {**LORA, "max_seq_length": -1}}),
    "memory: as long, padded": (
        "memory",
        SHORT,
        {"recipe": {**LORA, "max_seq_length": -1, "pad_to_max_length": True}},
    ),
    "memory: longer than the model takes": (
        "memory",
        {"median": 300, "longest": 900_000},
        {"recipe": {**LORA, "max_seq_length": -1}},
    ),
    "memory: the usual does not": (
        "memory",
        {"median": 4000, "longest": 30_000},
        {"recipe": {**LORA, "per_device_train_batch_size": 16}},
    ),
    "memory: the usual does not, and one goes on": (
        "memory",
        {"median": 4000, "longest": 30_000},
        {"recipe": {**LORA, "per_device_train_batch_size": 16}, "compute": {"memoryCheck": "warn"}},
    ),
    "memory: nothing lighter is set": ("memory", {"median": 500, "longest": 1000}, {}),
    "memory: no data here": ("memory", SHORT, {"recipe": LORA, "data": {"runOn": "cluster", "source": "a/b"}}),
    "memory: no data": ("memory", {}, {"recipe": LORA}),
    "memory: two GPUs": ("memory", SHORT, {"compute": {"vmSize": TWO_GPUS}}),
    "memory: four, which share": (
        "memory",
        LONG,
        {
            "compute": {"vmSize": FOUR_GPUS},
            "recipe": {"precision": 16, "apply_deepspeed": True, "deepspeed_stage": 3},
        },
    ),
    "memory: several recipes": (
        "memory",
        SHORT,
        {"recipes": {"a": LORA, "b": {**LORA, "seed": 1}}, "released": "best"},
    ),
    "limits: enough": ("limits", CARD, {"finetune": {"maxHours": 4}}),
    "limits: hours": ("limits", CARD, {"finetune": {"maxHours": 1.5}}),
    "limits: the dearer of both": ("limits", CARD, {"finetune": {"maxHours": 3, "maxCost": 2}}),
    "limits: the stricter of both": ("limits", CARD, {"finetune": {"maxHours": 0.02, "maxCost": 20}}),
    "limits: seconds": ("limits", {}, {"finetune": {"maxHours": 0.01}}),
    "limits: steps": ("limits", CARD, {"finetune": {"maxHours": 0.05}, "recipe": {"max_steps": 1}}),
    "limits: no steps": ("limits", CARD, {"finetune": {"maxHours": 0.05}, "recipe": {"max_steps": -1}}),
    "limits: a card without tokens": ("limits", {"kept": {}}, {"finetune": {"maxHours": 0.05}}),
    "limits: no data here": (
        "limits",
        CARD,
        {"finetune": {"maxHours": 0.05}, "data": {"runOn": "cluster", "source": "a/b"}},
    ),
    "limits: a sweep": (
        "limits",
        CARD,
        {"sweep": {"over": {"seed": [1, 2]}, "maxHours": 3}, "released": "best", "finetune": {"maxHours": 90}},
    ),
    "limits: a sweep of too few": (
        "limits",
        {},
        {"sweep": {"over": {"seed": [1, 2]}, "method": "random", "runs": 4}, "released": "best"},
    ),
    "limits: a grid": ("limits", {}, {"sweep": {"over": {"seed": [1, 2]}, "runs": 4}, "released": "best"}),
}
TOLD: dict[str, list[str]] = {
    "memory: it fits": [
        "ok GPU memory: Standard_NC24ads_A100_v4 has 80 GB; with 1 conversation(s) of 2,000 tokens a step "
        "(the longest, the data card's) the fine-tune takes about 30 GB: weights 14 (3.8 billion x 4 bytes), "
        "activations 9 (1 x 2,000 tokens x 32 layers x 152 kB), logits 4 (200,064 x 10 bytes a token), CUDA "
        "and gaps 3 (1.5 GB and 5 %)",
    ],
    "memory: the longest does not": [
        "warning GPU memory: Standard_NC24ads_A100_v4 has 80 GB; with 1 conversation(s) of 30,000 tokens a "
        "step (the longest, the data card's) the fine-tune takes about 218 GB: weights 14 (3.8 billion x 4 "
        "bytes), activations 135 (1 x 30,000 tokens x 32 layers x 152 kB), logits 56 (200,064 x 10 bytes a "
        "token), CUDA and gaps 12 (1.5 GB and 5 %), which is more than it has, and the job may run out of "
        "memory -> set recipe.max_seq_length to 8192, or take a compute.vmSize with more memory in each GPU",
    ],
    "memory: but in parts": [
        "warning GPU memory: Standard_NC24ads_A100_v4 has 80 GB; with 8 conversation(s) of 30,000 tokens a "
        "step (the longest, the data card's) the fine-tune takes about 1624 GB: weights 14 (3.8 billion x 4 "
        "bytes), activations 1084 (8 x 30,000 tokens x 32 layers x 152 kB), logits 447 (200,064 x 10 bytes a "
        "token), CUDA and gaps 79 (1.5 GB and 5 %), which is more than it has, and the job may run out of "
        "memory -> set recipe.max_seq_length to 1024, or take a compute.vmSize with more memory in each GPU",
    ],
    "memory: cut": [
        "ok GPU memory: Standard_NC24ads_A100_v4 has 80 GB; with 1 conversation(s) of 1,024 tokens a step "
        "(the longest, the data card's) the fine-tune takes about 24 GB: weights 14 (3.8 billion x 4 bytes), "
        "activations 5 (1 x 1,024 tokens x 32 layers x 152 kB), logits 2 (200,064 x 10 bytes a token), CUDA "
        "and gaps 3 (1.5 GB and 5 %)",
    ],
    "memory: padded": [
        "ok GPU memory: Standard_NC24ads_A100_v4 has 80 GB; with 1 conversation(s) of 8,192 tokens a step "
        "(the longest, the data card's) the fine-tune takes about 72 GB: weights 14 (3.8 billion x 4 bytes), "
        "activations 37 (1 x 8,192 tokens x 32 layers x 152 kB), logits 15 (200,064 x 10 bytes a token), "
        "CUDA and gaps 5 (1.5 GB and 5 %)",
    ],
    "memory: not padded": [
        "ok GPU memory: Standard_NC24ads_A100_v4 has 80 GB; with 1 conversation(s) of 2,000 tokens a step "
        "(the longest, the data card's) the fine-tune takes about 30 GB: weights 14 (3.8 billion x 4 bytes), "
        "activations 9 (1 x 2,000 tokens x 32 layers x 152 kB), logits 4 (200,064 x 10 bytes a token), CUDA "
        "and gaps 3 (1.5 GB and 5 %)",
    ],
    "memory: as long as they are": [
        "ok GPU memory: Standard_NC24ads_A100_v4 has 80 GB; with 1 conversation(s) of 2,000 tokens a step "
        "(the longest, the data card's) the fine-tune takes about 30 GB: weights 14 (3.8 billion x 4 bytes), "
        "activations 9 (1 x 2,000 tokens x 32 layers x 152 kB), logits 4 (200,064 x 10 bytes a token), CUDA "
        "and gaps 3 (1.5 GB and 5 %)",
    ],
    "memory: as long, padded": [
        "ok GPU memory: Standard_NC24ads_A100_v4 has 80 GB; with 1 conversation(s) of 2,000 tokens a step "
        "(the longest, the data card's) the fine-tune takes about 30 GB: weights 14 (3.8 billion x 4 bytes), "
        "activations 9 (1 x 2,000 tokens x 32 layers x 152 kB), logits 4 (200,064 x 10 bytes a token), CUDA "
        "and gaps 3 (1.5 GB and 5 %)",
    ],
    "memory: longer than the model takes": [
        "warning GPU memory: Standard_NC24ads_A100_v4 has 80 GB; with 1 conversation(s) of 131,072 tokens a "
        "step (the longest, the data card's) the fine-tune takes about 895 GB: weights 14 (3.8 billion x 4 "
        "bytes), activations 592 (1 x 131,072 tokens x 32 layers x 152 kB), logits 244 (200,064 x 10 bytes a "
        "token), CUDA and gaps 44 (1.5 GB and 5 %), which is more than it has, and the job may run out of "
        "memory -> set recipe.max_seq_length to 8192, or take a compute.vmSize with more memory in each GPU",
    ],
    "memory: the usual does not": [
        "refused GPU memory: Standard_NC24ads_A100_v4 has 80 GB; with 16 conversation(s) of 30,000 tokens a "
        "step (the longest, the data card's) the fine-tune takes about 3232 GB: weights 14 (3.8 billion x 4 "
        "bytes), activations 2168 (16 x 30,000 tokens x 32 layers x 152 kB), logits 894 (200,064 x 10 bytes "
        "a token), CUDA and gaps 155 (1.5 GB and 5 %); not even with 4,000 tokens, which half of them have: "
        "445 GB -> set recipe.max_seq_length to 512, or take a compute.vmSize with more memory in each GPU, "
        "or, where you have seen it fit, set compute.memoryCheck to warn",
    ],
    "memory: the usual does not, and one goes on": [
        "warning GPU memory: Standard_NC24ads_A100_v4 has 80 GB; with 16 conversation(s) of 30,000 tokens a "
        "step (the longest, the data card's) the fine-tune takes about 3232 GB: weights 14 (3.8 billion x 4 "
        "bytes), activations 2168 (16 x 30,000 tokens x 32 layers x 152 kB), logits 894 (200,064 x 10 bytes "
        "a token), CUDA and gaps 155 (1.5 GB and 5 %); not even with 4,000 tokens, which half of them have: "
        "445 GB -> set recipe.max_seq_length to 512, or take a compute.vmSize with more memory in each GPU",
    ],
    "memory: nothing lighter is set": [
        "warning GPU memory: Standard_NC24ads_A100_v4 has 80 GB; with 1 conversation(s) of 1,000 tokens a "
        "step (the longest, the data card's) the fine-tune takes about 73 GB: weights 14 (3.8 billion x 4 "
        "bytes), gradients 14 (3.8 billion x 4 bytes), optimizer 29 (3.8 billion x 8 bytes), activations 8 "
        "(1 x 1,000 tokens x 32 layers x 279 kB), logits 2 (200,064 x 12 bytes a token), CUDA and gaps 5 "
        "(1.5 GB and 5 %), which is close -> set recipe.max_seq_length to 512, or set recipe.precision to "
        "16, or set recipe.apply_lora to true, or take a compute.vmSize with more memory in each GPU",
    ],
    "memory: no data here": [
        "ok GPU memory: Standard_NC24ads_A100_v4 has 80 GB; with 1 conversation(s) of 2,048 tokens a step "
        "(the longest, assumed, as the data are not here) the fine-tune takes about 30 GB: weights 14 (3.8 "
        "billion x 4 bytes), activations 9 (1 x 2,048 tokens x 32 layers x 152 kB), logits 4 (200,064 x 10 "
        "bytes a token), CUDA and gaps 3 (1.5 GB and 5 %)",
    ],
    "memory: no data": [
        "ok GPU memory: Standard_NC24ads_A100_v4 has 80 GB; with 1 conversation(s) of 2,048 tokens a step "
        "(the longest, assumed, as the data are not here) the fine-tune takes about 30 GB: weights 14 (3.8 "
        "billion x 4 bytes), activations 9 (1 x 2,048 tokens x 32 layers x 152 kB), logits 4 (200,064 x 10 "
        "bytes a token), CUDA and gaps 3 (1.5 GB and 5 %)",
    ],
    "memory: two GPUs": [
        "warning GPU memory: Standard_NC48ads_A100_v4 has 80 GB in each of its 2 GPUs; with 1 "
        "conversation(s) of 2,000 tokens a step (the longest, the data card's) the fine-tune takes about 84 "
        "GB: weights 14 (3.8 billion x 4 bytes), gradients 14 (3.8 billion x 4 bytes), optimizer 29 (3.8 "
        "billion x 8 bytes), activations 17 (1 x 2,000 tokens x 32 layers x 279 kB), logits 4 (200,064 x 12 "
        "bytes a token), CUDA and gaps 5 (1.5 GB and 5 %), which is more than it has, and the job may run "
        "out of memory -> set recipe.max_seq_length to 512, or set recipe.precision to 16, or set "
        "recipe.apply_lora to true, or set recipe.apply_deepspeed to true and deepspeed_stage to 3, or take "
        "a compute.vmSize with more memory in each GPU",
    ],
    "memory: four, which share": [
        "warning GPU memory: Standard_NC96ads_A100_v4 has 80 GB in each of its 4 GPUs; with 1 "
        "conversation(s) of 30,000 tokens a step (the longest, the data card's) the fine-tune takes about "
        "217 GB: weights 2 (3.8 billion x 2 bytes / 4 GPUs), gradients 2 (3.8 billion x 2 bytes / 4 GPUs), "
        "optimizer 11 (3.8 billion x 12 bytes / 4 GPUs), activations 135 (1 x 30,000 tokens x 32 layers x "
        "152 kB), logits 56 (200,064 x 10 bytes a token), CUDA and gaps 12 (1.5 GB and 5 %), which is more "
        "than it has, and the job may run out of memory -> set recipe.max_seq_length to 8192, or set "
        "recipe.apply_lora to true, or take a compute.vmSize with more memory in each GPU",
    ],
    "memory: several recipes": [
        "ok GPU memory, a, b: Standard_NC24ads_A100_v4 has 80 GB; with 1 conversation(s) of 2,000 tokens a "
        "step (the longest, the data card's) the fine-tune takes about 30 GB: weights 14 (3.8 billion x 4 "
        "bytes), activations 9 (1 x 2,000 tokens x 32 layers x 152 kB), logits 4 (200,064 x 10 bytes a "
        "token), CUDA and gaps 3 (1.5 GB and 5 %)",
    ],
    "limits: enough": [],
    "limits: hours": [
        "warning limits: a job may run for 90 min (finetune.maxHours), and by the data card one takes about "
        "3.5 h: it would be cancelled before its end -> raise that, train less, or take a faster "
        "compute.vmSize",
    ],
    "limits: the dearer of both": [
        "warning limits: a job may run for 33 min (finetune.maxCost), and by the data card one takes about "
        "3.5 h: it would be cancelled before its end -> raise that, train less, or take a faster "
        "compute.vmSize",
    ],
    "limits: the stricter of both": [
        "warning limits: a job may run for 72 s (finetune.maxHours), and by the data card one takes about "
        "3.5 h: it would be cancelled before its end -> raise that, train less, or take a faster "
        "compute.vmSize",
    ],
    "limits: seconds": [
        "warning limits: a job may run for 36 s (finetune.maxHours), and the component's waits alone take "
        "about 7 min: it would be cancelled before its end -> raise that, train less, or take a faster "
        "compute.vmSize",
    ],
    "limits: steps": [
        "warning limits: a job may run for 3 min (finetune.maxHours), and the component's waits alone take "
        "about 7 min: it would be cancelled before its end -> raise that, train less, or take a faster "
        "compute.vmSize",
    ],
    "limits: no steps": [
        "warning limits: a job may run for 3 min (finetune.maxHours), and by the data card one takes about "
        "3.5 h: it would be cancelled before its end -> raise that, train less, or take a faster "
        "compute.vmSize",
    ],
    "limits: a card without tokens": [
        "warning limits: a job may run for 3 min (finetune.maxHours), and the component's waits alone take "
        "about 7 min: it would be cancelled before its end -> raise that, train less, or take a faster "
        "compute.vmSize",
    ],
    "limits: no data here": [
        "warning limits: a job may run for 3 min (finetune.maxHours), and the component's waits alone take "
        "about 7 min: it would be cancelled before its end -> raise that, train less, or take a faster "
        "compute.vmSize",
    ],
    "limits: a sweep": [
        "warning limits, sweep-a4bbadc1, sweep-b105c577: a job may run for 90 min (finetune.maxHours or its "
        "part of sweep.maxHours), and by the data card one takes about 3.5 h: it would be cancelled before "
        "its end -> raise that, train less, take fewer sweep.runs, or take a faster compute.vmSize",
    ],
    "limits: a sweep of too few": [
        "ok sweep: 2 runs and not 4 (sweep.runs): sweep.over has no more combinations",
    ],
    "limits: a grid": [],
}


def card_of(tokens: dict[str, Any]) -> Card | None:
    card = Card.__new__(Card)
    object.__setattr__(card, "tokens", tokens)
    return card if tokens else None


def told(monkeypatch: pytest.MonkeyPatch, check: str, tokens: dict[str, Any], sections: dict[str, Any]) -> list[str]:
    for module in (limits, memory):
        monkeypatch.setattr(module, "read_card", lambda path: card_of(tokens) if str(path) == "data" else None)
    found = (memory.fits if check == "memory" else limits.told)(parse(**sections))
    return [f"{each.state} {each}" for each in found]


@pytest.mark.parametrize("case", CASES)
def test_each_finding_is_told_in_these_words(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    assert told(monkeypatch, *CASES[case]) == TOLD[case]
