"""Exposure, logs, budget and protection: what makes a stack safe to run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cloud.catalogue import (
    BUDGET,
    CATALOGUE,
    DIAGNOSTICS,
    ENDPOINT,
    LOG_WORKSPACE,
    METRIC_ALERT,
    PRIVATE_ENDPOINT,
    STAGE,
    find,
    types_of,
)
from policy import samples
from policy.example import Example, but
from policy.frameworks import benchmark, well_architected
from policy.inputs import LOCATED
from policy.rule import ADVISORY, DISABLED, HIGH, MEDIUM, Config, Option, resource_rule, stack_rule
from policy.subject import UNKNOWN, Member, Resource, Stack

_REACHABLE = [row for row in CATALOGUE if row.reach]
_PRIVATE = [row for row in _REACHABLE if row is not ENDPOINT]
"""An online endpoint has none of its own: its workspace's leads to it."""


def _public(member: Member) -> bool:
    row = find(member.type, {"kind": member.at("kind", "")})
    if row is None or row.reach is None:
        return False
    switch, rule = row.reach
    open_switch = str(member.at(switch, "Enabled")).lower() == "enabled"
    return open_switch and not (rule and member.peek(rule) == "Deny")


@stack_rule(
    "public-with-reason",
    "Whatever the internet can reach is so for a reason somebody has written down.",
    reason="open by default is how things stay open that nobody meant to be",
    remedy="close it, or write the reason under its name in this policy's configuration",
    severity=HIGH,
    framework=benchmark("NS-2"),
    options={"reasons": Option("object", {}, "the reason, by the resource's name in the program")},
    covers=(
        "in part: CKV_AZURE_134",
        "in part: CKV_AZURE_139",
        "in part: CKV_AZURE_144",
        "in part: CKV_AZURE_189",
        "in part: Azure.ML.PublicAccess (AZR-000406)",
        "in part: Azure Policy 438c38d2-3772-465a-a9cc-7a6666a275ce",
    ),
    examples=(but(samples.storage, publicNetworkAccess="Enabled"),),
)
def public_with_reason(stack: Stack, config: Config) -> Iterator[tuple[str, Member | None]]:
    for member in stack.of(*_REACHABLE):
        if not config["reasons"].get(member.name) and _public(member):
            yield f"{member.name} can be reached from the internet, and nobody says why", member


@stack_rule(
    "sealed-as-it-says",
    "A stack with sealed: true is as closed as that says.",
    reason="whoever reads sealed in a stack's settings takes the rest for granted",
    remedy="remove the keys that the message names from the stack's settings, or except them here with a reason",
    severity=HIGH,
    examples=(
        Example(
            passes=(samples.preflight("preflight"),),
            fails=(samples.preflight("preflight").but(input__loosened=["localAuth"]),),
            on="preflight",
        ),
    ),
)
def sealed_as_it_says(stack: Stack, _config: Config) -> Iterator[tuple[str, Member | None]]:
    for member in stack.of(STAGE):
        if member.name == "preflight" and (keys := member.peek("input.loosened")):
            yield f"{member.name} records that these are looser: {', '.join(str(key) for key in keys)}", member


@stack_rule(
    "private-endpoints",
    "What holds data, secrets, images or models is reached by a private endpoint.",
    reason="what is closed to the internet and has no private endpoint is reached by nobody, and what is open by all",
    remedy="declare a network.PrivateEndpoint whose private_link_service_connections name the resource's id",
    severity=MEDIUM,
    level=DISABLED,
    framework=benchmark("NS-2"),
    options={"types": Option("array", list(types_of(*_PRIVATE)), "types to look at")},
    covers=(
        "Azure Policy 6edd7eda-6dd8-40f7-810d-67160c639cd9",
        "Azure Policy a6abeaec-4d90-4a02-805f-6b26c4d3fbe9",
        "Azure Policy e8eef0a8-67cf-4eb4-9386-14b0e78733d4",
        "Azure Policy 45e05259-1eb5-4f70-9574-baf73e9d219b",
        "Azure Policy d6759c02-b87f-42b7-892e-71b3f471d782",
    ),
    examples=(
        Example(
            passes=(samples.search("private"), samples.private_endpoint("to-private", "private")),
            fails=(samples.search("open"), samples.private_endpoint("to-another", "another")),
            on="open",
        ),
    ),
)
def private_endpoints(stack: Stack, config: Config) -> Iterator[tuple[str, Member | None]]:
    reached: set[str] = set()
    for member in stack.members:
        if member.type == PRIVATE_ENDPOINT.type:
            reached |= member.needs("privateLinkServiceConnections")
    for member in stack.members:
        row = find(member.type, {"kind": member.at("kind", "")})
        # A project is reached by way of its hub.
        if member.type in config["types"] and (row is None or row.reach) and member.urn not in reached:
            yield f"{member.name} has no private endpoint", member


