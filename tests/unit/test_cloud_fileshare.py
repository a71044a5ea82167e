"""Files in a workspace's share: which folders are made, what is written and what is taken away."""

from __future__ import annotations

from types import SimpleNamespace, TracebackType
from typing import Any, ClassVar

import pytest
from azure.core.exceptions import ResourceExistsError

from cloud.services import fileshare
from cloud.target import Target

TARGET = Target("sub", "rg-phi", "mlw-phi")
STORE = f"{TARGET.path}/datastores/workspaceworkingdirectory"


class Directory:
    """Of one share in memory: {path of a folder: {name of a file: content}}."""

    folders: ClassVar[dict[str, dict[str, bytes]]] = {}
    opened: ClassVar[list[tuple[Any, ...]]] = []

    def __init__(self, url: str, share: str, path: str, **access: Any) -> None:
        self._path = path
        self.opened.append((url, share, access))

    def __enter__(self) -> Directory:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, where: TracebackType | None) -> None:
        return None

    def create_directory(self) -> None:
        above, _, _ = self._path.rpartition("/")
        assert above in self.folders or not above
        if self._path in self.folders:
            raise ResourceExistsError("there already")
        self.folders[self._path] = {}

    def upload_file(self, name: str, content: bytes, length: int) -> None:
        assert length == len(content)
        self.folders[self._path][name] = content

    def list_directories_and_files(self) -> list[dict[str, Any]]:
        inner = [path for path in self.folders if path.rpartition("/")[0] == self._path]
        files = [{"name": name, "is_directory": False} for name in self.folders[self._path]]
        return [*files, *({"name": path.rpartition("/")[2], "is_directory": True} for path in inner)]

    def delete_file(self, name: str) -> None:
        del self.folders[self._path][name]


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, bytes]]:
    monkeypatch.setattr("azure.storage.fileshare.ShareDirectoryClient", Directory)
    monkeypatch.setattr(Directory, "folders", {})
    monkeypatch.setattr(Directory, "opened", [])
    return Directory.folders


def share(credentials: str = "AccountKey") -> fileshare.Share:
    properties = {
        "accountName": "stphi",
        "endpoint": "core.windows.net",
        "protocol": "https",
        "fileShareName": "code-1",
        "credentials": {"credentialsType": credentials},
    }

    def run(method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> dict[str, str]:
        assert (method, path, body) == ("POST", f"{STORE}/listSecrets", {})
        return {"key": "a key"}

    def get(path: str, version: str) -> dict[str, Any]:
        assert path == STORE
        return {"properties": properties}

    return fileshare.Share(SimpleNamespace(get=get, run=run), TARGET)  # type: ignore[arg-type]


def test_folders_are_made_from_above_and_files_written_over(folders: dict[str, dict[str, bytes]]) -> None:
    folders["Users"] = {}
    share().write("Users/phi", {"flow.dag.yaml": b"one", "code/chat.py": b"two"})
    share().write("Users/phi", {"flow.dag.yaml": b"three"})
    assert folders == {
        "Users": {},
        "Users/phi": {"flow.dag.yaml": b"three"},
        "Users/phi/code": {"chat.py": b"two"},
    }
    assert {each[:2] for each in Directory.opened} == {("https://stphi.file.core.windows.net", "code-1")}


def test_what_is_no_more_part_of_it_goes_and_the_rest_stays(folders: dict[str, dict[str, bytes]]) -> None:
    folders |= {
        "flow": {"a.py": b"", "old.py": b"", "notes.txt": b""},
        "flow/code": {"b.py": b"", "old.py": b""},
        "flow/code/deep": {"c.py": b""},
        "elsewhere": {"d.py": b""},
    }
    gone = share().prune("flow", {"a.py": b"", "code/b.py": b""}, ".py")
    assert sorted(gone) == ["code/deep/c.py", "code/old.py", "old.py"]
    assert folders == {
        "flow": {"a.py": b"", "notes.txt": b""},
        "flow/code": {"b.py": b""},
        "flow/code/deep": {},
        "elsewhere": {"d.py": b""},
    }


@pytest.mark.parametrize(
    ("credentials", "access"),
    [
        ("AccountKey", {"credential": "a key", "retry_total": 9}),
        ("None", {"credential": "a token", "token_intent": "backup", "retry_total": 9}),
    ],
)
def test_a_key_where_the_datastore_has_one_and_a_token_else(
    folders: dict[str, dict[str, bytes]], credentials: str, access: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fileshare.azure, "credential", lambda: "a token")
    share(credentials).write("Users", {"a": b""})
    assert Directory.opened[0][2] == access
