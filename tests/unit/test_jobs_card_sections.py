"""Each row of a model's card, where it is known and where it is not."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from status_azure import A100, STACK
from test_jobs_specs import FINETUNE

from cloud.services.mlflow import Point
from data_prep.card.card import Card
from jobs.card import sections
from jobs.card.card import Section
from jobs.card.sections import Known
from jobs.evaluation.result import Losses
from jobs.release.rollback import Version
from jobs.status.status import Job
from settings.models import model

AT = datetime(2026, 11, 25, 12, 0, 59, tzinfo=UTC)
NAME = FINETUNE.job_name(2)
TAGS = {
    "fingerprint": FINETUNE.fingerprint,
    "job": NAME,
    "dataset": "ultrachat",
    "dataset_fingerprint": "0123456789ab",
    "base_model": "azureml://registries/azureml/models/Phi-4-mini-instruct/versions/1",
    "component": "chat_completion_pipeline:0.0.82",
    "recipe_name": "gentle",
    "adapted": "apply_lora=true",
    "model_defaults": "precision=16",
    "contract": "mlflow",
    "recipe": "learning_rate=0.0001",
    "proved_by": "dev",
    "proved_at": "2026-11-24",
    "proved_gate": "released",
}


def job(name: str, hours: float, *, machine: str = A100, ended: timedelta = timedelta(), **inputs: str) -> Job:
    return Job(
        name=name,
        version="7",
        status="Completed",
        url="",
        created=None,
        inputs=inputs,
        machine=machine,
        started=AT - ended - timedelta(hours=hours),
        ended=AT - ended,
    )


DATA = Card(
    settings={},
    source={"kind": "hub", "revision": "abc", "licence": "MIT"},
    shape="messages",
    rows={"train": 12_345, "test": 1_234},
    rejected={"empty": 1_000, "long": 2},
    repaired={},
    unused={},
    set_aside={},
    private={"rows": 1_001, "email": 1_500, "phone": 2},
    duplicates={"leaking": 3},
    turns={},
    tokens={"train": 1_234_567.9},
    languages={"de": 2, "en": 9},
    recipe={},
    files={},
    fingerprint="0123456789ab",
    versions={},
)
KNOWN = Known(
    stack=dataclasses.replace(STACK, carbon_intensity=400),
    version=Version(version="7", created="2026-11-25 10:00", job=NAME, recipe="", fingerprint=FINETUNE.fingerprint),
    tags=TAGS,
    registered="2026-11-25 10:00",
    data=DATA,
    recipe={"learning_rate": "0.0001", "max_seq_length": "2048"},
    losses=Losses((Point(4.0, 10, 1.0), Point(1.5, 20, 2.0)), (Point(2.5, 10, 1.0), Point(3.0, 20, 2.0))),
    logged={
        "golden_score": 0.75,
        "golden_score_low": 0.4,
        "golden_score_high": 0.9,
        "golden_score_base": 0.25,
        "golden_median_seconds": 1.5,
    },
    joules=5_400_000.0,
    base=dataclasses.replace(model("Phi-4-mini-instruct"), retired="2026-09-01"),
    base_tags={"note": "a stand-in", "license": "mit"},
    jobs=(job(NAME, 2), job(FINETUNE.job_name(1), 0.5, machine="Standard_ND", num_nodes_finetune="2")),
    costs={f"job {NAME}": 8.0, f"job {FINETUNE.job_name(1)}": 2.0},
    at=AT,
)
WHAT, OF_DATA, RECIPE, TRAINING, EVALUATION, LIMITS, LICENCES = range(7)


def test_a_card_of_which_everything_is_known() -> None:
    assert sections.of(KNOWN) == (
        Section(
            "What it is",
            (
                ("version", "phi-ultrachat:7, registered 2026-11-25 10:00"),
                ("base model", "azureml://registries/azureml/models/Phi-4-mini-instruct/versions/1"),
                ("made by", NAME),
                ("fingerprint", "7b963b464e21"),
                ("component", "chat_completion_pipeline:0.0.82"),
                ("recipe's name", "gentle"),
                ("other than in the recipe", "apply_lora=true"),
                ("the base model's own defaults", "precision=16"),
                ("served by", "mlflow"),
            ),
            ("Phi-4-mini-instruct is a stand-in",),
        ),
        Section(
            "Data",
            (
                ("data asset", "ultrachat, 0123456789ab"),
                ("source", "kind hub, revision abc"),
                ("rows to train on", "12,345"),
                ("rows held out", "1,234"),
                ("tokens to train on", "1,234,567"),
                ("left out", "1,002 rows that could not be used"),
                ("languages in a sample", "en, de"),
                ("looks like personal data", "1,502 finds in 1,001 rows"),
                ("in both files", "3"),
            ),
        ),
        Section("Recipe", (("learning_rate", "0.0001"), ("max_seq_length", "2048"))),
        Section(
            "Training and what it cost",
            (
                ("training loss, first and last", "4.000 → 1.500"),
                ("held-out loss at the end", "3.000"),
                ("held-out loss, lowest", "2.500 at step 10"),
                ("attempts", "2"),
                ("time", "2 h 30 min"),
                ("machines", f"1 x {A100}, 2 x Standard_ND"),
                ("cost by list price", "10.00 USD"),
                ("energy of the GPUs", "1.5 kWh (Azure Monitor), of the job that made it"),
                (
                    "carbon",
                    "0.6 kg of CO2 by 400 g a kWh (compute.carbonIntensity), of the GPUs' energy alone",
                ),
            ),
            (KNOWN.losses.remark(),),
        ),
        Section(
            "Evaluation",
            (
                ("golden score", "0.75 (0.40 to 0.90)"),
                ("of the base model", "0.25"),
                ("median of its answers", "1.50 s"),
                ("proved by", "dev"),
                ("when", "2026-11-24"),
                ("gate", "released"),
            ),
        ),
        Section(
            "Limits",
            (
                ("longest conversation learnt", "2048 tokens"),
                ("longest conversation of the base model", "131,072 tokens"),
                ("weights", "3.8 billion"),
                ("base model retired", "2026-09-01"),
            ),
            (
                "What it was not asked (Evaluation) is not known of it; the questions are this stack's own",
                "In other languages than those of its data it was neither trained nor evaluated here",
            ),
        ),
        Section("Licences", (("base model", "mit"), ("data", "MIT"))),
    )
    assert sections.summary(KNOWN) == (
        "Phi-4-mini-instruct fine-tuned on ultrachat, held-out loss 3.000, golden score 0.75 (0.40 to 0.90)"
    )


def test_a_card_of_which_nothing_is_known() -> None:
    bare = dataclasses.replace(
        KNOWN,
        stack=dataclasses.replace(STACK, stages=None),
        tags={},
        data=None,
        recipe={},
        losses=Losses(),
        logged={},
        joules=None,
        base=model(""),
        base_tags={},
        jobs=(),
        costs={},
    )
    assert sections.of(bare) == (
        Section(
            "What it is",
            (
                ("version", "phi-ultrachat:7, registered 2026-11-25 10:00"),
                ("base model", "not told"),
                ("made by", "not told"),
            ),
        ),
        Section(
            "Data",
            (("data asset", "not told, not told"),),
            ("The card of these data is with whoever prepared them: data/card.json on their machine",),
        ),
        Section("Recipe", ()),
        Section(
            "Training and what it cost",
            (
                ("training loss", "not told"),
                ("held-out loss at the end", "not told"),
                ("cost by list price", "not told"),
                ("energy of the GPUs", "not told"),
                ("carbon", "not told by Azure for a single job; by energy with compute.carbonIntensity"),
            ),
        ),
        Section("Evaluation", (), ("It was not evaluated: python -m jobs evaluate --stack dev",)),
        Section(
            "Limits",
            (("longest conversation of the base model", "not told"), ("weights", "not told")),
            ("What it was not asked (Evaluation) is not known of it; the questions are this stack's own",),
        ),
        Section("Licences", (("base model", "not told by its registry's tags"), ("data", "not told by their source"))),
    )
    assert sections.summary(bare) == "an unknown model fine-tuned on unknown data"


def rows(section: int, **other: Any) -> dict[str, str]:
    return dict(sections.of(dataclasses.replace(KNOWN, **other))[section].rows)


def data(**other: Any) -> Card:
    return dataclasses.replace(DATA, **other)


@pytest.mark.parametrize(
    ("section", "other", "row", "told"),
    [
        (OF_DATA, {"data": data(private={"rows": 0})}, "looks like personal data", "none found"),
        (OF_DATA, {"data": data(private={"email": 2})}, "looks like personal data", "2 finds in 0 rows"),
        (OF_DATA, {"data": data(rejected={})}, "left out", None),
        (OF_DATA, {"data": data(tokens={})}, "tokens to train on", None),
        (OF_DATA, {"data": data(rows={})}, "rows to train on", "0"),
        (OF_DATA, {"data": data(rows={})}, "rows held out", "0"),
        (OF_DATA, {"data": data(duplicates={})}, "in both files", None),
        (OF_DATA, {"data": data(duplicates={"leaking": 0})}, "in both files", "0"),
        (TRAINING, {"costs": {f"job {NAME}": 8.0}}, "cost by list price", "unknown USD"),
        (TRAINING, {"jobs": (job(NAME, 2, machine=""),)}, "machines", None),
        (TRAINING, {"jobs": (job(NAME, 2),) * 2}, "machines", f"1 x {A100}"),
        (EVALUATION, {"logged": {"golden_score": 0.75}}, "golden score", "0.75"),
        (EVALUATION, {"logged": {"golden_score": 0.75, "golden_score_low": 0.4}}, "golden score", "0.75"),
        (EVALUATION, {"logged": {"golden_score": 0.75, "golden_score_high": 0.4}}, "golden score", "0.75"),
        (EVALUATION, {"logged": {"golden_median_seconds": 0.0}}, "median of its answers", "0.00 s"),
        (LIMITS, {"recipe": {"max_seq_length": "-1"}}, "longest conversation learnt", None),
        (LIMITS, {"recipe": {"max_seq_length": ""}}, "longest conversation learnt", None),
        (LIMITS, {"recipe": {}}, "longest conversation learnt", None),
        (LICENCES, {"base_tags": {"licenseDescription": "x" * 301}}, "base model", "x" * 300),
        (LICENCES, {"data": data(source={})}, "data", "not told by their source"),
    ],
)
def test_a_row_says_what_is_known(section: int, other: dict[str, Any], row: str, told: str | None) -> None:
    assert rows(section, **other).get(row) == told


@pytest.mark.parametrize(
    ("days", "told"), [(93, "not told"), (94, "not told any more: Azure Monitor keeps it for 93 days")]
)
def test_energy_is_looked_for_as_long_as_it_is_kept(days: int, told: str) -> None:
    old = (job("another", 1), job(NAME, 2, ended=timedelta(days=days)))
    found = rows(TRAINING, joules=None, jobs=old)
    assert found["energy of the GPUs"] == told
    assert found["carbon"] == "not told by Azure for a single job", "a figure for the grid alone makes none"
    running = dataclasses.replace(old[1], ended=None)
    assert rows(TRAINING, joules=None, jobs=(running,))["energy of the GPUs"] == "not told"
    assert rows(TRAINING, stack=STACK)["carbon"] == (
        "not told by Azure for a single job; by energy with compute.carbonIntensity"
    )


@pytest.mark.parametrize(
    ("length", "stages", "cut"), [(255, None, False), (256, None, True), (256, STACK.stages, False)]
)
def test_a_recipe_that_the_tag_has_cut_is_said_to_be_so(length: int, stages: Any, cut: bool) -> None:
    tags = {**TAGS, "recipe": "x" * length}
    section = sections.of(dataclasses.replace(KNOWN, tags=tags, stack=dataclasses.replace(STACK, stages=stages)))[2]
    assert section.notes == (("Its end is missing: a tag has room for 256 characters",) if cut else ())
