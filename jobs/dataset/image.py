"""What a job on a cluster runs: the package ``data_prep`` and the libraries that it has here."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.ai.ml.entities import Environment

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "data_prep"
IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
PYTHON = "3.11"
REQUIRED = (
    *("datasets", "huggingface_hub", "hyperscan", "Jinja2", "numpy", "orjson", "py3langid", "pyarrow"),
    *("pygal", "rich", "tokenizers", "xxhash"),
)
"""What ``data_prep`` imports; the job gets the versions that are installed here, for the same bytes."""


def code(scratch: Path) -> Path:
    """A folder with the package, the one it reads, and nothing else."""
    folder = scratch / "code"
    for package in (PACKAGE, "settings"):  # what is known of models and sizes stands in the latter
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def environment() -> Environment:
    """Named after its content: Azure builds an image once for each."""
    from azure.ai.ml.entities import Environment

    pins = [f"{name}=={version(name)}" for name in REQUIRED]
    conda: Mapping[str, Any] = {
        "name": "data-prep",
        "channels": ["conda-forge"],
        "dependencies": [f"python={PYTHON}", "pip", {"pip": pins}],
    }
    content = hashlib.sha256(json.dumps([IMAGE, conda]).encode()).hexdigest()[:12]
    return Environment(name="data-prep", version=content, image=IMAGE, conda_file=dict(conda))
