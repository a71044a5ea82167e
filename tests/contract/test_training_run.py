"""Whole fine-tunes of a tiny network, in this process (JAX)."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emulator.training import finetune
from emulator.training.model.folder import Origin, StandIn, load, save
from emulator.training.model.shape import Shape, initial_parameters
from emulator.training.model.tokenizer import ChatTokenizer, read_texts, train_tokenizer


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "base"
    tokenizer = ChatTokenizer(train_tokenizer(read_texts(), 300))
    shape = Shape(tokenizer.size, width=16, layers=1, heads=2, hidden=16, window=32)
    save(StandIn(shape, initial_parameters(shape, 1), tokenizer, Origin("Phi-4-mini-instruct", "1")), folder)
    return folder


def write_rows(path: Path, count: int) -> Path:
    rows = [[{"role": "user", "content": f"n{i}?"}, {"role": "assistant", "content": f"{i * i}"}] for i in range(count)]
    path.write_text("".join(json.dumps({"messages": row}) + "\n" for row in rows))
    return path


def run(base: Path, here: Path, name: str, **inputs: Any) -> tuple[StandIn, list[dict[str, Any]], str]:
    """Fine-tune in this process: the model, its metrics and its log."""
    recipe = {
        "learning_rate": "0.01",
        "num_train_epochs": "2",
        "per_device_train_batch_size": "4",
        "logging_steps": "2",
    } | inputs
    job = {
        "base_model": str(base),
        "train_file": str(write_rows(here / "train.jsonl", 10)),
        "validation_file": str(write_rows(here / "test.jsonl", 3)),
        "test_file": str(here / "test.jsonl"),
        "output_dir": str(here / name),
        "log_file": str(here / "logs" / f"{name}.txt"),
        "metrics_file": str(here / f"{name}.jsonl"),
        "inputs": recipe,
    }
    (here / "job.json").write_text(json.dumps(job))
    finetune.main(["--job", str(here / "job.json")])
    metrics = [json.loads(line) for line in (here / f"{name}.jsonl").read_text().splitlines()]
    return load(here / name), metrics, (here / "logs" / f"{name}.txt").read_text()


def figures(metrics: list[dict[str, Any]], name: str) -> list[tuple[int, float]]:
    """(step, value) of one metric."""
    return [(entry["step"], entry["metrics"][name]) for entry in metrics if name in entry["metrics"]]


def test_a_fine_tune_tells_what_it_does_and_gives_the_same_weights_again(base: Path, tmp_path: Path) -> None:
    tuned, metrics, log = run(base, tmp_path, "a", apply_lora="true", lora_r="8", seed="7")

    lines = log.splitlines()
    assert f"stand-in network of {tuned.size:,} parameters, not Phi-4-mini-instruct" in lines[0]
    assert "without effect on the stand-in: apply_lora=true, lora_r=8" in log
    assert "step 6/6" in log and "left" in log
    losses = figures(metrics, "loss")
    assert [step for step, _ in losses] == [2, 4, 6]
    assert losses[-1][1] < losses[0][1]
    assert [step for step, _ in figures(metrics, "eval_loss")] == [3, 6]
    assert figures(metrics, "epoch")[-1] == (6, 2.0)
    assert figures(metrics, "train_loss") == [(6, pytest.approx(np.mean([loss for _, loss in losses])))]
    assert tuned.origin.recipe is not None and tuned.origin.recipe["learning_rate"] == 0.01
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == sorted(p.name for p in base.iterdir())
    assert not list(tmp_path.glob(".*")), "no half-written folder stays"

    again, repeated, _ = run(base, tmp_path, "b", seed="7")
    for name, array in tuned.parameters.items():
        assert np.array_equal(array, again.parameters[name])
    assert figures(repeated, "loss") == losses

    _, slower, _ = run(base, tmp_path, "c", seed="7", learning_rate="0.001", max_steps="4")
    assert figures(slower, "loss")[1][1] > losses[1][1]
    assert [step for step, _ in figures(slower, "eval_loss")] == [3, 4]


def test_a_bad_file_ends_the_run_with_the_components_error_and_no_folder(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"prompt": "x"}\n')
    job = {
        "base_model": str(base),
        "train_file": str(bad),
        "output_dir": str(tmp_path / "out"),
        "metrics_file": str(tmp_path / "metrics.jsonl"),
    }
    (tmp_path / "job.json").write_text(json.dumps(job))
    with pytest.raises(SystemExit) as caught:
        finetune.main(["--job", str(tmp_path / "job.json")])
    assert caught.value.code == 1
    assert f"Message: Path or dict: {bad}.Dataset Columns: ['prompt']." in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_shapes_are_what_the_folder_says(base: Path) -> None:
    config = json.loads((base / "data" / "model" / "config.json").read_text())
    model = load(base)
    assert config["shape"] == dataclasses.asdict(model.shape)
    assert config["parameters"] == model.size and config["fine_tuned"] is False
    assert "This is not Phi." in (base / "README.md").read_text()


def test_a_loss_that_diverges_fails_the_run_and_says_what_to_change(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(base, tmp_path, "wild", learning_rate="1e30", num_train_epochs="20", lr_scheduler_type="constant")
    assert ended.value.code == 1
    assert "it diverged. Lower learning_rate (1e+30)" in capsys.readouterr().out
    assert not (tmp_path / "wild").exists()
