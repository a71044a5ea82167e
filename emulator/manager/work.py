"""What goes on behind a PUT or a DELETE that takes its time, and what a caller who asks about it is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.arm.errors import AzureError, now
from emulator.machine.home import SUBSCRIPTION_ID
from emulator.machine.store import Resource, Store
from emulator.manager.calls import Answer, Call
from emulator.manager.operations import POLL_MILLISECONDS, Operations, Transitions
from emulator.resources import filled
from emulator.resources.base import Kind

ARM = "https://management.azure.com"


class Work:
    """Brings resources into being and removes them, at once or in operations."""

    def __init__(self, store: Store, kinds: Mapping[str, Kind], transitions: Transitions) -> None:
        """``kinds`` has the types in lower case."""
        self._store = store
        self._kinds = kinds
        self.operations = Operations(store, transitions, self._do, self._failed)

    def remove(self, resource_id: str) -> None:
        """Remove a resource and all below it."""
        self._do("remove", resource_id)

    def _do(self, what: str, resource_id: str) -> None:
        resource = self._store.get(resource_id)
        if resource is None:
            return
        if what == "apply":
            self._apply(resource)
            return
        for below in reversed(self._store.below(resource.id)):
            self._remove(below)
        self._remove(resource)

    def _remove(self, resource: Resource) -> None:
        kind = self._kinds.get(resource.type.lower())
        if kind is None:  # no type of ARM's, such as a workspace's prompt flows
            return self._store.remove(resource.id)
        kind.remove(resource)
        if kind.soft_deleted and not resource.internal.get("forced"):
            self._store.soft_delete(resource)
        else:
            self._store.remove(resource.id)
        return None

    def _apply(self, resource: Resource) -> None:
        kind = self._kinds[resource.type.lower()]
        try:
            kind.apply(resource)
        except AzureError:
            self._failed(resource.id)
            raise
        self._state(resource.id, "Succeeded")

    def _failed(self, resource_id: str) -> None:
        self._state(resource_id, "Failed")

    def _state(self, resource_id: str, state: str) -> None:
        with self._store.lock:
            resource = self._store.get(resource_id)
            if resource is not None:
                resource.properties["provisioningState"] = state
                self._store.put(resource)

    def begin(self, what: str, resource: Resource, call: Call) -> dict[str, str]:
        """Begin an operation; returns the headers by which the caller asks how it goes."""
        operation = self.operations.begin(what, resource.id)
        location = str(resource.body.get("location") or "eastus2").replace(" ", "").lower()
        base = f"{ARM}/subscriptions/{SUBSCRIPTION_ID}/providers/{resource.type.split('/')[0]}/locations/{location}"
        version = call.query["api-version"]
        return {
            "Azure-AsyncOperation": f"{base}/mfeOperationsStatus/{operation}?api-version={version}",
            "Location": f"{base}/mfeOperationResults/{operation}?api-version={version}",
            "x-ms-async-operation-timeout": "PT30M",
            "x-ms-retry-after-ms": str(POLL_MILLISECONDS),
        }

    def poll(self, call: Call, what: str, operation_id: str) -> Answer:
        """Answer a question about an operation: its status, or its result."""
        found = self.operations.poll(operation_id)
        if found is None:
            raise AzureError(404, "NotFound", f"The operation {operation_id} was not found.")
        resource_id, status, error = found
        again = {"x-ms-retry-after-ms": str(POLL_MILLISECONDS)} if status == "InProgress" else {}
        if what == "status":
            body: dict[str, Any] = {"id": call.path, "name": operation_id, "status": status, "startTime": now()}
            if error:
                body["error"] = error
            return Answer(200, body, again)
        if status == "InProgress":
            return Answer(202, None, {**again, "Location": f"{ARM}{call.path}?api-version={call.query['api-version']}"})
        resource = self._store.get(resource_id)
        if resource is None:
            return Answer(204)
        return Answer(200, filled.tagged(self._store, self._kinds[resource.type.lower()].view(resource)))
