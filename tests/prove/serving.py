"""The small deployment that the probes of endpoints share, and the tiny model behind it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from cloud import client
from cloud.target import Target
from tests.prove.azure import ML
from tests.prove.group import SERVING, Group

HEADER = "azureml-model-deployment"
NAME = "tiny"
SECONDS = 2
"""What the tiny model takes for an answer, so that questions meet."""
_MLMODEL = """\
flavors:
  python_function:
    code: code
    data: data
    env: {conda: conda.yaml}
    loader_module: tiny_model
    python_version: 3.10.14
signature:
  inputs: '[{"name": "question", "type": "string"}]'
"""
_CONDA = """\
name: tiny
channels: [conda-forge]
dependencies:
  - python=3.10
  - pip
  - pip: [mlflow==2.19.0, pandas==2.2.3, azureml-inference-server-http]
"""
_CODE = f"""\
import time


class Model:
    def predict(self, model_input, params=None):
        time.sleep({SECONDS})
        return [str(each) for each in model_input["question"]]


def _load_pyfunc(path):
    return Model()
"""
_TABLE = {"input_data": {"columns": ["question"], "index": [0], "data": [["Who founded Microsoft?"]]}}
_CHAT = {"input_data": {"input_string": [{"role": "user", "content": "Who founded Microsoft?"}], "parameters": {}}}


@dataclass(frozen=True, kw_only=True)
class Live:
    """A deployment that takes all the traffic of its endpoint."""

    endpoint: str
    deployment: str
    model: str
    url: str
    key: str
    question: Any


def live(on: Group) -> Live:
    """Made at first use; the endpoint goes at the end, and the deployment with it."""
    made: Live = on.once("an endpoint with a small deployment (20 to 30 minutes on Azure)", lambda: _make(on))
    return made


def ask(live: Live) -> int:
    """The status of an answer."""
    headers = {"Authorization": f"Bearer {live.key}"}
    return requests.post(live.url, json=live.question, headers=headers, timeout=180).status_code


def endpoint_body(on: Group, traffic: dict[str, int] | None = None) -> dict[str, Any]:
    """Traffic is left out where none is given, as in the updates of azure-native."""
    properties: dict[str, Any] = {"authMode": "Key", **({"traffic": traffic} if traffic else {})}
    return {"location": on.location, "identity": {"type": "SystemAssigned"}, "properties": properties}


def body(on: Group, model: str, **settings: Any) -> dict[str, Any]:
    """A no-code MLflow deployment on one small machine."""
    return {
        "location": on.location,
        "sku": {"name": "Default", "capacity": 1},
        "properties": {
            "endpointComputeType": "Managed",
            "model": model,
            "instanceType": SERVING,
            "requestSettings": {"requestTimeout": "PT60S", "maxConcurrentRequestsPerInstance": 1, **settings},
            "scaleSettings": {"scaleType": "Default"},
        },
    }


def _make(on: Group) -> Live:
    workspace = on.workspace()
    model = _model(on, workspace)
    endpoint = f"{workspace}/onlineEndpoints/prove-{on.run}"
    on.undo("the endpoint", lambda: on.quietly.call("", "DELETE", endpoint))
    on.made(endpoint, ML, endpoint_body(on))
    deployment = f"{endpoint}/deployments/{NAME}"
    on.made(deployment, ML, body(on, model))
    on.made(endpoint, ML, endpoint_body(on, {NAME: 100}))
    return Live(
        endpoint=endpoint,
        deployment=deployment,
        model=model,
        url=str(on.quietly.get(endpoint)["properties"]["scoringUri"]),
        key=str(on.quietly.post(f"{endpoint}/listKeys")["primaryKey"]),
        question=_CHAT if on.model else _TABLE,
    )


def _model(on: Group, workspace: str) -> str:
    """The id of a registered MLflow model."""
    from azure.ai.ml.entities import Model

    ml = client.ml_client(Target(on.subscription, on.name, workspace.rsplit("/", 1)[1]))
    with tempfile.TemporaryDirectory() as folder:
        place = on.model or _folder(Path(folder) / "model")
        made = ml.models.create_or_update(Model(name=NAME, version="1", path=str(place), type="mlflow_model"))
    return str(made.id)


def _folder(place: Path) -> Path:
    for name, text in (("MLmodel", _MLMODEL), ("conda.yaml", _CONDA), ("code/tiny_model.py", _CODE), ("data/none", "")):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    return place
