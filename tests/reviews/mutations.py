"""Every property of every recorded resource changed, one at a time, and whether the review may approve that.

    python -m tests.reviews.mutations

writes `mutations.yaml` anew, with what the review says now: look at what `git diff` says of it. What is in its list of
dangerous ones must never be approved, what is in the harmless list always.
"""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import yaml

from cloud.adoption import UNKNOWN
from cloud.services.prices import PriceBook
from review.difference import leaves
from review.durations import Past
from review.events import Preview, State, Step, lines, read
from review.report import build
from review.verdict import Thresholds, Verdict
from tests.reviews.examples import EXAMPLES, price_book

FILE = Path(__file__).with_name("mutations.yaml")
RECORDED = ("first-deployment", "github-deploys", "data-on-a-cluster", "alerts-and-budget")
"""Examples that create something: their events hold all inputs."""
SUBSCRIPTION = "/subscriptions/00000000-0000-4000-8000-0000000000a1"
OTHER = f"{SUBSCRIPTION}/resourceGroups/somebody-else/providers/Microsoft.Storage/storageAccounts/elsewhere"
COSTLY = "azure-native:network:AzureFirewall"
GONE = "(removed)"
_OTHER_VALUES = {
    "Enabled": ["Disabled"], "enabled": ["disabled"], "Disabled": ["Enabled"], "TLS1_2": ["TLS1_0", "TLS1_1"],
    "Key": ["AADToken", "AMLToken"], "AzureServices": ["None"], "SystemAssigned": ["UserAssigned"],
    "Standard_LRS": ["Premium_LRS"], "Standard": ["Premium", "Basic"], "PT120S": ["PT600S", "PT7200S"],
}  # fmt: skip


@dataclass(frozen=True)
class Mutation:
    """One property of one resource with another value; `path` is empty for a resource of another type."""

    resource: str
    path: str
    value: Any

    def __str__(self) -> str:
        if not self.path:
            return f"{self.resource} is made anew as {self.value}"
        return f"{self.resource} {self.path}: {json.dumps(self.value)}" if self.value != GONE else (
            f"{self.resource} {self.path}: removed"
        )  # fmt: skip


def recorded() -> list[Step]:
    """The stack as it stands when all of it is deployed."""
    steps: dict[str, Step] = {}
    for name in RECORDED:
        with (EXAMPLES / name / "events.jsonl").open(encoding="utf-8") as file:
            for step in read(lines(file)).steps:
                if step.op == "create":
                    state = State(_known(step.state.inputs, step.name), {})
                    same = Step(step.urn, step.type, "same", state, state, step.parent)
                    steps.setdefault(_named(same), same)
    return list(steps.values())


def read_steps(file: IO[str]) -> list[Step]:
    """What a recorded stream shows of each resource."""
    return read(lines(file)).steps


def copied(inputs: dict[str, Any]) -> dict[str, Any]:
    """To change."""
    return copy.deepcopy(inputs)


def _named(step: Step) -> str:
    return f"{step.type.rsplit(':', 1)[-1]} {step.name}"


def _known(value: Any, name: str) -> Any:
    """As it is once the resource is there."""
    if isinstance(value, dict):
        return {key: _known(inner, name) for key, inner in value.items()}
    if isinstance(value, list):
        return [_known(inner, name) for inner in value]
    return f"{SUBSCRIPTION}/resourceGroups/rg/providers/known/{name}" if value == UNKNOWN else value


def mutations(steps: list[Step]) -> Iterator[tuple[Mutation, Preview]]:
    """Each with the preview that shows it."""
    for step in steps:
        for path, value in leaves(step.state.inputs).items():
            if not path.endswith("__provider"):
                for other in _others(value):
                    changed = copied(step.state.inputs)
                    _put(changed, path, other)
                    new = Step(step.urn, step.type, "update", step.old, State(changed, {}), step.parent)
                    yield Mutation(_named(step), path, other), _preview(steps, step, new)
        if step.type.startswith("azure-native:"):
            urn = step.urn.replace(step.type, COSTLY)
            yield (
                Mutation(_named(step), "", COSTLY),
                _preview([*steps, step], step, Step(urn, COSTLY, "create", None, step.new, step.parent)),
            )


def _preview(steps: list[Step], old: Step, new: Step) -> Preview:
    found = [new if step is old else step for step in steps]
    return Preview(steps=found, finished=True)


def _others(value: Any) -> Iterator[Any]:
    """Gone, the other way round, a hundred times as much, somewhere else."""
    yield GONE
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from (value * 100 if value > 0 else 100, value / 2 if value else -1)
    elif isinstance(value, str):
        yield from _OTHER_VALUES.get(value, [])
        yield OTHER if value.startswith("/subscriptions/") else "https://elsewhere.example.com/"
    elif isinstance(value, list):
        yield [OTHER]
        yield [*value, OTHER]


def _put(tree: Any, path: str, value: Any) -> None:
    keys = _keys(tree, path)
    for key in keys[:-1]:
        tree = tree[key]
    if value == GONE:
        del tree[keys[-1]]
    else:
        tree[keys[-1]] = value


def _keys(tree: Any, path: str) -> list[Any]:
    """A key may hold dots: the one that is there counts."""
    if not path:
        return []
    if isinstance(tree, list):
        index, _, rest = path.removeprefix("[").partition("]")
        return [int(index), *_keys(tree[int(index)], rest.removeprefix("."))]
    for key, inner in tree.items():
        if path == key:
            return [key]
        if path.startswith((f"{key}.", f"{key}[")):
            return [key, *_keys(inner, path[len(key) :].removeprefix("."))]
    raise KeyError(path)


def approved(preview: Preview, book: PriceBook) -> bool:
    """Whether the review leaves it to nobody."""
    return build("local", preview, Past(), book, Thresholds()).verdict in (Verdict.APPROVE, Verdict.UNCHANGED)


def sorted_out() -> dict[str, list[str]]:
    """All of them, in the two lists, whatever the order in which the stack was recorded."""
    lists: dict[str, list[str]] = {"dangerous": [], "harmless": []}
    with tempfile.TemporaryDirectory() as folder:
        book = price_book(Path(folder) / "prices.json")
        for mutation, preview in mutations(recorded()):
            lists["harmless" if approved(preview, book) else "dangerous"].append(str(mutation))
    return {name: sorted(found) for name, found in lists.items()}


def written() -> dict[str, list[str]]:
    """The lists as they are in the repository."""
    found: dict[str, list[str]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def text(lists: dict[str, list[str]]) -> str:
    """The file, with the counts first."""
    counts = ", ".join(f"{len(found)} {name}" for name, found in lists.items())
    return (
        f"# {counts}. Written by python -m tests.reviews.mutations; look at what git diff says of it.\n"
        + yaml.safe_dump(lists, sort_keys=False, width=1000, allow_unicode=True)
    )


if __name__ == "__main__":
    FILE.write_text(text(sorted_out()), encoding="utf-8")
