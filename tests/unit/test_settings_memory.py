"""The estimate of GPU memory: its parts against figures worked out by hand, and what it refuses and lets through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data_prep.card import card as cards
from jobs.preflight import memory as look
from jobs.preflight.findings import State
from settings.checks import memory
from settings.checks.conflicts import conflicts
from settings.checks.memory import Training
from settings.machines import VM_SIZES
from settings.models import MODELS, Shape
from settings.recipes.recipe import Recipe
from settings.stack import Settings

A100, T4 = "Standard_NC24ads_A100_v4", "Standard_NC16as_T4_v3"
LLAMA = {"name": "Meta-Llama-3.1-8B-Instruct", "registry": "azureml-meta", "size": {"billions": 8.03}}


def training(model: str = "Phi-4-mini-instruct", gpus: int = 1, tokens: int = 1000, **recipe: Any) -> Training:
    shape = MODELS[model.lower()].shape
    assert shape is not None
    return memory.of(shape, Recipe(**recipe), gpus, tokens)


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        # 3.84 billion weights: 4 bytes each, as many of gradients, twice as many of Adam's.
        (training(), {"weights": 15.36, "gradients": 15.36, "optimizer": 30.72}),
        # Half precision beside DeepSpeed casts each weight and keeps the whole one.
        (training(precision=16), {"weights": 23.04, "gradients": 15.36, "optimizer": 30.72}),
        # DeepSpeed: 2 + 2 + 12 bytes; stage 2 splits all but the weights, stage 3 the weights too.
        (
            training(gpus=4, precision=16, apply_deepspeed=True, deepspeed_stage=2),
            {"weights": 7.68, "gradients": 1.92, "optimizer": 11.52},
        ),
        (
            training(gpus=4, precision=16, apply_deepspeed=True, deepspeed_stage=3),
            {"weights": 1.92, "gradients": 1.92, "optimizer": 11.52},
        ),
        # Two nodes of four.
        (
            training(gpus=4, precision=16, apply_deepspeed=True, deepspeed_stage=3, num_nodes_finetune=2),
            {"weights": 0.96, "gradients": 0.96, "optimizer": 5.76},
        ),
        (training(optim="adafactor"), {"weights": 15.36, "gradients": 15.36, "optimizer": 0.01}),
        # Adapters of rank 8 beside seven matrices of 32 layers: 13.9 million weights.
        (training(apply_lora=True, precision=16), {"weights": 15.36, "gradients": 0.06, "optimizer": 0.11}),
        # 1,000 tokens: 32 layers x (2 x (10 x 3072 + 4 x 8192) + 8 x 3072) bytes; 200,064 words x (2 + 8).
        (training(precision=16), {"activations": 4.85, "logits": 2.0}),
        (training(precision=16, per_device_train_batch_size=4), {"activations": 19.4, "logits": 8.0}),
    ],
)
def test_the_parts(case: Training, expected: dict[str, float]) -> None:
    found = {part.name: round(part.bytes / 1e9, 2) for part in memory.estimate(case).parts}
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=0.01)


def test_adapters_are_counted_matrix_by_matrix() -> None:
    shape = Shape(parameters=1e9, layers=2, hidden=10, inner=30, vocabulary=100, key_share=0.5)
    # query and output 10 x 10, key and value 10 x 5, gate, up and down 10 x 30: the sides of each, times the rank.
    assert memory.adapters(shape, 3) == 2 * 3 * (20 + 20 + 15 + 15 + 40 + 40 + 40)


@pytest.mark.parametrize(
    ("billions", "layers", "hidden"),
    [(8.03, 34, 4408), (70.6, 71, 9098), (1.24, 18, 2365)],  # Llama 3: 32 of 4096, 80 of 8192, 16 of 2048
)
def test_a_shape_is_made_from_a_size(billions: float, layers: int, hidden: int) -> None:
    shape = Shape.of_size(billions * 1e9)
    assert (shape.layers, shape.hidden) == (layers, hidden)
    assert Shape.of_size(billions * 1e9, layers=7).layers == 7


def refused(**sections: Any) -> list[str]:
    return [each.problem.rule for each in conflicts(Settings.model_validate({"purgeOnDestroy": True, **sections}), "x")]


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"recipe": {"apply_lora": True, "precision": 16}}, ""),
        ({}, ""),  # all weights of 3.8 billion, on one A100
        ({"model": {"name": "Phi-4"}}, "training all weights of Phi-4 needs at least"),
        ({"model": {"name": "Phi-4"}, "recipe": {"apply_lora": True, "precision": 16}}, ""),
        ({"model": LLAMA}, "training all weights of Meta-Llama-3.1-8B-Instruct needs at least"),
        ({"model": LLAMA, "recipe": {"apply_lora": True, "precision": 16}}, ""),
        ({"model": {**LLAMA, "size": {}}}, ""),  # nothing is known of it: said by the preview
        ({"compute": {"vmSize": T4}, "recipe": {"apply_lora": True, "precision": 16}}, "16 GB of GPU memory"),
        (
            {
                "recipe": {
                    "precision": 16,
                    "apply_lora": True,
                    "per_device_train_batch_size": 64,
                    "max_seq_length": 4096,
                    "pad_to_max_length": True,
                }
            },
            "activations",
        ),
        (  # four GPUs split what one cannot hold
            {
                "model": {"name": "Phi-4"},
                "compute": {"vmSize": "Standard_NC96ads_A100_v4"},
                "recipe": {"precision": 16, "apply_deepspeed": True, "deepspeed_stage": 3},
            },
            "",
        ),
    ],
)
def test_what_cannot_fit_is_refused_and_nothing_else(sections: dict[str, Any], words: str) -> None:
    found = [rule for rule in refused(**sections) if "GPU memory" in rule]
    assert (len(found), words in " ".join(found)) == ((1, True) if words else (0, True))


def test_the_remedy_names_a_size_that_has_it() -> None:
    (found,) = conflicts(Settings.model_validate({"purgeOnDestroy": True, "compute": {"vmSize": T4}}), "x")
    assert found.remedy == "take Standard_NC24ads_A100_v4, or set recipe.apply_lora to true"


@pytest.mark.parametrize(
    ("tokens", "recipe", "state", "words"),
    [
        ({"median": 300, "longest": 2000}, {"apply_lora": True, "precision": 16}, State.OK, "of 2,000 tokens a step"),
        ({"median": 300, "longest": 30_000}, {"apply_lora": True, "precision": 16}, State.WARNING, "max_seq_length to"),
        (
            {"median": 300, "longest": 30_000},
            {"apply_lora": True, "precision": 16, "max_seq_length": 1024},
            State.OK,
            "of 1,024 tokens a step",
        ),
        (
            {"median": 4000, "longest": 30_000},
            {"apply_lora": True, "precision": 16, "per_device_train_batch_size": 16},
            State.REFUSED,
            "not even with 4,000 tokens",
        ),
        ({}, {"apply_lora": True, "precision": 16}, State.OK, "assumed, as the data are not here"),
    ],
)
def test_the_data_decide_what_the_preview_says(
    tokens: dict[str, int], recipe: dict[str, Any], state: State, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = cards.Card.__new__(cards.Card)
    object.__setattr__(card, "tokens", tokens)
    monkeypatch.setattr(look, "read_card", lambda _: card if tokens else None)
    (finding,) = look.fits(Settings.model_validate({"purgeOnDestroy": True, "recipe": recipe}))
    assert finding.state is state
    assert words in str(finding)
    assert "weights 14 (3.8 billion x 4 bytes)" in finding.found


LONG = {"apply_lora": True, "precision": 16, "per_device_train_batch_size": 16}


@pytest.mark.parametrize(("check", "state", "told"), [("refuse", State.REFUSED, True), ("warn", State.WARNING, False)])
def test_the_estimate_has_not_the_last_word(
    check: str, state: State, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = cards.Card.__new__(cards.Card)
    object.__setattr__(card, "tokens", {"median": 4000, "longest": 30_000})
    monkeypatch.setattr(look, "read_card", lambda _: card)
    given = {"purgeOnDestroy": True, "recipe": LONG, "compute": {"memoryCheck": check}}
    (finding,) = look.fits(Settings.model_validate(given))
    assert finding.state is state and "not even with 4,000 tokens" in finding.found
    assert ("set compute.memoryCheck to warn" in finding.fix) is told
    padded = {**given, "recipe": {**LONG, "max_seq_length": 4096, "pad_to_max_length": True}}
    found = [each for each in conflicts(Settings.model_validate(padded), "x") if each.at == "compute.vmSize"]
    assert [each.remedy.endswith("set compute.memoryCheck to warn") for each in found] == ([True] if told else [])


def test_recipes_that_take_the_same_are_told_of_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where no data are, so their longest conversation is assumed
    own = {"a": {"seed": 1}, "b": {}, "c": {"apply_lora": True, "precision": 16}}
    shared = {"max_seq_length": 256}
    found = look.fits(Settings.model_validate({"purgeOnDestroy": True, "recipe": shared, "recipes": own}))
    assert [finding.check for finding in found] == ["GPU memory, a, b", "GPU memory, c"]
    assert [finding.state for finding in found] == [State.OK, State.OK]


def test_a_model_nobody_knows_is_said() -> None:
    (finding,) = look.fits(Settings.model_validate({"purgeOnDestroy": True, "model": {**LLAMA, "size": {}}}))
    assert (finding.state, finding.fix) == (State.WARNING, "say how large it is in model.size")


def test_a_size_may_be_described() -> None:
    described = {"family": "standardNDISRH200V5Family", "cores": 96, "gpus": 8, "gpuMemory": 1128, "memory": 1850}
    settings = Settings.model_validate(
        {"purgeOnDestroy": True, "compute": {"vmSize": "Standard_ND96isr_H200_v5", "described": described}}
    )
    size = settings.compute.size
    assert (size.name, size.memory_per_gpu, size.cores) == ("Standard_ND96isr_H200_v5", 141, 96)
    known = Settings.model_validate({"purgeOnDestroy": True, "compute": {"vmSize": A100, "described": described}})
    assert known.compute.size is VM_SIZES[A100], "what is known is not described anew"
