"""The online endpoint: an address and a key. What answers behind it is the release stage's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import machinelearningservices as ml

from infra.naming import Names


@dataclass(frozen=True)
class ServingArgs:
    """`identity_id` is the user-assigned identity the deployments act as."""

    names: Names
    location: str
    tags: Mapping[str, str]
    resource_group: pulumi.Input[str]
    workspace: pulumi.Input[str]
    identity_id: pulumi.Input[str]


class Serving(pulumi.ComponentResource):
    """Holds no deployment and no traffic: jobs/rollout.py creates, tests, shifts and deletes those."""

    endpoint: ml.OnlineEndpoint
    scoring_uri: pulumi.Output[str]
    key: pulumi.Output[str]
    """A secret."""

    def __init__(self, name: str, args: ServingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Serving", name, {}, opts)
        self.endpoint = ml.OnlineEndpoint(
            "endpoint",
            endpoint_name=args.names.endpoint,
            workspace_name=args.workspace,
            resource_group_name=args.resource_group,
            location=args.location,
            # A system identity would get its roles by itself; this one has them from roles.py.
            identity=ml.ManagedServiceIdentityArgs(type="UserAssigned", user_assigned_identities=[args.identity_id]),
            properties=ml.OnlineEndpointPropertiesArgs(auth_mode=ml.EndpointAuthMode.KEY),
            tags=args.tags,
            # An update is a PUT, and a PUT without the traffic the release stage has set resets it. So
            # neither new tags nor a refresh that finds the live traffic may lead to one.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["tags", "properties"]),
        )
        keys = ml.list_online_endpoint_keys_output(
            endpoint_name=self.endpoint.name,
            workspace_name=args.workspace,
            resource_group_name=args.resource_group,
        )
        self.key = pulumi.Output.secret(keys.apply(lambda found: found.primary_key or ""))
        self.scoring_uri = self.endpoint.properties.apply(lambda properties: properties.scoring_uri)
        self.register_outputs({"name": self.endpoint.name, "scoringUri": self.scoring_uri})
