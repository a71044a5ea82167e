"""Whether a name is free that all of Azure shares: `checkNameAvailability` of four resource providers.

Taken are those of this subscription, in any group and soft-deleted ones too, and those of the admin setting
``taken-names``: of somebody else.
"""

from __future__ import annotations

from typing import Any

from emulator.machine.store import Store

TAKEN = "taken-names"
QUESTIONS = {
    ("microsoft.storage", "checknameavailability"): (
        "Microsoft.Storage/storageAccounts",
        "The storage account named {name} is already taken.",
    ),
    ("microsoft.keyvault", "checknameavailability"): (
        "Microsoft.KeyVault/vaults",
        "The vault name '{name}' is already in use. Vault names are globally unique so it is possible that the name "
        "is already taken.",
    ),
    ("microsoft.containerregistry", "checknameavailability"): (
        "Microsoft.ContainerRegistry/registries",
        "The registry {name} is already in use.",
    ),
    ("microsoft.cognitiveservices", "checkdomainavailability"): (
        "Microsoft.CognitiveServices/accounts",
        "Sub domain name '{name}' is already used. Please pick a different name.",
    ),
}
"""By namespace and call: the type, and what is said of one that is taken."""


def names(value: Any) -> Any:
    """``["name", …]``; for the admin interface."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError("must be a list of names")
    return value


def answer(store: Store, namespace: str, call: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """What the provider says of a name, or None where it is not asked that."""
    found = QUESTIONS.get((namespace.lower(), call.lower()))
    if found is None:
        return None
    kind, says = found
    domain = call.lower() == "checkdomainavailability"
    name = str(body.get("subdomainName" if domain else "name", ""))
    known = [each.name for each in (*store.of_type(kind), *store.deleted(kind))]
    taken = name.lower() in {each.lower() for each in (*known, *store.setting(TAKEN, []))}
    reason = {"reason": "AlreadyExists", "message": says.format(name=name)} if taken else {}
    if domain:
        return {"isSubdomainAvailable": not taken, "subdomainName": name, "type": kind, **reason}
    return {"nameAvailable": not taken, **reason}
