"""Logs and metrics to Log Analytics, alerts on the endpoint, and a budget for the resource group.

Categories and metrics are those of Azure Monitor's reference, "Supported logs" and "Supported metrics" for
Microsoft.MachineLearningServices/workspaces/onlineEndpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pulumi
from pulumi_azure_native import consumption, monitor

from cloud.catalogue import ENDPOINT
from cloud.place import Place
from infra.foundation import Foundation
from infra.serving import Serving
from infra.workspace import Workspace
from settings.sections.monitoring import MonitoringSettings

ALL = ("allLogs",)
ENDPOINT_LOGS = ("AmlOnlineEndpointTrafficLog", "AmlOnlineEndpointConsoleLog", "AmlOnlineEndpointEventLog")
MODEL_FAILURES = ("500", "501", "502", "503", "504", "507")
"""What Azure's inference servers answer when the model raises an error, is not loaded or runs out of time or memory.
There is no class of a model's own status codes to ask for.
"""
BUDGET_STEPS = {"actual80": ("Actual", 80.0), "actual100": ("Actual", 100.0), "forecast100": ("Forecasted", 100.0)}


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """What is watched, and how the settings say."""

    place: Place
    foundation: Foundation
    workspace: Workspace
    serving: Serving
    settings: MonitoringSettings
    beside: Mapping[str, pulumi.CustomResource] = field(default_factory=dict)
    """What else of the stack's own sends its logs, by its name in the program."""


class Monitoring(pulumi.ComponentResource):
    """Nothing depends on it, and it makes only what the settings switch on."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Monitoring", name, {}, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        settings = args.settings
        if settings.diagnostics:
            logs = args.foundation.logs.id
            # Of what is somebody else's, its owner says where its logs go.
            if "workspace" not in args.place.existing:
                self._diagnostics("workspace", args.workspace.id, logs, groups=ALL)
            self._diagnostics("endpoint", args.serving.endpoint.id, logs, categories=ENDPOINT_LOGS)
            if "vault" not in args.place.existing:
                self._diagnostics("vault", args.foundation.key_vault.id, logs, groups=ALL)
            for of, resource in args.beside.items():
                self._diagnostics(of, resource.id, logs, groups=ALL)
        if settings.alerts:
            self._alerts(args)
        if settings.budget.amount:
            self._budget(args)
        self.register_outputs({})

    def _diagnostics(
        self,
        of: str,
        resource: pulumi.Input[str],
        logs: pulumi.Input[str],
        *,
        groups: tuple[str, ...] = (),
        categories: tuple[str, ...] = (),
    ) -> None:
        sent = [
            *(monitor.DiagnosticsLogSettingsArgs(category_group=group, enabled=True) for group in groups),
            *(monitor.DiagnosticsLogSettingsArgs(category=category, enabled=True) for category in categories),
        ]
        monitor.DiagnosticSetting(
            f"{of}-diagnostics",
            name="to-log-analytics",
            resource_uri=resource,
            workspace_id=logs,
            logs=sent,
            metrics=[monitor.DiagnosticsMetricSettingsArgs(category="AllMetrics", enabled=True)],
            opts=self._child,
        )

    def _alerts(self, args: MonitoringArgs) -> None:
        recipients = monitor.ActionGroup(
            "recipients",
            action_group_name=args.place.names.action_group,
            resource_group_name=args.foundation.group.name,
            location="Global",
            # It is in the subject of each e-mail; 12 characters at most.
            group_short_name="finetunephi",
            enabled=True,
            email_receivers=[
                monitor.MicrosoftCommonEmailReceiverArgs(
                    name="email", email_address=args.settings.email, use_common_alert_schema=True
                )
            ],
            tags=args.place.tags,
            opts=self._child,
        )
        failing = "The endpoint answers with 5xx."
        errors = _requests("server-errors", "statusCodeClass", ("5xx",))
        self._alert("error-alert", args.place.names.error_alert, args, recipients, 1, failing, errors)
        # Azure answers 424 for any of them, which is in class 4xx; a 424 for a caller's bad question is none of these.
        raising = "The model fails: its container answers with 5xx, the endpoint with 424."
        raised = _requests("model-errors", "modelStatusCode", MODEL_FAILURES)
        self._alert("model-alert", args.place.names.model_alert, args, recipients, 1, raising, raised)
        seconds = args.settings.latency_seconds
        slow = monitor.MetricCriteriaArgs(
            criterion_type="StaticThresholdCriterion",
            name="slow-answers",
            metric_namespace=ENDPOINT.arm_type,
            metric_name="RequestLatency_P95",
            operator=monitor.Operator.GREATER_THAN,
            threshold=seconds * 1000.0,
            time_aggregation=monitor.AggregationTypeEnum.AVERAGE,
        )
        text = f"5 % of the endpoint's answers take more than {seconds:g} s."
        self._alert("latency-alert", args.place.names.latency_alert, args, recipients, 2, text, slow)

    def _alert(
        self,
        resource: str,
        name: str,
        args: MonitoringArgs,
        recipients: monitor.ActionGroup,
        severity: int,
        description: str,
        criterion: monitor.MetricCriteriaArgs,
    ) -> None:
        monitor.MetricAlert(
            resource,
            rule_name=name,
            resource_group_name=args.foundation.group.name,
            location="global",
            description=description,
            severity=severity,
            enabled=True,
            scopes=[args.serving.endpoint.id],
            evaluation_frequency="PT1M",
            window_size="PT5M",
            auto_mitigate=True,
            target_resource_type=ENDPOINT.arm_type,
            criteria=monitor.MetricAlertSingleResourceMultipleMetricCriteriaArgs(
                odata_type="Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria", all_of=[criterion]
            ),
            actions=[monitor.MetricAlertActionArgs(action_group_id=recipients.id)],
            tags=args.place.tags,
            opts=self._child,
        )

    def _budget(self, args: MonitoringArgs) -> None:
        month = datetime.now(UTC).strftime("%Y-%m-01T00:00:00Z")
        consumption.Budget(
            "budget",
            budget_name=args.place.names.budget,
            scope=args.foundation.group.id,
            amount=float(args.settings.budget.amount),
            category="Cost",
            time_grain="Monthly",
            time_period=consumption.BudgetTimePeriodArgs(start_date=month),
            notifications={
                name: consumption.NotificationArgs(
                    enabled=True,
                    operator="GreaterThanOrEqualTo",
                    threshold=threshold,
                    threshold_type=kind,
                    contact_emails=[args.settings.email],
                )
                for name, (kind, threshold) in BUDGET_STEPS.items()
            },
            # It begins in the month it was made in; Azure lets nobody move that into the past or far ahead.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["timePeriod"]),
        )


def _requests(name: str, dimension: str, values: tuple[str, ...]) -> monitor.MetricCriteriaArgs:
    """Any request with one of these values."""
    return monitor.MetricCriteriaArgs(
        criterion_type="StaticThresholdCriterion",
        name=name,
        metric_namespace=ENDPOINT.arm_type,
        metric_name="RequestsPerMinute",
        dimensions=[monitor.MetricDimensionArgs(name=dimension, operator="Include", values=list(values))],
        operator=monitor.Operator.GREATER_THAN,
        threshold=0.0,
        time_aggregation=monitor.AggregationTypeEnum.AVERAGE,
    )
