"""What is there now: the newest job, the model, the deployments and their traffic."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobs import client as azure
from jobs.errors import azure_errors
from jobs.specs import Target

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from rich.table import Table

NEEDED = ("subscriptionId", "resourceGroup", "workspace", "endpoint", "modelName", "modelVersion")
_JOB_PREFIX = "finetune-"
_NOT_THERE = "not there"


@dataclass(frozen=True)
class Deployment:
    name: str
    state: str
    traffic: int
    """Percent."""
    model: str
    instances: str


@dataclass(frozen=True)
class Status:
    """All of it by name and state; empty strings for what does not exist."""

    job: str
    job_status: str
    job_url: str
    model: str
    model_state: str
    endpoint: str
    endpoint_state: str
    deployments: tuple[Deployment, ...]

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def table(self) -> Table:
        """For a terminal."""
        from rich.table import Table

        table = Table("what", "name", "state", "traffic", "details")
        table.add_row("job", self.job, self.job_status, "", self.job_url)
        table.add_row("model", self.model, self.model_state, "", "")
        table.add_row("endpoint", self.endpoint, self.endpoint_state, "", "")
        for one in self.deployments:
            details = f"{one.model}, {one.instances}"
            table.add_row("deployment", one.name, one.state, f"{one.traffic} %", details)
        return table


def status(outputs: dict[str, Any]) -> Status:
    """Reads everything from Azure, given the stack's outputs. Raises StageError."""
    target = Target(outputs["subscriptionId"], outputs["resourceGroup"], outputs["workspace"])
    client = azure.ml_client(target)
    with azure_errors("the state could not be read", f"workspace {target.workspace}"):
        job, job_status, url = _job(client, outputs["modelVersion"])
        endpoint_state, deployments = _endpoint(client, outputs["endpoint"])
        return Status(
            job=job,
            job_status=job_status,
            job_url=url,
            model=f"{outputs['modelName']}:{outputs['modelVersion']}",
            model_state=_model(client, outputs["modelName"], outputs["modelVersion"]),
            endpoint=outputs["endpoint"],
            endpoint_state=endpoint_state,
            deployments=deployments,
        )


def _job(client: MLClient, version: str) -> tuple[str, str, str]:
    """The latest attempt at this version: its number is the fingerprint in the jobs' names."""
    from azure.core.exceptions import ResourceNotFoundError

    newest: tuple[str, str, str] = ("", _NOT_THERE, "")
    attempt = 1
    while True:
        name = f"{_JOB_PREFIX}{version}-{attempt}"
        try:
            job = client.jobs.get(name)
        except ResourceNotFoundError:
            return newest
        studio = (job.services or {}).get("Studio")
        newest = (name, azure.state(job.status), str(getattr(studio, "endpoint", "") or ""))
        attempt += 1


def _model(client: MLClient, name: str, version: str) -> str:
    from jobs.model import registered

    return "registered" if registered(client, name, version) else _NOT_THERE


def _endpoint(client: MLClient, name: str) -> tuple[str, tuple[Deployment, ...]]:
    from azure.core.exceptions import ResourceNotFoundError

    try:
        endpoint = client.online_endpoints.get(name)
    except ResourceNotFoundError:
        return _NOT_THERE, ()
    traffic = endpoint.traffic or {}
    deployments = [
        Deployment(
            name=str(one.name),
            state=azure.state(one.provisioning_state),
            traffic=int(traffic.get(one.name, 0)),
            model=str((one.tags or {}).get("model", one.model)),
            instances=f"{one.instance_count} x {one.instance_type}",
        )
        for one in client.online_deployments.list(name)
    ]
    ordered = sorted(deployments, key=lambda one: (-one.traffic, one.name))
    return azure.state(endpoint.provisioning_state), tuple(ordered)
