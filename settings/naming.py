"""Every name on Azure, derived from settings, stack and subscription alone.

The same three always give the same names, so an interrupted deployment finds its resources again; a suffix
from their hash keeps names that must be unique in a region or worldwide apart from other people's. What Azure keeps
soft-deleted after a destroy holds its name: the setting `suffix` gives the stack others. The prefixes are the
abbreviations of Microsoft's Cloud Adoption Framework. The setting `names` has others, each or by a pattern.

A stack that is renamed keeps its names: they derive from its `Origin`, which the state remembers.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

PROJECT = "finetune-phi"
SLUG_LENGTH = 8  # of the stack's part of a name: the tightest rule, 24 characters, then always holds
SUFFIX_LENGTH = 6
PATTERN = "pattern"
"""The key of the setting `names` that is no resource's."""
PARTS = ("kind", "project", "stack", "suffix", "location")
"""What a pattern may have in braces."""


@dataclass(frozen=True)
class _Rule:
    """What Azure allows as a name: a regular expression over all of it, and the same in words."""

    expression: str
    words: str


_GROUP = _Rule(r"[\w.()-]{0,89}[\w()-]", "1 to 90 letters, digits and - _ . ( ), no . at the end")
_LOGS = _Rule(r"[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]", "4 to 63 letters, digits and -, no - at an end")
_INSIGHTS = _Rule(r"[\w.()-]{0,254}[\w()-]", "1 to 255 letters, digits and - _ . ( ), no . at the end")
_STORAGE = _Rule(r"[a-z0-9]{3,24}", "3 to 24 lower-case letters and digits")
_VAULT = _Rule(
    r"(?!.*--)[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]",
    "3 to 24 letters, digits and single -, a letter first and no - at the end",
)
_REGISTRY = _Rule(r"[a-zA-Z0-9]{5,50}", "5 to 50 letters and digits")
_IDENTITY = _Rule(r"[a-zA-Z0-9][\w-]{2,127}", "3 to 128 letters, digits and - _, a letter or digit first")
_WORKSPACE = _Rule(r"[a-zA-Z0-9][\w-]{2,32}", "3 to 33 letters, digits and - _, a letter or digit first")
_CLUSTER = _Rule(
    r"[a-zA-Z][a-zA-Z0-9-]{0,14}[a-zA-Z0-9]", "2 to 16 letters, digits and -, a letter first and no - at the end"
)
_ACCOUNT = _Rule(r"[a-zA-Z0-9][a-zA-Z0-9-]{0,62}[a-zA-Z0-9]", "2 to 64 letters, digits and -, no - at an end")
_ENDPOINT = _Rule(
    r"[a-zA-Z][a-zA-Z0-9-]{1,30}[a-zA-Z0-9]", "3 to 32 letters, digits and -, a letter first and no - at the end"
)
_FLOW = _Rule(r"[a-zA-Z0-9][\w -]{0,99}", "1 to 100 letters, digits, blanks and - _, a letter or digit first")
_ACTION_GROUP = _Rule(r"[^<>*%&:\\?+/#|]{1,260}(?<![ .])", "1 to 260 characters without < > * % & : \\ ? + / # |")
_ALERT = _Rule(r"[^<>*%&:\\?+/{}#|@]{1,260}(?<![ .])", "1 to 260 characters without < > * % & : \\ ? + / { } # | @")
_BUDGET = _Rule(r"[a-zA-Z0-9][\w-]{0,62}", "1 to 63 letters, digits and - _, a letter or digit first")


def _named(
    convention: str, rule: _Rule, *, kind: str = "", apart: str = "", plain: bool = False, soft_deleted_as: str = ""
) -> Any:
    """A name: how it is made, of parts in braces, and what Azure allows.

    ``kind`` is its abbreviation in a pattern; what has none lies in a workspace and follows no pattern. Names that are
    ``apart`` by the same word must differ. Of a ``plain`` one a pattern's hyphens and capitals are left out.
    ``soft_deleted_as`` is what `cloud.catalogue` calls names of its type that Azure keeps after a deletion.
    """
    return field(
        metadata={
            "convention": convention,
            "rule": rule,
            "kind": kind,
            "apart": apart,
            "plain": plain,
            "soft_deleted_as": soft_deleted_as,
        }
    )


