"""From a job to the process that does its work: what is fetched before, what is run, where its output lies."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.arm.errors import user_error
from emulator.cloud.parts import Cloud
from emulator.cloud.uris import BlobPath, RegistryModel, resolve
from emulator.machine.store import Resource
from emulator.registry import steps
from emulator.runs import command, graph, models, pipeline

LOG = "std_log.txt"
METRICS = "metrics.jsonl"


@dataclass(frozen=True)
class Launch:
    """A process.

    Attributes:
        step: of the component, that it does the work of; empty for a command job.
        arguments: the command.
        environment: its environment variables, all of them.
        outputs: output of the job → folder that is stored as it.
        directory: where it runs; the emulator's own directory if None.
    """

    arguments: list[str]
    environment: dict[str, str]
    outputs: dict[str, Path]
    directory: Path | None = None
    step: str = ""


@dataclass(frozen=True)
class Plan:
    """A job of either type, before anything is fetched.

    Attributes:
        step: what the job's body says.
        computes: clusters it names; none for serverless compute.
        runs: the tree of runs below the job, as it begins.
        seconds: how long it may run before Azure cancels it; None for no limit, as a pipeline has.
        nodes: of its cluster, that it runs on at the same time.
    """

    step: pipeline.FineTune | command.Command | graph.Graph
    computes: tuple[str, ...]
    runs: list[dict[str, str]]
    seconds: float | None = None
    nodes: int = 1


def plan(job: Resource) -> Plan:
    """Read a job's body.

    Raises:
        AzureError: it is nothing the emulator runs.
    """
    kind = job.properties.get("jobType")
    if kind == "Command":
        order = command.read(job)
        return Plan(order, (order.compute,) if order.compute else (), [], order.seconds)
    if kind == "Pipeline" and graph.is_graph(job):
        parts = graph.read(job)
        return Plan(parts, parts.computes, graph.begun(job), nodes=0)  # each part of it waits for its own
    if kind == "Pipeline":
        step = pipeline.read(job)
        names = [step.literals.get(name, "serverless") for name in pipeline.COMPUTES]
        first = steps.tree(job.name, step.node, steps.VALIDATION)
        computes = tuple(name for name in names if name != "serverless")
        return Plan(step, computes, first, nodes=int(step.literals.get("num_nodes_finetune") or 1))
    raise user_error(
        f"The emulator runs command jobs, and pipelines of them or around the fine-tune component, not {kind} jobs."
    )


def workspace_of(job: Resource) -> str:
    """Id of the workspace a job lies in."""
    return job.id[: job.id.lower().rindex("/jobs/")]


def current_run(job: Resource) -> str:
    """Id of the run that is at work, or that failed: a command job itself; of a pipeline the last step begun."""
    if failed := job.internal.get("failed"):
        return str(failed)
    begun = [run["id"] for run in job.internal.get("runs") or [] if run.get("status") != steps.NOT_STARTED]
    return str(begun[-1]) if begun else job.name


def training_run(job: Resource) -> str:
    """Id of the run that logs metrics: a command job itself; of a pipeline the step that trains."""
    node = component_node(job)
    return steps.run(job.name, node, steps.FINETUNE) if node else job.name


def component_node(job: Resource) -> str:
    """The node of a pipeline around the fine-tune component; empty for any other job."""
    nodes = job.properties.get("jobs") or {}
    return str(next(iter(nodes))) if nodes and not graph.is_graph(job) else ""


def launch(cloud: Cloud, job: Resource, step: pipeline.FineTune | command.Command, work: Path) -> list[Launch]:
    """Fetch what the job needs into ``work``; the processes in their order.

    Raises:
        AzureError: something is not there.
    """
    if isinstance(step, command.Command):
        return [_command(cloud, job, step, work)]
    return _finetune(cloud, job, step, work)


def _finetune(cloud: Cloud, job: Resource, step: pipeline.FineTune, work: Path) -> list[Launch]:
    workspace = workspace_of(job)
    model_uri = step.files.get("mlflow_model_path")
    if not model_uri:
        raise user_error("The emulator needs the component's input mlflow_model_path.")
    model = resolve(cloud, workspace, model_uri)
    if not isinstance(model, RegistryModel):
        raise user_error(f"The emulator fine-tunes models of the registry, not {model_uri}.")
    files = {}
    for key in ("train_file_path", "validation_file_path", "test_file_path"):
        if uri := step.files.get(key):
            files[key] = _fetch(cloud, workspace, uri, work / f"{key}.jsonl")
    if "train_file_path" not in files:
        raise user_error("The component needs train_file_path.")
    order: dict[str, Any] = {
        "base_model": str(models.base_model(cloud, model)),
        "train_file": files["train_file_path"],
        "validation_file": files.get("validation_file_path"),
        "test_file": files.get("test_file_path"),
        "prepared": str(work / "prepared.json"),
        "output_dir": str(work / "output"),
        "log_file": None,
        "metrics_file": str(work / METRICS),
        "inputs": step.literals,
    }
    order_file = work / "job.json"
    order_file.write_text(json.dumps(order))
    environment = {**os.environ, **models.compiled()}
    outputs = dict.fromkeys(step.outputs.values(), work / "output")

    def of(module: str, its: str, made: dict[str, Path]) -> Launch:
        arguments = [sys.executable, "-m", f"emulator.training.{module}", "--job", str(order_file)]
        return Launch(arguments, environment, made, step=its)

    return [of("preprocess", steps.PREPROCESS, {}), of("finetune", steps.FINETUNE, outputs)]


def _command(cloud: Cloud, job: Resource, order: command.Command, work: Path) -> Launch:
    """The code is the working directory, as on a node, and is imported from; the Python is the emulator's."""
    workspace = workspace_of(job)
    if not order.environment.startswith(command.REGISTRY_ENVIRONMENT):
        wanted = command.asset(workspace, order.environment)
        command.properties_of(cloud.store.get(wanted), order.environment)
    code = work / "code"
    code.mkdir()
    if order.code:
        found = command.properties_of(cloud.store.get(command.asset(workspace, order.code)), order.code)
        _fetch(cloud, workspace, str(found["codeUri"]), code)
    places: dict[tuple[str, str], str] = {}
    for name, uri in order.files.items():
        place = work / "inputs" / name
        if job.properties["inputs"][name]["jobInputType"] == "uri_file":
            place = place / uri.rstrip("/").rpartition("/")[2]
        places["inputs", name] = _fetch(cloud, workspace, uri, place)
    outputs = {name: work / "outputs" / name for name in order.outputs}
    for name, folder in outputs.items():
        folder.mkdir(parents=True)
        places["outputs", name] = str(folder)
    here = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": os.pathsep.join((here, os.environ.get("PATH", os.defpath))),
        "PYTHONPATH": str(code),
        "AZUREML_RUN_ID": job.name,
        **order.variables,
    }
    return Launch(["/bin/sh", "-c", order.line(places)], environment, outputs, code)


def _fetch(cloud: Cloud, workspace: str, uri: str, target: Path) -> str:
    place = resolve(cloud, workspace, uri)
    if not isinstance(place, BlobPath):
        raise user_error(f"{uri} is no file.")
    try:
        cloud.azurite.download(place.account, place.container, place.path, target)
    except FileNotFoundError as error:
        raise user_error(f"The data of {uri} does not exist in storage.") from error
    except PermissionError as error:
        raise user_error(f"The data of {uri} is not fetched: {error}.") from error
    return str(target)
