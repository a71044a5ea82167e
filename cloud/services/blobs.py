"""Small files of a workspace's datastores."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cloud import client as azure
from cloud.catalogue import ML_VERSION
from cloud.errors import StageError
from cloud.hosts import storage
from cloud.target import Target

if TYPE_CHECKING:
    from cloud.arm import Arm

_PLACE = re.compile(r"azureml://(?:.*/)?datastores/(?P<store>[^/]+)/paths/(?P<path>.+)$", re.IGNORECASE)


def read(arm: Arm, target: Target, uri: str, most: int) -> bytes:
    """The first ``most`` bytes of ``azureml://.../datastores/NAME/paths/PATH``.

    Raises StageError for another address, and what azure-core raises.
    """
    from azure.storage.blob import BlobClient

    found = place(uri)
    url, container, access = of_datastore(arm, target, found["store"])
    with BlobClient(url, container, found["path"], credential=access, retry_total=azure.RETRIES["retry_total"]) as blob:
        return bytes(blob.download_blob(offset=0, length=most).readall())


def write(arm: Arm, target: Target, store: str, path: str, content: bytes) -> None:
    """Puts a small file into a datastore, in the place of what is there. Raises what azure-core raises."""
    from azure.storage.blob import BlobClient

    url, container, access = of_datastore(arm, target, store)
    with BlobClient(url, container, path, credential=access, retry_total=azure.RETRIES["retry_total"]) as blob:
        blob.upload_blob(content, overwrite=True)


def place(uri: str) -> re.Match[str]:
    """`store` and `path` of such an address. Raises StageError for another one."""
    found = _PLACE.match(uri)
    if found is None:
        why, todo = "it is no file of a datastore", "Look at the asset in Azure ML studio."
        raise StageError("a file could not be read", on=uri, why=why, todo=todo)
    return found


def of_datastore(arm: Arm, target: Target, name: str) -> tuple[str, str, Any]:
    """Account's address, container and credential of a datastore of blobs. Raises what azure-core raises."""
    path = f"{target.path}/datastores/{name}"
    datastore = arm.get(path, ML_VERSION)["properties"]
    access: Any = azure.credential()
    if datastore["credentials"]["credentialsType"] != "None":
        secrets = arm.run("POST", f"{path}/listSecrets", {"api-version": ML_VERSION}, {}) or {}
        access = secrets.get("key") or secrets.get("sasToken")
    return storage(datastore, "blob"), datastore["containerName"], access
