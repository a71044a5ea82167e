"""AI Foundry: the hub with AI Services, the project in it, and the project's connection to the endpoint."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import cognitiveservices
from pulumi_azure_native import machinelearningservices as ml

from chat.phi_key import ENTRA
from cloud.adoption import MADE_BY
from cloud.catalogue import CONNECTION, PROJECT
from cloud.place import Place
from cloud.target import Target
from infra.access import Access
from infra.foundation import Foundation
from infra.lifecycle.lifetime import of_workspace
from infra.locked.encryption import of_account_under, of_workspace_under
from infra.locked.provisioning import ProvisioningArgs, provisioned
from infra.serving import Serving

_NO_KEY = "none"


@dataclass(frozen=True, kw_only=True)
class FoundryArgs:
    """The hub shares storage, vault, registry and logs with the Azure ML workspace."""

    place: Place
    foundation: Foundation
    access: Access
    assign_roles: bool = True


class Foundry(pulumi.ComponentResource):
    """Without AI Search, which the flow has no use for. A hub that is given has the AI Services its owner chose."""

    made: dict[str, pulumi.CustomResource]
    """Hub and AI Services, where they are the stack's."""
    hub_name: pulumi.Output[str]
    hub_id: pulumi.Output[str]
    project: ml.Workspace
    project_purge: list[pulumi.Resource]
    """What everything in the project depends on."""
    lifetime: pulumi.Output[str]
    """Of the project: another one when it is made anew."""
    connected: list[pulumi.Resource]
    """Connections that another one waits for: two written at once on one project are a conflict for Azure."""

    def __init__(self, name: str, args: FoundryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Foundry", name, {}, opts)
        child, given = pulumi.ResourceOptions(parent=self), args.place.existing
        names, own = args.place.names, args.place.project.path
        self.connected, self.made, hub_purge, hub = [], {}, [], None
        # What is given is read, and no part of the stack; what is made in it is.
        if theirs := given.get("hub"):
            hub = ml.Workspace.get("existing-hub", theirs, opts=child)
        elif "project" not in given:
            ai_services, hub = self._ai_services(args), self._hub(args)
            hub_purge = args.foundation.purge_live("hub", hub, {own: PROJECT.version}, self)
            self.connected = [self._connect(args, hub, ai_services, hub_purge)]
            self.made = {"hub": hub, "ai-services": ai_services}
            if args.access.by_stage:
                self._network(args, hub, [ai_services, *hub_purge])
        if theirs := given.get("project"):
            self.project, self.project_purge = ml.Workspace.get("existing-project", theirs, opts=child), []
        else:
            assert hub is not None  # only a project that is given spares it
            self.project = self._project(args, hub, hub_purge)
            connection = f"{own}/connections/{names.connection}"
            holds = {connection: CONNECTION.version}
            self.project_purge = args.foundation.purge_live("project", self.project, holds, self)
        self.lifetime = of_workspace(self.project, names, names.project)
        self.hub_id = hub.id if hub else self.project.hub_resource_id.apply(str)
        self.hub_name = hub.name if hub else self.hub_id.apply(lambda id_: id_.rsplit("/", 1)[-1])
        self.register_outputs({"hub": self.hub_name, "project": self.project.name})

    def _ai_services(self, args: FoundryArgs) -> cognitiveservices.Account:
        base, name = args.foundation, args.place.names.ai_services
        return cognitiveservices.Account(
            "ai-services",
            account_name=name,
            resource_group_name=base.group.name,
            location=args.place.location,
            kind="AIServices",
            sku=cognitiveservices.SkuArgs(name="S0"),
            identity=of_account_under(base.key),
            # Access with Entra ID tokens, as the hub's connection has, needs a name of its own.
            properties=cognitiveservices.AccountPropertiesArgs(
                custom_sub_domain_name=name,
                disable_local_auth=args.access.no_local_auth,
                encryption=base.key.account() if base.key else None,
                public_network_access=cognitiveservices.PublicNetworkAccess(args.access.public),
            ),
            tags=args.place.tags,
            opts=base.purged_after_delete(parent=self),
        )

    def _hub(self, args: FoundryArgs) -> ml.Workspace:
        base, name = args.foundation, args.place.names.hub
        return ml.Workspace(
            "hub",
            workspace_name=name,
            resource_group_name=base.group.name,
            location=args.place.location,
            kind="Hub",
            friendly_name=name,
            identity=of_workspace_under(base.key),
            sku=ml.SkuArgs(name="Basic", tier=ml.SkuTier.BASIC),
            encryption=base.key.workspace() if base.key else None,
            enable_service_side_cmk_encryption=True if base.key else None,
            hbi_workspace=args.access.high_business_impact,
            storage_account=base.storage.id,
            key_vault=base.key_vault.id,
            application_insights=base.application_insights.id,
            container_registry=base.registry.id,
            public_network_access=args.access.public,
            managed_network=args.access.managed_network,
            provision_network_now=args.access.provision_now,
            system_datastores_auth_mode=args.access.datastores,
            tags=args.place.tags,
            opts=args.access.only_at_first(base.purged_after_delete(parent=self)),
        )

    def _network(self, args: FoundryArgs, hub: ml.Workspace, needs: list[pulumi.Resource]) -> None:
        place, base = args.place, args.foundation
        provisioned(
            ProvisioningArgs(
                of="hub",
                place=place,
                target=Target(place.subscription_id, place.names.resource_group, place.names.hub),
                workspace=hub,
                needs=[base.storage, base.key_vault, base.registry, *needs],
                lifetime=of_workspace(hub, place.names, place.names.hub),
                assign_roles=args.assign_roles,
            ),
            self,
        )

    def _project(self, args: FoundryArgs, hub: ml.Workspace, hub_purge: list[pulumi.Resource]) -> ml.Workspace:
        base, name = args.foundation, args.place.names.project
        return ml.Workspace(
            "project",
            workspace_name=name,
            resource_group_name=base.group.name,
            location=args.place.location,
            kind="Project",
            friendly_name=name,
            identity=ml.ManagedServiceIdentityArgs(type="SystemAssigned"),
            sku=ml.SkuArgs(name="Basic", tier=ml.SkuTier.BASIC),
            hub_resource_id=hub.id,
            # As public as its hub whatever it says, but policies look at what each workspace says itself.
            public_network_access=args.access.public if args.access.closed else None,
            tags=args.place.tags,
            opts=pulumi.ResourceOptions.merge(
                base.purged_after_delete(parent=self), pulumi.ResourceOptions(depends_on=hub_purge)
            ),
        )

    def _connect(
        self, args: FoundryArgs, hub: ml.Workspace, account: cognitiveservices.Account, hub_purge: list[pulumi.Resource]
    ) -> ml.WorkspaceConnection:
        return ml.WorkspaceConnection(
            "ai-services-connection",
            connection_name=args.place.names.ai_services_connection,
            workspace_name=hub.name,
            resource_group_name=args.foundation.group.name,
            properties=ml.AADAuthTypeWorkspaceConnectionPropertiesArgs(
                auth_type="AAD",
                category="AIServices",
                target=account.properties.endpoint,
                is_shared_to_all=True,
                metadata={
                    "ApiType": "Azure",
                    "ResourceId": account.id,
                    "Location": args.place.location,
                },
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=hub_purge),
        )


@dataclass(frozen=True, kw_only=True)
class EndpointConnectionArgs:
    """How the project reaches an endpoint, and how long that may take to answer."""

    place: Place
    resource_group: pulumi.Input[str]
    foundry: Foundry
    endpoint: Serving
    request_timeout_seconds: int
    system_prompt: str


class EndpointConnection(pulumi.ComponentResource):
    """A Custom keys connection as promptflow reads it: configs in the metadata, secrets in the keys.

    Of an endpoint without a key it says that tokens open it; promptflow wants a secret all the same.
    """

    connection: ml.WorkspaceConnection

    def __init__(self, name: str, args: EndpointConnectionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:EndpointConnection", name, {}, opts)
        self.connection = ml.WorkspaceConnection(
            "endpoint-connection",
            connection_name=args.place.names.connection,
            workspace_name=args.foundry.project.name,
            resource_group_name=args.resource_group,
            properties=ml.CustomKeysWorkspaceConnectionPropertiesArgs(
                auth_type="CustomKeys",
                category="CustomKeys",
                target=args.endpoint.scoring_uri,
                metadata={
                    "endpoint": args.endpoint.scoring_uri,
                    **({} if args.endpoint.key else {"auth": ENTRA}),
                    # Among the connections of somebody else's project: they have no tags.
                    **({MADE_BY: args.place.origin.stack} if "project" in args.place.existing else {}),
                    # What is asked through the connection gives up no sooner than the endpoint does.
                    "request_timeout_seconds": str(args.request_timeout_seconds),
                    "azureml.flow.connection_type": "Custom",
                    "azureml.flow.module": "promptflow.connections",
                    # Who asks through the connection tells the model this first.
                    **({"system_prompt": args.system_prompt} if args.system_prompt else {}),
                },
                credentials=ml.CustomKeysArgs(keys={"key": args.endpoint.key or pulumi.Output.secret(_NO_KEY)}),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                # The SDK does not know that a key is in there.
                additional_secret_outputs=["properties"],
                depends_on=[*args.foundry.connected, *args.foundry.project_purge],
            ),
        )
        self.register_outputs({"name": self.connection.name})
