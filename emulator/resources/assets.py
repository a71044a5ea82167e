"""Versioned assets of a workspace: data, models, and what command jobs run: code, environments, components."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from emulator.arm.errors import AzureError, not_found, user_error
from emulator.arm.paths import ArmPath
from emulator.cloud.uris import BLOB_URL, JOB_OUTPUT, BlobPath, job_output_uri, resolve
from emulator.machine.store import Resource
from emulator.resources.base import Kind
from emulator.resources.workspaces import ML


class Container(Kind):
    """The name under which versions gather; it comes with the first of them."""

    implicit_parent = False

    def fill(self, resource: Resource, old: Resource | None) -> None:
        _with_defaults(resource)


class DataContainer(Container):
    type = f"{ML}/workspaces/data"


class ModelContainer(Container):
    type = f"{ML}/workspaces/models"


class CodeContainer(Container):
    type = f"{ML}/workspaces/codes"


class EnvironmentContainer(Container):
    type = f"{ML}/workspaces/environments"


class ComponentContainer(Container):
    type = f"{ML}/workspaces/components"


class Version(Kind):
    """One version of an asset."""

    implicit_parent = True

    def fill(self, resource: Resource, old: Resource | None) -> None:
        _with_defaults(resource)
        resource.properties.setdefault("isAnonymous", False)

    def apply(self, resource: Resource) -> None:
        container_id = resource.id.rsplit("/versions/", 1)[0]
        container = self.cloud.store.get(container_id) or Resource(
            {
                "id": container_id,
                "name": container_id.rsplit("/", 1)[1],
                "type": resource.type.rsplit("/", 1)[0],
                "properties": {"tags": {}, "properties": {}, "isArchived": False},
                "systemData": resource.body["systemData"],
            }
        )
        number = int(resource.name) + 1 if resource.name.isdigit() else 1
        container.properties.update({"latestVersion": resource.name, "nextVersion": str(number)})
        if "dataType" in resource.properties:
            container.properties["dataType"] = resource.properties["dataType"]
        self.cloud.store.put(container)

    def listed(self, resources: list[Resource], query: Mapping[str, str]) -> list[Resource]:
        newest_first = resources[::-1]
        top = query.get("$top")
        return newest_first[: int(top)] if top else newest_first


class DataVersion(Version):
    """A version of a data asset. Its content cannot be exchanged."""

    type = f"{ML}/workspaces/data/versions"

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        properties = body.get("properties", {})
        if not properties.get("dataUri") or not properties.get("dataType"):
            raise user_error(f"Data asset {path.names[-2]} version {path.name} needs dataUri and dataType.")
        if old is not None and old.properties["dataUri"] != properties["dataUri"]:
            raise user_error(
                f"A data version with this name and version already exists. If you are trying to create a new data "
                f"version, use a different name or version. If you are trying to update an existing data version, the "
                f"existing asset's data uri cannot be changed. Data: {path.names[-2]}, version: {path.name}.",
                409,
            )

    def view(self, resource: Resource) -> dict[str, Any]:
        """Azure ML's model of it has no state, and refuses one that a client sends back, as archiving does."""
        shown = {key: value for key, value in resource.properties.items() if key != "provisioningState"}
        return {**resource.body, "properties": shown}


NUMBER = re.compile(r"[1-9]\d*")
MOST = 2**31 - 1
"""The largest version of a model that a public example has; whether a larger one is taken is not known."""


