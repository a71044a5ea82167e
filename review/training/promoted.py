"""A model that goes from one stack to another, in words: what is shared, and on which evidence one is taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from review.durations import Past
from review.events import Preview, Step

_SHOWN = {
    "proved_at": "proved",
    "proved_gate": "gate",
    "proved_score": "golden score",
    "proved_loss": "held-out loss",
    "job": "job",
    "dataset": "data",
    "base_model": "base model",
    "proved_files": "files",
}
"""What of the evidence a reviewer is shown, and as what."""


def taken(step: Step, preview: Preview, past: Past) -> Iterator[str]:
    """The version that another stack has proved, with what it rests on."""
    del preview, past
    old, new = _specs(step)
    if step.op == "delete":
        yield f"no longer takes the model of stack {old.get('stack')}, which stays in registry {old.get('registry')}"
        return
    what = f"{new.get('model_name')}:{new.get('model_version')} of stack {new.get('stack')}"
    before = f" in place of version {old['model_version']}" if old.get("model_version") else ""
    if before and old["model_version"] == new.get("model_version"):
        before = " again"
    evidence = new.get("evidence") or {}
    rests = "; ".join(f"{words} {evidence[key]}" for key, words in _SHOWN.items() if evidence.get(key))
    yield (
        f"takes {what} from registry {new.get('registry')}{before} and trains nothing; it rests on: "
        f"{rests or 'nothing that is written on it'}"
    )


def shared(step: Step, preview: Preview, past: Past) -> Iterator[str]:
    """The version in service, for others."""
    del preview, past
    old, new = _specs(step)
    if step.op == "delete":
        yield f"shares no further models; those in registry {old.get('registry')} stay"
    else:
        yield (
            f"asks {new.get('model_name')}:{new.get('model_version')} the golden questions once it is in service, and "
            f"shares it to registry {new.get('registry')}"
        )


def _specs(step: Step) -> tuple[dict[str, Any], dict[str, Any]]:
    old, new = (state.inputs.get("input") or {} if state else {} for state in (step.old, step.new))
    return old, new
