"""What the activity log says beside a recorded change that somebody made by hand."""

from __future__ import annotations

import datetime
import json
from typing import Any

from cloud.arm import Arm
from cloud.services.activity import asked
from tests.reviews.examples import ACTIVITY, Example


def write_activity(example: Example, events: list[dict[str, Any]], exported: dict[str, Any]) -> None:
    """What the activity log says of the resources that drifted, and when the stack's state last recorded these."""
    state = exported["deployment"]["resources"]
    drifted = {event["resOutputsEvent"]["metadata"]["urn"] for event in events if "resOutputsEvent" in event}
    found = [one for one in state if one["urn"] in drifted and str(one.get("id", "")).startswith("/subscriptions/")]
    ids = {one["id"].lower() for one in found}
    group = "/".join(found[0]["id"].split("/")[:5])
    now = datetime.datetime.now(datetime.UTC)
    said = asked(Arm(), group, now - datetime.timedelta(hours=1), now)
    told = {
        "recorded": {one["urn"]: one["modified"] for one in found},
        "value": [event for event in said if str(event["resourceId"]).lower() in ids],
    }
    (example.folder / ACTIVITY).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