@dataclass(frozen=True)
class Origin:
    """What a stack was called, and in which subscription it was, when it was made: its names derive from that."""

    stack: str
    subscription_id: str

    @classmethod
    def of(cls, record: object) -> Origin | None:
        """From what the preflight has recorded in the state; None where that says nothing."""
        if not isinstance(record, Mapping):
            return None
        own = record.get("origin") or record
        stack, subscription = own.get("stack"), own.get("subscription_id")
        return cls(stack, subscription) if isinstance(stack, str) and isinstance(subscription, str) else None


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """A name that cannot be: whose (an attribute of `Names`), the name, what is against it and what mends that."""

    attribute: str
    name: str
    rule: str
    remedy: str


@dataclass(frozen=True)
class Names:
    """One attribute per resource. Raises ValueError for a name Azure would refuse.

    `base` is prefix and stack, `unique` and `compact` have the suffix beside them. The endpoint's rule is the SDK's,
    the others are unproven.
    """

    resource_group: str = _named("rg-{unique}", _GROUP, kind="rg")
    log_analytics: str = _named("log-{base}", _LOGS, kind="log", soft_deleted_as="logs")
    application_insights: str = _named("appi-{base}", _INSIGHTS, kind="appi")
    # 24 characters at most, as for the vault, so without hyphens between its parts.
    storage_account: str = _named("st{compact}", _STORAGE, kind="st", plain=True)
    key_vault: str = _named("kv{compact}", _VAULT, kind="kv", soft_deleted_as="vaults")
    container_registry: str = _named("cr{compact}", _REGISTRY, kind="cr", plain=True)
    identity: str = _named("id-{base}", _IDENTITY, kind="id")
    workspace: str = _named("mlw-{unique}", _WORKSPACE, kind="mlw", apart="workspaces", soft_deleted_as="workspaces")
    cluster: str = _named("gpu-cluster", _CLUSTER, apart="clusters")
    data_cluster: str = _named("cpu-cluster", _CLUSTER, apart="clusters")
    ai_services: str = _named("ais-{unique}", _ACCOUNT, kind="ais", soft_deleted_as="accounts")
    # A hub with projects cannot be deleted, so projects come first.
    project: str = _named("proj-{unique}", _WORKSPACE, kind="proj", apart="workspaces", soft_deleted_as="workspaces")
    hub: str = _named("hub-{unique}", _WORKSPACE, kind="hub", apart="workspaces", soft_deleted_as="workspaces")
    endpoint: str = _named("{unique}", _ENDPOINT, kind="oep")
    connection: str = _named("{prefix}-connection", _WORKSPACE, apart="connections")
    flow: str = _named("{prefix}-chat", _FLOW)
    ai_services_connection: str = _named("ai-services", _WORKSPACE, apart="connections")
    action_group: str = _named("ag-{base}", _ACTION_GROUP, kind="ag")
    error_alert: str = _named("alert-{base}-5xx", _ALERT, kind="alert-5xx", apart="alerts")
    model_alert: str = _named("alert-{base}-model", _ALERT, kind="alert-model", apart="alerts")
    latency_alert: str = _named("alert-{base}-latency", _ALERT, kind="alert-latency", apart="alerts")
    budget: str = _named("budget-{base}", _BUDGET, kind="budget")

    def __post_init__(self) -> None:
        for each in fields(self):
            name, rule = getattr(self, each.name), each.metadata["rule"].expression
            if not re.fullmatch(rule, name):
                raise ValueError(f"{each.name.replace('_', ' ')} name {name!r} breaks Azure's rule {rule}")

    @property
    def github(self) -> str:
        """Of the identity that GitHub's workflows deploy as."""
        return f"{self.identity}-github"

    @property
    def key_identity(self) -> str:
        """Of the identity that may use the key that the stack's data lie under."""
        return f"{self.identity}-key"

    @classmethod
    def of(
        cls,
        prefix: str,
        stack: str,
        subscription_id: str,
        suffix: str = "",
        chosen: Mapping[str, str] | None = None,
        location: str = "",
    ) -> Names:
        """`prefix` and `suffix` are the settings `name` and `suffix`: 8 and 6 characters at most.

        ``chosen`` are names by attribute, and a pattern for the others under `PATTERN`.
        """
        return cls(
            **_every(prefix, stack, suffix or _suffix(subscription_id.lower(), PROJECT, stack), chosen, location)
        )

    def id_of(self, subscription_id: str, kind: str, name: str) -> str:
        """The id of a resource in the stack's group, by its type (`Namespace/type`)."""
        return f"/subscriptions/{subscription_id}/resourceGroups/{self.resource_group}/providers/{kind}/{name}"

    def soft_deleted(self, given: Collection[str] = ()) -> dict[str, list[str]]:
        """Names that Azure keeps after a deletion, by the words of `cloud.catalogue`.

        Without those of the ``given`` attributes, which are somebody else's.
        """
        found: dict[str, list[str]] = {}
        for each in fields(self):
            if each.metadata["soft_deleted_as"] and each.name not in given:
                found.setdefault(each.metadata["soft_deleted_as"], []).append(getattr(self, each.name))
        return found


