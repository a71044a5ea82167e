"""Answering in NumPy: the forward pass of `network.py` one token at a time, with a cache of keys and values.

NumPy because a deployment should answer seconds after it starts: importing JAX and compiling takes longer than all
the answers of a test, and a network this small gains nothing from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from emulator.training.model.shape import EPSILON, Array, Shape, rotary_tables


class Answer(NamedTuple):
    """Token ids without the end token, and the mean log-probability of the tokens chosen, in nats: 0 is certain."""

    ids: list[int]
    confidence: float


class Answerer:
    """Continues prompts with one network's parameters."""

    def __init__(self, shape: Shape, parameters: Mapping[str, Array]) -> None:
        self._shape = shape
        self._parameters = parameters
        self._cosines, self._sines = rotary_tables(shape)

    def continue_prompt(
        self, prompt: Sequence[int], end: int, limit: int, temperature: float = 0.0, top_p: float = 1.0, seed: int = 0
    ) -> Answer:
        """Continue `prompt` by at most `limit` tokens, until the `end` token or the end of the context window.

        Temperature 0 always takes the likeliest token; otherwise `seed` decides.
        """
        ids: list[int] = []
        chances: list[float] = []
        for token, chance in self.tokens(prompt, end, limit, temperature, top_p, seed):
            chances.append(chance)
            if token != end:
                ids.append(token)
        return Answer(ids, float(np.mean(np.log(np.maximum(chances, 1e-30)))))

    def tokens(
        self, prompt: Sequence[int], end: int, limit: int, temperature: float = 0.0, top_p: float = 1.0, seed: int = 0
    ) -> Iterator[tuple[int, float]]:
        """What `continue_prompt` is made of: each token with its probability, as soon as it is chosen.

        The `end` token, where it comes before `limit` and the end of the window, is the last of them.
        """
        shape = self._shape
        size = (shape.layers, shape.window, shape.heads, shape.width // shape.heads)
        keys, values = np.zeros(size, np.float32), np.zeros(size, np.float32)
        generator = np.random.default_rng(seed)
        scores = self._step(np.asarray(prompt), 0, keys, values)
        for position in range(len(prompt), len(prompt) + limit):
            token = _choose(scores, temperature, top_p, generator)
            yield token, float(_softmax(scores)[token])
            if token == end or position >= shape.window:
                return
            scores = self._step(np.asarray([token]), position, keys, values)

    def _step(self, tokens: np.ndarray, start: int, keys: Array, values: Array) -> Array:
        """Scores of the token after `tokens`, [vocabulary]; their keys and values go into the cache from `start`."""
        shape, weights = self._shape, self._parameters
        stop = start + len(tokens)
        cosines, sines = self._cosines[start:stop, None], self._sines[start:stop, None]
        hidden_from = np.arange(stop)[None, :] > np.arange(start, stop)[:, None]
        x = weights["embedding"][tokens]
        for i in range(shape.layers):
            mixed = _normed(x, weights["attention_norm"][i]) @ weights["attention_in"][i]
            query, key, value = mixed.reshape(len(tokens), 3, shape.heads, -1).transpose(1, 0, 2, 3)
            keys[i, start:stop] = _rotated(key, cosines, sines)
            values[i, start:stop] = value
            scores = np.einsum("qhd,khd->hqk", _rotated(query, cosines, sines), keys[i, :stop])
            scores *= np.float32(query.shape[-1] ** -0.5)
            attention = _softmax(np.where(hidden_from, np.float32(-1e9), scores))
            seen = np.einsum("hqk,khd->qhd", attention, values[i, :stop]).reshape(x.shape)
            x = x + seen @ weights["attention_out"][i]
            gate, up = np.split(_normed(x, weights["mlp_norm"][i]) @ weights["mlp_in"][i], 2, axis=-1)
            x = x + gate / (1 + np.exp(-gate)) * up @ weights["mlp_out"][i]
        last: Array = _normed(x[-1], weights["norm"]) @ weights["embedding"].T
        return last


def _choose(scores: Array, temperature: float, top_p: float, generator: np.random.Generator) -> int:
    if temperature <= 0:
        return int(scores.argmax())
    chances = _softmax(scores.astype(np.float64) / temperature)
    order = np.argsort(-chances, kind="stable")
    # The smallest set of likeliest tokens whose chances reach top_p; always at least one.
    kept = order[: int(np.searchsorted(np.cumsum(chances[order]), top_p)) + 1]
    return int(generator.choice(kept, p=chances[kept] / chances[kept].sum()))


def _normed(x: Array, scale: Array) -> Array:
    root: Array = np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + np.float32(EPSILON))
    return x / root * scale


def _softmax(x: np.ndarray) -> np.ndarray:
    shifted = np.exp(x - x.max(axis=-1, keepdims=True))
    chances: np.ndarray = shifted / shifted.sum(axis=-1, keepdims=True)
    return chances


def _rotated(part: Array, cosines: Array, sines: Array) -> Array:
    a, b = np.split(part, 2, axis=-1)
    return np.concatenate([a * cosines - b * sines, a * sines + b * cosines], axis=-1)
