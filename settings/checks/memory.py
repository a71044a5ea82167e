"""How much GPU memory a fine-tuning takes: an estimate with its parts, each with where its figure comes from.

Bytes a weight, a gradient and an optimizer's state are counted; activations follow from the model's shape (Korthikanti
et al., "Reducing Activation Recomputation in Large Transformer Models", 2022, without recomputation and with an
attention that keeps no matrix of scores). What the component does with precision was read off a run of its code
(azureml-acft 0.0.91): without DeepSpeed the weights are kept in 32 bit, with adapters and half precision as well.
No figure was measured on a GPU: `OVERHEAD`, `FRAGMENTS` and `_ACTIVATIONS` are what a measurement would correct.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from settings.machines import VmSize
from settings.models import Shape

if TYPE_CHECKING:
    from settings.recipes.recipe import Recipe  # which loads pydantic, and policies stand before every preview

GIB = 2**30
OVERHEAD = 1.5 * GIB
"""What CUDA, NCCL and the libraries of a process take in each GPU: 0.5 to 2 GB are usual."""
FRAGMENTS = 0.05
"""Share of the rest that lies idle between blocks in use."""
_ACTIVATIONS = 10
"""Numbers that a token and a layer keep for each of its width: norms, query, key, value, output and residuals."""
CLOSE = 0.9
"""Share of a GPU's memory above which a fit is called close: the estimate of the activations is that rough."""
SHORT = 256
"""Tokens of a conversation than which few are shorter."""
_RANK = 8
"""Of adapters, where the recipe leaves it to the component."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Bytes in each GPU, and how they are reckoned."""

    name: str
    bytes: float
    by: str


@dataclass(frozen=True, kw_only=True)
class Training:
    """What the memory of a fine-tuning hangs on; `stage` is DeepSpeed's, 0 without it, `gpus` are those of all nodes.

    `rank` is that of the adapters, 0 where all weights are trained; `tokens` those of the longest conversation.
    """

    shape: Shape
    rank: int
    half: bool
    adafactor: bool
    stage: int
    gpus: int
    batch: int
    tokens: int


@dataclass(frozen=True)
class Estimate:
    """The parts in each GPU."""

    parts: tuple[Part, ...]

    @property
    def bytes(self) -> float:
        return sum(part.bytes for part in self.parts)

    def fits(self, size: VmSize, share: float = 1.0) -> bool:
        """Whether a GPU of that size has it."""
        return self.bytes <= share * size.memory_per_gpu * GIB

    def __str__(self) -> str:
        """`31 GB: weights 14, ...`, what is under half a GB left out."""
        shown = (f"{part.name} {part.bytes / GIB:.0f} ({part.by})" for part in self.parts if part.bytes > GIB / 2)
        return f"{self.bytes / GIB:.0f} GB: {', '.join(shown)}"


def estimate(training: Training) -> Estimate:
    """What one GPU holds at the end of a step's forward pass, when most is there at once."""
    fixed = (_weights(training), *_learning(training))
    parts = (*fixed, _activations(training), _logits(training))
    rest = sum(part.bytes for part in parts)
    idle = Part(name="CUDA and gaps", bytes=OVERHEAD + FRAGMENTS * rest, by="1.5 GB and 5 %")
    return Estimate((*parts, idle))


def least(training: Training) -> Estimate:
    """What no choice of data lowers: one short conversation, and no optimizer with DeepSpeed, which may move it out."""
    short = replace(training, batch=1, tokens=SHORT)
    learning = _learning(short)[:1] if training.stage else _learning(short)
    cuda = Part(name="CUDA", bytes=OVERHEAD / 3, by="0.5 GB at least")
    return Estimate((_weights(short), *learning, _activations(short), _logits(short), cuda))


