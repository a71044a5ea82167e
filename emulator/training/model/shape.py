"""Sizes and parameters of the network, shared by training (JAX) and answering (NumPy)."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
EPSILON = 1e-5  # of RMSNorm, as in Phi-4-mini's config.json
ROTARY_BASE = 10_000.0  # rope_theta of Phi-4-mini's config.json


@dataclasses.dataclass(frozen=True)
class Shape:
    """Sizes of the network.

    `window` is its context in tokens, `hidden` the width inside the SwiGLU layer; `width` is a multiple of
    2 * `heads`.
    """

    vocabulary: int
    width: int = 128
    layers: int = 2
    heads: int = 4
    hidden: int = 320
    window: int = 128


def initial_parameters(shape: Shape, seed: int) -> dict[str, Array]:
    """Fresh float32 parameters by name, each layer's stacked along the first axis."""
    generator = np.random.default_rng(seed)
    layers, width, hidden = shape.layers, shape.width, shape.hidden

    def normal(*size: int, scale: float) -> Array:
        return (generator.standard_normal(size) * scale).astype(np.float32)

    # Scales that keep a signal's size: 1 / sqrt(inputs), and what is added to the residual stream shrinks with the
    # number of additions (GPT-2's rule). Phi's own 0.02 is meant for widths in the thousands.
    inward = width**-0.5
    residual = (2 * layers) ** -0.5
    return {
        "embedding": normal(shape.vocabulary, width, scale=0.05),
        "attention_norm": np.ones((layers, width), np.float32),
        "attention_in": normal(layers, width, 3 * width, scale=inward),
        "attention_out": normal(layers, width, width, scale=residual * inward),
        "mlp_norm": np.ones((layers, width), np.float32),
        "mlp_in": normal(layers, width, 2 * hidden, scale=inward),
        "mlp_out": normal(layers, hidden, width, scale=residual * hidden**-0.5),
        "norm": np.ones(width, np.float32),
    }


def rotary_tables(shape: Shape) -> tuple[Array, Array]:
    """Cosines and sines of the rotary position embedding, each [window, head width / 2]."""
    half = shape.width // shape.heads // 2
    angles = np.outer(np.arange(shape.window), ROTARY_BASE ** (-np.arange(half) / half))
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
