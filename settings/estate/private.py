"""Where the stack's own addresses are, with `network: private`, and what its machines reach."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, field_validator

from settings.estate.existing import AzureId, an_id
from settings.fields import Section
from settings.problems import refuse

_SUBNET = "Microsoft.Network/virtualNetworks/subnets"
ELSEWHERE = "elsewhere"
_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}")


def _zones(value: str) -> str:
    if value in ("", ELSEWHERE):
        return value
    found = AzureId.of(value)
    if found is None or found.kind:
        remedy = (
            f"it looks like /subscriptions/<id>/resourceGroups/<group>; {ELSEWHERE} where your own DNS has the names"
        )
        raise refuse(f"must be the id of a resource group, or {ELSEWHERE}", remedy)
    return value


class PrivateEndpointsSettings(Section):
    """Where workspace, hub, storage, vault, registry and AI Services are reached with `network: private`
    (docs/network.md). The virtual network is yours, and not made here.
    """

    subnet: Annotated[str, AfterValidator(an_id(_SUBNET, "subnet"))] = ""
    """the id of the subnet in which the private endpoints are made, of the stack's region"""
    zones: Annotated[str, AfterValidator(_zones)] = ""
    """who has the private DNS zones: empty for the program, which links them to the subnet's network; the id of a
    resource group that has them, linked; elsewhere for DNS of your own, or a policy that adds the names
    """

    @property
    def network(self) -> str:
        """The id of the virtual network that the subnet is in."""
        return self.subnet.rpartition("/subnets/")[0]


class OutboundSettings(Section):
    """What machines in a managed network reach, with `network: managed` or `private`."""

    to: Literal["internet", "approved"] = "internet"
    """internet, or approved for Azure's own services and the hosts below alone; cannot be loosened again"""
    hosts: tuple[str, ...] = ()
    """names of hosts that are approved, *.example.com with all below; the first makes Azure bill a firewall for the
    workspace and one for the hub, 2.50 USD an hour together
    """

    @property
    def rules(self) -> dict[str, str]:
        """The hosts by the names of their rules at Azure, which are letters, digits and hyphens."""
        return {_rule(host): host for host in self.hosts}

    @field_validator("hosts")
    @classmethod
    def _names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not _HOST.fullmatch(host):
                rule = "must be the name of a host in lower case, without https:// and path"
                raise refuse(rule, "for example pypi.org, or *.pythonhosted.org", value=host)
        rules: dict[str, str] = {}
        for host in hosts:
            if (other := rules.setdefault(_rule(host), host)) != host:
                rule = f"has one name with {other} as a rule at Azure, where a name has neither dots nor stars"
                raise refuse(rule, "approve one with all below, for example *.example.com", value=host)
        return hosts


def _rule(host: str) -> str:
    return host.replace("*", "all").replace(".", "-")
