"""All of it: what Azure ML needs, the project that chats, and the stages that fine-tune and release.

The tutorial's steps, but not one after the other: what does not wait for the fine-tune comes before it.
"""

from __future__ import annotations

import atexit
import gc

import pulumi
from pulumi_azure_native import authorization

from cloud.credentials import refuse_short_login, work_in
from cloud.errors import StageError
from cloud.place import Place
from cloud.roles import GRANTED
from data_prep import DataError
from infra.access import Access
from infra.federation import Federation, FederationArgs
from infra.foundation import Foundation, FoundationArgs
from infra.foundry import EndpointConnection, EndpointConnectionArgs, Foundry, FoundryArgs
from infra.identity import Identity, IdentityArgs
from infra.lifecycle.moved import MOVED, follow
from infra.lifecycle.origin import OwnState
from infra.lifecycle.protection import protect_stateful
from infra.lifecycle.tags import leave_alone
from infra.locked.provisioning import APPROVER
from infra.monitoring import Monitoring, MonitoringArgs
from infra.outputs import export
from infra.preflight import Preflight, side_by_side, tell
from infra.registry import ModelRegistry, ModelRegistryArgs
from infra.role_assignments import Roles, RolesArgs, Team, TeamArgs
from infra.serving import Serving, ServingArgs
from infra.stages import Stages, StagesArgs
from infra.workspace import Workspace, WorkspaceArgs
from jobs.preflight import learnt, limits, memory
from jobs.preflight.locked import sealing
from jobs.promotion.found import proved
from jobs.specs import dataset_version, flow, golden_questions, granted_by_others, preflight, specs
from jobs.team import Thing, granted_to_team, team_roles
from settings.stack import SettingsError, from_pulumi

# Python would look through all of Azure's classes for garbage, again and again: a quarter of this program's time.
gc.freeze()
gc.set_threshold(50_000, 20, 50)
atexit.register(gc.freeze)
try:
    settings = from_pulumi()
    dataset = dataset_version(settings)
    golden_questions(settings)
    if not pulumi.runtime.is_dry_run():
        refuse_short_login(settings.finetune.wait)
except (SettingsError, DataError, StageError) as error:
    raise pulumi.RunError(str(error)) from None

told = (memory.fits, learnt.told, sealing.looser, limits.told, side_by_side)
for finding in (each for look in told for each in look(settings)):
    tell(finding)
work_in(settings.subscription_id)
account = authorization.get_client_config()
state = OwnState.read()
try:
    place = Place.of(settings, pulumi.get_stack(), account.subscription_id, state.origin)
    promoted = proved(settings, place)
except (SettingsError, StageError) as error:
    raise pulumi.RunError(str(error)) from None
state.refuse_own(place.existing)
state.refuse_move(settings)
state.tell(place.existing)
access = Access.of(settings)
follow(MOVED)
leave_alone(settings.tags_from_elsewhere)
if settings.protect:
    protect_stateful()

# What Azure would refuse, before the first resource; then group, logs, storage, key vault, container registry.
asked = Preflight("preflight", preflight(settings, place))
base = Foundation(
    "foundation",
    FoundationArgs(
        place=place,
        tenant_id=account.tenant_id,
        storage=settings.storage,
        vault=settings.vault,
        encryption=settings.encryption,
        purge_on_destroy=settings.purge_on_destroy,
        commit_tag=settings.commit_tag,
        closed=access.closed,
    ),
    opts=pulumi.ResourceOptions(depends_on=[asked.passed]),
)

# The identity of GitHub's workflows, where the stack has one.
github = None
if settings.github.repository:
    github = Federation(
        "federation",
        FederationArgs(
            place=place,
            group=base.group,
            github=settings.github,
            assign_roles=settings.identity.assign_roles,
            passes_on=(*GRANTED, *((APPROVER,) if access.by_stage else ()), *granted_to_team(settings)),
        ),
    )

