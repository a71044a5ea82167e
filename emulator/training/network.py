"""The network in JAX, for training. `answer.py` holds the same forward pass in NumPy."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from emulator.training.batches import Rows
from emulator.training.model.shape import EPSILON, Shape, rotary_tables

Parameters = dict[str, jax.Array]
LAYER_NAMES = ("attention_norm", "attention_in", "attention_out", "mlp_norm", "mlp_in", "mlp_out")


def loss(parameters: Parameters, batch: Rows, shape: Shape) -> jax.Array:
    """Mean cross-entropy in nats over the tokens that count."""
    scores = logits(parameters, batch, shape)
    chosen = jnp.take_along_axis(scores, batch.targets[..., None], axis=-1)[..., 0]
    losses = (jax.nn.logsumexp(scores, axis=-1) - chosen) * batch.weights
    return jnp.sum(losses) / jnp.maximum(jnp.sum(batch.weights), 1.0)


def logits(parameters: Parameters, batch: Rows, shape: Shape) -> jax.Array:
    """Scores of the next token, [rows, length, vocabulary]."""
    cosines, sines = (jnp.asarray(table)[batch.positions][:, :, None] for table in rotary_tables(shape))
    length = batch.tokens.shape[1]
    visible = jnp.tril(jnp.ones((length, length), bool)) & (batch.segments[:, :, None] == batch.segments[:, None, :])

    x = parameters["embedding"][batch.tokens]
    for i in range(shape.layers):
        weights = {name: parameters[name][i] for name in LAYER_NAMES}
        x = x + _attention(_normed(x, weights["attention_norm"]), weights, shape, cosines, sines, visible)
        gate, up = jnp.split(_normed(x, weights["mlp_norm"]) @ weights["mlp_in"], 2, axis=-1)
        x = x + (jax.nn.silu(gate) * up) @ weights["mlp_out"]
    return _normed(x, parameters["norm"]) @ parameters["embedding"].T


def _normed(x: jax.Array, scale: jax.Array) -> jax.Array:
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + EPSILON) * scale


def _attention(
    x: jax.Array, weights: Parameters, shape: Shape, cosines: jax.Array, sines: jax.Array, visible: jax.Array
) -> jax.Array:
    rows, length, width = x.shape
    query, key, value = (
        part.reshape(rows, length, shape.heads, width // shape.heads)
        for part in jnp.split(x @ weights["attention_in"], 3, axis=-1)
    )

    def rotated(part: jax.Array) -> jax.Array:
        a, b = jnp.split(part, 2, axis=-1)
        return jnp.concatenate([a * cosines - b * sines, a * sines + b * cosines], axis=-1)

    scores = jnp.einsum("rqhd,rkhd->rhqk", rotated(query), rotated(key)) * (width // shape.heads) ** -0.5
    attention = jax.nn.softmax(jnp.where(visible[:, None], scores, -1e9), axis=-1)
    mixed = jnp.einsum("rhqk,rkhd->rqhd", attention, value).reshape(rows, length, width)
    return mixed @ weights["attention_out"]
