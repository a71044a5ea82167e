"""The training loop: AdamW over packed batches."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import jax
import numpy as np
import optax

from emulator.training.batches import Batches, Encoded, Rows
from emulator.training.model.shape import Array, Shape
from emulator.training.network import Parameters, loss

GRADIENT_NORM = 1.0  # max_grad_norm of transformers.TrainingArguments
SECOND_MOMENT = 0.99  # adam_beta2; transformers' 0.999 averages over more steps than a run here has


@dataclasses.dataclass(frozen=True)
class Progress:
    """The state after one step; `learning_rate` is the one that step used."""

    step: int
    epoch: int
    loss: float
    learning_rate: float
    epoch_done: bool
    parameters: Parameters


def train(
    shape: Shape,
    parameters: Mapping[str, Array],
    epochs: Iterable[Sequence[Rows]],
    schedule: optax.Schedule,
    weight_decay: float,
    max_steps: int,
) -> Iterator[Progress]:
    """Train for the given epochs, at most `max_steps` steps, and report after every step."""
    # AdamW but for the learning rate, which comes as an argument: what is compiled then serves every recipe, and is
    # found again in JAX's cache.
    optimizer = optax.chain(
        optax.clip_by_global_norm(GRADIENT_NORM),
        optax.scale_by_adam(b2=SECOND_MOMENT),
        optax.add_decayed_weights(weight_decay),
    )

    def update(
        weights: Parameters, state: optax.OptState, batch: Rows, rate: jax.Array
    ) -> tuple[Parameters, optax.OptState, jax.Array]:
        value, gradient = jax.value_and_grad(loss)(weights, batch, shape)
        directions, state = optimizer.update(gradient, state, weights)
        changes = jax.tree.map(lambda direction: -rate * direction, directions)
        return optax.apply_updates(weights, changes), state, value

    compiled = jax.jit(update, donate_argnums=(0, 1))
    current: Parameters = {name: jax.numpy.asarray(array) for name, array in parameters.items()}
    state = optimizer.init(current)
    step = 0
    for epoch, batches in enumerate(epochs, start=1):
        for number, batch in enumerate(batches, start=1):
            rate = float(schedule(step))
            current, state, value = compiled(current, state, batch, jax.numpy.asarray(rate, jax.numpy.float32))
            step += 1
            done = number == len(batches) or step == max_steps
            yield Progress(step, epoch, float(value), rate, done, current)
            if step == max_steps:
                return


def validation_loss(
    shape: Shape, conversations: Sequence[Encoded], window: int, pad: int
) -> Callable[[Parameters], float]:
    """A function from parameters to the mean loss over all conversations."""
    batches = next(Batches(conversations, 32, window, pad).epochs(1, seed=0))
    weights = [float(batch.weights.sum()) for batch in batches]
    compiled = jax.jit(lambda parameters, batch: loss(parameters, batch, shape))

    def measure(parameters: Parameters) -> float:
        return float(np.average([compiled(parameters, batch) for batch in batches], weights=weights))

    return measure
