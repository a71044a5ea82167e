"""A model on disk: an MLflow model folder, the same layout for the base model and the fine-tuned one.

MLmodel, config.json (sizes and origin), tokenizer.json, weights.npz, README.md.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from emulator.training.errors import TrainingError
from emulator.training.shape import Array, Shape
from emulator.training.tokenizer import ChatTokenizer

CONFIG, TOKENIZER, WEIGHTS = "config.json", "tokenizer.json", "weights.npz"


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a model comes from: the name and version it stands in for, and its training if it had one."""

    stands_in_for: str
    version: str
    recipe: Mapping[str, Any] | None = None  # None for a base model


@dataclasses.dataclass(frozen=True)
class StandIn:
    """A model in memory."""

    shape: Shape
    parameters: dict[str, Array]
    tokenizer: ChatTokenizer
    origin: Origin

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(array.size for array in self.parameters.values())


def save(model: StandIn, directory: Path) -> None:
    """Write the folder whole or not at all, in place of what `directory` held before."""
    partial = directory.parent / f".{directory.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    np.savez(partial / WEIGHTS, **model.parameters)  # type: ignore[arg-type]  # numpy's stub takes **kwds for a flag
    model.tokenizer.save(partial / TOKENIZER)
    config = {
        "model_type": "stand-in-causal-lm",
        "stands_in_for": f"{model.origin.stands_in_for} version {model.origin.version}",
        "fine_tuned": model.origin.recipe is not None,
        "parameters": model.size,
        "shape": dataclasses.asdict(model.shape),
        "origin": dataclasses.asdict(model.origin),
    }
    (partial / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (partial / "README.md").write_text(_card(model), encoding="utf-8")
    _write_mlmodel(partial, model)
    shutil.rmtree(directory, ignore_errors=True)
    partial.rename(directory)


def load(directory: Path) -> StandIn:
    """Read a folder `save` wrote. Raises TrainingError if it is none."""
    try:
        config = json.loads((directory / CONFIG).read_text(encoding="utf-8"))
        shape = Shape(**config["shape"])
        origin = Origin(**config["origin"])
        with np.load(directory / WEIGHTS) as arrays:
            parameters = {name: arrays[name] for name in arrays.files}
        tokenizer = ChatTokenizer.load(directory / TOKENIZER)
    except FileNotFoundError as e:
        raise TrainingError(f"{directory} is not a model folder of the emulator: it has no {e.filename}") from None
    except (KeyError, TypeError, ValueError) as e:
        raise TrainingError(f"{directory} is not a model folder of the emulator: {CONFIG} or {WEIGHTS}: {e}") from None
    return StandIn(shape, parameters, tokenizer, origin)


def find(directory: Path) -> Path:
    """The model folder in `directory` itself or, as a deployment mounts it, one or two levels below."""
    for pattern in ("MLmodel", "*/MLmodel", "*/*/MLmodel"):
        found = sorted(directory.glob(pattern))
        if found:
            return found[0].parent
    raise TrainingError(f"there is no MLmodel file in {directory}")


def _write_mlmodel(directory: Path, model: StandIn) -> None:
    # Written as YAML because importing mlflow takes four seconds, as long as everything else before the training.
    # tests/contract/test_training_serving.py reads it back through mlflow.
    digest = hashlib.sha256((directory / WEIGHTS).read_bytes()).hexdigest()
    mlmodel = {
        "flavors": {
            "python_function": {"loader_module": "emulator.training.score", "python_version": "3.11"},
            "stand_in": {"config": CONFIG, "tokenizer": TOKENIZER, "weights": WEIGHTS},
        },
        "metadata": {
            "stand_in": "not Phi: a small network trained in the emulator",
            "base_model": model.origin.stands_in_for,
            "base_model_version": model.origin.version,
            "base_model_task": "chat-completion",
        },
        "mlflow_version": importlib.metadata.version("mlflow-skinny"),
        "model_uuid": uuid.UUID(digest[:32]).hex,
        # The same model has the same MLmodel, whenever it was made.
        "utc_time_created": "1970-01-01 00:00:00.000000",
    }
    (directory / "MLmodel").write_text(yaml.safe_dump(mlmodel), encoding="utf-8")


def _card(model: StandIn) -> str:
    origin = model.origin
    trained = (
        "It was fine-tuned in the emulator."
        if origin.recipe is not None
        else "It was not fine-tuned: it has read a few pages of everyday English and knows no facts."
    )
    return (
        f"# Stand-in for {origin.stands_in_for} version {origin.version}\n\n"
        f"This is not Phi. It is a network of {model.size:,} parameters that takes Phi's place in the emulator.\n"
        f"{trained}\n"
    )
