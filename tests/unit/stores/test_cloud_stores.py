"""Files of models and of datastores: where they are, what opens them, and what a machine outside is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from azure.storage import blob as storage
from registry_fake import (
    ARM,
    ASSET,
    SHELF,
    WORKSPACE,
)

from cloud.arm import Arm
from cloud.errors import StageError
from cloud.services import blobs, modelfiles, reach
from cloud.services.modelfiles import File, Folder, digest
from cloud.target import Target
from tests.unit.arm_fake import ArmFake

TARGET = Target("s", "rg", "ws")
STORE = f"{WORKSPACE}/datastores/workspaceblobstore"


def test_files_in_few_words() -> None:
    files = [File("b", 20, "ff"), File("a", 3)]
    assert digest(files) == digest(files[::-1]) == "2 files, 23 bytes, 27577fe587e8"
    others = ([File("b", 20), File("a", 3)], [File("b", 21, "ff"), File("a", 3)], [File("c", 20, "ff"), File("a", 3)])
    assert len({digest(each).split(", ")[2] for each in (files, *others)}) == 4


class Container:
    """Blobs by name: size, MD5 and metadata."""

    def __init__(self, *found: tuple[str, int, bytes | None, Any]) -> None:
        self.found, self.asked = found, []  # type: ignore[var-annotated]

    def list_blobs(self, name_starts_with: str) -> list[Any]:
        self.asked.append(name_starts_with)
        return [
            SimpleNamespace(name=name, size=size, content_settings=SimpleNamespace(content_md5=md5), metadata=metadata)
            for name, size, md5, metadata in self.found
        ]

    def download_blob(self, name: str, offset: int) -> Any:
        self.asked.append((name, offset))
        return SimpleNamespace(chunks=lambda: iter([b"x"]))


def test_the_files_of_a_folder() -> None:
    container: Any = Container(
        ("m/b", 2, b"\x01\xff", None),
        ("m/a", 0, None, {}),
        ("m/folder", 0, None, {"hdi_isfolder": "true"}),
        ("m/odd", 1, None, {"hdi_isfolder": "true"}),
    )
    folder = Folder(container, "m")
    assert folder.files() == [File("a", 0, ""), File("b", 2, "01ff"), File("odd", 1, "")]
    assert list(folder.chunks(File("b", 2), 1)) == [b"x"] and list(folder.chunks(File("b", 2))) == [b"x"]
    assert list(folder.chunks(File("b", 2), 2)) == []
    assert container.asked == ["m/", ("m/b", 1), ("m/b", 0)]


class Client:
    """In the place of the container's client: what it was made with."""

    made: list[Any] = []  # noqa: RUF012 - emptied by each test
    error: Exception | None = None

    def __init__(self, *args: Any, **more: Any) -> None:
        self.made.append((args, more))

    @classmethod
    def from_container_url(cls, url: str) -> Client:
        return cls(url)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.made.append("closed")

    def get_container_properties(self) -> None:
        if self.error:
            raise self.error


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> type[Client]:
    monkeypatch.setattr(storage, "ContainerClient", Client)
    monkeypatch.setattr(Client, "made", [])
    monkeypatch.setattr(Client, "error", None)
    return Client


def datastore(kind: str = "None", **more: Any) -> dict[str, Any]:
    told = {"accountName": "stphi", "containerName": "azureml", "credentials": {"credentialsType": kind}}
    return {"properties": {**told, **more}}


def test_the_files_of_a_workspaces_model(arm: ArmFake, client: type[Client]) -> None:
    uri = "azureml://subscriptions/s/datastores/workspaceblobstore/paths/LocalUpload/m/"
    arm.get(f"{WORKSPACE}/models/m/versions/1", {"properties": {"modelUri": uri}})
    arm.get(STORE, datastore("AccountKey"))
    arm.then("POST", f"{STORE}/listSecrets", (200, {}, {"key": "k"}))
    with modelfiles.of_workspace(Arm(), TARGET, "m", "1") as folder:
        assert folder.prefix == "LocalUpload/m"
    assert client.made == [(("https://stphi.blob.core.windows.net", "azureml"), {"credential": "k"}), "closed"]
    version = "?api-version=2025-12-01"
    assert arm.sent == [
        ("GET", f"{ARM}{WORKSPACE}/models/m/versions/1{version}"),
        ("GET", f"{ARM}{STORE}{version}"),
        ("POST", f"{ARM}{STORE}/listSecrets{version}"),
    ]


SAS = "https://acc.blob.core.windows.net/c?sig=x"


@pytest.mark.parametrize("credential", [{"sasUri": SAS}, None])
def test_the_files_of_a_registrys_model(credential: Any, arm: ArmFake, client: type[Client]) -> None:
    arm.get(f"{SHELF}/versions/3", {"properties": {"modelUri": "u"}})
    refs = f"{SHELF.rpartition('/models/')[0]}/datarefs/Phi/versions/3"
    given = {"blobUri": "https://acc.blob.core.windows.net/c/deep/m/", "credential": credential}
    arm.then("POST", refs, (200, {}, {"blobReferenceForConsumption": given}))
    with modelfiles.of_registry(Arm(), ASSET) as folder:
        assert folder.prefix == "deep/m"
    assert client.made == [((SAS if credential else given["blobUri"],), {}), "closed"]


