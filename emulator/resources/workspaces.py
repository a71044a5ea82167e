"""Azure ML workspaces, hubs and projects, their datastores, computes and connections."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from emulator.arm.errors import AzureError, MachineLearningError, user_error
from emulator.arm.paths import ArmPath
from emulator.cloud.parts import Cloud
from emulator.machine import files
from emulator.machine.home import TENANT_ID
from emulator.machine.store import Resource
from emulator.resources import filled
from emulator.resources.base import Kind, OneWriter
from emulator.resources.network import managed

ML = "Microsoft.MachineLearningServices"
DETACHED = "detached-machines"
"""Setting: ids of deleted clusters whose machines were only let go of, and the size of those machines."""
DEPENDENCIES = ("storageAccount", "keyVault")
WORKING_DIRECTORY = "workspaceworkingdirectory"
"""The datastore of a workspace's file share, where the studio keeps notebooks and prompt flows."""
WRITE_SECONDS = 0.1
"""How long writing a connection takes, during which the workspace refuses to write another."""


class Workspace(Kind):
    """A workspace; ``kind`` Hub and Project are AI Foundry's. A delete keeps its name taken, unless it says
    ``forceToPurge``; later nothing frees it but time. The subscription's list has the deleted ones, too.
    """

    type = f"{ML}/workspaces"
    created = 202
    patchable = (*Kind.patchable, "properties")
    asynchronous = True
    soft_deleted = True
    leaves_nothing = "forceToPurge"
    long_actions = ("provisionmanagednetwork",)

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        properties = body.get("properties", {})
        if old is None and self.cloud.store.find_deleted(path.id) is not None:
            raise AzureError(
                400,
                "BadRequest",
                "Soft-deleted workspace exists. Please purge or recover it. https://aka.ms/wsoftdelete",
            )
        if body.get("kind") == "Project":
            hub = properties.get("hubResourceId")
            if not hub or self.cloud.store.get(hub) is None:
                raise AzureError(400, "BadRequest", f"The hub '{hub}' of project '{path.name}' does not exist.")
            return
        missing = [name for name in DEPENDENCIES if not properties.get(name)]
        absent = [
            properties[name]
            for name in (*DEPENDENCIES, "applicationInsights", "containerRegistry")
            if properties.get(name) and self.cloud.store.get(properties[name]) is None
        ]
        if missing or absent:
            raise AzureError(400, "Invalid", "Missing dependent resources in workspace json")

    def fill(self, resource: Resource, old: Resource | None) -> None:
        properties = resource.properties
        location = resource.region
        resource.body.setdefault("kind", "Default")
        if resource.body["kind"] == "Project":
            hub = self.cloud.store.get(properties["hubResourceId"])
            assert hub is not None  # admitted
            for name in (*DEPENDENCIES, "applicationInsights", "containerRegistry", "systemDatastoresAuthMode"):
                if hub.properties.get(name):
                    properties[name] = hub.properties[name]
        properties |= {
            "workspaceId": old.properties["workspaceId"] if old else str(uuid.uuid4()),
            "discoveryUrl": f"https://{location}.api.azureml.ms/discovery",
            "mlFlowTrackingUri": f"azureml://{location}.api.azureml.ms/mlflow/v1.0{resource.id}",
            "tenantId": TENANT_ID,
        }
        properties.setdefault("publicNetworkAccess", "Enabled")
        properties.setdefault("hbiWorkspace", False)
        properties.setdefault("friendlyName", resource.name)

    def apply(self, resource: Resource) -> None:
        if resource.body["kind"] == "Hub":
            return
        account = resource.properties["storageAccount"].rsplit("/", 1)[1]
        stem = resource.properties["workspaceId"]
        for name, container in (
            ("workspaceblobstore", f"azureml-blobstore-{stem}"),
            ("workspaceartifactstore", f"azureml-{stem}"),
        ):
            self.cloud.azurite.ensure_container(account, container)
            self._datastore(resource, name, account, {"datastoreType": "AzureBlob", "containerName": container})
        share = f"{stem}-code-{uuid.uuid5(uuid.NAMESPACE_URL, resource.id)}"
        files.ensure_share(self.cloud.home, account, share)
        self._datastore(resource, WORKING_DIRECTORY, account, {"datastoreType": "AzureFile", "fileShareName": share})

    def view(self, resource: Resource) -> dict[str, Any]:
        return filled.workspace(self.cloud.store, resource)

    def act(self, resource: Resource, action: str, body: dict[str, Any]) -> Any:
        if action != "provisionmanagednetwork":
            return super().act(resource, action, body)
        managed.provision(self.cloud.store, resource)
        return None

    def _datastore(self, workspace: Resource, name: str, account: str, place: Mapping[str, str]) -> None:
        credentials = {"credentialsType": "AccountKey"}
        if str(workspace.properties.get("systemDatastoresAuthMode", "")).lower() == "identity":
            credentials = {"credentialsType": "None"}
        body = {
            "id": f"{workspace.id}/datastores/{name}",
            "name": name,
            "type": Datastore.type,
            "properties": {
                **place,
                "accountName": account,
                "endpoint": "core.windows.net",
                "protocol": "https",
                "isDefault": name == "workspaceblobstore",
                "credentials": credentials,
                "tags": {},
                "properties": {},
            },
        }
        self.cloud.store.put(Resource(body))

    def everywhere(self) -> list[Resource]:
        return [*self.cloud.store.of_type(self.type), *self.cloud.store.deleted(self.type)]

    def remove(self, resource: Resource) -> None:
        """With it go the machines that its clusters had let go of."""
        kept: dict[str, str] = self.cloud.store.setting(DETACHED, {})
        below = f"{resource.id.lower()}/"
        self.cloud.store.set_setting(DETACHED, {k: v for k, v in kept.items() if not k.startswith(below)} or None)

    def admit_delete(self, resource: Resource, query: Mapping[str, str]) -> None:
        if resource.body.get("kind") != "Hub":
            return
        projects = [
            each.name
            for each in self.cloud.store.of_type(self.type)
            if str(each.properties.get("hubResourceId", "")).lower() == resource.id.lower()
        ]
        if projects:
            raise AzureError(
                400,
                "BadRequest",
                f"The AI hub still has associated AI projects ({', '.join(projects)}). Delete the projects first.",
            )


