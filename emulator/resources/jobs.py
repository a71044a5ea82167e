"""Jobs of a workspace: accepted here, run by the runner."""

from __future__ import annotations

from typing import Any

from emulator.arm.errors import user_error
from emulator.arm.paths import ArmPath
from emulator.cloud.uris import job_output_uri
from emulator.machine.store import Resource
from emulator.resources.base import Kind
from emulator.resources.workspaces import ML
from emulator.runs.launching import plan
from emulator.runs.runner import ENDED, Runner

DEFINITION = ("jobType", "jobs", "command", "codeId")
"""Members that a job cannot change."""


class Job(Kind):
    """A pipeline job around the fine-tune component or of command nodes, or a command job of one node."""

    type = f"{ML}/workspaces/jobs"
    runner: Runner  # set once the emulator is put together

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        properties = body.get("properties", {})
        if old is not None and any(old.properties.get(name) != properties.get(name) for name in DEFINITION):
            raise user_error(f"A job with this name already exists: {path.name}. Job definitions cannot change.", 409)
        plan(Resource({"name": path.name, "properties": properties}))  # refuses what the emulator does not run

    def fill(self, resource: Resource, old: Resource | None) -> None:
        properties = resource.properties
        resource.internal.setdefault("status", "NotStarted")
        properties.setdefault("experimentName", "Default")
        properties.setdefault("displayName", resource.name)
        for name in ("tags", "properties", "inputs", "outputs"):
            properties[name] = properties.get(name) or {}
        for name, output in properties["outputs"].items():
            output["uri"] = output.get("uri") or job_output_uri(resource.name, name)
        workspace = resource.id.split("/jobs/")[0]
        properties["services"] = {
            "Tracking": {
                "jobServiceType": "Tracking",
                "endpoint": f"azureml://eastus2.api.azureml.ms/mlflow/v1.0{workspace}?",
            },
            "Studio": {
                "jobServiceType": "Studio",
                "endpoint": f"https://ml.azure.com/runs/{resource.name}?wsid={workspace}",
            },
        }
        if old is not None:
            resource.internal = dict(old.internal)

    def apply(self, resource: Resource) -> None:
        if resource.internal["status"] not in ENDED:
            self.runner.start(resource.id)

    def remove(self, resource: Resource) -> None:
        self.runner.cancel(resource.id)

    def view(self, resource: Resource) -> dict[str, Any]:
        properties = {**resource.properties, "status": resource.internal["status"]}
        properties.pop("provisioningState", None)
        return {**resource.body, "properties": properties}

    def act(self, resource: Resource, action: str, body: dict[str, Any]) -> Any:
        if action != "cancel":
            return super().act(resource, action, body)
        if resource.internal["status"] not in ENDED:
            self.runner.cancel(resource.id)
        return None
