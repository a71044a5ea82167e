"""Private endpoints in a subnet that is given, and the names by which what they lead to is found in its network.

What is somebody else's (`existing`) has its owner's endpoints, and gets none here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import network, privatedns

from cloud.catalogue import DNS_ZONE
from cloud.place import Place
from infra.lifecycle.hooks import working
from jobs.network.spec import ReachSpec
from settings.estate.private import ELSEWHERE, PrivateEndpointsSettings
from settings.estate.zones import ZONES, Zone


@dataclass(frozen=True, kw_only=True)
class PrivateArgs:
    """What is to be reached, and where from: `to` has it by the words of `settings.estate.zones`.

    `lifetime` is another text when the workspace is made anew.
    """

    place: Place
    group: pulumi.Input[str]
    to: Mapping[str, pulumi.CustomResource]
    lifetime: pulumi.Output[str]
    private: PrivateEndpointsSettings


@dataclass(frozen=True, kw_only=True)
class _Lead:
    """An endpoint: its name in the program, what it leads to, and Azure's word for the part of that."""

    of: str
    name: str
    to: pulumi.CustomResource
    zone: Zone


class Private(pulumi.ComponentResource):
    """Who uploads data or asks the model waits for `reached`: by then this machine has found the way."""

    reached: list[pulumi.Resource]

    def __init__(self, name: str, args: PrivateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Private", name, {}, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._zones: dict[str, pulumi.Input[str]] = {}
        named: list[pulumi.Resource] = []
        for lead in _leads(args):
            named += self._endpoint(lead)
        spec = ReachSpec(stack=args.place.stack, target=args.place.workspace, subnet=args.private.subnet)
        hook = pulumi.ResourceHook("reach", working(ReachSpec, "jobs.network.reach"))
        stage = pulumi.Stash(
            "reach",
            input={**spec.to_inputs(), "workspace_id": args.lifetime},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=named,
                hooks=pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook]),
            ),
        )
        self.reached = [stage]
        self.register_outputs({})

    def _endpoint(self, lead: _Lead) -> list[pulumi.Resource]:
        place, group = self._args.place, self._args.group
        name = f"pep-{lead.name}-{lead.zone.group}"[:64].rstrip("-._")
        endpoint = network.PrivateEndpoint(
            f"{lead.of}-endpoint",
            private_endpoint_name=name,
            resource_group_name=group,
            location=place.location,
            subnet=network.SubnetArgs(id=self._args.private.subnet),
            private_link_service_connections=[
                network.PrivateLinkServiceConnectionArgs(
                    name=name, private_link_service_id=lead.to.id, group_ids=[lead.zone.group]
                )
            ],
            tags=place.tags,
            opts=self._child,
        )
        if self._args.private.zones == ELSEWHERE:
            return [endpoint]
        found = network.PrivateDnsZoneGroup(
            f"{lead.of}-names",
            private_dns_zone_group_name="default",
            private_endpoint_name=endpoint.name,
            resource_group_name=group,
            private_dns_zone_configs=[
                network.PrivateDnsZoneConfigArgs(name=zone.replace(".", "-"), private_dns_zone_id=self._zone(zone))
                for zone in lead.zone.zones
            ],
            opts=self._child,
        )
        return [found]

    def _zone(self, name: str) -> pulumi.Input[str]:
        """The id of a zone, made at the first question for it, and linked to the subnet's network."""
        if name in self._zones:
            return self._zones[name]
        place, theirs = self._args.place, self._args.private.zones
        if theirs:
            self._zones[name] = f"{theirs}/providers/{DNS_ZONE.arm_type}/{name}"
            return self._zones[name]
        short = name.removeprefix("privatelink.").replace(".", "-")
        zone = privatedns.PrivateZone(
            f"zone-{short}",
            private_zone_name=name,
            resource_group_name=self._args.group,
            location="global",
            tags=place.tags,
            opts=self._child,
        )
        link = privatedns.VirtualNetworkLink(
            f"link-{short}",
            virtual_network_link_name=f"to-{self._args.private.network.rpartition('/')[2]}"[:80],
            private_zone_name=zone.name,
            resource_group_name=self._args.group,
            location="global",
            registration_enabled=False,
            virtual_network=privatedns.SubResourceArgs(id=self._args.private.network),
            tags=place.tags,
            opts=self._child,
        )
        # Whoever names the zone waits for its link, too.
        self._zones[name] = pulumi.Output.all(zone.id, link.id).apply(lambda ids: str(ids[0]))
        return self._zones[name]


def _leads(args: PrivateArgs) -> Iterator[_Lead]:
    names = args.place.names
    called = {
        "workspace": names.workspace,
        "hub": names.hub,
        "storage": names.storage_account,
        "vault": names.key_vault,
        "registry": names.container_registry,
        "ai-services": names.ai_services,
    }
    for zone in ZONES:
        if zone.of in args.to:
            alone = sum(each.of == zone.of for each in ZONES) == 1
            of = zone.of if alone else f"{zone.of}-{zone.group}"
            yield _Lead(of=of, name=called[zone.of], to=args.to[zone.of], zone=zone)