def of(shape: Shape, recipe: Recipe, gpus: int, tokens: int) -> Training:
    """That of a recipe on so many GPUs a node; what it leaves open has the component's defaults."""
    return Training(
        shape=shape,
        rank=(recipe.lora_r or _RANK) if recipe.apply_lora else 0,
        half=recipe.precision == 16,
        adafactor=recipe.optim == "adafactor",
        stage=(recipe.deepspeed_stage or 2) if recipe.apply_deepspeed else 0,
        gpus=gpus * (recipe.num_nodes_finetune or 1),
        batch=1 if recipe.auto_find_batch_size else recipe.per_device_train_batch_size,
        tokens=tokens,
    )


def of_adapters(shape: Shape) -> Training:
    """The lightest fine-tuning of a model on one GPU: adapters, in half precision, of one short conversation."""
    return Training(shape=shape, rank=_RANK, half=True, adafactor=False, stage=0, gpus=1, batch=1, tokens=SHORT)


def lightest(recipe: Recipe, training: Training, by: Callable[[Training], Estimate]) -> Training:
    """With what the recipe leaves to the base model's own defaults at its best: they are known when the job is made."""
    halves = {training.half, True} if recipe.precision is None else {training.half}
    stages = {training.stage, 3} if recipe.apply_deepspeed is None and training.gpus > 1 else {training.stage}
    tried = [replace(training, half=half, stage=stage) for half in halves for stage in stages]
    return min(tried, key=lambda each: by(each).bytes)


def most_conversations(training: Training, size: VmSize) -> int:
    """The largest batch that fits, 0 where not even one conversation does."""
    fitting = 0
    for batch in (1, 2, 4, 8, 16, 32, 64):
        if not estimate(replace(training, batch=batch)).fits(size):
            break
        fitting = batch
    return fitting


def adapters(shape: Shape, rank: int) -> float:
    """Weights of the adapters: a matrix of `rank` rows and one of as many columns beside each matrix of a layer."""
    hidden, inner = shape.hidden, shape.inner
    keys = hidden * shape.key_share
    sides = 2 * (hidden + hidden) + 2 * (hidden + keys) + 3 * (hidden + inner)
    return shape.layers * rank * sides


def _weights(training: Training) -> Part:
    each = 2 if training.half and training.stage else 4
    split = training.gpus if training.stage == 3 else 1
    cast = 2 if training.half and not training.stage and not training.rank else 0
    by = f"{training.shape.parameters / 1e9:.2g} billion x {each} bytes"
    by += f" / {split} GPUs" if split > 1 else ""
    by += ", and 2 in half precision" if cast else ""
    return Part(name="weights", bytes=training.shape.parameters * (each / split + cast), by=by)


def _learning(training: Training) -> tuple[Part, Part]:
    """Gradients, and the optimizer's state, which DeepSpeed splits among the GPUs."""
    learnt = adapters(training.shape, training.rank) if training.rank else training.shape.parameters
    what = f"{learnt / 1e9:.2g} billion"
    split = training.gpus if training.stage else 1
    among = f" / {split} GPUs" if split > 1 else ""
    gradient = 2 if training.half and training.stage else 4
    # Adafactor keeps a row and a column for each matrix instead of two numbers for each weight.
    state = 8 / training.shape.hidden if training.adafactor else 8
    state += 4 if training.half and training.stage else 0  # the copy in 32 bit that is updated
    return (
        Part(name="gradients", bytes=learnt * gradient / split, by=f"{what} x {gradient} bytes{among}"),
        Part(name="optimizer", bytes=learnt * state / split, by=f"{what} x {state:.2g} bytes{among}"),
    )


def _activations(training: Training) -> Part:
    shape, each = training.shape, 2 if training.half else 4
    layer = each * (_ACTIVATIONS * shape.hidden + 4 * shape.inner) + 8 * shape.hidden
    at_once = training.batch * training.tokens
    by = f"{training.batch} x {training.tokens:,} tokens x {shape.layers} layers x {layer / 1000:.0f} kB"
    return Part(name="activations", bytes=at_once * shape.layers * layer, by=by)


def _logits(training: Training) -> Part:
    each = (2 if training.half else 4) + 8
    by = f"{training.shape.vocabulary:,} x {each} bytes a token"
    return Part(name="logits", bytes=training.batch * training.tokens * training.shape.vocabulary * each, by=by)
