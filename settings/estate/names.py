"""What the resources are called."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, field_validator

from settings.fields import Pattern, Section
from settings.naming import PARTS, rule_of
from settings.problems import refuse


def _as_azure_takes(attribute: str) -> Pattern:
    """A name of the program's own, or nothing."""
    expression, words = rule_of(attribute)
    return Pattern(f"|{expression}", f"must be as Azure takes it: {words}", "write one like that, or remove the line")


class NamesSettings(Section):
    """What resources are called; empty for the program's own names, made of `name`, stack and `suffix`.

    Another name for something that is there already makes it anew, and what was in it is lost: choose before the first
    update. A stack that is renamed keeps its names.
    """

    pattern: Annotated[str, Field(max_length=200)] = ""
    """how all are called that have no name here: of {kind} (as rg, mlw, st), {project} (the setting `name`), {stack},
    {suffix} and {location}, such as {kind}-{project}-{stack}; what lies in a workspace keeps its own name
    """
    resource_group: Annotated[str, _as_azure_takes("resource_group")] = ""
    """of the resource group"""
    log_analytics: Annotated[str, _as_azure_takes("log_analytics")] = ""
    """of the Log Analytics workspace"""
    application_insights: Annotated[str, _as_azure_takes("application_insights")] = ""
    """of the Application Insights"""
    storage_account: Annotated[str, _as_azure_takes("storage_account")] = ""
    """of the storage account; unique worldwide"""
    key_vault: Annotated[str, _as_azure_takes("key_vault")] = ""
    """of the key vault; unique worldwide"""
    container_registry: Annotated[str, _as_azure_takes("container_registry")] = ""
    """of the container registry; unique worldwide"""
    identity: Annotated[str, _as_azure_takes("identity")] = ""
    """of the identity that trains and serves; GitHub's has -github at its end"""
    workspace: Annotated[str, _as_azure_takes("workspace")] = ""
    """of the Azure ML workspace"""
    cluster: Annotated[str, _as_azure_takes("cluster")] = ""
    """of the GPU cluster"""
    data_cluster: Annotated[str, _as_azure_takes("data_cluster")] = ""
    """of the CPU cluster that prepares data"""
    ai_services: Annotated[str, _as_azure_takes("ai_services")] = ""
    """of the AI Services account; unique worldwide"""
    project: Annotated[str, _as_azure_takes("project")] = ""
    """of the Foundry project"""
    hub: Annotated[str, _as_azure_takes("hub")] = ""
    """of the Foundry hub"""
    endpoint: Annotated[str, _as_azure_takes("endpoint")] = ""
    """of the online endpoint; unique in the region"""
    connection: Annotated[str, _as_azure_takes("connection")] = ""
    """of the project's connection to the endpoint"""
    flow: Annotated[str, _as_azure_takes("flow")] = ""
    """of the prompt flow"""
    ai_services_connection: Annotated[str, _as_azure_takes("ai_services_connection")] = ""
    """of the hub's connection to AI Services"""
    action_group: Annotated[str, _as_azure_takes("action_group")] = ""
    """of the action group of the alerts"""
    error_alert: Annotated[str, _as_azure_takes("error_alert")] = ""
    """of the alert on 5xx"""
    model_alert: Annotated[str, _as_azure_takes("model_alert")] = ""
    """of the alert on the model's failures"""
    latency_alert: Annotated[str, _as_azure_takes("latency_alert")] = ""
    """of the alert on slow answers"""
    budget: Annotated[str, _as_azure_takes("budget")] = ""
    """of the budget"""

    @field_validator("pattern")
    @classmethod
    def _of_known_parts(cls, pattern: str) -> str:
        plain = re.sub("{(" + "|".join(PARTS) + ")}", "", pattern)
        if not re.fullmatch(r"[\w.-]*", plain, re.ASCII):
            known = " ".join(f"{{{part}}}" for part in PARTS)
            raise refuse(f"must be made of letters, digits, - _ . and {known}", "for example {kind}-{project}-{stack}")
        if pattern and "{kind}" not in pattern:
            raise refuse("must have {kind} in it, which tells the names apart", "for example {kind}-{project}-{stack}")
        return pattern

    def chosen(self) -> dict[str, str]:
        """Those that are given."""
        return {name: value for name, value in self.model_dump().items() if value}
