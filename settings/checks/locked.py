"""What does not go with being locked down: no keys that open, and a key of one's own that encrypts."""

from __future__ import annotations

from collections.abc import Iterator

from settings.checks.conflict import Conflict
from settings.tree import Settings


def keys(settings: Settings) -> Iterator[Conflict]:
    """A key that is to open something, where none does."""
    if not settings.local_auth and settings.storage.shared_keys:
        rule = "cannot be with localAuth: false, by which no key opens anything"
        remedy = "remove the line, as false follows from localAuth, or set localAuth to true"
        yield Conflict("storage.sharedKeys", True, rule, remedy, ("localAuth",))


def own_key(settings: Settings) -> Iterator[Conflict]:
    """A key of one's own without its vault, or without anybody who may use it."""
    own = settings.encryption
    if own.key and not own.vault:
        rule = "is needed beside encryption.key: the workspace takes the id of its vault"
        remedy = "az keyvault show --name <vault> --query id prints it"
        yield Conflict("encryption.vault", own.vault, rule, remedy, ("encryption.key",))
    elif own.key and own.vault_name.lower() != own.vault_uri.removeprefix("https://").split(".")[0].lower():
        rule = "is another vault than the one in encryption.key"
        yield Conflict("encryption.vault", own.vault, rule, "give the id of that one", ("encryption.key",))
    for name, value in (("vault", own.vault), ("identity", own.identity)) if not own.key else ():
        if value:
            rule = "has no effect without encryption.key"
            yield Conflict(f"encryption.{name}", value, rule, "give the key, or remove the line", ("encryption.key",))
    if own.key and not own.identity and not settings.identity.assign_roles:
        rule = "is needed with identity.assignRoles: false, as nobody would grant the program's own a role on the key"
        remedy = "give an identity that has Key Vault Crypto Service Encryption User on the vault"
        yield Conflict("encryption.identity", own.identity, rule, remedy, ("identity.assignRoles",))


def sealed(settings: Settings) -> Iterator[Conflict]:
    """What only the stack itself can say. Where it says that there is none, that is told and not refused."""
    if settings.sealed and not settings.encryption.key and "key" not in settings.encryption.model_fields_set:
        rule = "is needed with sealed: true, under which the stack's data lie under a key of its own"
        remedy = "give its address, and encryption.vault; '' for Microsoft's key, which is told as looser"
        yield Conflict("encryption.key", settings.encryption.key, rule, remedy, ("sealed",))


def private(settings: Settings) -> Iterator[Conflict]:
    """Private endpoints without a place, and a place without them."""
    own = settings.private_endpoints
    if settings.network == "private" and not own.subnet:
        rule = "is needed with network: private: that is where the private endpoints are made"
        remedy = "az network vnet subnet show --vnet-name <network> --name <subnet> --query id prints it"
        yield Conflict("privateEndpoints.subnet", own.subnet, rule, remedy, ("network",))
    for name, value in (("subnet", own.subnet), ("zones", own.zones)) if settings.network != "private" else ():
        if value:
            rule = "has no effect without network: private"
            yield Conflict(f"privateEndpoints.{name}", value, rule, "set that, or remove the line", ("network",))


def outbound(settings: Settings) -> Iterator[Conflict]:
    """A way out of a network that there is not."""
    own = settings.outbound
    if own.to == "approved" and settings.network == "public":
        rule = "has no effect without a managed network"
        yield Conflict("outbound.to", own.to, rule, "set network to managed or private", ("network",))
    if own.hosts and own.to != "approved":
        rule = "has no effect while outbound.to is internet, as all hosts are reached"
        remedy = "set outbound.to to approved, or remove the line"
        yield Conflict("outbound.hosts", ", ".join(own.hosts), rule, remedy, ("outbound.to",))