class ModelVersion(Version):
    """A version of a model, registered from a job's output or from a datastore. It is a positive integer."""

    type = f"{ML}/workspaces/models/versions"

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        if not NUMBER.fullmatch(path.name) or int(path.name) > MOST:
            raise user_error(
                f"The version {path.name} of model {path.names[-2]} is invalid: the version of a model must be a "
                "positive integer."
            )
        uri = str(body.get("properties", {}).get("modelUri") or "")
        workspace_id = path.id[: path.id.lower().rindex("/models/")]
        if from_job := JOB_OUTPUT.match(uri):
            self._admit_output(path, workspace_id, from_job["job"], from_job["output"], uri)
        # azure-ai-ml writes resourcegroups where Azure ML answers resourceGroups.
        if old is not None and old.properties["modelUri"].lower() != uri.lower() and not from_job:
            raise user_error(f"The model {path.names[-2]}:{path.name} exists with another path.", 409)
        place = resolve(self.cloud, workspace_id, uri)
        if isinstance(place, BlobPath) and not self.cloud.azurite.names(place.account, place.container, place.path):
            raise AzureError(
                400,
                "BadRequest",
                "The request is invalid.",
                details=[
                    {
                        "code": "ModelAssetPathNotFoundInStorage",
                        "message": f"No blobs found in storage at model asset path: {place.path}",
                    }
                ],
            )

    def _admit_output(self, path: ArmPath, workspace_id: str, job_name: str, output: str, uri: str) -> None:
        job = self.cloud.store.get(f"{workspace_id}/jobs/{job_name}")
        if job is None:
            raise not_found(f"{ML}/workspaces/jobs", f"{path.names[0]}/{job_name}", path.resource_group)
        if output not in (job.properties.get("outputs") or {}) or job.internal.get("status") != "Completed":
            raise AzureError(
                400,
                "UserError",
                f"Job output {output} not found in job {job_name}, which is {job.internal.get('status')}.",
                details=[{"code": "NoMatchingOutputFoundFromJob", "message": f"No artifacts matching {uri} found"}],
            )

    def fill(self, resource: Resource, old: Resource | None) -> None:
        super().fill(resource, old)
        properties = resource.properties
        properties.setdefault("modelType", "custom_model")
        # The client crashes on a model without flavors.
        properties["flavors"] = properties.get("flavors") or {}
        if from_job := JOB_OUTPUT.match(properties["modelUri"]):
            workspace_id = resource.id[: resource.id.lower().rindex("/models/")]
            short = job_output_uri(from_job["job"], from_job["output"]).removeprefix("azureml://")
            scope = workspace_id.lstrip("/").replace("providers/Microsoft.MachineLearningServices/", "")
            properties["jobName"] = from_job["job"]
            properties["modelUri"] = f"azureml://{scope}/{short}{from_job['path']}"
        elif old is not None:
            properties.update({key: old.properties[key] for key in ("modelUri", "jobName") if key in old.properties})


class CodeVersion(Version):
    """A folder of code, found again by the hash of its files and uploaded to a place that Azure ML gives."""

    type = f"{ML}/workspaces/codes/versions"

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        uri = str(body.get("properties", {}).get("codeUri") or "")
        if not BLOB_URL.match(uri):
            raise user_error(f"Code {path.names[-2]} version {path.name} needs codeUri, the URL of a folder of blobs.")
        if old is not None and old.properties["codeUri"] != uri:
            raise user_error(f"The code {path.names[-2]}:{path.name} exists with another path.", 409)

    def listed(self, resources: list[Resource], query: Mapping[str, str]) -> list[Resource]:
        wanted = query.get("hash")
        found = [each for each in resources if not wanted or each.properties["properties"].get("hash_sha256") == wanted]
        return super().listed(found, query)

    def act(self, resource: Resource, action: str, body: dict[str, Any]) -> Any:
        if action != "startpendingupload":
            return super().act(resource, action, body)
        workspace_id = resource.id[: resource.id.lower().rindex("/codes/")]
        place = resolve(self.cloud, workspace_id, "azureml://datastores/workspaceblobstore/paths/")
        assert isinstance(place, BlobPath)
        workspace = self.cloud.store.get(workspace_id)
        assert workspace is not None  # its datastore was found
        container = f"code-{uuid.uuid4().hex[:20]}"
        self.cloud.azurite.ensure_container(place.account, container)
        return {
            "pendingUploadId": str(uuid.uuid4()),
            "pendingUploadType": "TemporaryBlobReference",
            "blobReferenceForConsumption": {
                "blobUri": f"https://{place.account}.blob.core.windows.net/{container}",
                "storageAccountArmId": workspace.properties["storageAccount"],
                "credential": {
                    "credentialType": "SAS",
                    "sasUri": self.cloud.azurite.container_sas_url(place.account, container),
                },
            },
        }


class EnvironmentVersion(Version):
    """An image, with packages on top or without. Nothing is built: jobs run in the emulator's own Python."""

    type = f"{ML}/workspaces/environments/versions"

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        properties = body.get("properties", {})
        if not properties.get("image") and not properties.get("build"):
            raise user_error(f"Environment {path.names[-2]} version {path.name} needs an image or a build context.")
        same = ("image", "condaFile", "build")
        if old is not None and any(old.properties.get(name) != properties.get(name) for name in same):
            raise user_error(f"The environment {path.names[-2]}:{path.name} exists and cannot change.", 409)


class ComponentVersion(Version):
    """What a node of a pipeline runs: a command, the code and the environment for it, and its inputs and outputs."""

    type = f"{ML}/workspaces/components/versions"

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        spec = body.get("properties", {}).get("componentSpec") or {}
        if spec.get("type") != "command" or not spec.get("command") or not spec.get("environment"):
            raise user_error(f"Component {path.names[-2]}:{path.name} needs a command and an environment.")
        if old is not None and old.properties["componentSpec"] != spec:
            raise user_error(f"The component {path.names[-2]}:{path.name} exists and cannot change.", 409)


def _with_defaults(resource: Resource) -> None:
    properties = resource.properties
    for name, default in (("tags", {}), ("properties", {}), ("isArchived", False)):
        if properties.get(name) is None:
            properties[name] = default
