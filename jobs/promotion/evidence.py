"""What is written on a version that a stack has proved, and what another stack wants to read there."""

from __future__ import annotations

from collections.abc import Mapping

from cloud.target import RegistryAsset
from jobs.training.registering import FINGERPRINT
from jobs.training.spec import model_version

BY, AT, DEPLOYMENT, GATE = "proved_by", "proved_at", "proved_deployment", "proved_gate"
SCORE, QUESTIONS, LOSS, FILES = "proved_score", "proved_questions", "proved_loss", "proved_files"
LINEAGE = ("job", "dataset", "dataset_fingerprint", "base_model", "recipe")
"""Tags of every version that a fine-tune has made (jobs/training/registering.py)."""
SHOWN = (BY, AT, DEPLOYMENT, GATE, SCORE, QUESTIONS, LOSS, FILES, FINGERPRINT, *LINEAGE, "component")
_HAIR = 1e-9


def of(tags: Mapping[str, object]) -> dict[str, str]:
    """What of a version's tags is evidence."""
    return {key: str(tags[key]) for key in SHOWN if tags.get(key)}


def wrong(
    found: Mapping[str, str], version: str, *, stack: str, base_model: RegistryAsset, minimum_score: float | None
) -> list[str]:
    """Why a version is not taken; nothing where it may be.

    ``minimum_score`` is None for a stack that asks no golden questions of its own.
    """
    problems = []
    if found.get(BY) != stack:
        problems.append(f"it was proved by {found.get(BY) or 'no stack'}, not by {stack}")
    if missing := [key for key in (FINGERPRINT, *LINEAGE) if not found.get(key)]:
        problems.append(f"its lineage is not whole: it does not say its {', '.join(missing)}")
    elif not _fits(found[FINGERPRINT], version):
        problems.append(f"its fingerprint {found[FINGERPRINT]} makes another version than {version}")
    if found.get("base_model") and found["base_model"] != base_model.model_uri:
        problems.append(f"it was made from {found['base_model']}, and this stack names {base_model.model_uri}")
    if not found.get(GATE):
        problems.append("it says of no release that let it through")
    if not found.get(FILES):
        problems.append("it does not say which files were proved")
    if minimum_score is not None:
        problems += _scored(found, minimum_score)
    return problems


def _fits(fingerprint: str, version: str) -> bool:
    try:
        return model_version(fingerprint) == version
    except ValueError:
        return False


def _scored(found: Mapping[str, str], least: float) -> list[str]:
    try:
        score = float(found.get(SCORE, ""))
    except ValueError:
        return ["it was not asked golden questions, and evaluation.questions of this stack wants that"]
    if not score >= least - _HAIR:
        return [f"it scored {score:g} there, and evaluation.minimumScore is {least:g}"]
    return []