class Datastore(Kind):
    """Where a workspace keeps blobs and files; the three of every workspace come with it."""

    type = f"{ML}/workspaces/datastores"

    def listed(self, resources: list[Resource], query: Mapping[str, str]) -> list[Resource]:
        wanted = query.get("isDefault")
        if wanted is None:
            return resources
        return [each for each in resources if str(each.properties["isDefault"]).lower() == wanted.lower()]

    def act(self, resource: Resource, action: str, body: dict[str, Any]) -> Any:
        if action != "listsecrets":
            return super().act(resource, action, body)
        account = resource.properties["accountName"]
        for storage in self.cloud.store.of_type("Microsoft.Storage/storageAccounts"):
            if storage.name == account:
                return {"secretsType": "AccountKey", "key": storage.internal["keys"][0]}
        raise user_error(f"The storage account {account} of datastore {resource.name} does not exist.", 404)


class Connection(Kind):
    """A workspace connection; reads never show its credentials. A workspace writes one at a time."""

    type = f"{ML}/workspaces/connections"
    created = 200
    patchable = ("properties",)

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self._writer = OneWriter(WRITE_SECONDS)

    def missing(self, path: ArmPath) -> AzureError:
        # No code of those that azure-native takes for "gone".
        return MachineLearningError(404, "UserError", f"Connection {path.name} can't be found in this workspace")

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        self._admit_body(path, body)
        if not self._writer.free(path.parent_id):
            raise MachineLearningError(
                409,
                "Conflict",
                f"Another connection of workspace {path.names[0]} is being written. Try again once that is done.",
            )

    def apply(self, resource: Resource) -> None:
        del resource
        self._writer.finish()

    def _admit_body(self, path: ArmPath, body: dict[str, Any]) -> None:
        properties = body.get("properties", {})
        if not properties.get("category") or not properties.get("authType"):
            raise MachineLearningError(
                400, "ValidationError", f"Connection {path.name} needs properties.category and properties.authType."
            )
        if properties["authType"] == "CustomKeys" and not (properties.get("credentials") or {}).get("keys"):
            raise MachineLearningError(
                400, "ValidationError", f"Connection {path.name} of auth type CustomKeys needs credentials.keys."
            )

    def fill(self, resource: Resource, old: Resource | None) -> None:
        credentials = resource.properties.pop("credentials", None)
        if credentials is not None or old is None:
            resource.internal["credentials"] = credentials
        resource.properties["group"] = "AzureAI"

    def view(self, resource: Resource) -> dict[str, Any]:
        return {**resource.body, "properties": {**resource.properties, "credentials": None}}

    def act(self, resource: Resource, action: str, body: dict[str, Any]) -> Any:
        if action != "listsecrets":
            return super().act(resource, action, body)
        return {
            **resource.body,
            "properties": {**resource.properties, "credentials": resource.internal.get("credentials")},
        }