# The identity that trains and serves; the workspace with its clusters; who may do what.
identity = Identity("identity", IdentityArgs(place=place, resource_group=base.group.name))
workspace = Workspace(
    "workspace",
    WorkspaceArgs(
        place=place,
        foundation=base,
        identity=identity,
        compute=settings.compute,
        data=settings.data,
        access=access,
        assign_roles=settings.identity.assign_roles,
    ),
)
roles = Roles(
    "roles",
    RolesArgs(
        place=place,
        foundation=base,
        workspace=workspace,
        identity=identity,
        contributor_scope=settings.identity.contributor_scope,
        storage=settings.storage,
        caller_id=account.object_id,
        github=github,
        by_others=granted_by_others(settings, place),
    ),
)

# AI Foundry's hub and project, the endpoint, and the project's connection to it.
foundry = Foundry(
    "foundry",
    FoundryArgs(place=place, foundation=base, access=access, assign_roles=settings.identity.assign_roles),
)
serving = Serving(
    "serving",
    ServingArgs(
        place=place,
        resource_group=base.group.name,
        workspace=workspace,
        identity=identity,
        access=access,
        tags_from_elsewhere=settings.tags_from_elsewhere,
    ),
)
connection = EndpointConnection(
    "connection",
    EndpointConnectionArgs(
        place=place,
        resource_group=base.group.name,
        foundry=foundry,
        endpoint=serving,
        request_timeout_seconds=settings.serving.request_timeout_seconds,
        system_prompt=settings.flow.system_prompt,
    ),
)

# What groups of people may do with it, where the settings name some and others do not grant it.
if settings.team and settings.identity.assign_roles:
    on: dict[Thing, pulumi.Input[str]] = {
        "group": base.group.id,
        "workspace": workspace.id,
        "project": foundry.project.id,
        "endpoint": serving.endpoint.id,
        "connection": connection.connection.id,
    }
    Team("team", TeamArgs(place=place, roles=team_roles(settings), on=on))

# Logs, alerts and a budget, as the settings say.
beside = place.ours({"project": foundry.project, "registry": base.registry, **foundry.made})
Monitoring(
    "monitoring",
    MonitoringArgs(
        place=place,
        foundation=base,
        workspace=workspace,
        serving=serving,
        settings=settings.monitoring,
        beside=beside if settings.monitoring.all_resources else {},
    ),
    opts=pulumi.ResourceOptions(depends_on=[*workspace.purge, *base.logs_purge]),
)

# With a network of its own: the private endpoints, and whether this machine finds the way through them.
reached: list[pulumi.Resource] = []
if access.closed:
    from infra.locked.private import Private, PrivateArgs  # Azure's classes for networks take a second to import

    private = PrivateArgs(
        place=place,
        group=base.group.name,
        to=place.ours({"workspace": workspace.workspace, **base.stores, **foundry.made}),
        lifetime=workspace.lifetime,
        private=settings.private_endpoints,
    )
    reached = Private("private", private).reached

# The registry that the model goes to, for other stacks, where this one is to make it.
shared = []
if settings.model.share.make:
    args = ModelRegistryArgs(place=place, resource_group=base.group.name, name=settings.model.share.registry)
    shared = [ModelRegistry("model-registry", args).registry]

# Data to the workspace, the fine-tune, its release behind the endpoint; the prompt flow to the project.
stages = Stages(
    "stages",
    StagesArgs(
        specs=specs(settings, place, dataset, promoted),
        flow=flow(place) if settings.flow.publish else None,
        workspace=workspace,
        roles=roles,
        serving=serving,
        foundry=foundry,
        connection=connection,
        shared=shared,
        reached=reached,
    ),
)

export(
    settings=settings,
    place=place,
    base=base,
    identity=identity,
    workspace=workspace,
    foundry=foundry,
    serving=serving,
    connection=connection,
    stages=stages,
    github=github,
)
