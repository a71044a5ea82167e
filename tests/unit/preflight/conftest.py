"""A subscription where all is well."""

from __future__ import annotations

import pytest
from preflight_asked import (
    ACCOUNTS,
    COMPONENT,
    DISCOVERY,
    ML,
    MODEL,
    NC24,
    PERMISSIONS,
    S,
    location,
    offer,
    register,
    usage,
)

from tests.unit.arm_fake import ArmFake, install


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    """A subscription in which nothing stands in the way, and of which nothing is up yet."""
    arm = install(monkeypatch)
    arm.get(S, offer("PayAsYouGo_2014-09-01"))
    register(arm, {})
    arm.get(f"{S}/locations", {"value": [location("eastus2"), location("eastus3"), location("europe", "Logical")]})
    arm.get(f"{S}/{PERMISSIONS}", {"value": [{"actions": ["*"], "notActions": []}]})
    arm.get(f"{ML}/usages", {"value": [usage("standardNCADSA100v4Family", 0, 72)]})
    arm.get(f"{ML}/vmSizes", {"value": [{"name": NC24.upper(), "supportedComputeTypes": ["AmlCompute", "MIR"]}]})
    arm.get(DISCOVERY, {
        "subscriptionId": "r", "resourceGroup": "g", "primaryRegionResourceProviderUri": "https://eastus2.api.azureml.ms/",
    })  # fmt: skip
    arm.get(MODEL, {"properties": {"latestVersion": "2", "isArchived": False}})
    arm.get(f"{MODEL}/versions/1", {"properties": {"isArchived": False, "modelType": "mlflow_model"}})
    arm.get(f"{COMPONENT}/versions", {"value": [{"name": "0.0.82"}]})
    arm.get(ACCOUNTS, {"value": [{"name": "another"}]})
    return arm
