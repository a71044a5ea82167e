"""A workspace's file share, through Azure's own client, and the prompt flows whose files are on it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential
from azure.storage.fileshare import ShareDirectoryClient

from emulator.machine.home import CLIENT_OBJECT_ID
from tests.contract.arm import Refusal
from tests.contract.cases import Cases
from tests.contract.lab import LOCATION, Lab

CASES = Cases("flows")
DEFINITION = b"nodes:\n- name: ask\n  source: {type: code, path: ask.py}\n"


@pytest.mark.parametrize("name", CASES.rows)
def test_refused(name: str, lab: Lab) -> None:
    CASES.check_refused(name, lab)


@pytest.mark.parametrize("name", CASES.rows)
def test_way_through(name: str, lab: Lab) -> None:
    CASES.check_passes(name, lab)


class Folder:
    """A new folder of the lab's share; what Azure's client raises becomes a Refusal."""

    def __init__(self, lab: Lab, **access: Any) -> None:
        datastore = f"{lab.workspace}/datastores/workspaceworkingdirectory"
        found = lab.get(datastore)["properties"]
        key = lab.arm.post(f"{datastore}/listSecrets", "2025-12-01")["key"]
        self.path = f"folder-{uuid.uuid4().hex[:8]}"
        url = f"https://{found['accountName']}.file.core.windows.net"
        self.client = ShareDirectoryClient(
            url, found["fileShareName"], self.path, retry_total=0, **(access or {"credential": key})
        )

    def make(self) -> Folder:
        self.call(self.client.create_directory)
        return self

    def write(self, name: str, content: bytes) -> None:
        self.call(self.client.upload_file, name, content, length=len(content))

    def read(self, name: str) -> bytes:
        content: bytes = self.call(lambda: self.client.get_file_client(name).download_file().readall())
        return content

    @staticmethod
    def call(act: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return act(*arguments, **named)
        except HttpResponseError as error:
            code = str(getattr(error.error_code, "value", error.error_code))
            raise Refusal(error.status_code or 0, code, str(error), {"text": str(error)}) from error


def by_token() -> dict[str, Any]:
    return {"credential": DefaultAzureCredential(), "token_intent": "backup"}


def create_flow(lab: Lab, path: str, kind: str = "Chat") -> str:
    token = DefaultAzureCredential().get_token("https://management.azure.com/.default").token
    answer = requests.post(
        f"https://{LOCATION}.api.azureml.ms/flow/api{lab.workspace}/Flows",
        json={"flowName": "chat", "flowType": kind, "flowDefinitionFilePath": path},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    body = answer.json()
    if answer.status_code != 200:
        raise Refusal(answer.status_code, body["error"]["code"], body["error"]["message"], body)
    return str(body["flowId"])


@CASES.refused("share-key")
def _(lab: Lab) -> None:
    Folder(lab, credential="bm90IHRoZSBrZXk=").make()


@CASES.refused("share-keyless")
def _(lab: Lab) -> None:
    body = lab.get(lab.storage)
    lab.put(lab.storage, {**body, "properties": {"allowSharedKeyAccess": False}})
    try:
        Folder(lab).make()
    finally:
        lab.put(lab.storage, {**body, "properties": {"allowSharedKeyAccess": True}})


@CASES.refused("share-role")
def _(lab: Lab) -> None:
    Folder(lab, **by_token()).make()


@CASES.refused("share-intent")
def _(lab: Lab) -> None:
    """Azure's client refuses to be made without one, so this is a request by hand."""
    token = DefaultAzureCredential().get_token("https://storage.azure.com/.default").token
    headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2025-05-05"}
    answer = requests.put(f"{Folder(lab).client.url}?restype=directory", headers=headers, timeout=30)
    raise Refusal(answer.status_code, answer.headers["x-ms-error-code"], answer.text, {"text": answer.text})


@CASES.refused("share-parent")
def _(lab: Lab) -> None:
    Folder(lab).write("file.txt", b"text")


@CASES.refused("share-full")
def _(lab: Lab) -> None:
    folder = Folder(lab).make()
    folder.write("file.txt", b"text")
    folder.call(folder.client.delete_directory)


@CASES.passes("share-key")
@CASES.passes("share-keyless")
@CASES.passes("share-parent")
@CASES.passes("share-full")
def _(lab: Lab) -> None:
    folder = Folder(lab).make()
    folder.write("file.txt", b"text")
    folder.write("file.txt", b"another")
    assert folder.read("file.txt") == b"another"
    assert [entry["name"] for entry in folder.client.list_directories_and_files()] == ["file.txt"]
    folder.call(folder.client.delete_file, "file.txt")
    folder.call(folder.client.delete_directory)
    assert not folder.client.exists()


@CASES.passes("share-role")
@CASES.passes("share-intent")
def _(lab: Lab) -> None:
    """Owner of everything is not enough: reading and writing files takes a role for data."""
    role = {"principal": CLIENT_OBJECT_ID, "role": "Storage File Data Privileged Contributor"}
    with lab.setting("roles", [{"principal": CLIENT_OBJECT_ID, "role": "Owner"}, role]):
        folder = Folder(lab, **by_token()).make()
        folder.write("file.txt", b"text")
        assert folder.read("file.txt") == b"text"


@CASES.refused("flow-files")
def _(lab: Lab) -> None:
    create_flow(lab, "Users/nobody/flow.dag.yaml")


@CASES.refused("flow-source")
def _(lab: Lab) -> None:
    folder = Folder(lab).make()
    folder.write("flow.dag.yaml", DEFINITION)
    create_flow(lab, f"{folder.path}/flow.dag.yaml")


@CASES.refused("flow-type")
def _(lab: Lab) -> None:
    create_flow(lab, "Users/nobody/flow.dag.yaml", kind="Opera")


@CASES.passes("flow-files")
@CASES.passes("flow-source")
@CASES.passes("flow-type")
def _(lab: Lab) -> None:
    folder = Folder(lab).make()
    folder.write("flow.dag.yaml", DEFINITION)
    folder.write("ask.py", b"")
    assert create_flow(lab, f"{folder.path}/flow.dag.yaml")
