"""The online endpoint: an address, and a key unless it takes tokens of Entra ID. The release stage makes what answers.

Updating an endpoint is a PUT, and a PUT that does not name the live traffic resets it: a changed tag would take the
model off the air. So an update carries the traffic there is, and a hook refuses one that does not. An endpoint whose
creation has failed is mended by no PUT: the hook deletes it first, and the PUT makes it anew.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_azure_native import machinelearningservices as ml

from cloud.place import Place
from cloud.target import Target
from infra.access import Access
from infra.identity import Identity
from infra.lifecycle import together
from infra.lifecycle.hooks import HookFunction, project_importable, reporting
from infra.lifecycle.lifetime import made, not_read, of_endpoint
from infra.lifecycle.tags import without
from infra.workspace import Workspace
from jobs.release import standing
from jobs.release.endpoint_guard import clear_the_way, guard
from jobs.release.spec import ReleaseSpec
from settings.sections.tags import PAUSED, SERVED

RELEASED = ["properties.traffic", "properties.mirrorTraffic"]
"""What the release stage writes; a refresh that finds it is no reason for an update."""
TOLD = (PAUSED, SERVED)
"""Tags that a pause writes (jobs/paused.py): the same."""
AZURES = ["properties.properties", "azureApiVersion"]
"""What Azure itself writes, and in which version of its API an endpoint was made. A newer plugin has another default,
which changes nothing about the endpoint and would be an update that no look at it foresees."""
ANEW = ["properties.description"]
"""Another one has an endpoint updated that has failed, where the state knows of no failure."""
CHANGED = ReleaseSpec.CHANGES
"""What an update of the endpoint changes, as a release does: one operator at a time."""


@dataclass(frozen=True, kw_only=True)
class ServingArgs:
    """`identity` is what the deployments act as; `tags_from_elsewhere` are somebody else's."""

    place: Place
    resource_group: pulumi.Input[str]
    workspace: Workspace
    identity: Identity
    access: Access
    tags_from_elsewhere: Collection[str] = ()


class Serving(pulumi.ComponentResource):
    """Holds no deployment and no traffic: jobs/release/rollout.py creates, tests, shifts and deletes those."""

    endpoint: ml.OnlineEndpoint
    lifetime: pulumi.Output[str]
    """Another one when the endpoint is made anew."""
    scoring_uri: pulumi.Output[str]
    key: pulumi.Output[str] | None
    """A secret; None where the endpoint takes tokens of Entra ID alone."""

    def __init__(self, name: str, args: ServingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Serving", name, {}, opts)
        target = args.place.workspace
        mode = ml.EndpointAuthMode.KEY if args.access.local_auth else ml.EndpointAuthMode.AAD_TOKEN
        live = _live(target, args.place.names.endpoint)
        # After an update that failed, the endpoint may have the new tags already, and the state not.
        updated = live is not None and (
            without(live.tags, (*args.tags_from_elsewhere, *TOLD)) != dict(args.place.tags)
            or live.properties.public_network_access != args.access.public
            or live.properties.auth_mode != mode.value
            or live.properties.provisioning_state == "Failed"
        )
        # What a pause has written there is carried by an update, and otherwise no business of the program's.
        told = {key: value for key, value in (live.tags or {}).items() if key in TOLD} if live and updated else {}
        failed = _failed(live)
        ignored = AZURES + ([] if failed else ANEW)
        if not updated:
            ignored += RELEASED + [f'tags["{tag}"]' for tag in TOLD]
        self.endpoint = ml.OnlineEndpoint(
            "endpoint",
            endpoint_name=args.place.names.endpoint,
            workspace_name=args.workspace.name,
            resource_group_name=args.resource_group,
            location=args.place.location,
            # A system identity would get its roles by itself; this one has them from role_assignments.py.
            identity=ml.ManagedServiceIdentityArgs(type="UserAssigned", user_assigned_identities=[args.identity.id]),
            properties=ml.OnlineEndpointPropertiesArgs(
                auth_mode=mode,
                public_network_access=args.access.public,
                description=failed,
                traffic=_shares(live.properties.traffic) if updated and live else None,
                mirror_traffic=_shares(live.properties.mirror_traffic) if updated and live else None,
            ),
            tags={**args.place.tags, **told},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=args.workspace.purge,
                ignore_changes=ignored,
                hooks=pulumi.ResourceHookBinding(
                    before_update=[pulumi.ResourceHook("traffic", _guard(target, args.place.names.endpoint))]
                ),
            ),
        )
        self.lifetime = of_endpoint(self.endpoint, live)
        self.key = self._key(args) if args.access.local_auth else None
        self.scoring_uri = self.endpoint.properties.apply(lambda properties: properties.scoring_uri)
        self.register_outputs({"name": self.endpoint.name, "scoringUri": self.scoring_uri})

    def _key(self, args: ServingArgs) -> pulumi.Output[str]:
        keys = ml.list_online_endpoint_keys_output(
            endpoint_name=self.endpoint.name,
            workspace_name=args.workspace.name,
            resource_group_name=args.resource_group,
        )
        return pulumi.Output.secret(keys.apply(lambda found: found.primary_key or ""))


def _live(target: Target, endpoint: str) -> ml.GetOnlineEndpointResult | None:
    """The endpoint as it is now, or None while there is none."""
    try:
        return ml.get_online_endpoint(
            endpoint_name=endpoint, workspace_name=target.workspace, resource_group_name=target.resource_group
        )
    # A failed call is a plain Exception for Pulumi. If it is not that there is no endpoint, the hook takes care.
    except Exception as error:  # noqa: BLE001
        not_read(f"endpoint {endpoint}", error)
        return None


def _failed(live: ml.GetOnlineEndpointResult | None) -> str | None:
    """What to write on an endpoint that has failed and has no traffic; it differs from one failure to the next."""
    if live is None or live.properties.provisioning_state != "Failed" or _shares(live.properties.traffic):
        return None
    return f"In place of the one of {made(live.system_data)}, which failed"


def _tags(inputs: Mapping[str, Any] | None) -> dict[str, str]:
    """The stack's among an endpoint's."""
    return without((inputs or {}).get("tags"), TOLD)


def _shares(traffic: Mapping[str, int] | None) -> dict[str, pulumi.Input[int]] | None:
    return {name: int(share) for name, share in traffic.items()} if traffic else None


def _guard(target: Target, endpoint: str) -> HookFunction:
    async def check(args: pulumi.ResourceHookArgs) -> None:
        project_importable()
        inputs, report = args.new_inputs or {}, reporting(args.name)
        sent = (inputs.get("properties") or {}).get("traffic") or {}

        def see_to_it() -> None:
            # Who pauses or releases meanwhile is waited for, or refuses this update: it would undo what they do.
            with together.held(target, CHANGED, "pulumi up, endpoint", report, threading.Event()):
                guard(target, endpoint, dict(sent), dict(inputs.get("tags") or {}))
                clear_the_way(target, endpoint, report)
                standing.retag(target, endpoint, _tags(args.old_inputs), _tags(inputs), report)

        await asyncio.to_thread(see_to_it)

    return check
