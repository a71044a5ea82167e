"""Logs, alerts and the budget."""

from __future__ import annotations

from tests.program.conftest import Program, Run


def test_logs_and_metrics_go_to_log_analytics(run: Run) -> None:
    settings = {found.name: found.inputs for found in run().of_type("DiagnosticSetting")}
    watched = {"workspace": "/id/workspace", "endpoint": "/id/endpoint", "vault": "/id/key-vault"}
    assert {name.removesuffix("-diagnostics"): each["resourceUri"] for name, each in settings.items()} == watched
    assert {each["workspaceId"] for each in settings.values()} == {"/id/log-analytics"}
    for each in settings.values():
        assert each["metrics"] == [{"category": "AllMetrics", "enabled": True}]
        assert all(log["enabled"] and len(log) == 2 for log in each["logs"])
    assert {log["category"] for log in settings["endpoint-diagnostics"]["logs"]} == {
        "AmlOnlineEndpointTrafficLog",
        "AmlOnlineEndpointConsoleLog",
        "AmlOnlineEndpointEventLog",
    }


def test_alerts_on_errors_and_latency_send_an_e_mail(prod: Program) -> None:
    group = prod.resources["recipients"].inputs
    assert [each["emailAddress"] for each in group["emailReceivers"]] == ["ml-platform@example.com"]
    assert len(group["groupShortName"]) <= 12
    alerts = {found.name: found.inputs for found in prod.of_type("MetricAlert")}
    for alert in alerts.values():
        assert (alert["location"], alert["scopes"]) == ("global", ["/id/endpoint"])
        assert alert["actions"] == [{"actionGroupId": "/id/recipients"}]
        assert alert["criteria"]["odataType"] == "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria"
        assert (alert["evaluationFrequency"], alert["windowSize"]) == ("PT1M", "PT5M")
        assert (alert["location"], alert["autoMitigate"], alert["enabled"]) == ("global", True, True)
        assert alert["targetResourceType"] == "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
        (criterion,) = alert["criteria"]["allOf"]
        assert criterion["metricNamespace"] == "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
        assert criterion["criterionType"] == "StaticThresholdCriterion"
        assert (criterion["operator"], criterion["timeAggregation"]) == ("GreaterThan", "Average")
    assert {name: alert["severity"] for name, alert in alerts.items()} == {
        "error-alert": 1,
        "model-alert": 1,
        "latency-alert": 2,
    }
    (errors,) = alerts["error-alert"]["criteria"]["allOf"]
    assert (errors["metricName"], errors["dimensions"]) == (
        "RequestsPerMinute",
        [{"name": "statusCodeClass", "operator": "Include", "values": ["5xx"]}],
    )
    (raised,) = alerts["model-alert"]["criteria"]["allOf"]
    assert raised["dimensions"] == [
        {"name": "modelStatusCode", "operator": "Include", "values": ["500", "501", "502", "503", "504", "507"]}
    ]
    assert (raised["metricName"], raised["threshold"]) == ("RequestsPerMinute", 0)
    (slow,) = alerts["latency-alert"]["criteria"]["allOf"]
    assert (slow["metricName"], slow["threshold"]) == ("RequestLatency_P95", 60_000)


def test_the_budget_begins_once_and_tells_somebody(prod: Program) -> None:
    budget = prod.resources["budget"]
    assert (budget.inputs["amount"], budget.inputs["scope"]) == (8000, "/id/resource-group")
    assert budget.inputs["timePeriod"]["startDate"].endswith("-01T00:00:00Z")
    assert list(budget.request.ignoreChanges) == ["timePeriod"]
    assert (budget.inputs["category"], budget.inputs["timeGrain"]) == ("Cost", "Monthly")
    notice = {
        "enabled": True,
        "operator": "GreaterThanOrEqualTo",
        "contactEmails": ["ml-platform@example.com"],
    }
    assert budget.inputs["notifications"] == {
        "actual80": {**notice, "thresholdType": "Actual", "threshold": 80},
        "actual100": {**notice, "thresholdType": "Actual", "threshold": 100},
        "forecast100": {**notice, "thresholdType": "Forecasted", "threshold": 100},
    }