@pytest.mark.parametrize(
    ("version", "told"),
    [
        (None, "there is no such version. Look at the registry in Azure ML studio."),
        (
            {"properties": {"modelUri": "u"}},
            "the registry names a place that is no blob storage of Azure's. Ask who keeps the registry.",
        ),
    ],
)
def test_a_registry_without_the_files(version: Any, told: str, arm: ArmFake) -> None:
    if version:
        arm.get(f"{SHELF}/versions/3", version)
    refs = f"{SHELF.rpartition('/models/')[0]}/datarefs/Phi/versions/3"
    arm.then("POST", refs, (200, {}, {"blobReferenceForConsumption": {"blobUri": "https://evil.example/c/m"}}))
    with pytest.raises(StageError) as raised, modelfiles.of_registry(Arm(), ASSET):
        pass
    on = "azureml://registries/azureml/models/Phi/versions/3"
    assert str(raised.value) == f"the model's files could not be read ({on}): {told}"


@pytest.mark.parametrize("uri", ["azureml://x", "https://datastores/a/paths/b", "azureml://datastores/a/paths/"])
def test_what_is_no_file_of_a_datastore(uri: str) -> None:
    with pytest.raises(StageError) as raised:
        blobs.place(uri)
    assert str(raised.value) == (
        f"a file could not be read ({uri}): it is no file of a datastore. Look at the asset in Azure ML studio."
    )
    found = blobs.place("AzureML://subscriptions/s/datastores/a/paths/b/c")
    assert (found["store"], found["path"]) == ("a", "b/c")


@pytest.mark.parametrize(("secrets", "access"), [({"key": "k", "sasToken": "t"}, "k"), ({"sasToken": "t"}, "t")])
def test_what_opens_a_datastore(secrets: dict[str, str], access: str, arm: ArmFake) -> None:
    arm.get(STORE, datastore("Sas", endpoint="core.windows.net"))
    arm.then("POST", f"{STORE}/listSecrets", (200, {}, secrets))
    url = "https://stphi.blob.core.windows.net"
    assert blobs.of_datastore(Arm(), TARGET, "workspaceblobstore") == (url, "azureml", access)
    assert arm.bodies == [{}]
    arm.get(STORE, datastore())
    assert blobs.of_datastore(Arm(), TARGET, "workspaceblobstore")[2] is blobs.azure.credential()


class Blob(Client):
    def download_blob(self, **how: Any) -> Any:
        self.made.append(how)
        return SimpleNamespace(readall=lambda: bytearray(b"read"))

    def upload_blob(self, content: bytes, **how: Any) -> None:
        self.made.append((content, how))


def test_a_small_file_is_read_and_written(arm: ArmFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "BlobClient", Blob)
    monkeypatch.setattr(Client, "made", [])
    arm.get(STORE, datastore())
    uri = "azureml://datastores/workspaceblobstore/paths/a/b"
    assert blobs.read(Arm(), TARGET, uri, 10) == b"read"
    blobs.write(Arm(), TARGET, "workspaceblobstore", "c/d", b"new")
    how = {"credential": blobs.azure.credential(), "retry_total": 9}
    url = "https://stphi.blob.core.windows.net"
    assert Client.made == [
        ((url, "azureml", "a/b"), how),
        {"offset": 0, "length": 10},
        "closed",
        ((url, "azureml", "c/d"), how),
        (b"new", {"overwrite": True}),
        "closed",
    ]


def refused(status: int, code: str | None) -> HttpResponseError:
    error = HttpResponseError("no")
    error.status_code, error.error_code = status, code  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, ""),
        (refused(403, "AuthorizationPermissionMismatch"), ""),
        (
            refused(403, "AuthorizationFailure"),
            "https://stphi.blob.core.windows.net refuses whoever does not come by a private endpoint "
            "(AuthorizationFailure)",
        ),
        (
            ServiceRequestError("no route\nat all"),
            "https://stphi.blob.core.windows.net cannot be reached from here: no route",
        ),
    ],
)
def test_whether_a_storage_answers_this_machine(
    error: Exception | None, told: str, arm: ArmFake, client: type[Client]
) -> None:
    arm.get(STORE, datastore())
    client.error = error
    assert reach.outside(Arm(), TARGET) == told
    assert client.made[0] == (
        ("https://stphi.blob.core.windows.net", "azureml"),
        {"credential": blobs.azure.credential(), "retry_total": 0},
    )
    assert reach.advice("/subscriptions/s/x/virtualNetworks/vnet/subnets/snet") == (
        "run it on a machine that is in the virtual network vnet, or in one that is peered or connected with it, and "
        "that resolves names by its private DNS zones: a self-hosted runner, a jump host (docs/network.md)"
    )
