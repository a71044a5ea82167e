"""One running emulator: put together, started, kept until a signal ends it."""

from __future__ import annotations

import asyncio
import json
import logging
import os

import uvicorn
import uvloop

from emulator.access.entra import Tokens
from emulator.arm import clock
from emulator.cloud.parts import Cloud
from emulator.front import application, certificates
from emulator.front.proxy import Proxy
from emulator.machine import environment
from emulator.machine.azurite import Azurite
from emulator.machine.home import Home, Ports
from emulator.machine.processes import Processes
from emulator.machine.store import Store
from emulator.manager.operations import Transitions
from emulator.manager.service import ResourceManager
from emulator.resources.assets import (
    CodeContainer,
    CodeVersion,
    ComponentContainer,
    ComponentVersion,
    DataContainer,
    DataVersion,
    EnvironmentContainer,
    EnvironmentVersion,
    ModelContainer,
    ModelVersion,
)
from emulator.resources.base import Kind
from emulator.resources.cognitive import CognitiveAccount, DeletedAccount
from emulator.resources.computes import Compute
from emulator.resources.endpoints import Deployment, OnlineEndpoint
from emulator.resources.foundation import (
    ApplicationInsights,
    ContainerRegistry,
    DeletedVault,
    LogAnalytics,
    ModelRegistry,
    ResourceGroup,
    StorageAccount,
    Vault,
)
from emulator.resources.identity import FederatedIdentityCredential, RoleAssignment, UserAssignedIdentity
from emulator.resources.jobs import Job
from emulator.resources.metrics import Metric
from emulator.resources.monitoring import ActionGroup, AutoscaleSetting, Budget, DiagnosticSetting, MetricAlert
from emulator.resources.network.endpoints import PrivateDnsZoneGroup, PrivateEndpoint
from emulator.resources.network.networks import Subnet, VirtualNetwork
from emulator.resources.network.zones import DnsLink, DnsZone
from emulator.resources.policies import PolicyAssignment, PolicyDefinition
from emulator.resources.vault_keys import VaultKey
from emulator.resources.workspaces import Connection, Datastore, Workspace
from emulator.runs.runner import Runner
from emulator.runs.servers import Servers

KINDS: tuple[type[Kind], ...] = (
    ResourceGroup,
    LogAnalytics,
    ApplicationInsights,
    StorageAccount,
    Vault,
    DeletedVault,
    VaultKey,
    ContainerRegistry,
    ModelRegistry,
    UserAssignedIdentity,
    FederatedIdentityCredential,
    RoleAssignment,
    CognitiveAccount,
    DeletedAccount,
    Workspace,
    Datastore,
    Compute,
    Connection,
    DataContainer,
    DataVersion,
    ModelContainer,
    ModelVersion,
    CodeContainer,
    CodeVersion,
    EnvironmentContainer,
    EnvironmentVersion,
    ComponentContainer,
    ComponentVersion,
    Job,
    OnlineEndpoint,
    Deployment,
    DiagnosticSetting,
    ActionGroup,
    MetricAlert,
    AutoscaleSetting,
    Metric,
    Budget,
    VirtualNetwork,
    Subnet,
    PrivateEndpoint,
    PrivateDnsZoneGroup,
    DnsZone,
    DnsLink,
    PolicyDefinition,
    PolicyAssignment,
)


def serve(home: Home, ports: Ports) -> None:
    """Run the emulator in the foreground until SIGTERM or SIGINT."""
    environment.confine()
    home.make()
    home.logs.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for noisy in ("azure", "httpx", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    certificates.ensure(home)
    store = Store(home.database)
    clock.put(store.setting(clock.SETTING, None))
    processes = Processes(store)
    processes.sweep()
    cloud = Cloud(home, store, Azurite(home, ports.blobs, processes), Tokens(home, store), processes)
    runner, servers = Runner(cloud), Servers(cloud)
    kinds = [kind(cloud) for kind in KINDS]
    for kind in kinds:
        if isinstance(kind, Job):
            kind.runner = runner
        if isinstance(kind, Deployment):
            kind.servers = servers
    manager = ResourceManager(cloud, kinds, Transitions.from_environment())
    accounts = {each.name: each.internal["keys"][0] for each in store.of_type(StorageAccount.type)}
    accounts |= {each.internal["account"]: each.internal["keys"][0] for each in store.of_type(ModelRegistry.type)}
    cloud.azurite.start(accounts)
    try:
        uvloop.run(_run(cloud, manager, runner, servers, ports))
    finally:
        home.running_file.unlink(missing_ok=True)
        manager.operations.close()
        cloud.azurite.stop()
        processes.sweep()


async def _run(cloud: Cloud, manager: ResourceManager, runner: Runner, servers: Servers, ports: Ports) -> None:
    proxy = Proxy(ports, cloud.store)
    config = uvicorn.Config(
        application.build(cloud, manager, servers, ports.blobs, proxy.cut),
        host="127.0.0.1",
        port=ports.https,
        ssl_certfile=cloud.home.certificates / "server.pem",
        ssl_keyfile=str(cloud.home.certificates / "server.key"),
        log_level="warning",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        lifespan="off",
        proxy_headers=False,  # nobody stands between
        access_log=False,
    )
    server = uvicorn.Server(config)
    await proxy.start()
    serving = asyncio.create_task(server.serve())
    # Before the operations, as one of them may be the deletion of a deployment.
    deployments = servers.to_resume()
    manager.operations.resume()
    runner.resume()
    # In the background: whoever asks one of the deployments waits for it, everybody else need not.
    resuming = asyncio.create_task(asyncio.to_thread(servers.resume, deployments))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    running = {"pid": os.getpid(), "ports": {"proxy": ports.proxy, "https": ports.https, "blobs": ports.blobs}}
    partial = cloud.home.running_file.with_suffix(".partial")
    partial.write_text(json.dumps(running))
    partial.rename(cloud.home.running_file)
    await serving
    resuming.cancel()
    await proxy.stop()
