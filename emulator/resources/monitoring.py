"""Diagnostic settings, action groups, metric alerts and budgets: nothing happens behind them, but they are checked.

Categories, metrics and dimensions are those of Azure Monitor's reference pages. The wording of the refusals is
unproven except where Azure's documentation gives it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from emulator.arm.errors import AzureError
from emulator.arm.paths import ArmPath
from emulator.machine.store import Resource
from emulator.resources.base import Kind

WORKSPACES = "microsoft.machinelearningservices/workspaces"
ENDPOINTS = "microsoft.machinelearningservices/workspaces/onlineendpoints"
LOGS = {
    "microsoft.machinelearningservices/workspaces": (
        "AmlComputeClusterEvent",
        "AmlComputeClusterNodeEvent",
        "AmlComputeJobEvent",
        "AmlComputeCpuGpuUtilization",
        "AmlRunStatusChangedEvent",
    ),
    ENDPOINTS: ("AmlOnlineEndpointTrafficLog", "AmlOnlineEndpointConsoleLog", "AmlOnlineEndpointEventLog"),
    "microsoft.keyvault/vaults": ("AuditEvent", "AzurePolicyEvaluationDetails"),
}
"""Log categories by type; not all of a workspace's."""
METRICS: dict[str, dict[str, tuple[str, ...]]] = {
    ENDPOINTS: {
        "ConnectionsActive": (),
        "NetworkBytes": (),
        "NewConnectionsPerSecond": (),
        "RequestLatency": ("deployment",),
        "RequestLatency_P50": ("deployment",),
        "RequestLatency_P90": ("deployment",),
        "RequestLatency_P95": ("deployment",),
        "RequestLatency_P99": ("deployment",),
        "RequestsPerMinute": ("deployment", "statusCode", "statusCodeClass", "modelStatusCode"),
    },
    f"{ENDPOINTS}/deployments": {
        "CpuMemoryUtilizationPercentage": ("instanceId",),
        "CpuUtilizationPercentage": ("instanceId",),
        "DataCollectionErrorsPerMinute": ("instanceId", "reason", "type"),
        "DataCollectionEventsPerMinute": ("instanceId", "type"),
        "DeploymentCapacity": ("instanceId", "State"),
        "DiskUtilization": ("instanceId", "disk"),
        "GpuEnergyJoules": ("instanceId",),
        "GpuMemoryUtilizationPercentage": ("instanceId",),
        "GpuUtilizationPercentage": ("instanceId",),
    },
}
"""Metrics by type, and the dimensions of each."""
SINKS = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId")
FREQUENCIES = ("PT1M", "PT5M", "PT15M", "PT30M", "PT1H")
WINDOWS = ("PT1M", "PT5M", "PT15M", "PT30M", "PT1H", "PT6H", "PT12H", "P1D")


def _bad(message: str) -> AzureError:
    return AzureError(400, "BadRequest", message)


class DiagnosticSetting(Kind):
    """Where the logs and metrics of a resource go."""

    type = "Microsoft.Insights/diagnosticSettings"
    created = 200

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        target = self.cloud.store.get(path.parent_id)
        if target is None:
            raise AzureError(404, "ResourceNotFound", f"The resource '{path.parent_id}' was not found.")
        properties = body.get("properties", {})
        if not any(properties.get(sink) for sink in SINKS):
            raise _bad("At least one data sink needs to be specified.")
        workspace = properties.get("workspaceId")
        if workspace and self.cloud.store.get(workspace) is None:
            raise AzureError(404, "ResourceNotFound", f"The Log Analytics workspace '{workspace}' was not found.")
        if not (properties.get("logs") or properties.get("metrics")):
            raise _bad("At least one category of logs or metrics needs to be specified.")
        for log in properties.get("logs") or []:
            self._known(target, log)
        self._unused(path, workspace)

    def _known(self, target: Resource, log: dict[str, Any]) -> None:
        category, group = log.get("category"), log.get("categoryGroup")
        if bool(category) == bool(group):
            raise _bad("A log setting needs either a category or a category group.")
        known = LOGS.get(target.type.lower())
        if (group and group not in ("allLogs", "audit")) or (category and known and category not in known):
            raise _bad(f"Category '{category or group}' is not supported.")

    def _unused(self, path: ArmPath, workspace: str | None) -> None:
        for other in self.cloud.store.below(path.parent_id, self.type):
            same = str(other.properties.get("workspaceId", "")).lower() == str(workspace or "").lower()
            # Those of an endpoint are below its workspace, too.
            here = other.id.lower().rpartition("/providers/")[0] == path.parent_id.lower()
            if same and here and workspace and other.id.lower() != path.id.lower():
                raise AzureError(
                    409,
                    "Conflict",
                    f"Data sink '{workspace}' is already used in diagnostic setting '{other.name}'. Data sinks can't "
                    "be reused in different settings on the same category for the same resource.",
                )


class ActionGroup(Kind):
    """Who is told; nobody is, here."""

    type = "Microsoft.Insights/actionGroups"
    patchable = ("tags", "properties")

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        properties = body.get("properties", {})
        short = str(properties.get("groupShortName") or "")
        if not 1 <= len(short) <= 12:
            raise _bad(f"The group short name '{short}' must have 1 to 12 characters.")
        for receiver in properties.get("emailReceivers") or []:
            if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", str(receiver.get("emailAddress"))):
                raise _bad(f"The e-mail address '{receiver.get('emailAddress')}' is not valid.")


