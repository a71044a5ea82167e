"""Records the examples again with the real engine; all of them take about six minutes:

    python -m tests.reviews.record [NAME ...]

With --render it only writes the reports again, from the events recorded before: look at what `git diff` says.

A copy of the checkout is deployed on an emulator of its own; each edit is made to the copy's files, previewed and
undone. Expectations are not touched: they are written by hand, and a report that does not meet them is named. An edit
that no longer finds its place in the program is named before anything is deployed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from emulator.machine import environment, lifecycle
from emulator.validation.bodies import put_shape
from review.engine import command, record
from review.events import PLANNED, STACK
from review.pages.markdown import markdown
from review.pages.page import page
from settings.outputs import TRAINING_DATA
from tests.journey.stack import Checkout
from tests.reviews.activity import write_activity
from tests.reviews.examples import EXAMPLES, INDEX, ROOT, STATE, Example, examples, index, price_book

_NAMES = ("Name", "Name_", "location", "kind", "resourceName")
_TOLD = ("id", "name", "type", "systemData")
_PRICED = (":Compute", "containerregistry:Registry", ":Stash")


def main(arguments: list[str]) -> int:
    """Records and says which reviews are not as expected."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="an example's folder; all without one")
    parser.add_argument("--render", action="store_true", help="only write the reports again")
    options = parser.parse_args(arguments)
    wanted = [example for example in examples() if not options.names or example.name in options.names]
    if not options.render:
        if misplaced := [text for example in wanted for text in unplaced(example)]:
            raise SystemExit("\n".join(misplaced))
        with _deployed() as root:
            if not options.names:
                _write_state()
            for example in wanted:
                with _edited(root, example.change):
                    kept = [kept for event in _preview(root, example) if (kept := trimmed(event))]
                    if example.change.get("by_hand"):
                        write_activity(example, kept, _state())
                text = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in kept)
                (example.folder / "events.jsonl").write_text(text.replace(str(root), "."), encoding="utf-8")
                print(f"recorded {example.name}", flush=True)
    met = [render(example) for example in wanted]
    INDEX.write_text(index(), encoding="utf-8")
    return 0 if all(met) else 1


def unplaced(example: Example) -> list[str]:
    """What is wrong with an example's edits of the program: texts that are not there just once."""
    return [
        f"{example.name}: {edit['file']} does not hold just once: {edit['find']}"
        for edit in example.change.get("program") or ()
        if "find" in edit and (ROOT / edit["file"]).read_text(encoding="utf-8").count(edit["find"]) != 1
    ]


@contextlib.contextmanager
def _deployed() -> Iterator[Path]:
    """A copy of the checkout with its stack `local` deployed; this process works there, and its Azure is the emulator.

    The stack name is the same everywhere, and so are the emulator's subscription and the names made from both.
    """
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout.make(Path(folder) / "checkout")
        before = Path.cwd()
        try:
            for line in (
                (sys.executable, "-m", "data_prep", "--stack", "local"),
                ("pulumi", "stack", "init", "local"),
                ("pulumi", "up", "--stack", "local", "--yes", "--skip-preview"),
            ):
                print(*line[-4:], "...", flush=True)
                done = checkout.emulated(*line)
                if done.returncode:
                    raise SystemExit(done.stdout + done.stderr)
            os.environ.update(checkout.environment)
            os.environ.update(environment.build(checkout.home, lifecycle.start(checkout.home)))
            os.chdir(checkout.root)
            yield checkout.root
        finally:
            os.chdir(before)
            lifecycle.stop(checkout.home)


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
    for key in ("policyEvent", "policyRemediationEvent", "summaryEvent", PLANNED):
        if key in event:
            return {key: event[key]}
    if found := event.get("diagnosticEvent"):
        wanted = found.get("severity") == "error"
        return {"diagnosticEvent": {"severity": "error", "message": found["message"]}} if wanted else None
    for key in ("resourcePreEvent", "resOutputsEvent"):
        if found := event.get(key):
            metadata = found["metadata"]
            if metadata["type"] == STACK and key == "resOutputsEvent":
                return {key: {"metadata": _sized(metadata)}}
            refreshed = metadata["op"] == "refresh"
            if metadata["type"].startswith("pulumi:") and ":Stash" not in metadata["type"]:
                return None
            if (key == "resOutputsEvent") != refreshed or (
                refreshed and metadata.get("new") and not metadata.get("detailedDiff")
            ):
                return None
            return {key: {"metadata": _metadata(metadata, refreshed)}}
    return None


