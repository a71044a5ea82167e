"""The recorded changes: what was edited, what the engine said of it, and the review that is expected."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from cloud.services import activity
from cloud.services.activity import Write, moment
from cloud.services.prices import Meter, PriceBook
from review.durations import Past, past
from review.events import lines, read
from review.report import Report, build
from review.verdict import Thresholds

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples" / "reviews"
STATE = EXAMPLES / "state.json"
INDEX = EXAMPLES / "README.md"
ACTIVITY = "activity.json"
"""Beside the events of an example with drift: what the activity log said, and when what drifted was recorded."""
TODAY = datetime.date(2026, 11, 22)
PRICES = {"Standard_NC24ads_A100_v4": 4.0, "Standard_NC48ads_A100_v4": 8.0, "Standard_NC40ads_H100_v5": 7.0}
REGISTRIES = {"Standard": 0.64, "Premium": 1.6}


@dataclass(frozen=True)
class Example:
    """A folder with `change.yaml`, `events.jsonl`, `report.md` and, with drift, `activity.json`."""

    folder: Path
    change: dict[str, Any]

    @property
    def name(self) -> str:
        return self.folder.name

    def report(self, book: PriceBook) -> Report:
        """The review of the recorded events, with the baseline stack's past."""
        with (self.folder / "events.jsonl").open(encoding="utf-8") as file:
            preview = read(lines(file))
        stack = self.change.get("stack", "local")
        known = baseline() if stack == "local" else Past()
        ask = None
        if (log := self.folder / ACTIVITY).is_file():
            recorded = json.loads(log.read_text(encoding="utf-8"))
            known = replace(known, recorded={urn: moment(text) for urn, text in recorded["recorded"].items()})
            ask = partial(_told, activity.read(recorded["value"]))
        return build(stack, preview, known, book, Thresholds(), bool(self.change.get("refresh")), ask=ask)


def _told(writes: list[Write], group: str, since: datetime.datetime) -> list[Write]:
    """What the activity log said of a group when the example was recorded."""
    return [one for one in writes if one.resource.startswith(f"{group.lower()}/") and one.begun > since]


def examples() -> list[Example]:
    """All of them, by name."""
    return [
        Example(file.parent, yaml.safe_load(file.read_text(encoding="utf-8")))
        for file in sorted(EXAMPLES.glob("*/change.yaml"))
    ]


def baseline() -> Past:
    """What the deployed stack knew when the changes were recorded."""
    recorded = json.loads(STATE.read_text(encoding="utf-8"))
    return past(recorded["state"], recorded["history"])


def made_up(meter: Meter) -> list[dict[str, Any]]:
    """The price list of the examples: some sizes, no others."""
    if meter.service == "Container Registry":
        price, unit = REGISTRIES.get(meter.sku), "1/Day"
    else:
        price, unit = PRICES.get(meter.sku), "1 Hour"
    row = {"retailPrice": price, "unitOfMeasure": unit, "productName": "made-up price", "meterName": meter.sku}
    return [row] if price is not None else []


def price_book(file: Path) -> PriceBook:
    """Asks nobody."""
    return PriceBook(file, TODAY, made_up)


def index() -> str:
    """The table of all examples, as a page."""
    intro, _, _ = INDEX.read_text(encoding="utf-8").partition("| change |")
    rows = ["| change | verdict | risk | the review says |", "|---|---|---|---|"]
    for example in examples():
        expected = example.change["expect"]
        link = f"[{example.change['title']}]({example.name}/report.md)"
        rows.append(f"| {link} | {expected['verdict']} | {expected['risk']} | “{expected['says']}” |")
    return intro + "\n".join(rows) + "\n"
