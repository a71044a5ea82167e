"""``<region>.api.azureml.ms``: discovery, run history, MLflow tracking, and the registry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from emulator import registry
from emulator.arm.errors import user_error
from emulator.cloud.parts import Cloud
from emulator.cloud.uris import job_output_uri
from emulator.dataplane import tracking
from emulator.dataplane.registries import Registries
from emulator.machine.store import Resource
from emulator.runs import graph
from emulator.runs.launching import LOG, current_run
from emulator.runs.runner import log_place

WORKSPACE = r"(?P<workspace>/subscriptions/[^/]+/resourceGroups/[^/]+/providers/[^/]+/workspaces/[^/]+)"
RUN = re.compile(rf"/history/v1\.0{WORKSPACE}/runs/(?P<run>[^/]+)/(?P<what>details|children)$", re.IGNORECASE)
RUN_DATA = re.compile(rf"/history/v1\.0{WORKSPACE}/rundata$", re.IGNORECASE)
RESOLVE = re.compile(rf"/data/v1\.0{WORKSPACE}/dataversion/batchGetResolvedUris$", re.IGNORECASE)
MLFLOW = re.compile(rf"/mlflow/v[12]\.0{WORKSPACE}/api/2\.0/mlflow/(?P<what>{tracking.WHAT})$", re.IGNORECASE)
DISCOVERY = re.compile(r"/registrymanagement/v1\.0/registries/(?P<registry>[^/]+)/discovery$", re.IGNORECASE)
OUTPUT_ASSET = re.compile(r"azureml_(?P<job>.+)_output_(?P<output>[^/]+)/versions/")


class History:
    """Answers the calls of the run-history, data, MLflow and registry services.

    Args:
        host: the host name the call came to; URLs in answers name it.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._registries = Registries(cloud)

    def services(self, host: str) -> dict[str, str]:
        """The discovery document, which clients read without a token."""
        url = f"https://{host}"
        return dict.fromkeys(("api", "history", "experimentation", "modelmanagement", "mlflow", "pipelines"), url)

    def handle(
        self, method: str, path: str, host: str, query: Mapping[str, str], body: dict[str, Any], caller: str = ""
    ) -> dict[str, Any]:
        """Answer one call of a principal.

        Raises:
            AzureError: what is asked for does not exist.
        """
        if found := DISCOVERY.match(path):
            return self._registries.discovery(found["registry"], host)
        if (shared := self._registries.answer(method, path, body, caller)) is not None:
            return shared
        if "/registries/" in path.lower() and method == "GET":
            return registry.asset(path, self._cloud.store.setting(registry.DESCRIBED, {}))
        if found := RUN.match(path):
            return self._run(found["workspace"], found["run"], found["what"].lower())
        if found := RUN_DATA.match(path):
            return self._run_data(found["workspace"], str(body.get("runId")))
        if found := RESOLVE.match(path):
            return self._resolve(found["workspace"], body.get("values") or [])
        if found := MLFLOW.match(path):
            given = query if method == "GET" else body
            run = str(given.get("run_id") or given.get("run_uuid"))
            return tracking.answer(self._cloud, self._job(found["workspace"], run), run, method, found["what"], given)
        raise user_error(f"{method} {path} is not served by the emulator.", 404, "NotFoundError")

    def _job(self, workspace: str, run: str) -> Resource:
        for job in self._cloud.store.below(workspace, "Microsoft.MachineLearningServices/workspaces/jobs"):
            if run == job.name or run in [each["id"] for each in job.internal.get("runs", [])]:
                return job
        raise user_error(f"Run {run} was not found.", 404, "NotFoundError")

    def _run(self, workspace: str, run: str, what: str) -> dict[str, Any]:
        job = self._job(workspace, run)
        if what == "children":
            children = [each for each in job.internal.get("runs", []) if each["parent"] == run]
            return {"value": [self._child(job, each) for each in children]}
        return {
            "runId": run,
            "status": _status(job, run),
            "startTimeUtc": job.internal.get("started"),
            "endTimeUtc": job.internal.get("ended"),
            "logFiles": self._logs(job, run),
            "properties": {},
            "warnings": [],
            "error": _error(job, run) if _status(job, run) == job.internal["status"] else None,
        }

    def _child(self, job: Resource, run: Mapping[str, str]) -> dict[str, Any]:
        return {
            "runId": run["id"],
            "parentRunId": run["parent"],
            "rootRunId": job.name,
            "displayName": run["name"],
            "status": _status(job, run["id"]),
            "startTimeUtc": job.internal.get("started"),
            "endTimeUtc": job.internal.get("ended"),
            "createdUtc": job.internal.get("started"),
            "runType": "azureml.StepRun",
            "properties": {"azureml.nodeid": run["id"]},
            "tags": {},
        }

    def _logs(self, job: Resource, run: str) -> dict[str, str]:
        place = log_place(self._cloud, job, run)
        if not self._cloud.azurite.names(place.account, place.container, place.path):
            return {}
        url = self._cloud.azurite.blob_sas_url(place.account, place.container, place.path)
        return {f"user_logs/{LOG}": url}

    def _run_data(self, workspace: str, run: str) -> dict[str, Any]:
        job = self._job(workspace, run)
        outputs = {
            # The client crashes on MLFlowModel here.
            name: {"assetId": f"azureml://locations/l/workspaces/w/data/azureml_{job.name}_output_{name}/versions/1",
                   "type": "uri_folder"}
            for name in job.properties["outputs"]
        }  # fmt: skip
        return {"runMetadata": {"runId": run, "status": job.internal["status"], "outputs": outputs}}

    def _resolve(self, workspace: str, assets: list[str]) -> dict[str, Any]:
        scope = workspace.lstrip("/").replace("providers/Microsoft.MachineLearningServices/", "")
        values = {}
        for asset in assets:
            if found := OUTPUT_ASSET.search(asset):
                inner = job_output_uri(found["job"], found["output"]).removeprefix("azureml://")
                values[asset] = {"uri": f"azureml://{scope}/{inner}", "type": "uri_folder"}
        return {"values": values}


def _status(job: Resource, run: str) -> str:
    """A run's own status where it differs from its job's: in a pipeline, the steps before the one that failed."""
    own = {each["id"]: each.get("status") for each in job.internal.get("runs", [])}
    return str(own.get(run) or job.internal["status"])


def _error(job: Resource, run: str) -> dict[str, Any] | None:
    """A pipeline says only which node failed; the reason is the failed step's."""
    message = job.internal.get("error")
    if message and run != current_run(job):
        failed = (node for node in job.properties["jobs"] if graph.run(job.name, node) == job.internal.get("failed"))
        nodes = ", ".join(f"/{node}" for node in list(failed) or job.properties["jobs"])
        message = (
            f"Pipeline has failed child jobs. Failed nodes: {nodes}. For more details and logs, please go to the job "
            "detail page and check the child jobs."
        )
    return {"error": {"code": "UserError", "message": message}} if message else None
