"""Every name on Azure, derived from settings, stack and subscription alone.

The same three always give the same names, so an interrupted deployment finds its resources again; a suffix
from their hash keeps names that must be unique in a region or worldwide apart from other people's. What Azure keeps
soft-deleted after a destroy holds its name: the setting `suffix` gives the stack others. The prefixes are the
abbreviations of Microsoft's Cloud Adoption Framework.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from dataclasses import dataclass, field, fields
from typing import Any

PROJECT = "finetune-phi"
SLUG_LENGTH = 8  # of the stack's part of a name: the tightest rule, 24 characters, then always holds
SUFFIX_LENGTH = 6

_WORKSPACE = r"[a-zA-Z0-9][\w-]{2,32}"
_CLUSTER = r"[a-zA-Z][a-zA-Z0-9-]{0,14}[a-zA-Z0-9]"
_ALERT = r"[^<>*%&:\\?+/{}#|@]{1,260}(?<![ .])"


def _named(convention: str, rule: str, soft_deleted_as: str = "") -> Any:
    """A name: how it is made, of parts in braces, and what Azure allows, as a regular expression over all of it.

    ``soft_deleted_as`` is what `cloud.catalogue` calls names of its type that Azure keeps after a deletion.
    """
    return field(metadata={"convention": convention, "rule": rule, "soft_deleted_as": soft_deleted_as})


@dataclass(frozen=True)
class Names:
    """One attribute per resource. Raises ValueError for a name Azure would refuse.

    `base` is prefix and stack, `unique` and `compact` have the suffix beside them. The endpoint's rule is the SDK's,
    the others are unproven.
    """

    resource_group: str = _named("rg-{unique}", r"[\w.()-]{0,89}[\w()-]")
    log_analytics: str = _named("log-{base}", r"[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]", soft_deleted_as="logs")
    application_insights: str = _named("appi-{base}", r"[\w.()-]{0,254}[\w()-]")
    # 24 characters at most, as for the vault, so without hyphens between its parts.
    storage_account: str = _named("st{compact}", r"[a-z0-9]{3,24}")
    key_vault: str = _named("kv{compact}", r"(?!.*--)[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]", soft_deleted_as="vaults")
    container_registry: str = _named("cr{compact}", r"[a-zA-Z0-9]{5,50}")
    identity: str = _named("id-{base}", r"[a-zA-Z0-9][\w-]{2,127}")
    workspace: str = _named("mlw-{unique}", _WORKSPACE, soft_deleted_as="workspaces")
    cluster: str = _named("gpu-cluster", _CLUSTER)
    data_cluster: str = _named("cpu-cluster", _CLUSTER)
    ai_services: str = _named("ais-{unique}", r"[a-zA-Z0-9][a-zA-Z0-9-]{0,62}[a-zA-Z0-9]", soft_deleted_as="accounts")
    # A hub with projects cannot be deleted, so projects come first.
    project: str = _named("proj-{unique}", _WORKSPACE, soft_deleted_as="workspaces")
    hub: str = _named("hub-{unique}", _WORKSPACE, soft_deleted_as="workspaces")
    endpoint: str = _named("{unique}", r"[a-zA-Z][a-zA-Z0-9-]{1,30}[a-zA-Z0-9]")
    connection: str = _named("{prefix}-connection", _WORKSPACE)
    flow: str = _named("{prefix}-chat", r"[a-zA-Z0-9][\w -]{0,99}")
    ai_services_connection: str = _named("ai-services", _WORKSPACE)
    action_group: str = _named("ag-{base}", r"[^<>*%&:\\?+/#|]{1,260}(?<![ .])")
    error_alert: str = _named("alert-{base}-5xx", _ALERT)
    model_alert: str = _named("alert-{base}-model", _ALERT)
    latency_alert: str = _named("alert-{base}-latency", _ALERT)
    budget: str = _named("budget-{base}", r"[a-zA-Z0-9][\w-]{0,62}")

    def __post_init__(self) -> None:
        for each in fields(self):
            name, rule = getattr(self, each.name), each.metadata["rule"]
            if not re.fullmatch(rule, name):
                raise ValueError(f"{each.name.replace('_', ' ')} name {name!r} breaks Azure's rule {rule}")

    @property
    def github(self) -> str:
        """Of the identity that GitHub's workflows deploy as."""
        return f"{self.identity}-github"

    @classmethod
    def of(cls, prefix: str, stack: str, subscription_id: str, suffix: str = "") -> Names:
        """`prefix` and `suffix` are the settings `name` and `suffix`: 8 and 6 characters at most."""
        slug = re.sub(r"[^a-z0-9]", "", stack.lower())[:SLUG_LENGTH] or "stack"
        suffix = suffix or _suffix(subscription_id.lower(), PROJECT, stack)
        parts = _parts(prefix, slug, suffix)
        return cls(**{each.name: each.metadata["convention"].format(**parts) for each in fields(cls)})

    def id_of(self, subscription_id: str, kind: str, name: str) -> str:
        """The id of a resource in the stack's group, by its type (`Namespace/type`)."""
        return f"/subscriptions/{subscription_id}/resourceGroups/{self.resource_group}/providers/{kind}/{name}"

    def soft_deleted(self) -> dict[str, list[str]]:
        """Names that Azure keeps after a deletion, by the words of `cloud.catalogue`."""
        found: dict[str, list[str]] = {}
        for each in fields(self):
            if each.metadata["soft_deleted_as"]:
                found.setdefault(each.metadata["soft_deleted_as"], []).append(getattr(self, each.name))
        return found


def _parts(prefix: str, slug: str, suffix: str) -> dict[str, str]:
    base = f"{prefix}-{slug}"
    return {"prefix": prefix, "base": base, "unique": f"{base}-{suffix}", "compact": f"{prefix}{slug}{suffix}"}


def patterns() -> dict[str, str]:
    """The names that say which stack they are of, by attribute of `Names`: regular expressions over the whole name."""
    parts = _parts("[a-z][a-z0-9]{1,7}", f"[a-z0-9]{{1,{SLUG_LENGTH}}}", f"[a-z0-9]{{3,{SUFFIX_LENGTH}}}")
    made = {each.name: str(each.metadata["convention"]) for each in fields(Names)}
    found = {name: convention.format(**parts) for name, convention in made.items() if re.search("{[buc]", convention)}
    # GitHub's workflows have an identity beside the one that trains and serves.
    return {**found, "identity": f"{found['identity']}(-github)?"}


def role_assignment_name(scope: str, role: str, principal: str) -> str:
    """A GUID that is the same at every deployment; all three are plain names, known before Azure answers."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join((scope, role, principal)).lower()))


def _suffix(*parts: str) -> str:
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:SUFFIX_LENGTH]
