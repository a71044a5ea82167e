"""Whether a model is asked as it was trained, and judged by what it was not: told in the preview, of local data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from data_prep.card.card import TRAIN, VALIDATION, prepared
from data_prep.card.prompts import disagreement
from jobs.golden.leaks import leaked
from jobs.golden.questions import load
from jobs.preflight.findings import Finding, State
from settings.stack import Settings

PROMPTS, LEAKS = "system prompt", "golden questions"
_MOST = 64_000_000
"""Bytes of training data that a preview has time for; `python -m jobs evaluate` looks into more."""
_NAMED = 3


def told(settings: Settings) -> list[Finding]:
    """What is to be told of the two, and nothing where the data are elsewhere, or all is well. Raises StageError."""
    train = Path(settings.data.directory) / TRAIN
    if settings.data.run_on != "local" or not train.is_file():
        return []
    found = []
    try:
        if otherwise := disagreement(train, settings.flow.system_prompt):
            fix = "set flow.systemPrompt to what the data have, or leave it out of both"
            found.append(Finding(check=PROMPTS, state=State.WARNING, found=otherwise, fix=fix))
        if settings.evaluation.questions and train.stat().st_size <= _MOST:
            questions = load(settings.evaluation.questions, settings.evaluation.judge)
            if VALIDATION in prepared(train.parent) and (known := leaked(questions, [train.with_name(VALIDATION)])):
                says = (
                    f"{len(known)} of {len(questions)} stand in the validation data, by which the model is chosen: "
                    f"{_some(known)}"
                )
                fix = "ask what the model was not chosen by"
                found.append(Finding(check=LEAKS, state=State.WARNING, found=says, fix=fix))
            if learnt := leaked(questions, [train]):
                says = (
                    f"{len(learnt)} of {len(questions)} stand in the training data, and a release that they let pass "
                    f"shows what was learnt by heart: {_some(learnt)}"
                )
                # The stand-in of the bundled conversations knows nothing else, and nobody takes it for more.
                bundled = settings.data.source == "sample"
                fix = "" if bundled else "ask what the model was not trained on"
                state = State.OK if bundled else State.WARNING
                found.append(Finding(check=LEAKS, state=state, found=says, fix=fix))
    except (OSError, ValueError, LookupError, TypeError) as error:
        says = f"not looked for in {train}, which cannot be read ({error})"
        found.append(Finding(check=LEAKS, state=State.WARNING, found=says, fix="make data"))
    return found


def _some(questions: Sequence[str]) -> str:
    more = f" and {len(questions) - _NAMED} more" if questions[_NAMED:] else ""
    return f"{'; '.join(questions[:_NAMED])}{more}"
