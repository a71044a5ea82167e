"""Azure's own management clients, at the API versions that the program uses, and what is driven through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from azure.ai.ml import MLClient
from azure.ai.ml._restclient.arm_ml_service import MachineLearningServicesMgmtClient
from azure.identity import DefaultAzureCredential
from azure.mgmt.applicationinsights import ApplicationInsightsManagementClient
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.mgmt.consumption import ConsumptionManagementClient
from azure.mgmt.containerregistry import ContainerRegistryManagementClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.loganalytics import LogAnalyticsManagementClient
from azure.mgmt.monitor import MonitorManagementClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.policyinsights import PolicyInsightsClient
from azure.mgmt.privatedns import PrivateDnsManagementClient
from azure.mgmt.quota import QuotaMgmtClient
from azure.mgmt.resource.policy import PolicyClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.resource.subscriptions import SubscriptionClient
from azure.mgmt.storage import StorageManagementClient

from emulator.machine.home import SUBSCRIPTION_ID
from tests.contract.arm import Arm


class Clients:
    """Made when asked for; all of them with the emulator's credential, through its proxy."""

    def __init__(self, arm: Arm, data_file: str) -> None:
        self.arm = arm
        self.data_file = data_file
        self._credential = DefaultAzureCredential()

    def _of(self, client: Callable[..., Any], version: str = "") -> Any:
        """A client; ``version`` where its own default is newer than what the program sends."""
        return client(self._credential, SUBSCRIPTION_ID, **({"api_version": version} if version else {}))

    @cached_property
    def resources(self) -> Any:
        return self._of(ResourceManagementClient, "2024-03-01")

    @cached_property
    def subscriptions(self) -> Any:
        return SubscriptionClient(self._credential)

    @cached_property
    def storage(self) -> Any:
        return self._of(StorageManagementClient, "2024-01-01")

    @cached_property
    def vaults(self) -> Any:
        return self._of(KeyVaultManagementClient, "2024-11-01")

    @cached_property
    def registries(self) -> Any:
        return self._of(ContainerRegistryManagementClient, "2025-11-01")

    @cached_property
    def identities(self) -> Any:
        return self._of(ManagedServiceIdentityClient)

    @cached_property
    def authorization(self) -> Any:
        return self._of(AuthorizationManagementClient)

    @cached_property
    def logs(self) -> Any:
        return self._of(LogAnalyticsManagementClient, "2023-09-01")

    @cached_property
    def insights(self) -> Any:
        return self._of(ApplicationInsightsManagementClient)

    @cached_property
    def cognitive(self) -> Any:
        return self._of(CognitiveServicesManagementClient, "2025-06-01")

    @cached_property
    def monitor(self) -> Any:
        return self._of(MonitorManagementClient)

    @cached_property
    def consumption(self) -> Any:
        return self._of(ConsumptionManagementClient)

    @cached_property
    def network(self) -> Any:
        """It sends versions of its own."""
        return self._of(NetworkManagementClient)

    @cached_property
    def zones(self) -> Any:
        return self._of(PrivateDnsManagementClient, "2024-06-01")

    @cached_property
    def policies(self) -> Any:
        return self._of(PolicyClient, "2023-04-01")

    @cached_property
    def restrictions(self) -> Any:
        return self._of(PolicyInsightsClient)

    @cached_property
    def quota(self) -> Any:
        return self._of(QuotaMgmtClient)

    @cached_property
    def ml(self) -> Any:
        """The client that azure-ai-ml is generated with, at the API version the program uses."""
        return self._of(MachineLearningServicesMgmtClient)

    def workspace(self, group: str, name: str) -> MLClient:
        """What people use."""
        return MLClient(self._credential, SUBSCRIPTION_ID, group, name, enable_telemetry=False)


Call = Callable[[Clients], Any]
"""One operation; what it returns is waited for and read to its end."""


@dataclass(frozen=True)
class Action:
    """Any other operation, and the attribute of its answer that must say something; "" where it answers nothing."""

    call: Call
    says: str = ""


@dataclass(frozen=True)
class Driven:
    """A type of the emulator's table, driven through every operation the client has for it.

    An operation that the client, or Azure, does not have is in ``lacks`` with the reason.
    """

    type: str
    get: Call
    lists: tuple[Call, ...] = ()
    create: Call | None = None
    update: Call | None = None
    delete: Call | None = None
    actions: Mapping[str, Action] = field(default_factory=dict)
    lacks: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> set[str]:
        """Operations that are neither driven nor excused."""
        driven = {"create": self.create, "list": self.lists, "update": self.update, "delete": self.delete}
        return {name for name, call in driven.items() if not call} - set(self.lacks)


def finish(answer: Any) -> Any:
    """The result of an operation that takes time, the members of a pager, or the answer itself."""
    if hasattr(answer, "result") and hasattr(answer, "polling_method"):
        return answer.result(timeout=120)
    if hasattr(answer, "by_page"):
        return list(answer)
    return answer


def read(value: Any, seen: int = 0) -> None:
    """Reads every field of an answer, as its client only then looks at what came: at dates, numbers, kinds.

    Raises:
        whatever the client raises for a shape it does not understand.
    """
    assert seen < 20
    if isinstance(value, list | tuple):
        for each in value:
            read(each, seen + 1)
    elif hasattr(value, "_attr_to_rest_field"):  # the newer generator's models
        for name in value._attr_to_rest_field:
            read(getattr(value, name), seen + 1)
    elif hasattr(value, "_attribute_map"):  # the older one's, read when they came
        for name in value._attribute_map:
            read(getattr(value, name), seen + 1)
    elif isinstance(value, dict):
        for each in value.values():
            read(each, seen + 1)
