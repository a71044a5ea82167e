"""What is approved, as lines under headings, so that a difference can be read; and a digest of all of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

from cloud.catalogue import STAGE
from review.approval.provenance import Provenance
from review.cost import Cost
from review.difference import difference, leaves, text_of
from review.errors import ReviewError
from review.events import PolicyResult, Step
from review.risks import Risk
from review.words import shown

Content = dict[str, list[str]]
FORMAT = 1
_ASSETS = (
    "base_model",
    "component",
    "dataset_name",
    "dataset_fingerprint",
    "model_name",
    "model_version",
    "fingerprint",
)
_WIDE = 10_000


def content(
    *,
    provenance: Provenance | None,
    steps: Sequence[Step],
    cost: Cost | None,
    policies: Sequence[PolicyResult],
    risks: Sequence[Risk],
) -> Content:
    """Of a review. The same change of the same state gives the same lines, whenever and wherever it is made."""
    by_urn = sorted(steps, key=lambda step: step.urn)  # the engine shows them as they come
    stages = [step for step in by_urn if step.type == STAGE.type]
    return {
        "made of": provenance.lines() if provenance else [],
        "steps": [line for step in by_urn if step.changes for line in _step(step)],
        "data, components and models": [line for step in stages for line in _assets(step)],
        "cost in USD": list(_cost(cost)),
        "policies": sorted(f"{one.level} {one.policy} on {one.resource}: {_flat(one.message)}" for one in policies),
        "risks": sorted(f"{risk.level} {risk}" for risk in risks),
    }


def digest(found: Mapping[str, list[str]]) -> str:
    """Sixty-four hexadecimal digits."""
    text = json.dumps({"format": FORMAT, **found}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def differences(approved: Mapping[str, list[str]], now: Mapping[str, list[str]]) -> list[str]:
    """What is no longer as approved, `-` before and `+` now, under the headings they stand under."""
    told = []
    for heading in dict.fromkeys([*approved, *now]):
        lines = unified_diff(approved.get(heading, []), now.get(heading, []), n=0, lineterm="")
        changed = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
        told += [f"{heading}:", *(f"  {line}" for line in changed)] if changed else []
    return told


def is_left(approved: Mapping[str, list[str]], now: Mapping[str, list[str]]) -> bool:
    """Whether some of what was approved is done, and nothing else is left than the rest of it.

    So an update that ended half way goes on under its approval. What it is made of, and the data, components and models
    of all stages, are the same; costs are compared by what they come to.
    """
    if not set(now["steps"]) < set(approved["steps"]):
        return False
    if any(now.get(heading) != approved.get(heading) for heading in ("made of", "data, components and models")):
        return False
    if not all(set(now[heading]) <= set(approved[heading]) for heading in ("policies", "risks")):
        return False
    came_to, comes_to = (set(_ends(found["cost in USD"])) for found in (approved, now))
    return comes_to <= came_to


def _ends(costs: Iterable[str]) -> Iterator[str]:
    """`a month: 50.00` of `a month: 30.00 → 50.00`; prices as they are."""
    for line in costs:
        name, _, amount = line.partition(": ")
        yield f"{name}: {amount.rpartition(' → ')[2]}"


def approve(report_file: Path, approved_file: Path) -> str:
    """Marks the last review as approved; its digest. Raises ReviewError."""
    found = _read(report_file, "make review makes one")
    if found.get("verdict") in ("refused", "failed"):
        raise ReviewError(f"the review in {report_file} is {found['verdict']}: what it shows cannot be approved")
    approval = found["approval"]
    if approval["digest"] != digest(approval["content"]):
        raise ReviewError(f"{report_file} is not as the review wrote it: its digest is another one; review again")
    approved_file.write_text(json.dumps(approval, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return str(approval["digest"])


def read_approved(file: Path) -> Content:
    """What was approved: from a file that `approve` wrote, or a whole report. Raises ReviewError."""
    found = _read(file, "make approve writes one")
    found = found.get("approval") or found
    content_ = found.get("content")
    if not isinstance(content_, dict) or found.get("digest") != digest(content_):
        raise ReviewError(f"{file} is not as it was approved: its digest is another one; review and approve again")
    return content_


def _read(file: Path, otherwise: str) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReviewError(f"{file} cannot be read: {error.strerror}; {otherwise}") from None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not ({"approval", "content"} & found.keys()):
        raise ReviewError(f"{file} is no review that can be approved; {otherwise}")
    return found


def _step(step: Step) -> Iterator[str]:
    name = f"{shown(step)} ({step.urn.rsplit('::', 1)[-1]})"
    yield f"{step.op} {name}"
    old, new = (state.inputs if state else {} for state in (step.old, step.new))
    if step.op != "delete":
        yield from (f"{step.op} {name} {change}" for change in difference(old, new) if not change.path.startswith("__"))


def _assets(step: Step) -> Iterator[str]:
    """Also of what does not change: it is what would run."""
    spec = step.state.inputs.get("input")
    for path, value in leaves(spec if isinstance(spec, dict) else {}).items():
        if path.startswith(_ASSETS):
            yield f"{step.name} {path}: {text_of(path, value)}"


def _cost(cost: Cost | None) -> Iterator[str]:
    if cost is None:
        return
    each = {f"fine-tune by {name or 'the only recipe'}": amount for name, amount in cost.recipes.items()}
    for name, amount in {"month": cost.month, "fine-tune": cost.finetune, **each}.items():
        before, after = ("unknown" if value is None else f"{value:.2f}" for value in (amount.before, amount.after))
        yield f"a {name}: {before} → {after}"
    for key, price in sorted(cost.prices.items()):
        yield f"{key}: {f'{price.hourly:g} an hour' if price else 'unknown'}"


def _flat(text: str) -> str:
    return " ".join(text.split())[:_WIDE]
