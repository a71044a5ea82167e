"""What is known of a version, in words: a section for each thing that a reader asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloud.services.energy import KEPT, KILOWATT_HOUR
from data_prep.card.card import Card
from jobs.card.card import UNTOLD, Section
from jobs.evaluation.result import Losses
from jobs.promotion import evidence
from jobs.release.rollback import Version
from jobs.status.progress import in_words
from jobs.status.spending import dollars
from jobs.status.stack import Stack
from jobs.status.status import Job
from settings.models import Model

_GOLDEN = ("golden_score", "golden_score_low", "golden_score_high")


@dataclass(frozen=True, kw_only=True)
class Known:
    """All that was found. `data` is None where the data card is not on this machine."""

    stack: Stack
    version: Version
    tags: Mapping[str, str]
    registered: str
    data: Card | None
    recipe: Mapping[str, str]
    losses: Losses
    logged: Mapping[str, float]
    joules: float | None
    base: Model
    base_tags: Mapping[str, Any]
    jobs: tuple[Job, ...]
    costs: Mapping[str, float | None]
    at: datetime


def summary(known: Known) -> str:
    """A sentence for a list of models."""
    tags = known.tags
    told = [f"{_base(known)} fine-tuned on {tags.get('dataset', 'unknown data')}"]
    if (loss := known.losses.last) is not None:
        told.append(f"held-out loss {loss:.3f}")
    if golden := _golden(known):
        told.append(f"golden score {golden}")
    return ", ".join(told)


def of(known: Known) -> tuple[Section, ...]:
    """In the order in which one reads."""
    return (
        _what(known),
        _data(known),
        _recipe(known),
        _training(known),
        _evaluated(known),
        _limits(known),
        _may(known),
    )


def _base(known: Known) -> str:
    return known.tags.get("base_model", "").partition("/models/")[2].partition("/")[0] or "an unknown model"


def _some(*rows: tuple[str, object]) -> tuple[tuple[str, str], ...]:
    """Those of which something is known."""
    return tuple((name, str(value)) for name, value in rows if value not in ("", None))


def _what(known: Known) -> Section:
    tags = known.tags
    rows = _some(
        ("version", f"{known.stack.model_name}:{known.version.version}, registered {known.registered}"),
        ("base model", tags.get("base_model", UNTOLD)),
        ("made by", tags.get("job", UNTOLD)),
        ("fingerprint", tags.get("fingerprint")),
        ("component", tags.get("component")),
        ("recipe's name", tags.get("recipe_name")),
        ("other than in the recipe", tags.get("adapted")),
        ("the base model's own defaults", tags.get("model_defaults")),
        ("served by", tags.get("contract")),
    )
    note = str(known.base_tags.get("note") or "")
    return Section("What it is", rows, (f"{_base(known)} is {note}",) if note else ())


def _data(known: Known) -> Section:
    tags, data = known.tags, known.data
    rows = _some(("data asset", f"{tags.get('dataset', UNTOLD)}, {tags.get('dataset_fingerprint', UNTOLD)}"))
    if data is None:
        note = "The card of these data is with whoever prepared them: data/card.json on their machine"
        return Section("Data", rows, (note,))
    found = sum(count for kind, count in data.private.items() if kind != "rows")
    languages = ", ".join(code for code, _ in sorted(data.languages.items(), key=lambda each: -each[1]))
    rows += _some(
        ("source", ", ".join(f"{key} {value}" for key, value in data.source.items() if key != "licence")),
        ("rows to train on", f"{data.rows.get('train', 0):,}"),
        ("rows held out", f"{data.rows.get('test', 0):,}"),
        ("tokens to train on", f"{int(data.tokens.get('train') or 0):,}" if data.tokens.get("train") else ""),
        ("left out", f"{sum(data.rejected.values()):,} rows that could not be used" if data.rejected else ""),
        ("languages in a sample", languages),
        (
            "looks like personal data",
            f"{found:,} finds in {data.private.get('rows', 0):,} rows" if found else "none found",
        ),
        ("in both files", data.duplicates.get("leaking")),
    )
    return Section("Data", rows)


def _recipe(known: Known) -> Section:
    cut = len(known.tags.get("recipe", "")) >= 256
    whole = any(spec.fingerprint == known.version.fingerprint for spec in _specs(known))
    note = "Its end is missing: a tag has room for 256 characters" if cut and not whole else ""
    return Section("Recipe", tuple(known.recipe.items()), (note,) if note else ())


def _specs(known: Known) -> tuple[Any, ...]:
    return known.stack.stages.finetunes if known.stack.stages else ()


def _training(known: Known) -> Section:
    losses, jobs = known.losses, known.jobs
    costs = [known.costs.get(f"job {job.name}") for job in jobs]
    cost = None if any(each is None for each in costs) else sum(each for each in costs if each is not None)
    hours = sum(job.hours(known.at) for job in jobs)
    machines = ", ".join(dict.fromkeys(f"{job.nodes} x {job.machine}" for job in jobs if job.machine))
    rows = _some(
        ("training loss, first and last", f"{losses.training[0].value:.3f} → {losses.training[-1].value:.3f}")
        if losses.training
        else ("training loss", UNTOLD),
        ("held-out loss at the end", f"{losses.last:.3f}" if losses.last is not None else UNTOLD),
        ("held-out loss, lowest", f"{losses.best.value:.3f} at step {losses.best.step}" if losses.best else ""),
        ("attempts", len(jobs) or ""),
        ("time", in_words(hours * 3600) if jobs else ""),
        ("machines", machines),
        ("cost by list price", f"{dollars(cost)} USD" if jobs else UNTOLD),
        ("energy of the GPUs", _energy(known)),
        ("carbon", _carbon(known)),
    )
    remark = losses.remark()
    return Section("Training and what it cost", rows, (remark,) if remark else ())


def _energy(known: Known) -> str:
    if known.joules:
        return f"{known.joules / KILOWATT_HOUR:.3g} kWh (Azure Monitor), of the job that made it"
    job = next((each for each in known.jobs if each.name == known.tags.get("job")), None)
    if job is not None and job.ended is not None and known.at - job.ended > KEPT:
        return f"{UNTOLD} any more: Azure Monitor keeps it for {KEPT.days} days"
    return UNTOLD


def _carbon(known: Known) -> str:
    """By the user's figure, as Azure has none of a job."""
    grams = known.stack.carbon_intensity
    if known.joules and grams:
        of = f"{grams:g} g a kWh (compute.carbonIntensity), of the GPUs' energy alone"
        return f"{known.joules / KILOWATT_HOUR * grams / 1000:.3g} kg of CO2 by {of}"
    return f"{UNTOLD} by Azure for a single job" + ("" if grams else "; by energy with compute.carbonIntensity")


