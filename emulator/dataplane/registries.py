"""Registries that somebody has made in the tenant: models that workspaces share in them, and who may.

Not in it: the public ones with the base models (`emulator.registry`).
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from emulator import registry
from emulator.access.rbac import MODEL_REGISTRY, Rbac
from emulator.arm.errors import AzureError, now, user_error
from emulator.cloud.parts import Cloud
from emulator.cloud.uris import BlobPath, own_registry, resolve
from emulator.machine.store import Resource
from emulator.resources.workspaces import Workspace

PLACE = re.compile(
    r"/registries/(?P<registry>[^/]+)/(?:(?P<import>import)|datarefs/(?P<data>[^/]+)/versions/(?P<of>[^/]+)"
    r"|models/(?P<name>[^/]+)(?:/(?P<list>versions)(?:/(?P<version>[^/]+))?)?)$",
    re.IGNORECASE,
)
SOURCE = re.compile(
    r"azureml://locations/[^/]+/workspaces/(?P<workspace>[^/]+)/models/(?P<name>[^/]+)/versions/(?P<version>[^/]+)$"
)
VERSIONS = f"{MODEL_REGISTRY}/models/versions"


class Registries:
    """Answers for the registries that there are in the store, and for no others."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def discovery(self, name: str, host: str) -> dict[str, Any]:
        """Where a registry is served.

        Raises:
            AzureError: there is none of that name.
        """
        found = own_registry(self._cloud, name)
        if found is None:
            return registry.discovery(name, host, self._cloud.store.setting(registry.DESCRIBED, {}))
        parts = found.id.split("/")
        return registry.served(found.name, parts[2], parts[4], found.region)

    def answer(self, method: str, path: str, body: dict[str, Any], caller: str) -> dict[str, Any] | None:
        """The answer to one call; None for what is about no registry of these.

        Raises:
            AzureError: what is asked for does not exist, or the caller may not.
        """
        found = PLACE.search(path)
        home = own_registry(self._cloud, found["registry"]) if found else None
        if found is None or home is None:
            return None
        reads = method == "GET" or bool(found["data"])
        action = f"{MODEL_REGISTRY}/assets/{'read' if reads else 'write'}"
        if not Rbac(self._cloud.store).allowed(caller, action, home.id):
            message = f"The user does not have permission to perform action '{action}' over scope '{home.id}'."
            raise AzureError(403, "AuthorizationFailed", message)
        if found["import"]:
            return self._imported(home, body.get("properties") or {})
        if found["data"]:
            return self._reference(home, str(found["data"]), str(found["of"]))
        if method == "PUT" and found["version"]:
            return self._changed(home, found["name"], found["version"], body)
        if found["version"]:
            return _shown(home, self._one(home, found["name"], found["version"]))
        listed = self._versions(home, found["name"])
        if found["list"]:
            # Empty for a model that is not there: azure-ai-ml lists before the first version is shared.
            return {"value": [_shown(home, each) for each in listed]}
        if not listed:
            raise user_error(f"Model {found['name']} not found in registry {home.name}.", 404, "NotFoundError")
        about = {"latestVersion": listed[0].name, "isArchived": False, "tags": {}, "properties": {}}
        uri = f"azureml://registries/{home.name}/models/{found['name']}"
        return {"id": uri, "name": found["name"], "properties": about}

    def _versions(self, home: Resource, name: str) -> list[Resource]:
        """Those of a model, the newest first."""
        found = self._cloud.store.below(f"{home.id}/models/{name}", VERSIONS)
        return sorted(found, key=lambda each: str(each.body["systemData"]["createdAt"]), reverse=True)

    def _one(self, home: Resource, name: str, version: str) -> Resource:
        found = self._cloud.store.get(f"{home.id}/models/{name}/versions/{version}")
        if found is None:
            message = f"Model {name} version {version} not found in registry {home.name}."
            raise user_error(message, 404, "NotFoundError")
        return found

    def _changed(self, home: Resource, name: str, version: str, body: dict[str, Any]) -> dict[str, Any]:
        """Tags and description; what a version holds stays."""
        old, given = self._one(home, name, version), body.get("properties") or {}
        if given.get("modelUri") not in (None, old.properties["modelUri"]):
            raise user_error(f"The model {name}:{version} exists with another path.", 409)
        for key in ("tags", "description", "properties"):
            if key in given:
                old.properties[key] = given[key]
        self._cloud.store.put(old)
        return _shown(home, old)

    def _imported(self, home: Resource, asked: dict[str, Any]) -> dict[str, Any]:
        """Copies a workspace's model; the answer is empty once it is there, as at the end of Azure's operation."""
        source = SOURCE.match(str(asked.get("sourceAssetId")))
        if asked.get("referenceType") != "Id" or source is None:
            raise user_error("An import needs referenceType Id and the sourceAssetId of a workspace's asset.")
        workspaces = self._cloud.store.of_type(Workspace.type)
        there = next((each for each in workspaces if each.properties.get("workspaceId") == source["workspace"]), None)
        where = f"{there.id}/models/{source['name']}/versions/{source['version']}" if there else ""
        model = self._cloud.store.get(where)
        if there is None or model is None:
            raise user_error(f"The asset {asked.get('sourceAssetId')} was not found.", 404, "NotFoundError")
        name, version = (str(asked.get(f"destination{key}") or source[key.lower()]) for key in ("Name", "Version"))
        if self._cloud.store.get(f"{home.id}/models/{name}/versions/{version}") is not None:
            raise user_error(f"Model {name} version {version} already exists in registry {home.name}.", 409)
        place = resolve(self._cloud, there.id, model.id)
        assert isinstance(place, BlobPath)
        container = f"{name}-{version}".lower().replace("_", "-").replace(".", "-")[:63]
        self._copy(place, home.internal["account"], container)
        kept = ("tags", "description", "flavors", "modelType", "jobName")
        self._cloud.store.put(
            Resource(
                {
                    "id": f"{home.id}/models/{name}/versions/{version}",
                    "name": version,
                    "type": VERSIONS,
                    "properties": {
                        **{key: model.properties[key] for key in kept if key in model.properties},
                        "isAnonymous": False,
                        "isArchived": False,
                        "properties": {},
                        "provisioningState": "Succeeded",
                        "modelUri": f"https://{home.internal['account']}.blob.core.windows.net/{container}/model",
                    },
                    "systemData": {"createdAt": now(), "createdByType": "Application"},
                }
            )
        )
        return {}

    def _copy(self, source: BlobPath, account: str, container: str) -> None:
        azurite = self._cloud.azurite
        with tempfile.TemporaryDirectory(dir=self._cloud.home.root) as folder:
            here = Path(folder) / "model"
            azurite.download(source.account, source.container, source.path.rstrip("/"), here)
            azurite.ensure_container(account, container)
            azurite.upload_folder(account, container, "model", here)

    def _reference(self, home: Resource, name: str, version: str) -> dict[str, Any]:
        """An address that reads a version's files for an hour."""
        uri = str(self._one(home, name, version).properties["modelUri"])
        account, container = home.internal["account"], uri.split("/")[3]
        sas = self._cloud.azurite.container_sas_url(account, container)
        return {
            "blobReferenceForConsumption": {
                "blobUri": uri,
                "credential": {"credentialType": "SAS", "sasUri": sas},
            }
        }


def _shown(home: Resource, version: Resource) -> dict[str, Any]:
    """As a registry answers: its ids are no ARM ids."""
    name = version.id.split("/")[-3]
    return {**version.body, "id": f"azureml://registries/{home.name}/models/{name}/versions/{version.name}"}
