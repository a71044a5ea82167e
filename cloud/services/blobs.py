"""A small file of a workspace's datastore."""

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

    place = _PLACE.match(uri)
    if place is None:
        why, todo = "it is no file of a datastore", "Look at the asset in Azure ML studio."
        raise StageError("a file could not be read", on=uri, why=why, todo=todo)
    path = f"{target.path}/datastores/{place['store']}"
    datastore = arm.get(path, ML_VERSION)["properties"]
    url = storage(datastore, "blob")
    access: Any = azure.credential()
    if datastore["credentials"]["credentialsType"] != "None":
        secrets = arm.run("POST", f"{path}/listSecrets", {"api-version": ML_VERSION}, {}) or {}
        access = secrets.get("key") or secrets.get("sasToken")
    with BlobClient(
        url, datastore["containerName"], place["path"], credential=access, retry_total=azure.RETRIES["retry_total"]
    ) as blob:
        return bytes(blob.download_blob(offset=0, length=most).readall())
