"""What a fine-tune logs to its run: names and rhythm of the component, which logs what transformers' Trainer does.

Read in `FinetuneCallback` and `TrainingArguments` of azureml-acft-accelerator 0.0.91: every `logging_steps` steps (or
each epoch) `loss`, `learning_rate` and `epoch`, after each epoch `eval_loss`, at the end `train_loss` (the mean over
all steps) and `train_runtime`. What is about a GPU or another optimizer (`grad_norm`, `total_flos`, samples a
second) is left out. The base model is evaluated by neither.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, TextIO

from emulator.training.recipe import Recipe

if TYPE_CHECKING:
    from emulator.training.trainer import Progress


class Metrics:
    """Writes a line per entry: {"step", "timestamp" (ms), "metrics": {name: number}}; losses are in nats a token."""

    def __init__(self, file: TextIO, recipe: Recipe, steps_an_epoch: int) -> None:
        self._file, self._recipe, self._steps_an_epoch = file, recipe, steps_an_epoch
        self._recent: list[float] = []
        self._all: list[float] = []
        self._logged: set[tuple[int, str]] = set()

    def after_step(self, progress: Progress) -> None:
        self._recent.append(progress.loss)
        self._all.append(progress.loss)
        by_steps = self._recipe.logging_strategy == "steps"
        if progress.step % self._recipe.logging_steps == 0 if by_steps else progress.epoch_done:
            mean = sum(self._recent) / len(self._recent)
            self._recent.clear()
            self._log(progress.step, loss=mean, learning_rate=progress.learning_rate, epoch=self._epoch(progress.step))

    def after_epoch(self, step: int, eval_loss: float, seconds: float) -> None:
        self._log(step, eval_loss=eval_loss, eval_runtime=seconds, epoch=self._epoch(step))

    def after_training(self, step: int, seconds: float) -> None:
        mean = sum(self._all) / len(self._all)
        self._log(step, train_runtime=seconds, train_loss=mean, epoch=self._epoch(step))

    def _epoch(self, step: int) -> float:
        """The Trainer's epoch is a fraction."""
        return step / self._steps_an_epoch

    def _log(self, step: int, **figures: float) -> None:
        new = {name: value for name, value in figures.items() if (step, name) not in self._logged}
        self._logged |= {(step, name) for name in new}
        entry: dict[str, Any] = {"step": step, "timestamp": int(time.time() * 1000), "metrics": new}
        print(json.dumps(entry), file=self._file, flush=True)
