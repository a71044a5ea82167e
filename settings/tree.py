"""A stack's settings as one frozen tree of sections."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from settings.estate.encryption import EncryptionSettings
from settings.estate.existing import ExistingSettings
from settings.estate.names import NamesSettings
from settings.estate.private import OutboundSettings, PrivateEndpointsSettings
from settings.fields import GUID, Flag, Pattern, Section, Text
from settings.implied import loosened, with_implied
from settings.problems import refuse, written
from settings.recipes import named
from settings.recipes.recipe import Recipe
from settings.recipes.sweep import PREFIX, SweepSettings, limited
from settings.recipes.sweep import recipes as runs_of
from settings.sections.compute import ComputeSettings
from settings.sections.data import DataSettings
from settings.sections.evaluation import EvaluationSettings
from settings.sections.finetune import FinetuneSettings
from settings.sections.flow import FlowSettings
from settings.sections.github import GithubSettings
from settings.sections.identity import IdentitySettings, Team
from settings.sections.model import ModelSettings
from settings.sections.monitoring import MonitoringSettings
from settings.sections.serving import ServingSettings
from settings.sections.storage import StorageSettings
from settings.sections.tags import Tag, TagName, azure_tags
from settings.sections.vault import VaultSettings


class Settings(Section):
    """Everything a stack can choose."""

    location: Text = "eastus2"
    """Region of all resources, by its short name"""
    # Nothing leaves it to the environment, as the provider does: cloud.credentials.subscription_id.
    subscription_id: str | None = None
    """Subscription a stack belongs to; without it ARM_SUBSCRIPTION_ID, else the one that `az account show` names"""
    name: Annotated[
        Text, Pattern(r"[a-z][a-z0-9]{1,7}", "must be 2 to 8 lower-case letters and digits, a letter first")
    ] = "phi"
    """First part of every name on Azure, 2 to 8 lower-case letters and digits"""
    # Nothing stands for one derived from subscription and stack.
    suffix: Annotated[str, Pattern(r"|[a-z0-9]{3,6}", "must be 3 to 6 lower-case letters and digits")] = ""
    """Last part of the names that must be unique, 3 to 6 lower-case letters and digits; empty for one derived from
    subscription and stack. Another one gives a stack new names where Azure still holds the old ones soft-deleted.
    """
    names: NamesSettings = NamesSettings()
    existing: ExistingSettings = ExistingSettings()
    sealed: Flag = False
    """Closed as far as this program goes: network private, localAuth false, a key of your own (encryption), logs of
    all, protect and so on (docs/network.md), each where the stack does not say otherwise; previews and a policy tell
    what is looser
    """
    network: Literal["public", "managed", "private"] = "public"
    """Where training and serving run: public, or managed for Azure ML's managed virtual network, whose machines reach
    the internet and cannot be reached from it; workspace and endpoint go on answering to Entra ID and key. A workspace
    with a managed network can never go back to public. With private all that the stack makes answers in a virtual
    network of yours alone, too (privateEndpoints)
    """
    private_endpoints: PrivateEndpointsSettings = PrivateEndpointsSettings()
    outbound: OutboundSettings = OutboundSettings()
    local_auth: Flag = True
    """Whether keys open anything: false for Entra ID alone at the endpoint, AI Services, clusters and the storage
    account (which then has sharedKeys: false). Who asks the model needs a role on the endpoint
    """
    encryption: EncryptionSettings = EncryptionSettings()
    high_business_impact: Flag = False
    """Mark workspace and hub as holding sensitive data, of which Microsoft then collects less for diagnosis; counts
    only when they are made
    """
    tags: dict[str, Tag] = Field(default_factory=dict)
    """Tags for every resource, beside project and stack, such as owner and cost-centre"""
    tags_from_elsewhere: tuple[TagName, ...] = ()
    """Names of tags that something else puts onto the resources, such as a policy that inherits them from the resource
    group; the program leaves them alone, and they are no drift
    """
    commit_tag: Flag = False
    """Tag the resource group with the Git commit it was deployed from; changes it with every commit"""
    data: DataSettings = DataSettings()
    model: ModelSettings = ModelSettings()
    recipe: Recipe = Recipe()
    recipes: dict[str, named.Own] = Field(default_factory=dict)
    """Several recipes side by side, by name: {gentle: {learning_rate: 1e-5}} and so on, each with the keys of recipe
    in which it is other than that. Each is trained by a job of its own, and makes a model of its own
    """
    sweep: SweepSettings = SweepSettings()
    released: str = ""
    """Which of recipes goes into service: a name, or best for the one of the lowest loss on the held-out data
    """
    finetune: FinetuneSettings = FinetuneSettings()
    compute: ComputeSettings = ComputeSettings()
    serving: ServingSettings = ServingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    flow: FlowSettings = FlowSettings()
    identity: IdentitySettings = IdentitySettings()
    team: Team = Field(default_factory=dict)
    """What groups of people may do, by the group's object id: read (see everything but secrets) | chat (ask the model
    through the project's connection) | deploy (chat, and train, release, go back and pause in the workspace), each
    with the least of Azure's roles. Whoever runs the program needs more than that, and is not named here
    """
    storage: StorageSettings = StorageSettings()
    vault: VaultSettings = VaultSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    github: GithubSettings = GithubSettings()
    protect: Flag = False
    """Storage, vault, registry, logs, workspaces and endpoint can't be deleted until this is switched off again"""
    # Without a default: nobody should find out by accident what a destroy keeps or cannot bring back.
    purge_on_destroy: Flag
    """A destroy also removes for good what Azure would keep soft-deleted; every stack decides for itself"""

    @model_validator(mode="before")
    @classmethod
    def _implied(cls, given: Any) -> Any:
        return with_implied(given)

    @field_validator("location")
    @classmethod
    def _short_name(cls, location: str) -> str:
        """Which regions there are, the preflight asks Azure: a list here would refuse what was opened since."""
        short = location.replace(" ", "").lower()
        if not re.fullmatch(r"[a-z]{4,}[a-z0-9]*", short):
            raise refuse("must be the name of an Azure region", "for example eastus2, or East US 2")
        return short

    @field_validator("subscription_id", mode="before")
    @classmethod
    def _plain_id(cls, subscription: Any) -> Any:
        if not isinstance(subscription, str) or not re.fullmatch(GUID, subscription, re.IGNORECASE):
            raise refuse(
                "must be the id of a subscription, in plain text", "`az account list --output table` shows them"
            )
        return subscription

    @field_validator("recipes")
    @classmethod
    def _called(cls, recipes: dict[str, Any]) -> dict[str, Any]:
        named.names(recipes)
        return recipes

    @field_validator("tags")
    @classmethod
    def _azure_tags(cls, tags: dict[str, str]) -> dict[str, str]:
        return azure_tags(tags)

    @property
    def trained(self) -> dict[str, Recipe]:
        """Every recipe that a model is made by, by its name, which the only one need not have."""
        own = self.own
        return {name: named.merged(self.recipe, each) for name, each in own.items()} if own else {"": self.recipe}

    @property
    def own(self) -> dict[str, dict[str, Any]]:
        """What each recipe that has a name has of its own: those of the file, and those that a sweep makes."""
        return {**self.recipes, **runs_of(self.sweep)}

    def finetune_of(self, name: str) -> FinetuneSettings:
        """How the job of the recipe of that name is run: a run of the sweep within its part of the sweep's limits."""
        return limited(self.sweep, self.finetune) if name.startswith(PREFIX) else self.finetune

    @property
    def loosened(self) -> dict[str, Any]:
        """Of a sealed stack what is other than that says, by key."""
        return dict(loosened(self.model_dump(mode="json", by_alias=True))) if self.sealed else {}

    def effective(self) -> dict[str, Any]:
        """The whole tree under the keys of a stack file."""
        tree = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {written((key,)): value for key, value in tree.items()}
