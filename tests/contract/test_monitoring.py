"""Diagnostic settings, alerts and budgets: what Azure Monitor and Cost Management refuse, and the way through."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.arm import Arm, Refusal
from tests.contract.conftest import LOCATION, make_workspace

GROUP = "rg-monitoring"


@pytest.fixture(scope="module")
def watched(arm: Arm) -> dict[str, str]:
    """Ids of a workspace with an endpoint, of Log Analytics and of an action group."""
    workspace = make_workspace(arm, GROUP, "watched")
    group = workspace[: workspace.index("/providers/")]
    ids = {
        "group": group,
        "workspace": workspace,
        "endpoint": f"{workspace}/onlineEndpoints/watched",
        "logs": f"{group}/providers/Microsoft.OperationalInsights/workspaces/log-watched",
        "recipients": f"{group}/providers/Microsoft.Insights/actionGroups/ag-watched",
    }
    arm.put(ids["logs"], "2023-09-01", {"location": LOCATION, "properties": {}})
    arm.put(
        ids["endpoint"],
        "2025-12-01",
        {"location": LOCATION, "identity": {"type": "SystemAssigned"}, "properties": {"authMode": "Key"}},
    )
    arm.put(ids["recipients"], "2024-10-01-preview", recipients())
    return ids


def recipients(**changed: Any) -> dict[str, Any]:
    receiver = {"name": "email", "emailAddress": "somebody@example.com", "useCommonAlertSchema": True}
    properties = {"groupShortName": "phi", "enabled": True, "emailReceivers": [receiver]}
    return {"location": "Global", "properties": properties | changed}


def diagnostics(ids: dict[str, str], **changed: Any) -> dict[str, Any]:
    logs = [{"category": "AmlOnlineEndpointTrafficLog", "enabled": True}]
    metrics = [{"category": "AllMetrics", "enabled": True}]
    return {"properties": {"workspaceId": ids["logs"], "logs": logs, "metrics": metrics} | changed}


def alert(ids: dict[str, str], **changed: Any) -> dict[str, Any]:
    criterion = {
        "criterionType": "StaticThresholdCriterion",
        "name": "errors",
        "metricName": "RequestsPerMinute",
        "dimensions": [{"name": "statusCodeClass", "operator": "Include", "values": ["5xx"]}],
        "operator": "GreaterThan",
        "threshold": 0,
        "timeAggregation": "Average",
    }
    kind = "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria"
    properties = {
        "severity": 1,
        "enabled": True,
        "scopes": [ids["endpoint"]],
        "evaluationFrequency": "PT1M",
        "windowSize": "PT5M",
        "criteria": {"odata.type": kind, "allOf": [criterion]},
        "actions": [{"actionGroupId": ids["recipients"]}],
    }
    return {"location": "global", "properties": properties | changed}


def budget(**changed: Any) -> dict[str, Any]:
    month = datetime.now(UTC).strftime("%Y-%m-01T00:00:00Z")
    notification = {
        "enabled": True,
        "operator": "GreaterThanOrEqualTo",
        "threshold": 80,
        "contactEmails": ["somebody@example.com"],
        "thresholdType": "Actual",
    }
    properties = {
        "amount": 100,
        "category": "Cost",
        "timeGrain": "Monthly",
        "timePeriod": {"startDate": month},
        "notifications": {"actual80": notification},
    }
    return {"properties": properties | changed}


def refused(arm: Arm, path: str, version: str, body: dict[str, Any]) -> Refusal:
    with pytest.raises(Refusal) as raised:
        arm.put(path, version, body)
    return raised.value


def test_diagnostics_of_what_exists_to_where_it_exists(arm: Arm, watched: dict[str, str]) -> None:
    name, version = "providers/Microsoft.Insights/diagnosticSettings/logs", "2021-05-01-preview"
    path = f"{watched['endpoint']}/{name}"
    assert (
        refused(arm, f"{watched['workspace']}/onlineEndpoints/none/{name}", version, diagnostics(watched)).status == 404
    )
    nowhere = diagnostics(watched, workspaceId=f"{watched['logs']}-none")
    assert refused(arm, path, version, nowhere).code == "ResourceNotFound"
    unknown = diagnostics(watched, logs=[{"category": "AmlComputeJobEvent", "enabled": True}])
    assert "is not supported" in refused(arm, path, version, unknown).message
    silent = diagnostics(watched)
    del silent["properties"]["workspaceId"]
    assert "data sink" in refused(arm, path, version, silent).message
    assert arm.put(path, version, diagnostics(watched))["properties"]["workspaceId"] == watched["logs"]
    twice = refused(arm, path.replace("/logs", "/more"), version, diagnostics(watched))
    assert (twice.status, twice.code) == (409, "Conflict")
    arm.put(path, version, diagnostics(watched))  # again is fine
    # The workspace is another resource than the endpoint in it.
    whole = diagnostics(watched, logs=[{"category": "AmlComputeJobEvent", "enabled": True}])
    arm.put(f"{watched['workspace']}/{name}", version, whole)
    arm.delete(f"{watched['workspace']}/{name}", version)


def test_an_action_group_has_a_short_name_and_addresses(arm: Arm, watched: dict[str, str]) -> None:
    version = "2024-10-01-preview"
    path = f"{watched['group']}/providers/Microsoft.Insights/actionGroups/ag-more"
    assert refused(arm, path, version, recipients(groupShortName="more than twelve")).status == 400
    nobody = recipients(emailReceivers=[{"name": "email", "emailAddress": "nobody"}])
    assert "not valid" in refused(arm, path, version, nobody).message
    assert arm.put(path, version, recipients())["properties"]["groupShortName"] == "phi"


def test_an_alert_measures_what_there_is(arm: Arm, watched: dict[str, str]) -> None:
    version = "2018-03-01"
    path = f"{watched['group']}/providers/Microsoft.Insights/metricAlerts/alert-5xx"
    for change, words in (
        ({"metricName": "RequestPerMinute"}, "metric named"),
        ({"dimensions": [{"name": "status", "operator": "Include", "values": ["5xx"]}]}, "dimension named"),
    ):
        body = copy.deepcopy(alert(watched))
        body["properties"]["criteria"]["allOf"][0].update(change)
        assert words in refused(arm, path, version, body).message
    assert refused(arm, path, version, {**alert(watched), "location": LOCATION}).status == 400
    assert refused(arm, path, version, alert(watched, severity=7)).status == 400
    assert refused(arm, path, version, alert(watched, windowSize="PT1M", evaluationFrequency="PT5M")).status == 400
    assert refused(arm, path, version, alert(watched, scopes=[f"{watched['endpoint']}-none"])).status == 404
    nobody = alert(watched, actions=[{"actionGroupId": f"{watched['recipients']}-none"}])
    assert "does not exist" in refused(arm, path, version, nobody).message
    assert arm.put(path, version, alert(watched))["properties"]["scopes"] == [watched["endpoint"]]


def test_a_budget_begins_this_month_and_tells_somebody(arm: Arm, watched: dict[str, str]) -> None:
    version, path = "2024-08-01", f"{watched['group']}/providers/Microsoft.Consumption/budgets/budget"
    assert "greater than 0" in refused(arm, path, version, budget(amount=0)).message
    for start in ("2020-01-01T00:00:00Z", (datetime.now(UTC) + timedelta(days=40)).strftime("%Y-%m-15T00:00:00Z")):
        assert "start date" in refused(arm, path, version, budget(timePeriod={"startDate": start})).message
    deaf = budget()
    deaf["properties"]["notifications"]["actual80"]["contactEmails"] = []
    assert "tells nobody" in refused(arm, path, version, deaf).message
    assert arm.put(path, version, budget())["properties"]["amount"] == 100
