"""A small Azure ML for the stages' unit tests: the SDK's surface as the stages use it, calls recorded."""

from __future__ import annotations

import re
import sys
import threading
import types
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from endpoints_fake import MACHINE, Endpoints

from cloud import client as azure
from cloud.target import Target
from jobs.commands import cancel, logs
from jobs.dataset import prepare
from jobs.training import finetune, stack_jobs, supersede

COMPONENT_INPUTS = {
    "mlflow_model_path": "mlflow_model",
    "train_file_path": "uri_file",
    "validation_file_path": "uri_file",
    "test_file_path": "uri_file",
    "number_of_gpu_to_use_finetuning": "integer",
    "num_train_epochs": "integer",
    "learning_rate": "number",
    "apply_lora": "string",
    "lr_scheduler_type": "string",
    "save_total_limit": "integer",
    "finetune_config_path": "uri_file",
    "apply_deepspeed": "string",
    "deepspeed_stage": "string",
    "precision": "string",
    "compute_finetune": "string",
    "compute_preprocess": "string",
}
"""Of the cluster."""
ENUMS = {"apply_lora": ["true", "false"], "precision": ["32", "16"]}


class Stop(threading.Event):
    """Waiting takes no time; ``turns`` are called one per wait, to move the world on."""

    def __init__(self, *turns: Callable[[], None]) -> None:
        super().__init__()
        self.turns = list(turns)
        self.waited: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout)
        if self.turns:
            self.turns.pop(0)()
        elif len(self.waited) > 50:
            raise AssertionError("waited 50 times without an end")
        return self.is_set()


class Versions:
    """``client.data`` and ``client.models``."""

    def __init__(self) -> None:
        self.there: dict[tuple[str, str], Any] = {}

    def get(self, name: str, version: str) -> Any:
        if (name, version) not in self.there:
            raise ResourceNotFoundError(f"{name}:{version} not found")
        return self.there[name, version]

    def list(self, name: str, list_view_type: str = "ActiveOnly") -> list[Any]:
        return [asset for (its, _), asset in self.there.items() if its == name]

    def create_or_update(self, asset: Any) -> Any:
        self.there[asset.name, asset.version] = asset
        return asset


class Jobs:
    """``taken`` names jobs that another machine submits first; ``cancelled`` is what a cancelled job becomes."""

    def __init__(self) -> None:
        self.there: dict[str, Any] = {}
        self.taken: dict[str, str] = {}
        self.cancelled: dict[str, str] = {}
        self.cancels: list[str] = []
        self.cluster_errors: list[dict[str, Any]] | None = None
        self.submitted: list[Any] = []
        self.children: dict[str, list[Any]] = {}
        self.reasons: dict[str, str] = {}
        self.times: dict[str, tuple[datetime | None, datetime | None]] = {}
        self._runs_operations = SimpleNamespace(get_run_details=self._details, get_run_children=self._children)

    def put(self, name: str, status: str, **tags: str) -> Any:
        studio = SimpleNamespace(endpoint=f"https://ml.azure.com/runs/{name}")
        self.there[name] = SimpleNamespace(
            name=name, status=status, display_name=name, services={"Studio": studio}, tags=tags
        )
        return self.there[name]

    def get(self, name: str) -> Any:
        if name not in self.there:
            raise ResourceNotFoundError(f"job {name} not found")
        return self.there[name]

    def create_or_update(self, job: Any) -> Any:
        if job.name in self.taken:
            if status := self.taken.pop(job.name):
                self.put(job.name, status)
            refused = HttpResponseError(f"A job with this name already exists: {job.name}")
            refused.status_code = 409
            raise refused
        self.submitted.append(job)
        return self.put(job.name, "Queued", **job.tags)

    def _children(self, run: str) -> list[Any]:
        return self.children.get(run, [])

    def _details(self, run: str) -> Any:
        reason = self.reasons.get(run)
        error = SimpleNamespace(error=SimpleNamespace(message=reason)) if reason else None
        begun, ended = self.times.get(run, (None, None))
        return SimpleNamespace(log_files={}, error=error, start_time_utc=begun, end_time_utc=ended)


_IN_WORKSPACE = (
    r"/subscriptions/\w+/resourceGroups/[-\w]+/providers/Microsoft\.MachineLearningServices/workspaces/[-\w]+/"
)


