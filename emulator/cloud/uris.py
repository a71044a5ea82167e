"""The many ways Azure ML names a blob or a model, resolved to one place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from emulator.arm.errors import user_error
from emulator.cloud.parts import Cloud
from emulator.machine.store import Resource


@dataclass(frozen=True)
class BlobPath:
    """A blob or a folder of blobs."""

    account: str
    container: str
    path: str


@dataclass(frozen=True)
class RegistryModel:
    """A base model of a registry."""

    registry: str
    name: str
    version: str


DATASTORE = re.compile(r"azureml://(?:.*/)?datastores/(?P<store>[^/]+)/paths/(?P<path>.*)$", re.IGNORECASE)
REGISTRY_MODEL = re.compile(
    r"azureml://registries/(?P<registry>[^/]+)/models/(?P<name>[^/]+)/versions/(?P<version>[^/]+)/?$", re.IGNORECASE
)
ASSET = re.compile(r"(?:^|/)(?P<kind>data|models)/(?P<name>[^/]+)/versions/(?P<version>[^/]+)/?$", re.IGNORECASE)
SHORT = re.compile(r"azureml:(?P<name>[^/:]+):(?P<version>[^/:]+)$")
JOB_OUTPUT = re.compile(
    r"azureml://jobs/(?P<job>[^/]+)/outputs/(?P<output>[^/]+)(?:/paths)?/?(?P<path>.*)$", re.IGNORECASE
)
BLOB_URL = re.compile(r"https://(?P<account>[^.]+)\.blob\.core\.windows\.net/(?P<container>[^/]+)/(?P<path>[^?]*)")


def job_output_uri(job: str, output: str) -> str:
    """Where a job of the workspace leaves a named output."""
    return f"azureml://datastores/workspaceblobstore/paths/azureml/{job}/{output}/"


def resolve(cloud: Cloud, workspace_id: str, uri: str) -> BlobPath | RegistryModel:
    """The place a URI or asset id of a workspace stands for.

    Raises:
        AzureError: no such form, asset, job output or datastore.
    """
    if found := REGISTRY_MODEL.match(uri):
        shared = shared_model(cloud, found["registry"], found["name"], found["version"])
        if shared is not None:
            return resolve(cloud, workspace_id, str(shared.properties["modelUri"]))
        return RegistryModel(found["registry"], found["name"], found["version"])
    if found := DATASTORE.match(uri):
        return _in_datastore(cloud, workspace_id, found["store"], found["path"])
    if found := JOB_OUTPUT.match(uri):
        inner = job_output_uri(found["job"], found["output"]) + found["path"]
        return resolve(cloud, workspace_id, inner)
    if found := BLOB_URL.match(uri):
        return BlobPath(found["account"], found["container"], found["path"])
    asset = _asset(cloud, workspace_id, uri)
    inner_uri = asset.properties.get("dataUri") or asset.properties.get("modelUri")
    return resolve(cloud, workspace_id, str(inner_uri))


def own_registry(cloud: Cloud, name: str) -> Resource | None:
    """A registry that somebody has made in the tenant, by its name."""
    kind = "Microsoft.MachineLearningServices/registries"
    return next((each for each in cloud.store.of_type(kind) if each.name.lower() == name.lower()), None)


def shared_model(cloud: Cloud, registry: str, name: str, version: str) -> Resource | None:
    """A version of a model in such a registry."""
    found = own_registry(cloud, registry)
    return cloud.store.get(f"{found.id}/models/{name}/versions/{version}") if found else None


def _asset(cloud: Cloud, workspace_id: str, uri: str) -> Resource:
    if found := ASSET.search(uri):
        candidates = [f"{workspace_id}/{found['kind']}/{found['name']}/versions/{found['version']}"]
    elif found := SHORT.match(uri):
        candidates = [
            f"{workspace_id}/{kind}/{found['name']}/versions/{found['version']}" for kind in ("data", "models")
        ]
    else:
        raise user_error(f"The URI {uri!r} is none the emulator knows.")
    for candidate in candidates:
        asset = cloud.store.get(candidate)
        if asset is not None:
            return asset
    raise user_error(f"The asset {uri} does not exist in the workspace.", 404, "NotFoundError")


def _in_datastore(cloud: Cloud, workspace_id: str, name: str, path: str) -> BlobPath:
    datastore = cloud.store.get(f"{workspace_id}/datastores/{name}")
    if datastore is None:
        raise user_error(f"Could not find datastore: {name}", 404, "NotFoundError")
    properties = datastore.properties
    return BlobPath(properties["accountName"], properties["containerName"], path)
