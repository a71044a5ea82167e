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
from dataclasses import asdict, dataclass

PROJECT = "finetune-phi"
SLUG_LENGTH = 8  # of the stack's part of a name: the tightest rule, 24 characters, then always holds
SUFFIX_LENGTH = 6

RULES = {
    "resource_group": r"[\w.()-]{0,89}[\w()-]",
    "log_analytics": r"[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]",
    "application_insights": r"[\w.()-]{0,254}[\w()-]",
    "storage_account": r"[a-z0-9]{3,24}",
    "key_vault": r"(?!.*--)[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]",
    "container_registry": r"[a-zA-Z0-9]{5,50}",
    "identity": r"[a-zA-Z0-9][\w-]{2,127}",
    "workspace": r"[a-zA-Z0-9][\w-]{2,32}",
    "cluster": r"[a-zA-Z][a-zA-Z0-9-]{0,14}[a-zA-Z0-9]",
    "data_cluster": r"[a-zA-Z][a-zA-Z0-9-]{0,14}[a-zA-Z0-9]",
    "ai_services": r"[a-zA-Z0-9][a-zA-Z0-9-]{0,62}[a-zA-Z0-9]",
    "hub": r"[a-zA-Z0-9][\w-]{2,32}",
    "project": r"[a-zA-Z0-9][\w-]{2,32}",
    "endpoint": r"[a-zA-Z][a-zA-Z0-9-]{1,30}[a-zA-Z0-9]",
    "connection": r"[a-zA-Z0-9][\w-]{2,32}",
    "flow": r"[a-zA-Z0-9][\w -]{0,99}",
    "ai_services_connection": r"[a-zA-Z0-9][\w-]{2,32}",
    "action_group": r"[^<>*%&:\\?+/#|]{1,260}(?<![ .])",
    "error_alert": r"[^<>*%&:\\?+/{}#|@]{1,260}(?<![ .])",
    "model_alert": r"[^<>*%&:\\?+/{}#|@]{1,260}(?<![ .])",
    "latency_alert": r"[^<>*%&:\\?+/{}#|@]{1,260}(?<![ .])",
    "budget": r"[a-zA-Z0-9][\w-]{0,62}",
}
"""What Azure allows, as regular expressions over the whole name; the endpoint's is the SDK's, the others unproven."""


@dataclass(frozen=True)
class Names:
    """One attribute per resource. Raises ValueError for a name Azure would refuse."""

    resource_group: str
    log_analytics: str
    application_insights: str
    storage_account: str
    key_vault: str
    container_registry: str
    identity: str
    workspace: str
    cluster: str
    data_cluster: str
    ai_services: str
    hub: str
    project: str
    endpoint: str
    connection: str
    flow: str
    ai_services_connection: str
    action_group: str
    error_alert: str
    model_alert: str
    latency_alert: str
    budget: str

    def __post_init__(self) -> None:
        for kind, name in asdict(self).items():
            if not re.fullmatch(RULES[kind], name):
                raise ValueError(f"{kind.replace('_', ' ')} name {name!r} breaks Azure's rule {RULES[kind]}")

    @property
    def github(self) -> str:
        """Of the identity that GitHub's workflows deploy as."""
        return f"{self.identity}-github"

    @classmethod
    def of(cls, prefix: str, stack: str, subscription_id: str, suffix: str = "") -> Names:
        """`prefix` and `suffix` are the settings `name` and `suffix`: 8 and 6 characters at most."""
        slug = re.sub(r"[^a-z0-9]", "", stack.lower())[:SLUG_LENGTH] or "stack"
        suffix = suffix or _suffix(subscription_id.lower(), PROJECT, stack)
        base, unique, compact = f"{prefix}-{slug}", f"{prefix}-{slug}-{suffix}", f"{prefix}{slug}{suffix}"
        return cls(
            resource_group=f"rg-{unique}",
            log_analytics=f"log-{base}",
            application_insights=f"appi-{base}",
            storage_account=f"st{compact}",
            # 24 characters at most, so without hyphens between its parts.
            key_vault=f"kv{compact}",
            container_registry=f"cr{compact}",
            identity=f"id-{base}",
            workspace=f"mlw-{unique}",
            cluster="gpu-cluster",
            data_cluster="cpu-cluster",
            ai_services=f"ais-{unique}",
            hub=f"hub-{unique}",
            project=f"proj-{unique}",
            endpoint=unique,
            connection=f"{prefix}-connection",
            flow=f"{prefix}-chat",
            ai_services_connection="ai-services",
            action_group=f"ag-{base}",
            error_alert=f"alert-{base}-5xx",
            model_alert=f"alert-{base}-model",
            latency_alert=f"alert-{base}-latency",
            budget=f"budget-{base}",
        )

    def id_of(self, subscription_id: str, kind: str, name: str) -> str:
        """The id of a resource in the stack's group, by its type (`Namespace/type`)."""
        return f"/subscriptions/{subscription_id}/resourceGroups/{self.resource_group}/providers/{kind}/{name}"

    def workspace_id(self, subscription_id: str, name: str) -> str:
        """The id of a workspace, hub or project of Azure ML."""
        return self.id_of(subscription_id, "Microsoft.MachineLearningServices/workspaces", name)

    def soft_deleted(self) -> dict[str, list[str]]:
        """Names that Azure keeps after a deletion, in the words of `cloud.purge`."""
        return {
            "vaults": [self.key_vault],
            # A hub with projects cannot be deleted, so projects come first.
            "workspaces": [self.workspace, self.project, self.hub],
            "accounts": [self.ai_services],
            "logs": [self.log_analytics],
        }


def role_assignment_name(scope: str, role: str, principal: str) -> str:
    """A GUID that is the same at every deployment; all three are plain names, known before Azure answers."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join((scope, role, principal)).lower()))


def _suffix(*parts: str) -> str:
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:SUFFIX_LENGTH]