def _sized(metadata: dict[str, Any]) -> dict[str, Any]:
    """Of a stack's outputs how much it learns from."""
    kept = {key: metadata[key] for key in ("op", "urn", "type")}
    for side in ("old", "new"):
        found = ((metadata.get(side) or {}).get("outputs") or {}).get(TRAINING_DATA)
        kept[side] = {"outputs": {TRAINING_DATA: found} if found else {}}
    return kept


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


def _preview(root: Path, example: Example) -> list[dict[str, Any]]:
    change = example.change
    stack = change.get("stack", "local")
    # Most of them are about the review; those about a policy name the pack's settings.
    policies = root / "policy" if "policies" in change else None
    config = policies / f"{change['policies']}.json" if policies else None
    line = command(stack, policies, config, bool(change.get("refresh")), "destroy" in change)
    return record(line, stack, lambda event: None).events


@contextlib.contextmanager
def _edited(root: Path, change: dict[str, Any]) -> Iterator[None]:
    undo: list[Callable[[], object]] = []
    try:
        stack = change.get("stack", "local")
        local = root / "Pulumi.local.yaml"
        content = yaml.safe_load(local.read_text(encoding="utf-8"))
        for section, value in (change.get("settings") or {}).items():
            place = content["config"].setdefault(f"finetune-phi:{section}", {} if isinstance(value, dict) else value)
            if isinstance(value, dict):
                place.update(value)
            else:
                content["config"][f"finetune-phi:{section}"] = value
        if "location" in change:
            content["config"]["azure-native:location"] = change["location"]
        file = root / f"Pulumi.{stack}.yaml"
        undo.append(_written(file, yaml.safe_dump(content, sort_keys=False)))
        for edit in change.get("program") or ():
            path = root / edit["file"]
            text = path.read_text(encoding="utf-8")
            if "append" in edit:
                undo.append(_written(path, f"{text}{edit['append']}\n"))
                continue
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
    body = _writable(put_shape(before["type"]), {key: before[key] for key in before if key not in _TOLD})

    def put(content: dict[str, Any]) -> None:
        answer = session.put(address, json=content, timeout=30)
        assert answer.ok, answer.text

    if edit.get("delete"):
        session.delete(address, timeout=30).raise_for_status()
    else:
        put({**body, **{key: {**body.get(key, {}), **value} for key, value in edit["set"].items()}})
    return lambda: put(body)


def _writable(shape: Any, value: dict[str, Any]) -> dict[str, Any]:
    """What of an answer may be put back: a storage account's body has no place for what only Azure tells."""
    members = {} if shape is None else shape.members
    return {
        key: _writable(members[key].shape, inner)
        if isinstance(inner, dict) and hasattr(members[key].shape, "members")
        else inner
        for key, inner in value.items()
        if key in members and not members[key].read_only
    }


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
        {key: one[key] for key in ("urn", "modified", "dependencies", "propertyDependencies") if key in one}
        for one in _state()["deployment"]["resources"]
        if not one["urn"].split("::")[2].startswith(("pulumi:providers", "finetune-phi:infra:Pack"))
    ]
    updates = [{key: one[key] for key in ("kind", "startTime", "endTime")} for one in json.loads(history.stdout)]
    content = {"state": {"deployment": {"resources": resources}}, "history": updates}
    EXAMPLES.mkdir(parents=True, exist_ok=True)
    STATE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
