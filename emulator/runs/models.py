"""Model folders on disk: base models made once, tuned ones fetched from blob storage."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from emulator import registry
from emulator.arm.errors import user_error
from emulator.cloud.parts import Cloud
from emulator.cloud.uris import RegistryModel, resolve
from emulator.machine import shared
from toolchain import cache
from toolchain.errors import SetupError

ENABLE_VLLM = "enable-vllm"
"""Admin setting: whether the base models' package says that what is fine-tuned from them keeps their image."""


def base_model(cloud: Cloud, model: RegistryModel) -> Path:
    """The folder of a registry's base model; made at first use, which takes a few seconds.

    Raises:
        AzureError: no such model or version.
    """
    row = registry.model_of(model.registry, model.name, cloud.store.setting(registry.DESCRIBED, {}))
    if row is None or model.version not in row["versions"]:
        raise user_error(
            f"Model {model.name} version {model.version} not found in registry {model.registry}.", 404, "NotFoundError"
        )
    if row["type"] != registry.MLFLOW:
        raise user_error(f"Model {model.name} version {model.version} is no {registry.MLFLOW}.")
    billions = registry.billions_of(model.name, row)
    return made(model.name, model.version, billions, vllm=bool(cloud.store.setting(ENABLE_VLLM, False)))


def made(name: str, version: str, billions: float = 0, *, vllm: bool = False) -> Path:
    """The folder of a base model, made unless some emulator of this user has made it already.

    Its size hangs on ``billions``, how many weights it has in truth.

    Raises:
        AzureError: it cannot be made.
    """
    size = "" if name.startswith("Phi-") else f"-{billions:g}b"
    entry = shared.base_models() / f"{name}-{version}{size}-{'vllm' if vllm else 'mlflow'}"
    try:
        return cache.make_once(
            entry, "MLmodel", lambda place: _make(place, name, version, billions, vllm), lambda: None
        )
    except SetupError as error:
        raise user_error(f"The base model could not be made: {error}") from error


def compiled() -> dict[str, str]:
    """Keeps what JAX compiles beside the base models: half of a short training's time is the compiler's."""
    return {
        "JAX_COMPILATION_CACHE_DIR": str(shared.base_models() / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def _make(place: Path, name: str, version: str, billions: float, vllm: bool) -> None:
    arguments = ["--out", str(place), "--name", name, "--version", version, "--billions", f"{billions:g}"]
    arguments += ["--enable-vllm"] if vllm else []
    done = subprocess.run(
        [sys.executable, "-m", "emulator.training.base", *arguments],
        env={**os.environ, **compiled()},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise user_error(f"The base model could not be made: {done.stderr.strip()[-500:]}")


def fetch_model(cloud: Cloud, workspace_id: str, uri: str, target: Path) -> Path:
    """The folder of any model a deployment or a job may name.

    Raises:
        AzureError: the model does not exist or holds no files.
    """
    place = resolve(cloud, workspace_id, uri)
    if isinstance(place, RegistryModel):
        return base_model(cloud, place)
    if target.exists():
        shutil.rmtree(target)
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        cloud.azurite.download(place.account, place.container, place.path.rstrip("/"), partial)
    except FileNotFoundError as error:
        raise user_error(f"No blobs found in storage at model asset path: {place.path}") from error
    except PermissionError as error:
        raise user_error(f"The model at {place.path} is not fetched: {error}.") from error
    partial.rename(target)
    return target
