"""What others have changed on Azure is no reason for an update, and survives one."""

from __future__ import annotations

import json
from typing import Any

from tests.program.conftest import Run

TAGS = {"project": "finetune-phi", "stack": "local"}


def owned(config: dict[str, Any]) -> None:
    config["finetune-phi:tags"] = {"owner": "me"}


def live(**changed: Any) -> str:
    endpoint = {
        "id": "/id/endpoint",
        "name": "endpoint",
        "location": "eastus2",
        "tags": TAGS,
        "properties": {
            "authMode": "Key",
            "publicNetworkAccess": "Enabled",
            "traffic": {"m1": 90, "m2": 10},
            "provisioningState": "Succeeded",
        },
    }
    endpoint["properties"] |= changed
    return json.dumps(endpoint)


def test_the_live_traffic_is_no_reason_to_update_the_endpoint(run: Run) -> None:
    endpoint = run(live=live()).resources["endpoint"]
    assert endpoint.inputs == run().resources["endpoint"].inputs
    released = {"properties.traffic", "properties.mirrorTraffic"}
    told = {'tags["finetune-phi-paused"]', 'tags["finetune-phi-served"]'}
    ignored = released | told | {"properties.properties", "properties.description", "azureApiVersion"}
    assert set(endpoint.request.ignoreChanges) == ignored


def test_an_update_of_the_endpoint_carries_the_live_traffic(run: Run) -> None:
    endpoint = run(change=owned, live=live()).resources["endpoint"]
    assert endpoint.inputs["tags"] == {"owner": "me", **TAGS}
    assert endpoint.inputs["properties"]["traffic"] == {"m1": 90, "m2": 10}
    assert "properties.traffic" not in endpoint.request.ignoreChanges


def test_what_a_pause_has_written_is_no_update_of_the_endpoint_and_is_carried_by_one(run: Run) -> None:
    said = {"finetune-phi-paused": '{"version":"7"}', "finetune-phi-served": "{}"}
    paused = json.dumps(json.loads(live(traffic={})) | {"tags": {**TAGS, **said}})
    assert run(live=paused).resources["endpoint"].inputs == run().resources["endpoint"].inputs
    endpoint = run(change=owned, live=paused).resources["endpoint"]
    assert endpoint.inputs["tags"] == {"owner": "me", **TAGS, **said}
    assert not {each for each in endpoint.request.ignoreChanges if each.startswith("tags")}


def test_an_endpoint_whose_update_failed_is_updated_with_the_live_traffic(run: Run) -> None:
    """It may have the new tags already, so that only the state knows of a difference."""
    endpoint = run(live=live(provisioningState="Failed")).resources["endpoint"]
    assert endpoint.inputs["properties"]["traffic"] == {"m1": 90, "m2": 10}
    assert "properties.traffic" not in endpoint.request.ignoreChanges


def test_an_endpoint_that_never_came_to_life_is_updated_even_if_the_state_knows_of_no_failure(run: Run) -> None:
    """The hook before the update deletes it, so that the update makes it anew."""
    endpoint = run(live=live(provisioningState="Failed", traffic={})).resources["endpoint"]
    assert endpoint.inputs["properties"]["description"].startswith("In place of the one of ")
    assert set(endpoint.request.ignoreChanges) == {"properties.properties", "azureApiVersion"}


def governed(config: dict[str, Any]) -> None:
    config["finetune-phi:tagsFromElsewhere"] = ["costCenter", "cost centre"]


def test_tags_from_elsewhere_are_left_alone_on_everything_that_has_tags(run: Run) -> None:
    found = [each for each in run(change=governed).resources.values() if "tags" in each.inputs]
    assert len(found) > 10
    for each in found:
        assert {'tags["costCenter"]', 'tags["cost centre"]'} <= set(each.request.ignoreChanges), each.name
        assert not {"costCenter", "cost centre"} & set(each.inputs["tags"])


def test_tags_from_elsewhere_are_no_update_of_the_endpoint(run: Run) -> None:
    tagged = json.loads(live()) | {"tags": {**TAGS, "CostCenter": "research"}}
    for change, carried in ((governed, None), (None, {"m1": 90, "m2": 10})):
        endpoint = run(change=change, live=json.dumps(tagged)).resources["endpoint"]
        assert endpoint.inputs["properties"].get("traffic") == carried


def test_what_would_reset_the_traffic_is_asked_before_every_update(run: Run) -> None:
    hooks = run().resources["endpoint"].request.hooks
    assert (hooks.before_update, hooks.before_create, hooks.before_delete) == (["traffic"], [], [])
