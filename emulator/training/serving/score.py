"""The scoring script a deployment runs: `azmlinfsrv --entry_script score.py` calls init() and run().

As on Azure the model's metadata decide who answers: MLflow's generic scoring (`generic.py`), `/score` alone; or the
image for chat models, whose `/score` answers `{"output": ...}`, with the route that streams (`completions.py`).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from emulator.training.model.folder import find, streams
from emulator.training.serving import completions, generic, key
from emulator.training.serving.chat_model import ChatModel
from emulator.training.serving.payload import BadPayload, read

_model: ChatModel | None = None
_streams = False


def init() -> None:
    """Load the folder in AZUREML_MODEL_DIR; called once when the server starts."""
    global _model, _streams
    key.demand()
    folder = find(Path(os.environ["AZUREML_MODEL_DIR"]))
    _model, _streams = ChatModel(folder), streams(folder)
    if _streams:
        completions.add_route(_model)


def run(data: str) -> Any:
    """Answer one request to /score; an exception becomes status 500 without a reason, as on Azure."""
    from azureml_inference_server_http.api.aml_response import AMLResponse

    if _model is None:
        raise RuntimeError("init() has not been called")
    if _streams:
        return image_score(_model, data)
    try:
        return generic.score(_model, data)
    except generic.NoInput as error:
        return AMLResponse({"message": str(error)}, 400, json_str=True)


def image_score(model: ChatModel, data: str) -> dict[str, str]:
    """What the image for chat models answers: nothing at all for what it cannot answer. Raises ValueError: no JSON."""
    payload = json.loads(data)
    try:
        messages, parameters = read(payload)
    except BadPayload:
        return {}
    return {"output": model.answer(messages, parameters)}
