"""The provider itself: what each request of the engine means in ARM."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from pulumi.provider.experimental import provider as protocol

from . import shapes
from .diff import CREATE_BEFORE_DELETE, diff, follow
from .errors import ArmError, PartlyCreated, ProviderError
from .names import made_up_name
from .resources import FUNCTIONS, GROUP, RESOURCES
from .rows import ResourceType
from .values import UNKNOWN, map_from_plain, map_to_plain

if TYPE_CHECKING:
    from .arm import ArmClient

T = TypeVar("T")

STABLE = ("name", "location")
"""Outputs that an update never changes, so a preview may show their old value."""


def type_token(urn_type: str) -> str:
    """The resource's own type out of a URN's, which names the types of its parents before it."""
    return urn_type.rpartition("$")[2]


def lookup(urn_type: str) -> ResourceType:
    """The table's row for the type of a URN; ProviderError says what to do about a missing one."""
    token = type_token(urn_type)
    try:
        return RESOURCES[token]
    except KeyError:
        raise ProviderError(
            f"the emulator's azure-native provider has no resource type {token}. "
            "Add a row to emulator/provider/resources.py."
        ) from None


def _connect(subscription: str, cancelled: threading.Event) -> ArmClient:
    # azure-identity takes 0.5 s to import: a preview that asks Azure nothing never pays it.
    from .arm import ArmClient

    return ArmClient(subscription, cancelled)


