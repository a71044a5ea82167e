"""ARM held in a dictionary, and the emulator's provider over it, with no thread and no socket."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from emulator.provider.errors import ArmError
from emulator.provider.provider import AzureNative

T = TypeVar("T")


class Arm:
    """ARM's verbs over a dictionary; ``failing`` refuses or fails the next PUT."""

    def __init__(self) -> None:
        self.resources: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        self.failing: ArmError | None = None
        self.unreadable: ArmError | None = None
        self.code = "ResourceNotFound"

    def get(self, path: str, api_version: str) -> dict[str, Any]:
        self.calls.append(f"GET {path} {api_version}")
        if path not in self.resources:
            raise ArmError.from_answer("GET", path, 404, f'{{"error":{{"code":"{self.code}","message":"not here"}}}}')
        if self.unreadable:
            raise self.unreadable
        return self.resources[path]

    def find(self, path: str, api_version: str) -> dict[str, Any] | None:
        try:
            return self.get(path, api_version)
        except ArmError:
            return None

    def put(self, path: str, api_version: str, body: dict[str, Any], timeout: float) -> dict[str, Any]:
        self.calls.append(f"PUT {path} {api_version}")
        self.bodies.append(body)
        if self.failing and not self.failing.accepted:
            raise self.failing
        if not isinstance(body.get("properties", {}), dict):
            raise ArmError.from_answer("PUT", path, 400, '{"error":{"code":"InvalidRequestContent","message":"no"}}')
        properties = {**body.get("properties", {}), "provisioningState": "Succeeded"}
        self.resources[path] = {"id": path, "name": path.split("/")[-1], **body, "properties": properties}
        if self.failing:
            raise self.failing
        return self.resources[path]

    def post(self, path: str, api_version: str) -> dict[str, Any]:
        self.calls.append(f"POST {path} {api_version}")
        return {"primaryKey": "k1", "secondaryKey": "k2"}

    def delete(self, path: str, api_version: str, timeout: float) -> None:
        self.resources.pop(path, None)


class Direct(AzureNative):
    """The provider without threads, so that tests need no event loop (and its socket)."""

    async def _in_thread(self, work: Callable[[Any], T]) -> T:
        return work(self._client())


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("the coroutine waits for something")