def rule_of(attribute: str) -> tuple[str, str]:
    """What Azure allows as the name of that: a regular expression over the whole name, and words."""
    (found,) = (each.metadata["rule"] for each in fields(Names) if each.name == attribute)
    return found.expression, found.words


def wrong(
    prefix: str, stack: str, suffix: str, chosen: Mapping[str, str] | None = None, location: str = ""
) -> Iterator[Wrong]:
    """Every name that breaks Azure's rule for it, or is another's too; whatever the subscription."""
    every = _every(prefix, stack, suffix or "a" * SUFFIX_LENGTH, chosen, location)
    seen: dict[tuple[str, str], str] = {}
    for each in fields(Names):
        name, rule, apart = every[each.name], each.metadata["rule"], each.metadata["apart"]
        if not re.fullmatch(rule.expression, name):
            says = f"is no name for it: Azure takes {rule.words}, and this has {len(name)} characters"
            yield Wrong(attribute=each.name, name=name, rule=says, remedy="give it a name of its own here")
        elif apart and (other := seen.setdefault((apart, name.lower()), each.name)) != each.name:
            says = f"is the name of its {other.replace('_', ' ')} too, and Azure ignores case"
            yield Wrong(attribute=each.name, name=name, rule=says, remedy="give one of them another name")


def _every(prefix: str, stack: str, suffix: str, chosen: Mapping[str, str] | None, location: str) -> dict[str, str]:
    own = {name: value for name, value in (chosen or {}).items() if value}
    pattern = own.pop(PATTERN, "")
    slug = re.sub(r"[^a-z0-9]", "", stack.lower())[:SLUG_LENGTH] or "stack"
    parts = _parts(prefix, slug, suffix)
    found = {each.name: each.metadata["convention"].format(**parts) for each in fields(Names)}
    if pattern:
        whole = re.sub(r"[^a-z0-9]+", "-", stack.lower()).strip("-") or "stack"
        values = {"project": prefix, "stack": whole, "suffix": suffix, "location": location}
        for each in fields(Names):
            if kind := each.metadata["kind"]:
                name = pattern.format(kind=kind, **values)
                found[each.name] = re.sub(r"[^a-z0-9]", "", name.lower()) if each.metadata["plain"] else name
    return {**found, **own}


def _parts(prefix: str, slug: str, suffix: str) -> dict[str, str]:
    base = f"{prefix}-{slug}"
    return {"prefix": prefix, "base": base, "unique": f"{base}-{suffix}", "compact": f"{prefix}{slug}{suffix}"}


def patterns() -> dict[str, str]:
    """The names that say which stack they are of, by attribute of `Names`: regular expressions over the whole name."""
    parts = _parts("[a-z][a-z0-9]{1,7}", f"[a-z0-9]{{1,{SLUG_LENGTH}}}", f"[a-z0-9]{{3,{SUFFIX_LENGTH}}}")
    made = {each.name: str(each.metadata["convention"]) for each in fields(Names)}
    found = {name: convention.format(**parts) for name, convention in made.items() if re.search("{[buc]", convention)}
    # GitHub's workflows, and a key of one's own, have an identity beside the one that trains and serves.
    return {**found, "identity": f"{found['identity']}(-github|-key)?"}


def patterns_of(chosen: Mapping[str, str]) -> dict[str, str]:
    """What the setting `names` makes of them: patterns of all that follow its own pattern or have a name in it."""
    own = {name: re.escape(value) for name, value in chosen.items() if value and name != PATTERN}
    pattern = re.escape(chosen.get(PATTERN) or "").replace(r"\{", "{").replace(r"\}", "}")
    parts = dict.fromkeys(PARTS, "[a-z0-9-]+")
    found = {}
    for each in fields(Names) if pattern else ():
        if kind := each.metadata["kind"]:
            name = pattern.format(**{**parts, "kind": re.escape(kind)})
            # Hyphens, dots and capitals are left out of these, as in `_every`.
            plain = re.sub(r"\\[-.]|_", "", name).replace("-]", "]").lower()
            found[each.name] = plain if each.metadata["plain"] else name
    return {**found, **own}


def role_assignment_name(scope: str, role: str, principal: str) -> str:
    """A GUID that is the same at every deployment; all three are plain names, known before Azure answers."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join((scope, role, principal)).lower()))


def _suffix(*parts: str) -> str:
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:SUFFIX_LENGTH]
