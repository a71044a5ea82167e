"""The file share of a workspace, where the studio keeps what people edit there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cloud import client as azure
from cloud.catalogue import ML_VERSION
from cloud.hosts import storage
from cloud.target import Target

if TYPE_CHECKING:
    from azure.storage.fileshare import ShareDirectoryClient

    from cloud.arm import Arm

_DATASTORE = "workspaceworkingdirectory"


class Share:
    """One workspace's share; every method raises what azure-core raises."""

    def __init__(self, arm: Arm, target: Target) -> None:
        path = f"{target.path}/datastores/{_DATASTORE}"
        datastore = arm.get(path, ML_VERSION)["properties"]
        self._url = storage(datastore, "file")
        self._name = datastore["fileShareName"]
        if datastore["credentials"]["credentialsType"] == "AccountKey":
            secrets = arm.run("POST", f"{path}/listSecrets", {"api-version": ML_VERSION}, {}) or {}
            self._access: dict[str, Any] = {"credential": secrets["key"]}
        else:
            # A token opens a share past its files' own permissions only with this intent.
            self._access = {"credential": azure.credential(), "token_intent": "backup"}

    def write(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Makes `folder` and all above it, and writes the files (path in the folder → content) over what is there."""
        for name, content in files.items():
            above, _, file = f"{folder}/{name}".rpartition("/")
            self._make(above)
            with self._directory(above) as directory:
                directory.upload_file(file, content, length=len(content))

    def prune(self, folder: str, files: Mapping[str, bytes], suffix: str) -> list[str]:
        """Deletes the files in `folder`, at any depth, that end with `suffix` and are not in `files`."""
        deleted, folders = [], [""]
        while folders:
            inner = folders.pop()
            with self._directory(f"{folder}/{inner}".rstrip("/")) as directory:
                for entry in directory.list_directories_and_files():
                    name = f"{inner}{entry['name']}"
                    if entry["is_directory"]:
                        folders.append(f"{name}/")
                    elif name.endswith(suffix) and name not in files:
                        directory.delete_file(entry["name"])
                        deleted.append(name)
        return deleted

    def _make(self, folder: str) -> None:
        from azure.core.exceptions import ResourceExistsError

        parts = folder.split("/")
        for depth in range(1, len(parts) + 1):
            with self._directory("/".join(parts[:depth])) as directory:
                try:
                    directory.create_directory()
                except ResourceExistsError:
                    continue

    def _directory(self, path: str) -> ShareDirectoryClient:
        from azure.storage.fileshare import ShareDirectoryClient

        return ShareDirectoryClient(
            self._url, self._name, path, retry_total=azure.RETRIES["retry_total"], **self._access
        )
