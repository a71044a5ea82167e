"""What a stack uses and somebody else has made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from settings.fields import GUID, Section
from settings.naming import rule_of
from settings.problems import refuse

_ID = re.compile(
    rf"/subscriptions/(?P<subscription>{GUID})/resourceGroups/(?P<group>[^/]+)"
    r"(?:/providers/(?P<namespace>[^/]+)/(?P<outer>[^/]+)/(?P<name>[^/]+)(?:/(?P<inner>[^/]+)/(?P<within>[^/]+))?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class AzureId:
    """The parts of an id; `kind` is Azure's type, without one for a resource group."""

    subscription_id: str
    group: str
    kind: str
    name: str

    @property
    def place(self) -> tuple[str, str]:
        """Subscription and group, in which Azure ignores case."""
        return self.subscription_id, self.group.lower()

    @classmethod
    def of(cls, text: str) -> AzureId | None:
        """None for what is no id of a resource in a group, or of a group."""
        found = _ID.fullmatch(text)
        if found is None:
            return None
        whole = "/".join(part for part in found.group("namespace", "outer", "inner") if part)
        name = found["within"] or found["name"] or found["group"]
        return cls(subscription_id=found["subscription"].lower(), group=found["group"], kind=whole, name=name)


@dataclass(frozen=True, kw_only=True)
class Usable:
    """What can be given: Azure's type, and the attribute of `settings.naming.Names` that it takes the place of.

    `spares` are attributes of what the program then does not make either, as it comes with what is given.
    """

    kind: str
    attribute: str
    words: str
    spares: tuple[str, ...] = ()


_WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
_OF_A_HUB = ("ai_services", "ai_services_connection")
USABLE = {
    "group": Usable(kind="", attribute="resource_group", words="resource group"),
    "logs": Usable(
        kind="Microsoft.OperationalInsights/workspaces", attribute="log_analytics", words="Log Analytics workspace"
    ),
    "insights": Usable(
        kind="Microsoft.Insights/components", attribute="application_insights", words="Application Insights"
    ),
    "storage": Usable(kind="Microsoft.Storage/storageAccounts", attribute="storage_account", words="storage account"),
    "vault": Usable(kind="Microsoft.KeyVault/vaults", attribute="key_vault", words="key vault"),
    "registry": Usable(
        kind="Microsoft.ContainerRegistry/registries", attribute="container_registry", words="container registry"
    ),
    "identity": Usable(kind="Microsoft.ManagedIdentity/userAssignedIdentities", attribute="identity", words="identity"),
    "workspace": Usable(kind=_WORKSPACES, attribute="workspace", words="Azure ML workspace"),
    "cluster": Usable(kind=f"{_WORKSPACES}/computes", attribute="cluster", words="cluster"),
    "hub": Usable(kind=_WORKSPACES, attribute="hub", words="hub", spares=_OF_A_HUB),
    "project": Usable(kind=_WORKSPACES, attribute="project", words="project", spares=("hub", *_OF_A_HUB)),
}
"""By the key of the setting `existing`."""


def not_made(given: Iterable[str]) -> frozenset[str]:
    """Attributes of `Names` of what a stack does not make, by the keys of the setting that are given."""
    return frozenset(each for key in given for each in (USABLE[key].attribute, *USABLE[key].spares))


def _example(kind: str) -> str:
    where = "/subscriptions/<id>/resourceGroups/<group>"
    namespace, *types = kind.split("/")
    return f"{where}/providers/{namespace}" + "".join(f"/{each}/<name>" for each in types) if kind else where


def an_id(kind: str, words: str) -> Callable[[str], str]:
    """Checks that a value is an id of that type, or empty."""

    def check(value: str) -> str:
        found = AzureId.of(value)
        if value and (found is None or found.kind.lower() != kind.lower()):
            article = "an" if words[0] in "aeiou" else "a"
            raise refuse(f"must be the id of {article} {words}", f"it looks like {_example(kind)}")
        return value

    return check


def _id_of(key: str) -> AfterValidator:
    """An id of that type, or nothing."""
    usable = USABLE[key]
    is_one = an_id(usable.kind, usable.words)

    def check(value: str) -> str:
        found = AzureId.of(is_one(value))
        expression, words = rule_of(usable.attribute)
        if found and not re.fullmatch(expression, found.name):
            raise refuse(f"must end with a name as Azure takes it: {words}", f"as in {_example(usable.kind)}")
        return value

    return AfterValidator(check)


class ExistingSettings(Section):
    """What the stack uses and somebody else has made, each by its id (`az resource show ... --query id`); empty for
    what the program makes itself.

    It is checked before anything is made, and neither changed nor deleted, whatever becomes of the stack.
    """

    group: Annotated[str, _id_of("group")] = ""
    """the resource group that all is made in; a destroy removes from it what the program made, and no more"""
    logs: Annotated[str, _id_of("logs")] = ""
    """the Log Analytics workspace that logs and metrics go to"""
    insights: Annotated[str, _id_of("insights")] = ""
    """the Application Insights of workspace and hub"""
    storage: Annotated[str, _id_of("storage")] = ""
    """the storage account of workspace, hub and project"""
    vault: Annotated[str, _id_of("vault")] = ""
    """the key vault of workspace, hub and project"""
    registry: Annotated[str, _id_of("registry")] = ""
    """the container registry of workspace and hub"""
    identity: Annotated[str, _id_of("identity")] = ""
    """the identity that trains and serves"""
    workspace: Annotated[str, _id_of("workspace")] = ""
    """the Azure ML workspace, in the group of existing.group; with it go its storage, vault, registry and insights"""
    cluster: Annotated[str, _id_of("cluster")] = ""
    """the cluster that trains, in existing.workspace; it acts as existing.identity"""
    hub: Annotated[str, _id_of("hub")] = ""
    """AI Foundry's hub; the stack then makes no AI Services and no connection to them"""
    project: Annotated[str, _id_of("project")] = ""
    """AI Foundry's project, in the group of existing.group; the stack then makes no hub"""

    def ids(self) -> dict[str, str]:
        """Those that are given, by key."""
        return {key: value for key, value in self.model_dump().items() if value}

    def names(self) -> dict[str, str]:
        """Their names, by attribute of `Names`."""
        return {USABLE[key].attribute: found.name for key, id_ in self.ids().items() if (found := AzureId.of(id_))}