def _golden(known: Known) -> str:
    score, low, high = (known.logged.get(key) for key in _GOLDEN)
    if score is None:
        return ""
    return f"{score:.2f}" + (f" ({low:.2f} to {high:.2f})" if low is not None and high is not None else "")


def _evaluated(known: Known) -> Section:
    tags, logged = known.tags, known.logged
    seconds = logged.get("golden_median_seconds")
    rows = _some(
        ("golden score", _golden(known)),
        ("of the base model", f"{logged['golden_score_base']:.2f}" if "golden_score_base" in logged else ""),
        ("median of its answers", f"{seconds:.2f} s" if seconds is not None else ""),
        ("proved by", tags.get(evidence.BY)),
        ("when", tags.get(evidence.AT)),
        ("gate", tags.get(evidence.GATE)),
    )
    note = "" if rows else f"It was not evaluated: python -m jobs evaluate --stack {known.stack.name}"
    return Section("Evaluation", rows, (note,) if note else ())


def _limits(known: Known) -> Section:
    length, base = known.recipe.get("max_seq_length", "-1"), known.base
    rows = _some(
        ("longest conversation learnt", f"{length} tokens" if length not in ("", "-1") else ""),
        ("longest conversation of the base model", f"{base.context:,} tokens" if base.context else UNTOLD),
        ("weights", f"{base.parameters / 1e9:.1f} billion" if base.parameters else UNTOLD),
        ("base model retired", base.retired),
    )
    notes = ["What it was not asked (Evaluation) is not known of it; the questions are this stack's own"]
    if known.data and known.data.languages:
        notes.append("In other languages than those of its data it was neither trained nor evaluated here")
    return Section("Limits", rows, tuple(notes))


def _may(known: Known) -> Section:
    licence = known.base_tags.get("license") or known.base_tags.get("licenseDescription")
    data = known.data.source.get("licence") if known.data else None
    rows = (
        ("base model", str(licence or f"{UNTOLD} by its registry's tags")[:300]),
        ("data", str(data or f"{UNTOLD} by their source")),
    )
    return Section("Licences", rows)