class ArmOfJobs:
    """``Arm`` as ``jobs.training.stack_jobs`` uses it, over the same jobs; it knows no other request."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def items(self, path: str, version: str, **query: str) -> list[dict[str, Any]]:
        assert re.fullmatch(f"{_IN_WORKSPACE}jobs", path), path
        assert (version, query) == ("2025-12-01", {"tag": "stack", "listViewType": "All"}), (version, query)
        return [self._rest(job, number) for number, job in enumerate(self._jobs.there.values())]

    def find(self, path: str, version: str) -> dict[str, Any] | None:
        assert version == "2025-12-01", version
        if re.fullmatch(f"{_IN_WORKSPACE}computes/(gpu|cpu)[-\\w]*", path):
            return {"properties": {"properties": {"errors": self._jobs.cluster_errors, "vmSize": MACHINE}}}
        folder, _, name = path.rpartition("/")
        assert re.fullmatch(f"{_IN_WORKSPACE}jobs", folder), path
        job = self._jobs.there.get(name)
        return self._rest(job, 0) if job else None

    def run(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        stop: threading.Event | None = None,
        seconds: float = 0,
        tell: object = None,
    ) -> None:
        folder, name, action = path.rsplit("/", 2)
        assert re.fullmatch(f"{_IN_WORKSPACE}jobs", folder), path
        assert (method, action, query) == ("POST", "cancel", {"api-version": "2025-12-01"}), (method, action, query)
        assert seconds == stack_jobs._PATIENCE and isinstance(stop, threading.Event) and callable(tell)
        self._jobs.cancels.append(name)
        self._jobs.there[name].status = self._jobs.cancelled.get(name, "Canceled")

    @staticmethod
    def _rest(job: Any, number: int) -> dict[str, Any]:
        services = {"Studio": {"endpoint": job.services["Studio"].endpoint}}
        properties = {"status": job.status, "tags": job.tags, "displayName": job.display_name, "services": services}
        created = {"createdAt": f"2026-11-22T10:00:{number:02d}Z"}
        return {"name": job.name, "properties": properties, "systemData": created}


class Node:
    def __init__(self, inputs: dict[str, Any]) -> None:
        self.inputs = inputs
        self.outputs = {"mlflow_model_folder": "node output"}


class Component:
    name, version = "chat_completion_pipeline", "0.0.82"

    def __init__(self) -> None:
        self.inputs = {
            name: SimpleNamespace(type=kind, enum=ENUMS.get(name)) for name, kind in COMPONENT_INPUTS.items()
        }

    def __call__(self, **inputs: Any) -> Node:
        self.node = Node(inputs)
        return self.node


class FakeMl:
    def __init__(self) -> None:
        self.data, self.models, self.jobs = Versions(), Versions(), Jobs()
        self.online_endpoints = self.online_deployments = Endpoints()
        self.component = Component()
        self.wanted: list[dict[str, str]] = []
        self.components = SimpleNamespace(get=self._component)

    def _component(self, name: str, **which: str) -> Component:
        self.wanted.append(which)
        return self.component


def install(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    """Puts the fake where the stages get their clients, and stand-ins for the SDK's entities (4 s of import)."""
    fake = FakeMl()

    def of_workspace(target: Target) -> FakeMl:
        assert isinstance(target, Target) and target.workspace, target
        return fake

    def of_registry(registry: str) -> FakeMl:
        assert registry and isinstance(registry, str), registry
        return fake

    monkeypatch.setattr(azure, "ml_client", of_workspace)
    monkeypatch.setattr(azure, "registry_client", of_registry)
    for module in (cancel, finetune, logs, prepare, supersede):
        monkeypatch.setattr(module, "Arm", lambda retries=0: ArmOfJobs(fake.jobs))

    def entity(**fields: Any) -> Any:
        return SimpleNamespace(**fields)

    def pipeline(**fields: Any) -> Any:
        def decorate(function: Callable[[], dict[str, Any]]) -> Any:
            return lambda: SimpleNamespace(**fields, outputs=function(), settings=SimpleNamespace())

        return decorate

    types_ = SimpleNamespace(URI_FILE="uri_file", URI_FOLDER="uri_folder", MLFLOW_MODEL="mlflow_model")
    entities = dict.fromkeys(
        ("Data", "Environment", "Model", "ManagedOnlineDeployment", "OnlineRequestSettings", "ProbeSettings"), entity
    )
    modules = {
        "azure.ai.ml": {
            "Input": entity,
            "Output": entity,
            "command": entity,
            "dsl": SimpleNamespace(pipeline=pipeline),
        },
        "azure.ai.ml.constants": {"AssetTypes": types_, "InputOutputModes": SimpleNamespace(UPLOAD="upload")},
        "azure.ai.ml.entities": entities,
    }
    for name, content in modules.items():
        module = types.ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    return fake
