"""What all emulators of a user share: the base models, which depend on nothing but the code that makes them."""

from __future__ import annotations

import functools
import importlib.metadata
import os
from pathlib import Path

from toolchain import cache

VARIABLE = "EMULATOR_BASE_MODELS"
_TRAINING = Path(__file__).resolve().parents[1] / "training"
_PACKAGES = ("numpy", "jax", "jaxlib", "tokenizers")


def base_models() -> Path:
    """The directory of the registry's base models and of what JAX has compiled; another one for another code."""
    given = os.environ.get(VARIABLE)
    return Path(given).absolute() if given else cache.cache_root() / f"base-models-{_fingerprint()}"


@functools.cache
def _fingerprint() -> str:
    files = [path for path in _TRAINING.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    versions = [f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES]
    return cache.digest(files, *versions, cache.machine())