def measured(target: Resource, criterion: dict[str, Any]) -> None:
    """Refuse a metric or dimension that a resource of the type does not have."""
    metrics = METRICS.get(target.type.lower())
    if metrics is None:
        return
    name = str(criterion.get("metricName"))
    if name not in metrics:
        raise _bad(f"Couldn't find a metric named {name}. Make sure the name is correct.")
    for dimension in criterion.get("dimensions") or []:
        if dimension.get("name") not in metrics[name]:
            raise _bad(f"Couldn't find a dimension named {dimension.get('name')} of metric {name}.")


class MetricAlert(Kind):
    """A rule over the metrics of a resource; it never fires here."""

    type = "Microsoft.Insights/metricAlerts"
    created = 200
    patchable = ("tags", "properties")

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        if str(body.get("location", "")).lower() != "global":
            raise AzureError(400, "LocationNotAvailableForResourceType", "A metric alert's location must be global.")
        properties = body.get("properties", {})
        if properties.get("severity") not in range(5):
            raise _bad("The severity of an alert must be 0 to 4.")
        self._times(properties)
        for action in properties.get("actions") or []:
            if self.cloud.store.get(str(action.get("actionGroupId"))) is None:
                raise _bad(f"The action group '{action.get('actionGroupId')}' does not exist.")
        scopes = properties.get("scopes") or []
        for scope in scopes:
            target = self.cloud.store.get(scope)
            if target is None:
                raise AzureError(404, "ResourceNotFound", f"The scope '{scope}' of the alert was not found.")
            for criterion in (properties.get("criteria") or {}).get("allOf") or []:
                measured(target, criterion)
        if not scopes:
            raise _bad("An alert needs a scope.")

    def _times(self, properties: dict[str, Any]) -> None:
        frequency, window = properties.get("evaluationFrequency"), properties.get("windowSize")
        if frequency not in FREQUENCIES or window not in WINDOWS:
            raise _bad(f"An alert cannot be evaluated every {frequency} over {window}.")
        if WINDOWS.index(window) < WINDOWS.index(frequency):
            raise _bad("The window of an alert cannot be shorter than its frequency.")


class AutoscaleSetting(Kind):
    """How many instances a deployment has by load; nothing has a load here, so nobody is scaled by it."""

    type = "Microsoft.Insights/autoscaleSettings"
    patchable = ("tags", "properties")

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        properties = body.get("properties", {})
        named = str(properties.get("targetResourceUri"))
        target = self.cloud.store.get(named)
        if target is None:
            raise AzureError(404, "ResourceNotFound", f"The resource '{named}' was not found.")
        for other in self.cloud.store.of_type(self.type):
            same = str(other.properties.get("targetResourceUri")).lower() == target.id.lower()
            if same and other.id.lower() != path.id.lower():
                raise AzureError(409, "Conflict", f"Resource '{target.id}' has the autoscale setting '{other.name}'.")
        profiles = properties.get("profiles") or []
        if not 1 <= len(profiles) <= 20:
            raise _bad("An autoscale setting has 1 to 20 profiles.")
        for profile in profiles:
            self._admit_profile(target, profile)

    def _admit_profile(self, target: Resource, profile: dict[str, Any]) -> None:
        least, most, default = (int(profile["capacity"][key]) for key in ("minimum", "maximum", "default"))
        if not least <= default <= most:
            raise _bad(f"The capacity of profile '{profile['name']}' is not in order: {least}, {default}, {most}.")
        for rule in profile.get("rules") or []:
            trigger = rule["metricTrigger"]
            if trigger["metricResourceUri"].lower() == target.id.lower():
                measured(target, {"metricName": trigger["metricName"], "dimensions": []})


class Budget(Kind):
    """A budget; nothing costs anything here."""

    type = "Microsoft.Consumption/budgets"

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        if self.cloud.store.get(path.parent_id) is None and "resourcegroups" in path.parent_id.lower():
            raise AzureError(404, "ResourceGroupNotFound", f"The scope '{path.parent_id}' was not found.")
        properties = body.get("properties", {})
        if not (properties.get("amount") or 0) > 0:
            raise _bad("The amount of a budget must be greater than 0.")
        self._begins(str((properties.get("timePeriod") or {}).get("startDate", "")), old)
        notifications = properties.get("notifications") or {}
        if len(notifications) > 5:
            raise _bad("A budget can have at most five notifications.")
        for name, notification in notifications.items():
            if not any(notification.get(to) for to in ("contactEmails", "contactRoles", "contactGroups")):
                raise _bad(f"Notification {name} tells nobody: it needs an e-mail address, a role or an action group.")
            if not 0 < (notification.get("threshold") or 0) <= 1000:
                raise _bad(f"The threshold of notification {name} must be between 0 and 1000.")

    def _begins(self, start: str, old: Resource | None) -> None:
        if not re.fullmatch(r"\d{4}-\d\d-01T00:00:00(\.0+)?Z", start):
            raise _bad(f"The start date '{start}' of a budget must be the first day of a month.")
        if old is None and start[:7] < datetime.now(UTC).strftime("%Y-%m"):
            raise _bad(f"The start date '{start}' of a budget must not lie before the current month.")
