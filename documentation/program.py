"""The program, run against Pulumi's mocks: what it registers and what waits for what, without an engine or Azure."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import copy
import functools
import json
import runpy
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import pulumi
from pulumi.runtime import mocks, rpc
from pulumi.runtime.resource_hooks import StubResourceHook
from pulumi.runtime.settings import get_root_resource, set_root_resource
from pulumi.runtime.stack import Stack, run_pulumi_func

from settings.stack import load

ROOT = Path(__file__).resolve().parent.parent
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
TENANT = "00000000-0000-0000-0000-000000000002"
KEY = "endpoint-key-of-the-mock"

Change = Callable[[dict[str, Any]], None]


@dataclass
class Registered:
    """A resource as the engine would have been told about it."""

    type: str
    name: str
    inputs: dict[str, Any]
    urn: str
    depends_on: list[str]
    request: Any = field(repr=False)


class Azure(mocks.Mocks):
    """Answers with what Azure adds to a resource's inputs. `live` is the endpoint a first look finds, if any."""

    claims: ClassVar[dict[str, str]] = {"idtyp": "app"}
    caller: ClassVar[str] = "object"
    made: ClassVar[str] = "2026-01-01T00:00:00.123Z"
    state: ClassVar[dict[str, Any]] = {}

    def __init__(self, live: dict[str, Any] | None = None) -> None:
        self.live = live

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.resource_id:
            theirs = {"name": args.resource_id.rsplit("/", 1)[1]}
            if "userAssigned" in args.resource_id:
                theirs["principalId"] = "their-principal"
            if args.typ.endswith("machinelearningservices:Workspace"):
                theirs["workspaceId"] = f"guid-of-their-{theirs['name']}"
                theirs["hubResourceId"] = f"{args.resource_id.rsplit('/', 1)[0]}/hub-of-{theirs['name']}"
            return args.resource_id, theirs
        outputs = copy.deepcopy(args.inputs)
        named = [value for key, value in args.inputs.items() if key.endswith(("Name", "Name_"))]
        outputs["name"] = next((v for v in named if v != args.inputs.get("resourceGroupName")), args.name)
        if args.typ.endswith(":ResourceGroup"):
            outputs["name"] = args.inputs["resourceGroupName"]
        if args.typ.endswith(":WorkspaceConnection"):
            outputs["name"] = args.inputs["connectionName"]
        if args.typ.endswith(":OnlineEndpoint"):
            outputs["name"] = args.inputs["endpointName"]
            outputs["properties"] = {**args.inputs["properties"], "scoringUri": "https://endpoint/score"}
            outputs["systemData"] = {"createdAt": self.made}
        if args.typ.endswith("machinelearningservices:Workspace"):
            outputs["workspaceId"] = f"guid-of-{args.name}-{self.made}"
            outputs["identity"] = {**args.inputs["identity"], "principalId": f"principal-of-{args.name}"}
        if args.typ.endswith(":UserAssignedIdentity"):
            outputs |= {"principalId": "principal", "clientId": "client"}
        if args.typ.endswith("cognitiveservices:Account"):
            outputs["properties"] = {**args.inputs["properties"], "endpoint": "https://ai-services/"}
        if args.typ.endswith(":Choice"):
            outputs["recipe"] = min(args.inputs["candidates"])
        # Azure lists the identities as a map, where the program gives their ids.
        if assigned := args.inputs.get("identity", {}).get("userAssignedIdentities"):
            outputs["identity"]["userAssignedIdentities"] = {id_: {"clientId": "client"} for id_ in assigned}
        return f"/id/{args.name}", outputs

    def call(self, args: mocks.MockCallArgs) -> Any:
        if args.token == "azure-native:authorization:getClientConfig":
            ids = {"clientId": "client", "objectId": self.caller}
            return {**ids, "subscriptionId": SUBSCRIPTION, "tenantId": TENANT}
        if args.token == "pulumi:pulumi:readStackResourceOutputs":
            return {"outputs": copy.deepcopy(self.state)}
        if args.token == "azure-native:authorization:getClientToken":
            return {"token": f"e30.{base64.urlsafe_b64encode(json.dumps(self.claims).encode()).decode().rstrip('=')}.x"}
        if args.token == "azure-native:machinelearningservices:listOnlineEndpointKeys":
            return {"primaryKey": KEY, "secondaryKey": "other"}
        if args.token == "azure-native:machinelearningservices:getOnlineEndpoint":
            if self.live is None:
                return {}, [("", "Status=404 Code=ResourceNotFound")]
            return copy.deepcopy(self.live)
        raise AssertionError(f"the program calls {args.token}")


