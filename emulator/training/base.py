"""The base model: the network before fine-tuning. It has read a few pages of general English and babbles them.

python -m emulator.training.base --out DIR --name Phi-4-mini-instruct --version 1
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import re
import sys
from pathlib import Path

import numpy as np

from emulator.training.errors import TrainingError
from emulator.training.model.folder import Origin, StandIn, save
from emulator.training.model.shape import Shape, initial_parameters
from emulator.training.model.tokenizer import ChatTokenizer, Message, read_texts, train_tokenizer

VOCABULARY = 1500
# Enough to babble English words, few enough to take seconds: 70 steps.
PRETRAINING_EPOCHS, BATCH, LEARNING_RATE = 10, 8, 3e-3


SIZES = ((6, Shape(0)), (20, Shape(0, width=256, heads=4, hidden=640)), (1e9, Shape(0, width=384, heads=6, hidden=960)))
"""Up to how many billions of weights a model has which network for a stand-in."""


def shape_of(billions: float, vocabulary: int) -> Shape:
    """The network that stands in for a model of that size: of three sizes, the larger the larger."""
    shape = next(shape for most, shape in SIZES if billions < most)
    return dataclasses.replace(shape, vocabulary=vocabulary)


def write_base_model(
    out: Path,
    name: str,
    version: str,
    billions: float = 0,
    epochs: int = PRETRAINING_EPOCHS,
    *,
    enable_vllm: bool = False,
) -> None:
    """Make the stand-in for a registry's base model as an MLflow folder; name and version decide its weights.

    With ``enable_vllm`` what is fine-tuned from it is served by Azure's image for chat models too, and streams.
    """
    prose, words = read_texts()
    tokenizer = ChatTokenizer(train_tokenizer([prose, words], VOCABULARY))
    shape = shape_of(billions, tokenizer.size)
    seed = int.from_bytes(hashlib.sha256(f"{name}:{version}".encode()).digest()[:4], "big")
    parameters = initial_parameters(shape, seed)
    if epochs:
        parameters = _pretrain(shape, parameters, tokenizer, prose, seed, epochs)
    save(StandIn(shape, parameters, tokenizer, Origin(name, version, enable_vllm=enable_vllm)), out)


def _pretrain(
    shape: Shape, parameters: dict[str, np.ndarray], tokenizer: ChatTokenizer, prose: str, seed: int, epochs: int
) -> dict[str, np.ndarray]:
    from emulator.training.batches import Batches
    from emulator.training.schedule import schedule
    from emulator.training.trainer import train

    conversations = []
    for paragraph in prose.strip().split("\n\n"):
        # The template without any question of fact: a sentence is said, and the paragraph goes on.
        first, _, rest = paragraph.partition(re.search(r"[.?!] ", paragraph)[0])  # type: ignore[index]
        turns = [Message(role="user", content=first + "."), Message(role="assistant", content=rest)]
        ids, _ = tokenizer.conversation(turns, shape.window)
        conversations.append((ids, [True] * len(ids)))
    batches = Batches(conversations, BATCH, shape.window, tokenizer.pad)
    steps = batches.steps * epochs
    rates = schedule("cosine", LEARNING_RATE, batches.steps, steps)
    *_, last = train(shape, parameters, batches.epochs(epochs, seed), rates, 0.0, steps)
    return {name: np.asarray(array) for name, array in last.parameters.items()}


def main(arguments: list[str] | None = None) -> None:
    """Command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m emulator.training.base", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder to write")
    parser.add_argument("--name", required=True, help="the model it stands in for, for example Phi-4-mini-instruct")
    parser.add_argument("--version", required=True)
    parser.add_argument("--billions", type=float, default=0, help="how many weights that model has")
    parser.add_argument("--enable-vllm", action="store_true", help="what is fine-tuned from it keeps its image")
    options = parser.parse_args(arguments)
    write_base_model(options.out, options.name, options.version, options.billions, enable_vllm=options.enable_vllm)
    print(f"{options.out}: stand-in for {options.name} version {options.version}")


if __name__ == "__main__":
    try:
        main()
    except TrainingError as e:
        sys.exit(f"error: {e}")
