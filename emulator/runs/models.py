"""Model folders on disk: base models made once, tuned ones fetched from blob storage."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

from emulator.arm.errors import user_error
from emulator.cloud.parts import Cloud
from emulator.cloud.uris import RegistryModel, resolve
from emulator.registry import BASE_MODELS, MLFLOW

ENABLE_VLLM = "enable-vllm"
"""Admin setting: whether the base models' package says that what is fine-tuned from them keeps their image."""
_making = threading.Lock()


def base_model(cloud: Cloud, model: RegistryModel) -> Path:
    """The folder of a registry's base model; made at first use, which takes a few seconds.

    Raises:
        AzureError: no such model or version.
    """
    versions = BASE_MODELS.get(model.name, {}).get("versions", [])
    if model.version not in versions:
        raise user_error(
            f"Model {model.name} version {model.version} not found in registry {model.registry}.", 404, "NotFoundError"
        )
    if BASE_MODELS[model.name]["type"] != MLFLOW:
        raise user_error(f"Model {model.name} version {model.version} is no {MLFLOW}.")
    vllm = bool(cloud.store.setting(ENABLE_VLLM, False))
    folder = cloud.home.base_models / f"{model.name}-{model.version}-{'vllm' if vllm else 'mlflow'}"
    with _making:
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            arguments = ["--out", str(folder), "--name", model.name, "--version", model.version]
            arguments += ["--enable-vllm"] if vllm else []
            made = subprocess.run(
                [sys.executable, "-m", "emulator.training.base", *arguments],
                capture_output=True,
                text=True,
                check=False,
            )
            if made.returncode:
                raise user_error(f"The base model could not be made: {made.stderr.strip()[-500:]}")
    return folder


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