class Monitor(mocks.MockMonitor):
    """A mock monitor that keeps the requests, dependencies and options included."""

    def __init__(self, live: dict[str, Any] | None = None) -> None:
        super().__init__(Azure(live))
        self.registered: dict[str, Registered] = {}
        self.components: dict[str, list[str]] = {}
        self.read: dict[str, str] = {}

    def ReadResource(self, request: Any) -> Any:
        self.read[request.name] = request.id
        return super().ReadResource(request)  # type: ignore[no-untyped-call]

    def RegisterResource(self, request: Any) -> Any:
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type.startswith("finetune-phi:"):
            self.components[response.urn] = list(request.dependencies)
        elif request.type != "pulumi:pulumi:Stack":
            self.registered[request.name] = Registered(
                request.type,
                request.name,
                rpc.deserialize_properties(request.object, keep_unknowns=True),
                response.urn,
                list(request.dependencies),
                request,
            )
        return response


@dataclass
class Program:
    """What a run of `__main__.py` registered."""

    resources: dict[str, Registered]
    components: dict[str, list[str]]
    """By URN, with the URNs that all inside wait for."""
    outputs: dict[str, Any]
    read: dict[str, str] = field(default_factory=dict)
    """Ids of what the program reads and has not made, by its name there."""

    def of_type(self, ending: str) -> list[Registered]:
        return [found for found in self.resources.values() if found.type.endswith(ending)]

    def waits_for(self, name: str) -> set[str]:
        """Names of everything that has to be there before `name` is made."""
        by_urn = {found.urn: found for found in self.resources.values()}
        reached: set[str] = set()
        todo = [self.resources[name]]
        while todo:
            for urn in todo.pop().depends_on:
                if urn in by_urn and by_urn[urn].name not in reached:
                    reached.add(by_urn[urn].name)
                    todo.append(by_urn[urn])
        return reached


@functools.cache
def run_program(stack: str = "local", change: Change | None = None, live: str = "") -> Program:
    """What a stack registers; kept, as a run takes a second. `live` is the endpoint there is, as JSON."""
    config = load(stack, ROOT).effective()
    if change:
        change(config)
    texts = {key: v if isinstance(v, str) else json.dumps(v) for key, v in config.items()}
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    monitor = Monitor(json.loads(live) if live else None)
    mocks.set_mocks(monitor.mocks, project="finetune-phi", stack=stack, preview=False, monitor=monitor)
    pulumi.runtime.set_all_config(texts)
    exported: dict[str, Any] = {}

    async def read(outputs: dict[str, Any]) -> None:
        for name, value in outputs.items():
            exported[name] = await pulumi.Output.from_input(value).future()

    async def whole() -> None:
        def start() -> None:
            runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")

        await run_pulumi_func(start)
        root = get_root_resource()
        assert isinstance(root, Stack)
        await read(root.outputs)

    try:
        loop.run_until_complete(whole())
    finally:
        loop.close()
        # The next run's settings and transformations are not these.
        pulumi.runtime.set_all_config({})
        set_root_resource(None)  # type: ignore[arg-type]
    return Program(monitor.registered, monitor.components, exported, monitor.read)


def program(stack: str) -> Program:
    """What a stack registers, run in a folder of its own with two conversations for data."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), without_engine():
        write_data(Path(folder))
        return run_program(stack)


def write_data(directory: Path) -> None:
    """The files that the program fingerprints."""
    (directory / "data").mkdir()
    chat = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Me."}]
    for name in ("train_data.jsonl", "test_data.jsonl"):
        (directory / "data" / name).write_text(json.dumps({"messages": chat}) + "\n")


@contextlib.contextmanager
def without_engine() -> Iterator[None]:
    """There is no engine to register hooks with."""
    with mock.patch.object(pulumi, "ResourceHook", lambda name, function: StubResourceHook(name)):
        yield
