"""A pipeline job of command nodes: what runs after what, and each node as a command job of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.arm.errors import user_error
from emulator.cloud.parts import Cloud
from emulator.machine.store import Resource
from emulator.registry.steps import NOT_STARTED

OUTPUT = re.compile(r"\$\{\{parent\.jobs\.([^.}]+)\.outputs\.([^}]+)\}\}")
PARENT = re.compile(r"\$\{\{parent\.(inputs|outputs)\.([^}]+)\}\}")
COMPONENT = re.compile(r"/components/(?P<name>[^/]+)/versions/(?P<version>[^/]+)$", re.IGNORECASE)


@dataclass(frozen=True)
class Graph:
    """The nodes of a pipeline.

    Attributes:
        after: node → the nodes whose outputs it takes.
        computes: clusters they run on; none for serverless compute.
    """

    after: Mapping[str, frozenset[str]]
    computes: tuple[str, ...]


def is_graph(job: Resource) -> bool:
    """Whether a pipeline consists of command nodes."""
    nodes = job.properties.get("jobs") or {}
    return bool(nodes) and all(str(node.get("type")).lower() == "command" for node in nodes.values())


def read(job: Resource) -> Graph:
    """What is in the job's own body; what a node runs stands in its component.

    Raises:
        AzureError: a node takes the output of one that is not there, or nodes wait for each other.
    """
    nodes: Mapping[str, Any] = job.properties["jobs"]
    after: dict[str, frozenset[str]] = {}
    for name, node in nodes.items():
        if not COMPONENT.search(str(node.get("componentId"))):
            raise user_error(f"Node {name} runs {node.get('componentId')}, which is no component of the workspace.")
        taken = [OUTPUT.fullmatch(str(given.get("value", ""))) for given in (node.get("inputs") or {}).values()]
        after[name] = frozenset(match[1] for match in taken if match)
        if missing := sorted(after[name] - set(nodes)):
            raise user_error(f"Node {name} takes an output of {', '.join(missing)}, and the pipeline has no such node.")
    _check_order(after)
    computes = (str(node.get("computeId") or "").rpartition("/")[2] for node in nodes.values())
    return Graph(after, tuple(dict.fromkeys(name for name in computes if name)))


def _check_order(after: Mapping[str, frozenset[str]]) -> None:
    done: set[str] = set()
    while len(done) < len(after):
        if not (ready := {name for name, before in after.items() if name not in done and before <= done}):
            raise user_error(f"The nodes {', '.join(sorted(set(after) - done))} wait for each other.")
        done |= ready


def run(job: str, node: str) -> str:
    """The id of a node's run."""
    return f"{job}-{node}"


def begun(job: Resource) -> list[dict[str, str]]:
    """The runs below a pipeline that has just been submitted."""
    return [
        {"id": run(job.name, name), "parent": job.name, "name": name, "status": NOT_STARTED}
        for name in job.properties["jobs"]
    ]


def child(cloud: Cloud, workspace: str, job: Resource, name: str) -> Resource:
    """A node as the command job that it is: its component's command, with what it is given.

    Raises:
        AzureError: there is no such component, or an input of it is not given.
    """
    node = job.properties["jobs"][name]
    spec = _component(cloud, workspace, str(node["componentId"]))
    given = {key: _given(job, each) for key, each in (node.get("inputs") or {}).items()}
    for key, declared in (spec.get("inputs") or {}).items():
        if key not in given and not declared.get("optional") and "default" not in declared:
            raise user_error(f"Node {name} lacks the input {key} of its component.")
        if key not in given and "default" in declared:
            given[key] = {"jobInputType": "literal", "value": declared["default"]}
    outputs = {key: {"uri": _place(job, name, key)} for key in spec.get("outputs") or {}}
    return Resource(
        {
            "id": job.id,
            "name": run(job.name, name),
            "properties": {
                "jobType": "Command",
                "command": spec.get("command"),
                "codeId": str(spec.get("code") or "").removeprefix("azureml:"),
                "environmentId": str(spec.get("environment") or "").removeprefix("azureml:"),
                "environmentVariables": node.get("environment_variables"),
                "computeId": node.get("computeId"),
                "limits": node.get("limits"),
                "resources": {"instanceCount": (node.get("resources") or {}).get("instance_count")},
                "inputs": given,
                "outputs": outputs,
            },
        }
    )


def _component(cloud: Cloud, workspace: str, given: str) -> Mapping[str, Any]:
    match = COMPONENT.search(given)
    assert match is not None  # read() has looked
    found = cloud.store.get(f"{workspace}/components/{match['name']}/versions/{match['version']}")
    if found is None:
        raise user_error(f"The component {given} does not exist in the workspace.", 404, "NotFoundError")
    spec: Mapping[str, Any] = found.properties["componentSpec"]
    return spec


def _given(job: Resource, given: Mapping[str, Any]) -> dict[str, Any]:
    value = str(given.get("value", ""))
    if match := OUTPUT.fullmatch(value):
        return {"jobInputType": "uri_folder", "uri": _place(job, match[1], match[2])}
    if match := PARENT.fullmatch(value):
        if match[2] not in job.properties.get("inputs", {}):
            raise user_error(f"The pipeline has no input {match[2]}.")
        bound: dict[str, Any] = job.properties["inputs"][match[2]]
        return bound
    kind = given.get("jobInputType") or given.get("job_input_type") or "literal"
    return {**given, "jobInputType": kind}


def _place(job: Resource, node: str, output: str) -> str:
    """Where a node's output lies: where the pipeline's lies that it is bound to, else in a folder of its own."""
    given = (job.properties["jobs"][node].get("outputs") or {}).get(output) or {}
    if match := PARENT.fullmatch(str(given.get("value", ""))):
        return str(job.properties["outputs"][match[2]]["uri"])
    folder = f"azureml://datastores/workspaceblobstore/paths/azureml/{run(job.name, node)}/{output}/"
    return str(given.get("uri") or folder)
