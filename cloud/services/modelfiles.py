"""The files of a model's version, wherever they are: listed with what tells them apart, and read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloud.catalogue import ML_VERSION
from cloud.errors import StageError
from cloud.hosts import is_blobs
from cloud.services import blobs, registry
from cloud.target import RegistryAsset, Target

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

    from cloud.arm import Arm


@dataclass(frozen=True, order=True)
class File:
    """`name` is below the model's folder, `size` in bytes, `md5` what storage has computed of it, or ""."""

    name: str
    size: int
    md5: str = ""


@dataclass(frozen=True)
class Folder:
    """Where a version's files are."""

    container: ContainerClient
    prefix: str

    def files(self) -> list[File]:
        """In the order of their names. Raises what azure-core raises."""
        found = []
        for blob in self.container.list_blobs(name_starts_with=f"{self.prefix}/"):
            md5 = bytes(blob.content_settings.content_md5 or b"").hex()
            # Accounts with a hierarchical namespace list their folders, too.
            if not (blob.size == 0 and (blob.metadata or {}).get("hdi_isfolder")):
                found.append(File(str(blob.name).removeprefix(f"{self.prefix}/"), int(blob.size), md5))
        return sorted(found)

    def chunks(self, file: File, offset: int = 0) -> Iterator[bytes]:
        """What is in it from there on."""
        if offset < file.size:
            yield from self.container.download_blob(f"{self.prefix}/{file.name}", offset=offset).chunks()


def digest(files: Sequence[File]) -> str:
    """In few words what there is: `5 files, 123 bytes, 0123456789ab`; the same for the same names and sizes.

    What storage has computed of a file's content (its MD5) counts where it has. Azure's Copy Blob keeps it; that a
    registry copies so is not proven.
    """
    told = "".join(f"{each.name}\n{each.size}\n{each.md5}\n" for each in sorted(files))
    short = hashlib.sha256(told.encode()).hexdigest()[:12]
    return f"{len(files)} files, {sum(each.size for each in files)} bytes, {short}"


@contextmanager
def of_workspace(arm: Arm, target: Target, name: str, version: str) -> Iterator[Folder]:
    """Of a version in a workspace. Raises StageError, and what azure-core raises."""
    from azure.storage.blob import ContainerClient

    model = arm.get(f"{target.path}/models/{name}/versions/{version}", ML_VERSION)["properties"]
    place = blobs.place(str(model["modelUri"]))
    url, container, access = blobs.of_datastore(arm, target, place["store"])
    with ContainerClient(url, container, credential=access) as client:
        yield Folder(client, place["path"].rstrip("/"))


@contextmanager
def of_registry(arm: Arm, asset: RegistryAsset) -> Iterator[Folder]:
    """Of a version in a registry, which gives an address that reads them for a while."""
    from azure.storage.blob import ContainerClient

    shelf = registry.shelf(asset, registry.MODELS, arm)
    found = shelf.version() if shelf else None
    if shelf is None or found is None:
        why, todo = "there is no such version", "Look at the registry in Azure ML studio."
        raise StageError("the model's files could not be read", on=asset.model_uri, why=why, todo=todo)
    given: dict[str, Any] = shelf.reference(str(found["properties"]["modelUri"]))
    address = str((given.get("credential") or {}).get("sasUri") or given.get("blobUri"))
    if not is_blobs(address):
        why, todo = "the registry names a place that is no blob storage of Azure's", "Ask who keeps the registry."
        raise StageError("the model's files could not be read", on=asset.model_uri, why=why, todo=todo)
    path = str(given["blobUri"]).partition("://")[2].split("/", 2)[-1]
    with ContainerClient.from_container_url(address) as client:
        yield Folder(client, path.rstrip("/"))
