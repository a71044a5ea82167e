"""Records the examples again, with the real engine, in a copy of the checkout whose stack `local` is deployed:

    python -m emulator exec -- python -m tests.reviews.record [NAME ...]

With --render it only writes the reports again, from the events recorded before: look at what `git diff` says.

Each edit is made to the copy's files, previewed and undone. Expectations are not touched: they are written by hand,
and a report that does not meet them is named at the end.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from review.durations import STAGES
from review.engine import command, record
from review.markdown import markdown
from review.page import page
from tests.reviews.examples import EXAMPLES, ROOT, STATE, Example, examples, price_book

_NAMES = ("Name", "Name_", "location", "kind", "resourceName")
_PRICED = (":Compute", "containerregistry:Registry", ":Stash")


def main(names: list[str]) -> int:
    """Records and says which reviews are not as expected."""
    again = "--render" in names
    names = [name for name in names if name != "--render"]
    if not again:
        _write_state()
    wrong = 0
    for example in examples():
        if names and example.name not in names:
            continue
        if again:
            wrong += not render(example)
            continue
        with _edited(example.change):
            events = _preview(example)
        kept = [kept for event in events if (kept := trimmed(event))]
        text = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in kept)
        (example.folder / "events.jsonl").write_text(text.replace(str(ROOT), "."), encoding="utf-8")
        wrong += not render(example)
    return 1 if wrong else 0


def render(example: Example) -> bool:
    """Writes the report; whether it is as expected."""
    with tempfile.TemporaryDirectory() as folder:
        report = example.report(price_book(Path(folder) / "prices.json"))
    text = markdown(report)
    (example.folder / "report.md").write_text(text, encoding="utf-8")
    page(report)
    expected = example.change["expect"]
    met = (
        str(report.verdict) == expected.get("verdict")
        and str(report.worst) == expected["risk"]
        and expected["says"] in text
    )
    print(f"{'ok   ' if met else 'OTHER'} {example.name}: {report.verdict}, risk {report.worst}, {report.reasons[:1]}")
    return met


def trimmed(event: dict[str, Any]) -> dict[str, Any] | None:
    """What a review reads of an event."""
    for key in ("policyEvent", "policyRemediationEvent", "summaryEvent"):
        if key in event:
            return {key: event[key]}
    if found := event.get("diagnosticEvent"):
        wanted = found.get("severity") == "error"
        return {"diagnosticEvent": {"severity": "error", "message": found["message"]}} if wanted else None
    for key in ("resourcePreEvent", "resOutputsEvent"):
        if found := event.get(key):
            metadata = found["metadata"]
            refreshed = metadata["op"] == "refresh"
            if metadata["type"].startswith("pulumi:") and ":Stash" not in metadata["type"]:
                return None
            if (key == "resOutputsEvent") != refreshed or (
                refreshed and metadata.get("new") and not metadata.get("detailedDiff")
            ):
                return None
            return {key: {"metadata": _metadata(metadata, refreshed)}}
    return None


def _metadata(metadata: dict[str, Any], refreshed: bool) -> dict[str, Any]:
    kept = {key: metadata[key] for key in ("op", "urn", "type", "keys", "detailedDiff") if metadata.get(key)}
    quiet = metadata["op"] in ("same", "read")
    for side in ("old", "new"):
        if state := metadata.get(side):
            inputs = state.get("inputs") or {}
            if quiet and not metadata["type"].endswith(_PRICED):
                inputs = {key: value for key, value in inputs.items() if key.endswith(_NAMES)}
            if not (quiet and side == "old" and not metadata["type"].endswith(_PRICED)):
                kept[side] = {"parent": state.get("parent"), "inputs": inputs}
            if refreshed:
                kept[side]["outputs"] = state.get("outputs")
            if state.get("protect"):
                kept[side]["protect"] = True
    return kept


def _preview(example: Example) -> list[dict[str, Any]]:
    change = example.change
    stack = change.get("stack", "local")
    # Most of them are about the review; those about a policy name the pack's settings.
    policies = ROOT / "policy" if "policies" in change else None
    config = ROOT / "policy" / f"{change['policies']}.json" if policies else None
    line = command(stack, policies, config, bool(change.get("refresh")), "destroy" in change)
    return record(line, stack, lambda event: None).events


@contextlib.contextmanager
def _edited(change: dict[str, Any]) -> Iterator[None]:
    undo: list[Callable[[], object]] = []
    try:
        stack = change.get("stack", "local")
        local = ROOT / "Pulumi.local.yaml"
        content = yaml.safe_load(local.read_text(encoding="utf-8"))
        for section, value in (change.get("settings") or {}).items():
            place = content["config"].setdefault(f"finetune-phi:{section}", {} if isinstance(value, dict) else value)
            if isinstance(value, dict):
                place.update(value)
            else:
                content["config"][f"finetune-phi:{section}"] = value
        if "location" in change:
            content["config"]["azure-native:location"] = change["location"]
        file = ROOT / f"Pulumi.{stack}.yaml"
        undo.append(_written(file, yaml.safe_dump(content, sort_keys=False)))
        for edit in change.get("program") or ():
            path = ROOT / edit["file"]
            text = path.read_text(encoding="utf-8")
            if "append" in edit:
                undo.append(_written(path, f"{text}{edit['append']}\n"))
                continue
            if text.count(edit["find"]) != 1:
                raise SystemExit(f"{edit['file']} does not hold just once: {edit['find']}")
            undo.append(_written(path, text.replace(edit["find"], edit["put"])))
        undo += [_by_hand(edit) for edit in change.get("by_hand") or ()]
        if stack != "local":
            subprocess.run(["pulumi", "stack", "init", stack], check=True, capture_output=True)
            undo.append(lambda: subprocess.run(["pulumi", "stack", "rm", "--yes", stack], check=True))
            undo.append(lambda: subprocess.run(["pulumi", "stack", "select", "local"], check=True))
        yield
    finally:
        for step in reversed(undo):
            step()


def _written(path: Path, text: str) -> Callable[[], object]:
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text(text, encoding="utf-8")
    return lambda: path.unlink(missing_ok=True) if before is None else path.write_text(before, encoding="utf-8")


def _by_hand(edit: dict[str, Any]) -> Callable[[], object]:
    """A change that goes past Pulumi, through Azure's own API."""
    import requests
    from azure.identity import DefaultAzureCredential

    token = DefaultAzureCredential().get_token("https://management.azure.com/.default").token
    state = _state()
    id_ = next(one["id"] for one in state["deployment"]["resources"] if one["urn"].endswith(f"::{edit['resource']}"))
    address = f"https://management.azure.com{id_}?api-version={edit['api']}"
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    before = session.get(address, timeout=30).json()
    body = {key: value for key, value in before.items() if key not in ("id", "name", "type", "systemData")}

    def put(content: dict[str, Any]) -> None:
        session.put(address, json=content, timeout=30).raise_for_status()

    if edit.get("delete"):
        session.delete(address, timeout=30).raise_for_status()
    else:
        put({**body, **{key: {**body.get(key, {}), **value} for key, value in edit["set"].items()}})
    return lambda: put(body)


def _state() -> dict[str, Any]:
    done = subprocess.run(["pulumi", "stack", "export", "--stack", "local"], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _write_state() -> None:
    """Of state and history only what a review reads."""
    history = subprocess.run(
        ["pulumi", "stack", "history", "--json", "--stack", "local"], check=True, capture_output=True, text=True
    )
    resources = [
        {key: one[key] for key in ("urn", "modified", "dependencies") if key in one}
        for one in _state()["deployment"]["resources"]
        if not one["urn"].split("::")[2].startswith(("pulumi:providers", "finetune-phi:infra:Pack"))
    ]
    assert any(one["urn"].endswith(f"::{STAGES[1]}") for one in resources), "deploy the stack first"
    updates = [{key: one[key] for key in ("kind", "startTime", "endTime")} for one in json.loads(history.stdout)]
    content = {"state": {"deployment": {"resources": resources}}, "history": updates}
    EXAMPLES.mkdir(parents=True, exist_ok=True)
    STATE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