class AzureNative(protocol.Provider):
    """azure-native over ARM REST. Calls block in threads, so the engine's parallelism is kept."""

    def __init__(
        self, connect: Callable[[str, threading.Event], ArmClient] = _connect, warn: Callable[[str], None] = print
    ) -> None:
        """``connect`` makes the ARM client from a subscription id; ``warn`` says something to the user."""
        self._connect = connect
        self._warn = warn
        self._config: dict[str, str] = {}
        self._arm: ArmClient | None = None
        self._arm_lock = threading.Lock()
        self._cancelled = threading.Event()
        self._group_locations: dict[str, str] = {}
        # More threads than the engine sends requests at a time: most of them wait for Azure.
        self._threads = ThreadPoolExecutor(64, thread_name_prefix="arm")

    async def configure(self, request: protocol.ConfigureRequest) -> protocol.ConfigureResponse:
        self._config = {k.removeprefix("azure-native:config:"): v for k, v in request.variables.items()}
        # As the official provider, this one takes no secrets: the engine hands over plain values
        # and marks the outputs secret whose inputs were. (The experimental server could not read
        # unknown output values either.)
        return protocol.ConfigureResponse(supports_preview=True)

    async def check(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        row = lookup(request.type)
        old, new = map_to_plain(request.old_inputs), map_to_plain(request.new_inputs)
        if row.name_parameter not in new:
            if row.name_parameter in old:
                new[row.name_parameter] = old[row.name_parameter]
                random = bool(old.get(CREATE_BEFORE_DELETE))
            else:
                new[row.name_parameter], random = made_up_name(row, request.name, request.random_seed)
            if random:
                new[CREATE_BEFORE_DELETE] = True
        if row.default_location and "location" not in new:
            location = old.get("location") or self._config.get("location") or await self._group_location(new)
            if location:
                new["location"] = location
        new.setdefault("azureApiVersion", row.api_version)
        failures = [
            protocol.CheckFailure(name, f"missing required property '{name}'")
            for name in row.path_parameters
            if not new.get(name)
        ]
        if row.default_location and "location" not in new:
            failures.append(
                protocol.CheckFailure(
                    "location",
                    "missing required property 'location'. Either set it explicitly or configure it with "
                    "'pulumi config set azure-native:location <value>'.",
                )
            )
        return protocol.CheckResponse(inputs=map_from_plain(new), failures=failures)

    async def _group_location(self, inputs: dict[str, Any]) -> str | None:
        group = inputs.get("resourceGroupName")
        if group is None or group == UNKNOWN:
            return UNKNOWN if group else None
        if group not in self._group_locations:
            row = RESOURCES["azure-native:resources:ResourceGroup"]
            path = shapes.fill_path(GROUP, inputs, self._subscription())
            found = await self._in_thread(lambda arm: arm.find(path, row.api_version))
            if not found or "location" not in found:
                return None
            self._group_locations[group] = found["location"]
        return self._group_locations[group]

    async def diff(self, request: protocol.DiffRequest) -> protocol.DiffResponse:
        # server.py hands over the old inputs as the old state.
        return diff(lookup(request.type), map_to_plain(request.old_state), map_to_plain(request.new_inputs))

    async def create(self, request: protocol.CreateRequest) -> protocol.CreateResponse:
        row, inputs = lookup(request.type), map_to_plain(request.properties)
        if request.preview:
            return protocol.CreateResponse(properties=map_from_plain(shapes.preview_outputs(row, inputs)))
        path = self._path(row.path, inputs)

        def create(arm: ArmClient) -> tuple[str, dict[str, Any]]:
            if arm.find(path, row.api_version) is not None:
                raise ProviderError(f"cannot create already existing resource '{path}'")
            return self._put(arm, row, path, inputs, shapes.body(row, inputs), request.timeout)

        resource_id, made = await self._in_thread(create)
        return protocol.CreateResponse(resource_id=resource_id, properties=map_from_plain(made))

    async def update(self, request: protocol.UpdateRequest) -> protocol.UpdateResponse:
        row, inputs = lookup(request.type), map_to_plain(request.news)
        if request.preview:
            shown = shapes.preview_outputs(row, inputs)
            before = map_to_plain(request.olds)
            shown.update({name: before[name] for name in STABLE if name in before})
            return protocol.UpdateResponse(properties=map_from_plain(shown))
        path = self._path(row.path, inputs)
        body = shapes.body(row, inputs, before=map_to_plain(request.olds))
        _, made = await self._in_thread(lambda arm: self._put(arm, row, path, inputs, body, request.timeout))
        return protocol.UpdateResponse(properties=map_from_plain(made))

    async def read(self, request: protocol.ReadRequest) -> protocol.ReadResponse:
        row = lookup(request.type)
        try:
            answer = await self._in_thread(lambda arm: arm.get(request.resource_id, row.api_version))
        except ArmError as error:
            if not error.gone:
                raise
            return protocol.ReadResponse(resource_id="")
        outputs = shapes.outputs(row, answer)
        inputs = await self._in_thread(lambda _: self._inputs(request, row, outputs))
        return protocol.ReadResponse(
            resource_id=answer.get("id", request.resource_id),
            properties=map_from_plain(outputs),
            inputs=map_from_plain(inputs),
        )

    def _inputs(self, request: protocol.ReadRequest, row: ResourceType, outputs: dict[str, Any]) -> dict[str, Any]:
        """The inputs that go with ``outputs``: the known ones brought up to date, or an import's."""
        from .writable import writable

        token = type_token(request.type)
        known, before = map_to_plain(request.inputs), map_to_plain(request.properties)
        if not known:
            try:
                named = shapes.parse_id(row.path, request.resource_id)
            except ValueError as error:
                raise ProviderError(str(error)) from error
            return {**writable(token, outputs), **named, "azureApiVersion": row.api_version}
        if before == outputs:
            return known
        updated = follow(known, writable(token, before), writable(token, outputs))
        assert isinstance(updated, dict)
        return updated

    async def delete(self, request: protocol.DeleteRequest) -> None:
        row = lookup(request.type)
        await self._in_thread(lambda arm: arm.delete(request.resource_id, row.api_version, request.timeout))

    async def invoke(self, request: protocol.InvokeRequest) -> protocol.InvokeResponse:
        arguments = map_to_plain(request.args)
        if request.tok == "azure-native:authorization:getClientConfig":
            result = await self._in_thread(_client_config)
        elif request.tok == "azure-native:authorization:getClientToken":
            endpoint = arguments.get("endpoint") or "https://management.azure.com"
            scope = f"{endpoint.rstrip('/')}/.default"
            result = {"token": await self._in_thread(lambda arm: arm.token(scope))}
        else:
            result = await self._call(request.tok, arguments)
        return protocol.InvokeResponse(return_value=map_from_plain(result))

    async def _call(self, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
        function = FUNCTIONS.get(token)
        if function is None:
            raise ProviderError(
                f"the emulator's azure-native provider has no function {token}. "
                "Add a row to emulator/provider/resources.py."
            )
        path = self._path(function.path, arguments)
        if function.method == "POST":
            return await self._in_thread(lambda arm: arm.post(path, function.api_version))
        found = await self._in_thread(lambda arm: arm.get(path, function.api_version))
        return shapes.outputs(function.resource, found) if function.resource else found

    def _put(
        self, arm: ArmClient, row: ResourceType, path: str, inputs: dict[str, Any], body: dict[str, Any], timeout: float
    ) -> tuple[str, dict[str, Any]]:
        """PUT the resource and read it back; its id and what goes into the state.

        What ARM accepted is recorded, whatever came of it. After a failure that is what can be read back, and nothing
        once the engine has said Cancel: the official provider's reading ends with the same context. After a success
        that cannot be read back it is the answer as it came, in ARM's shape and not the SDK's, and a warning.
        """
        try:
            answer = arm.put(path, row.api_version, body, timeout)
        except ArmError as error:
            if not error.accepted:
                raise
            existing = None if self._cancelled.is_set() else _read_back(arm, row, path)
            outputs = shapes.outputs(row, existing) if existing else {}
            raise PartlyCreated(str(error), (existing or {}).get("id", path), outputs, inputs) from error
        try:
            found = arm.get(path, row.api_version)
        except ArmError as error:
            self._warn(f"Failed to read resource after Create or Update. Please report this issue: {error}")
            return answer.get("id", path), answer
        return found.get("id", path), shapes.outputs(row, found)

    async def cancel(self) -> None:
        self._cancelled.set()

    def _path(self, template: str, arguments: dict[str, Any]) -> str:
        try:
            return shapes.fill_path(template, arguments, self._subscription())
        except ValueError as error:
            raise ProviderError(str(error)) from error

    def _subscription(self) -> str:
        found = self._config.get("subscriptionId") or os.environ.get("ARM_SUBSCRIPTION_ID")
        if not found:
            raise ProviderError(
                "no subscription: set azure-native:subscriptionId in the stack's configuration, "
                "or ARM_SUBSCRIPTION_ID in the environment"
            )
        return found

    async def _in_thread(self, work: Callable[[ArmClient], T]) -> T:
        """Run blocking ``work`` beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(self._client()))

    def _client(self) -> ArmClient:
        with self._arm_lock:
            if self._arm is None:
                self._arm = self._connect(self._subscription(), self._cancelled)
            return self._arm


def _read_back(arm: ArmClient, row: ResourceType, path: str) -> dict[str, Any] | None:
    try:
        return arm.get(path, row.api_version)
    except ArmError:
        return None


def _client_config(arm: ArmClient) -> dict[str, Any]:
    """Who the provider is: what the SDK's ``get_client_config`` returns."""
    import jwt

    claims = jwt.decode(arm.token(), options={"verify_signature": False})
    return {
        "clientId": claims.get("appid") or os.environ.get("AZURE_CLIENT_ID", ""),
        "objectId": claims.get("oid", ""),
        "subscriptionId": arm.subscription,
        "tenantId": claims.get("tid") or os.environ.get("AZURE_TENANT_ID", ""),
    }
