"""A model on disk: an MLflow model folder as Azure's fine-tune component leaves it, with a small network inside.

MLmodel, conda.yaml and its like, finetune_config.json, data/{model,config,tokenizer}. What is the stand-in's own:
README.md, the weights' format, and in config.json its sizes and where it comes from.
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
from emulator.training.model.shape import Array, Shape
from emulator.training.model.tokenizer import ChatTokenizer

MLMODEL = "MLmodel"
CONFIG, TOKENIZER, WEIGHTS = "data/model/config.json", "data/tokenizer/tokenizer.json", "data/model/weights.npz"
CHAT_IMAGE = "mcr.microsoft.com/azureml/curated/foundation-model-inference"
"""Azure's image for chat models; a model whose metadata name it is served by it, any other by MLflow's scoring."""
_MARK = "not Phi: a small network trained in the emulator"
_PACKAGES = ("mlflow", "torch", "transformers==4.55.0", "azureml-evaluate-mlflow", "azureml-metrics[all]", "accelerate")
"""What Azure's folder asks for, in the main. Nothing is installed from it here."""
_EARLIER = ("config.json", "tokenizer.json", "weights.npz")
"""Where the parts of a folder lay that was made before it looked like Azure's."""


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a model comes from: the name and version it stands in for, and its training if it had one."""

    stands_in_for: str
    version: str
    recipe: Mapping[str, Any] | None = None  # None for a base model
    enable_vllm: bool = False  # of the base model's finetune_config.json: whether the fine-tuned one keeps its image

    @property
    def image(self) -> str:
        """The image that serves the model, "" for one built for MLflow's scoring: fine-tuning takes it away."""
        return f"{CHAT_IMAGE}:stand-in" if self.recipe is None or self.enable_vllm else ""


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
    for folder in ("model", "config", "tokenizer"):
        (partial / "data" / folder).mkdir(parents=True)
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
    for name in (CONFIG, "data/config/config.json"):
        (partial / name).write_text(_json(config), encoding="utf-8")
    vllm = {"inferencing_config": {"enable_vllm": model.origin.enable_vllm}}
    (partial / "finetune_config.json").write_text(_json({"stand_in": _MARK, **vllm}), encoding="utf-8")
    (partial / "README.md").write_text(_card(model), encoding="utf-8")
    _write_environment(partial)
    _write_mlmodel(partial, model)
    shutil.rmtree(directory, ignore_errors=True)
    partial.rename(directory)


def load(directory: Path) -> StandIn:
    """Read a folder `save` wrote. Raises TrainingError if it is none."""
    there = (directory / _EARLIER[0]).exists()
    config_file, tokenizer_file, weights = _EARLIER if there else (CONFIG, TOKENIZER, WEIGHTS)
    try:
        config = json.loads((directory / config_file).read_text(encoding="utf-8"))
        shape = Shape(**config["shape"])
        origin = Origin(**config["origin"])
        with np.load(directory / weights) as arrays:
            parameters = {name: arrays[name] for name in arrays.files}
        tokenizer = ChatTokenizer.load(directory / tokenizer_file)
    except FileNotFoundError as e:
        raise TrainingError(f"{directory} is not a model folder of the emulator: it has no {e.filename}") from None
    except (KeyError, TypeError, ValueError) as e:
        raise TrainingError(
            f"{directory} is not a model folder of the emulator: {config_file} or {weights}: {e}"
        ) from None
    return StandIn(shape, parameters, tokenizer, origin)


def find(directory: Path) -> Path:
    """The model folder in `directory` itself or, as a deployment mounts it, one or two levels below."""
    for pattern in (MLMODEL, f"*/{MLMODEL}", f"*/*/{MLMODEL}"):
        found = sorted(directory.glob(pattern))
        if found:
            return found[0].parent
    raise TrainingError(f"there is no MLmodel file in {directory}")


def streams(directory: Path) -> bool:
    """Whether Azure's image for chat models serves the folder, as its metadata say, and not MLflow's scoring."""
    metadata = yaml.safe_load((directory / MLMODEL).read_text(encoding="utf-8")).get("metadata") or {}
    return CHAT_IMAGE in str(metadata.get("azureml.base_image"))


def _write_environment(directory: Path) -> None:
    pip = "".join(f"{package}\n" for package in _PACKAGES)
    conda = {
        "channels": ["conda-forge"],
        "dependencies": ["python=3.10", "pip", {"pip": list(_PACKAGES)}],
        "name": "mlflow-env",
    }
    python = {"python": "3.10", "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    comment = f"# {_MARK}; nothing is installed from this\n"
    (directory / "conda.yaml").write_text(comment + yaml.safe_dump(conda), encoding="utf-8")
    (directory / "python_env.yaml").write_text(comment + yaml.safe_dump(python), encoding="utf-8")
    (directory / "requirements.txt").write_text(comment + pip, encoding="utf-8")


def _write_mlmodel(directory: Path, model: StandIn) -> None:
    # Written as YAML because importing mlflow takes four seconds, as long as everything else before the training.
    # tests/contract/test_training_serving.py reads it back through mlflow.
    digest = hashlib.sha256((directory / WEIGHTS).read_bytes()).hexdigest()
    origin = model.origin
    metadata: dict[str, Any] = {
        "stand_in": _MARK,
        "base_model_asset_id": f"azureml://registries/azureml/models/{origin.stands_in_for}/versions/{origin.version}",
        "base_model_name": origin.stands_in_for,
        "base_model_task": "chat-completion",
        "model_provider_name": "microsoft",
    }
    if origin.recipe is not None:
        metadata |= {"finetuning_task": "chat-completion", "is_acft_model": True, "is_finetuned_model": True}
    if origin.image:
        metadata["azureml.base_image"] = origin.image
    mlmodel = {
        "flavors": {
            "hftransformersv2": {
                "code": "code",
                "hf_config_class": "Phi3Config",
                "hf_pretrained_class": "Phi3ForCausalLM",
                "hf_tokenizer_class": "PreTrainedTokenizerFast",
                "model_data": "data",
                "task_type": "chat-completion",
                "tokenizer_config": {"max_length": model.shape.window},
                "train_label_list": None,
                "transformers_version": "4.55.0",
            },
            "python_function": {
                "code": "code",
                "data": "data",
                "env": "conda.yaml",
                "loader_module": "azureml.evaluate.mlflow.hftransformers",
                "python_version": "3.10.13",
            },
        },
        "metadata": metadata,
        "mlflow_version": importlib.metadata.version("mlflow-skinny"),
        "model_uuid": uuid.UUID(digest[:32]).hex,
        # The same model has the same MLmodel, whenever it was made.
        "utc_time_created": "1970-01-01 00:00:00.000000",
    }
    (directory / MLMODEL).write_text(yaml.safe_dump(mlmodel), encoding="utf-8")


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


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"
