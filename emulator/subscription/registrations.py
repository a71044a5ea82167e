"""The subscription's offer and the providers it has registered: the admin settings ``subscription``, ``providers``."""

from __future__ import annotations

from typing import Any

from emulator.arm.errors import AzureError
from emulator.arm.paths import ArmPath
from emulator.machine.home import SUBSCRIPTION_ID
from emulator.machine.store import Store

OFFER, PROVIDERS = "subscription", "providers"
SCOPE = f"/subscriptions/{SUBSCRIPTION_ID}"
NAMESPACES = tuple(
    f"Microsoft.{name}"
    for name in (
        *("Authorization", "Cdn", "CognitiveServices", "Compute", "Consumption", "ContainerRegistry", "Insights"),
        *("KeyVault", "MachineLearningServices", "ManagedIdentity", "Network", "OperationalInsights"),
        *("PolicyInsights", "Quota", "Resources", "Storage"),
    )
)
BEHIND_ENDPOINTS = ("Microsoft.Cdn", "Microsoft.PolicyInsights")


def check_endpoint_providers(store: Store) -> None:
    """Refuse to make an endpoint where a provider is not registered of which Azure makes something for it.

    Raises:
        AzureError: SubscriptionNotRegistered, which fails the operation; it names neither provider nor subscription.
    """
    known = states(store)
    if any(known.get(name.lower(), "Registered") != "Registered" for name in BEHIND_ENDPOINTS):
        raise AzureError(
            400,
            "SubscriptionNotRegistered",
            "Resource provider [N/A] isn't registered with Subscription [N/A]. Please see troubleshooting guide, "
            "available here: https://aka.ms/register-resource-provider",
        )


def offer(value: Any) -> Any:
    """``{"quotaId", "spendingLimit": On|Off, "state"}``, each as Azure tells it; for the admin interface.

    ``"counted": false`` is a subscription whose usage Azure has not counted yet.
    """
    unknown = set(value) - {"quotaId", "spendingLimit", "state", "counted"}
    if unknown:
        raise ValueError(f"unknown keys {sorted(unknown)}")
    return dict(value)


def registrations(value: Any) -> Any:
    """``{"Microsoft.Cdn": "NotRegistered"}``; the others are registered."""
    unknown = {name for name in value if name.lower() not in {each.lower() for each in NAMESPACES}}
    if unknown:
        raise ValueError(f"no namespaces {sorted(unknown)}; there are {', '.join(NAMESPACES)}")
    return dict(value)


def states(store: Store) -> dict[str, str]:
    """Namespaces in lower case → how they are registered; those left out are registered."""
    return {name.lower(): str(state) for name, state in store.setting(PROVIDERS, {}).items()}


def registration(store: Store, name: str) -> dict[str, Any]:
    """A namespace as ARM shows it."""
    state = states(store).get(name.lower(), "Registered")
    return {"id": f"{SCOPE}/providers/{name}", "namespace": name, "registrationState": state, "resourceTypes": []}


def check_registered(store: Store, path: ArmPath) -> None:
    """Refuse a PUT of a type whose provider is not registered.

    Raises:
        AzureError: MissingSubscriptionRegistration.
    """
    namespace = path.type.partition("/")[0]
    if states(store).get(namespace.lower(), "Registered") == "Registered":
        return
    message = (
        f"The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for "
        "how to register subscriptions."
    )
    detail = {"code": "MissingSubscriptionRegistration", "target": namespace, "message": message}
    raise AzureError(409, "MissingSubscriptionRegistration", message, details=[detail])
