"""Fine-tune the stand-in on a user's conversations, the way the component `chat_completion_pipeline` is asked to.

    python -m emulator.training.finetune --job JOB.json

JOB.json: {"base_model": folder, "train_file": path, "validation_file": path or null, "test_file": path or null,
"prepared": path or null, "output_dir": folder, "log_file": path or null, "metrics_file": path,
"inputs": {input of the component: value}}. What the files become is `emulator.training.preprocess`'s, which has left it
at "prepared" if that is given.
What a metrics line is stands in `emulator.training.metrics`.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from emulator.training import combinations, preprocess
from emulator.training.batches import Batches, Encoded
from emulator.training.errors import TrainingError
from emulator.training.model.folder import StandIn, load, save
from emulator.training.recipe import WITHOUT_EFFECT, Job, Recipe, read_job

SECONDS_BETWEEN_LINES = 2.0  # of progress inside a long epoch


class Log:
    """Plain lines, to standard output and a file, each written at once."""

    def __init__(self, file: TextIO | None) -> None:
        self._file = file

    def __call__(self, line: str) -> None:
        print(line, flush=True)
        if self._file:
            print(line, file=self._file, flush=True)


@contextmanager
def _log_to(path: Path | None) -> Iterator[Log]:
    if path is None:
        yield Log(None)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        yield Log(file)


def finetune(job: Job, recipe: Recipe, log: Log) -> None:
    """Train and write `job.output_dir` and `job.metrics_file`.

    Raises TrainingError, for bad data or a loss that diverges, with no output folder written.
    """
    base = load(job.base_model)
    log(
        f"This is a stand-in network of {base.size:,} parameters, not {base.origin.stands_in_for}: "
        "it is trained in the emulator, on this machine."
    )
    window = recipe.window(base.shape.window)
    prepared = (
        preprocess.read(job.prepared) if job.prepared else preprocess.prepare(job, recipe, base.tokenizer, window)
    )
    for line in prepared.told:
        log(line)
    training, validation = prepared.training, prepared.validation
    log(f"{len(training)} conversations to train on, {len(validation)} to validate on, cut to {window} tokens")
    unused = [f"{name}={job.inputs[name]}" for name in WITHOUT_EFFECT if job.inputs.get(name) not in (None, "")]
    if unused:
        log(f"without effect on the stand-in: {', '.join(unused)}")

    combinations.check(job.inputs)
    parameters = _train(base, recipe, training, validation, window, job.metrics_file, log)
    given = recipe.model_dump()
    origin = dataclasses.replace(base.origin, recipe=given)
    save(StandIn(base.shape, parameters, base.tokenizer, origin), job.output_dir)
    log(f"wrote the MLflow model folder {job.output_dir.name}")


def _train(
    base: StandIn,
    recipe: Recipe,
    training: list[Encoded],
    validation: list[Encoded],
    window: int,
    metrics_file: Path,
    log: Log,
) -> dict[str, np.ndarray]:
    from emulator.training.metrics import Metrics
    from emulator.training.schedule import schedule
    from emulator.training.trainer import Progress, train, validation_loss

    pad = base.tokenizer.pad
    batches = Batches(training, recipe.batch, window, pad)
    steps = recipe.max_steps if recipe.max_steps > 0 else batches.steps * recipe.num_train_epochs
    epochs = -(-steps // batches.steps)
    log(
        f"{epochs} epochs of {batches.steps} steps, {steps} steps in all; batch {recipe.batch}, "
        f"learning rate {recipe.learning_rate:g}, {recipe.lr_scheduler_type}, {recipe.warmup_steps} steps of warm-up"
    )
    rates = schedule(recipe.lr_scheduler_type, recipe.learning_rate, recipe.warmup_steps, steps)
    measure = validation_loss(base.shape, validation, window, pad)
    losses: list[float] = []
    progress: Progress | None = None
    started = said = time.monotonic()
    metrics_file.parent.mkdir(parents=True, exist_ok=True)
    with metrics_file.open("w", encoding="utf-8") as file:
        metrics = Metrics(file, recipe, batches.steps)
        data = batches.epochs(epochs, recipe.seed)
        run = train(base.shape, base.parameters, data, rates, recipe.weight_decay, steps)
        for progress in run:
            if not math.isfinite(progress.loss):
                raise TrainingError(
                    f"the training loss became {progress.loss} at step {progress.step}: it diverged. "
                    f"Lower learning_rate ({recipe.learning_rate:g}) or raise warmup_steps ({recipe.warmup_steps})."
                )
            metrics.after_step(progress)
            losses.append(progress.loss)
            figures = {"train_loss": float(np.mean(losses))}
            now = time.monotonic()
            if progress.epoch_done:
                losses.clear()
                figures["validation_loss"] = measure(progress.parameters)
                evaluated = time.monotonic()
                metrics.after_epoch(progress.step, figures["validation_loss"], evaluated - now)
                now = evaluated
            if progress.epoch_done or now - said > SECONDS_BETWEEN_LINES:
                said = now
                log(_line(progress, figures, epochs, steps, now - started))
        assert progress is not None  # there is at least one step
        metrics.after_training(progress.step, time.monotonic() - started)
    return {name: np.asarray(array) for name, array in progress.parameters.items()}


def _line(progress: Any, figures: dict[str, float], epochs: int, steps: int, seconds: float) -> str:
    losses = "  ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in figures.items())
    left = seconds / progress.step * (steps - progress.step)
    return (
        f"epoch {progress.epoch}/{epochs}  step {progress.step}/{steps}  {losses}  "
        f"learning rate {progress.learning_rate:.2e}  {seconds:.1f} s, about {left:.0f} s left"
    )


def main(arguments: list[str] | None = None) -> None:
    """Command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m emulator.training.finetune", description=__doc__.split("\n")[0])
    parser.add_argument("--job", type=Path, required=True, help="the job file, JSON")
    job, recipe = read_job(parser.parse_args(arguments).job)
    with _log_to(job.log_file) as log:
        try:
            finetune(job, recipe, log)
        except TrainingError as e:
            log(e.report)
            sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except TrainingError as e:
        sys.exit(f"error: {e}")