@stack_rule(
    "diagnostics-on",
    "Resources that hold secrets, data or models send their logs somewhere.",
    reason="without them nobody can tell afterwards who read what",
    remedy="declare a monitor.DiagnosticSetting with resource_uri set to the resource's id",
    severity=MEDIUM,
    framework=benchmark("LT-3"),
    options={
        "types": Option("array", list(types_of(*(row for row in CATALOGUE if row.logs))), "types to log"),
    },
    covers=(
        "Azure.KeyVault.Logs",
        "Azure Policy afe0c3be-ba3b-4544-ba52-0c99672a8ad6",
    ),
    examples=(
        Example(
            passes=(
                *samples.ai_services("diagnostics-on-clean"),
                samples.diagnostics("another", "diagnostics-on-clean"),
            ),
            fails=(samples.ai_services("diagnostics-on")[0],),
            on="diagnostics-on",
        ),
        Example(
            passes=samples.ai_services("logged"),
            fails=(
                samples.ai_services("silent")[0],
                samples.diagnostics("silent-logs", "silent").but(logs=[{"categoryGroup": "audit", "enabled": False}]),
            ),
            on="silent",
        ),
    ),
)
def diagnostics_on(stack: Stack, config: Config) -> Iterator[tuple[str, Member | None]]:
    logged: set[str] = set()
    for setting in stack.of(DIAGNOSTICS):
        # A setting with every category switched off, or one that nobody can know yet, sends nothing.
        logs = setting.peek("logs")
        if isinstance(logs, Sequence) and any(isinstance(log, Mapping) and log.get("enabled") for log in logs):
            logged |= setting.needs("resourceUri")
    for member in stack.members:
        if member.type in config["types"] and member.urn not in logged:
            yield f"{member.name} sends its logs nowhere", member


@stack_rule(
    "budget-present",
    "The stack has a budget, and somebody hears of it.",
    reason="a forgotten endpoint is billed day and night; a budget is how somebody notices",
    remedy="declare a consumption.Budget on the resource group, with an amount and notifications",
    severity=MEDIUM,
    framework=well_architected("CO:04"),
    options={"maximum": Option("number", 0, "largest amount a month in the subscription's currency; 0 for any")},
    examples=(Example(passes=(samples.budget("budget"),)),),
)
def budget_present(stack: Stack, config: Config) -> Iterator[tuple[str, Member | None]]:
    budgets = stack.of(BUDGET)
    if not budgets:
        yield "there is no budget", None
    for budget in budgets:
        amount = budget.peek("amount")
        if isinstance(amount, int | float) and 0 < config["maximum"] < amount:
            yield f"{budget.name} is of {amount:g} a month; allowed: {config['maximum']:g}", budget
        if not budget.peek("notifications"):
            yield f"{budget.name} notifies nobody", budget


@resource_rule(
    "stateful-protected",
    "What holds data, models or an address is protected from deletion.",
    types=LOCATED,
    reason="a replacement that slipped into a diff would delete data, models or the endpoint's URL and keys",
    remedy="set protect=True in its resource options, and take it off on purpose when it has to go",
    severity=HIGH,
    level=DISABLED,
    options={"types": Option("array", list(types_of(*(row for row in CATALOGUE if row.protect))), "types to protect")},
    examples=(
        Example(
            passes=(samples.storage("stateful-protected-clean"),),
            fails=(samples.storage("stateful-protected").having(protect=False),),
            on="stateful-protected",
        ),
    ),
)
def stateful_protected(resource: Resource, config: Config) -> Iterator[str]:
    if resource.type in config["types"] and not resource.options.protect:
        yield f"{resource.name} is not protected"


@resource_rule(
    "logs-kept",
    "Logs are kept for a while, and not for ever.",
    types=(LOG_WORKSPACE,),
    reason="shorter than an incident takes to be noticed is useless; longer than needed costs",
    remedy="set retention_in_days",
    severity=MEDIUM,
    level=ADVISORY,
    framework=benchmark("LT-3"),
    options={
        "minimumDays": Option("integer", 30, "fewest days"),
        "maximumDays": Option("integer", 730, "most days"),
    },
    examples=(but(samples.log_analytics, retentionInDays=7),),
)
def logs_kept(resource: Resource, config: Config) -> Iterator[str]:
    days = resource.peek("retentionInDays", 30)
    if days is not UNKNOWN and not config["minimumDays"] <= days <= config["maximumDays"]:
        allowed = f"{config['minimumDays']:g} to {config['maximumDays']:g}"
        yield f"{resource.name} keeps logs for {days:g} days; allowed: {allowed}"


@resource_rule(
    "alerts-on",
    "An alert that is declared is switched on, and tells somebody.",
    types=(METRIC_ALERT,),
    reason="an alert that is off looks as if somebody were watching",
    remedy="set enabled=True and actions with an action group, or take the alert away",
    severity=MEDIUM,
    framework=benchmark("LT-3"),
    examples=(but(samples.alert, enabled=False),),
)
def alerts_on(resource: Resource, _config: Config) -> Iterator[str]:
    if not resource.at("enabled"):
        yield f"{resource.name} is switched off"
    actions = resource.peek("actions")
    if actions is not UNKNOWN and not actions:
        yield f"{resource.name} tells nobody"
