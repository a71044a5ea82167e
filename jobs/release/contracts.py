"""How a model will be served, read from its MLmodel before anything is deployed.

Azure serves a chat model by its own image (foundation-model-inference) where the model's metadata name one, and by
MLflow's generic scoring else: other routes, other answers (chat/phi_client.py). What was found is kept as tags of
the model version and of each deployment of it, for everyone who asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chat.phi_client import CHAT_COMPLETIONS, CONTRACT, MLFLOW
from cloud.arm import Arm
from cloud.catalogue import ML_VERSION
from cloud.errors import StageError, azure_errors
from cloud.report import WARNING, Report
from cloud.services import blobs, models, registry
from cloud.target import RegistryAsset, Target
from settings import untrusted_yaml

IMAGE = "serving_image"
"""Tag: the image that the model's metadata name."""
MLMODEL = "MLmodel"
_CHAT_IMAGE = "foundation-model-inference"
_MOST = 1_000_000  # bytes
WORDS = {
    MLFLOW: "MLflow's generic scoring: /score alone, whole answers",
    CHAT_COMPLETIONS: "Azure's image for chat models: /v1/chat/completions, which streams, and /score",
}


@dataclass(frozen=True)
class Contract:
    """``name`` is MLFLOW, CHAT_COMPLETIONS or empty, and then ``why`` says what was not understood."""

    name: str = ""
    image: str = ""
    why: str = ""

    @property
    def tags(self) -> dict[str, str]:
        """Nothing where nothing is known."""
        found = {CONTRACT: self.name, IMAGE: self.image}
        return {tag: value[:256] for tag, value in found.items() if value}  # Azure's limit for the value of a tag


def read(mlmodel: bytes) -> Contract:
    """The contract of a model whose MLmodel this is."""
    try:
        found: Any = untrusted_yaml.read(mlmodel)
    except untrusted_yaml.NoYaml as error:
        return Contract(why=f"its {MLMODEL} is no YAML: {str(error)[:100]}")
    if not isinstance(found, dict) or not isinstance(flavors := found.get("flavors"), dict):
        return Contract(why=f"its {MLMODEL} names no flavors")
    metadata = found.get("metadata")
    image = str((metadata if isinstance(metadata, dict) else {}).get("azureml.base_image") or "")
    if _CHAT_IMAGE in image:
        return Contract(CHAT_COMPLETIONS, image)
    if image:
        return Contract("", image, f"its metadata name the image {image}, which nobody here knows")
    flavor = flavors.get("hftransformersv2")
    task = str(flavor.get("task_type")) if isinstance(flavor, dict) else ""
    if task == "chat-completion":
        return Contract(MLFLOW)
    kinds = ", ".join(sorted(map(str, flavors))) + (f" for {task}" if task else "")
    return Contract(why=f"its {MLMODEL} is of {kinds}, not of hftransformersv2 for chat-completion")


def of_version(target: Target, name: str, version: str, report: Report) -> Contract:
    """The contract of a version of the workspace's model: its tags', or else its MLmodel's, which become its tags.

    Raises nothing: what cannot be read or is not understood is said, and whoever asks tries both routes.
    """
    on, path = f"model {name}:{version}", f"{target.path}/models/{name}/versions/{version}"
    arm = Arm()
    try:
        with azure_errors("how the model is served could not be read", on):
            model = arm.get(path, ML_VERSION)["properties"]
            tags = dict(model.get("tags") or {})
            if tags.get(CONTRACT):
                return Contract(tags[CONTRACT], tags.get(IMAGE, ""))
            found = read(blobs.read(arm, target, f"{str(model['modelUri']).rstrip('/')}/{MLMODEL}", _MOST))
    except StageError as error:
        found = Contract(why=error.why)
    if found.why:
        report(f"{WARNING}how {on} is served is not known: {found.why}. Whoever asks it tries both routes.")
    else:
        report(f"{on} is served by {WORDS[found.name]}")
    if found.tags:
        try:
            with azure_errors("the model's tags could not be written", on):
                models.tag(arm, path, model, found.tags)
        except StageError as error:
            report(f"{WARNING}{error.what}: {error.why}")
    return found


def of_shared(model: RegistryAsset, report: Report) -> Contract:
    """The contract of a version that another stack has shared: it was found there, and is one of its tags.

    Raises nothing: what is not known is said.
    """

    def read_off(tags: Mapping[str, Any]) -> Contract:
        name = str(tags.get(CONTRACT) or "")
        return Contract(name, str(tags.get(IMAGE) or "")) if name else Contract(why=f"it has no tag {CONTRACT}")

    return _by_tags(model, read_off, report)


def of_base(model: RegistryAsset, report: Report) -> Contract:
    """The contract of a registry's model: its files cannot be read from outside, but its tags name who serves it.

    Raises nothing: what is not known is said.
    """

    def read_off(tags: Mapping[str, Any]) -> Contract:
        if "vllm" in str(tags.get("inference_supported_envs", "")):
            return Contract(CHAT_COMPLETIONS)
        return Contract(why="its tag inference_supported_envs does not name vllm")

    return _by_tags(model, read_off, report)


def _by_tags(model: RegistryAsset, read_off: Callable[[Mapping[str, Any]], Contract], report: Report) -> Contract:
    on = f"model {model.name}:{model.version}"
    try:
        with azure_errors("how the model is served could not be read", on):
            found = read_off(registry.tags(model, Arm()))
    except StageError as error:
        found = Contract(why=error.why)
    if found.why:
        report(f"{WARNING}how {on} is served is not known: {found.why}. Whoever asks it tries both routes.")
    return found
