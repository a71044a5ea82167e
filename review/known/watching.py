"""What tells a person: logs that are sent, alerts, whom they reach, and the budget."""

from __future__ import annotations

from cloud.catalogue import ACTION_GROUP, BUDGET, DIAGNOSTICS, METRIC_ALERT
from review.known.judge import Level, Property, harmless, matters, naming, number, one_of, prop

HIGH, MEDIUM, LOW = Level.HIGH, Level.MEDIUM, Level.LOW

_SILENT = "nobody is told any more"
_TOLD_ELSEWHERE = "other people are told, or fewer"
_ANOTHER_WATCH = "it watches for something else"
_SENT = "what happens is recorded somewhere else"
_ON = one_of({True: None, False: (HIGH, _SILENT)}, leaving=(LOW, "it tells somebody again"), created=MEDIUM)
_LOGGED = one_of({True: None, False: (HIGH, "these are recorded nowhere any more")}, created=MEDIUM,
                 leaving=(LOW, "these are recorded, too"))  # fmt: skip

WATCHING: dict[str, tuple[Property, ...]] = {
    DIAGNOSTICS.type: (
        *naming("name", "resourceUri"),
        prop("workspaceId", matters(_SENT, HIGH)),
        *(
            prop(path, matters(_SENT, HIGH, at_first=MEDIUM))
            for path in ("storageAccountId", "eventHubAuthorizationRuleId", "eventHubName", "marketplacePartnerId",
                         "serviceBusRuleId")
        ),
        prop("logAnalyticsDestinationType", matters("logs are kept in other tables")),
        prop("logs[].enabled", _LOGGED, False),
        prop("metrics[].enabled", _LOGGED, False),
        prop("logs[].category", matters("other logs are recorded, or fewer")),
        prop("logs[].categoryGroup", matters("other logs are recorded, or fewer")),
        prop("metrics[].category", matters("other metrics are recorded, or fewer")),
        prop("metrics[].timeGrain", matters("metrics are recorded more rarely, or more often", LOW)),
        prop("logs[].retentionPolicy.**", matters("logs are kept for another time", at_first=LOW)),
        prop("metrics[].retentionPolicy.**", matters("metrics are kept for another time", at_first=LOW)),
        prop("logs", matters("other logs are recorded, or none", HIGH)),
        prop("metrics", matters("other metrics are recorded, or none", HIGH)),
    ),
    ACTION_GROUP.type: (
        *naming("actionGroupName"),
        *harmless("groupShortName", "*Receivers[].name", "*Receivers[].useCommonAlertSchema"),
        prop("enabled", _ON, False),
        prop("*Receivers**", matters(_TOLD_ELSEWHERE)),
    ),
    METRIC_ALERT.type: (
        *naming("ruleName"),
        *harmless("description", "autoMitigate", "criteria.allOf[].name", "criteria.odataType"),
        prop("enabled", _ON, False),
        prop("severity", number((MEDIUM, "it is taken for less urgent"), (LOW, "it is taken for more urgent"))),
        prop("scopes**", matters("it watches another resource", HIGH)),
        prop("targetResource*", matters("it watches another kind of resource")),
        prop("evaluationFrequency", number((MEDIUM, "it looks more rarely"), (LOW, "it looks more often"))),
        prop("windowSize", matters("it looks at another span of time")),
        prop("criteria.allOf[].threshold", number((MEDIUM, "it takes more to tell somebody"),
             (LOW, "it takes less to tell somebody"))),
        prop("criteria.**", matters(_ANOTHER_WATCH)),
        prop("actions", matters(_SILENT, HIGH)),
        prop("actions[].actionGroupId", matters(_TOLD_ELSEWHERE)),
        prop("actions[].webHookProperties**", matters("what it tells carries something else", at_first=MEDIUM)),
    ),
    BUDGET.type: (
        *naming("budgetName", "scope"),
        *harmless("timePeriod.startDate"),
        prop("timePeriod.endDate", matters("it ends at another time")),
        prop("amount", number((MEDIUM, "more is spent before somebody is told"), (LOW, "somebody is told sooner"))),
        prop("category", matters("it counts something else")),
        prop("timeGrain", matters("it counts over another time")),
        prop("filter**", matters("it counts only a part of the cost", HIGH, at_first=MEDIUM)),
        prop("notifications.*.enabled", _ON, False),
        prop("notifications.*.threshold", number((MEDIUM, "more is spent before somebody is told"),
             (LOW, "somebody is told sooner"))),
        prop("notifications.*.thresholdType", matters("it tells of what was spent, or of what is forecast")),
        prop("notifications.*.operator", matters("it tells at another moment")),
        prop("notifications.*.contact*", matters(_TOLD_ELSEWHERE)),
        *harmless("notifications.*.locale"),
    ),
}  # fmt: skip
"""By type."""
