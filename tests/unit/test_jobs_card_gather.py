"""What is asked for a card, and how it is written down."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from status_azure import MLFLOW, NOW, STACK, WANTED, book
from test_jobs_card import MODEL, TAGS, URI, VERSION, rows
from test_jobs_card_sections import KNOWN
from test_jobs_comparison import (
    BOLD,
    GENTLE,
    SPECS,
    Logged,
    azure,  # noqa: F401
)

from cloud.errors import StageError
from cloud.target import RegistryAsset
from data_prep.card import card as data_cards
from jobs.card import gather, sections
from jobs.card.card import ModelCard
from jobs.promotion.spec import PromotionSpec
from jobs.stage_specs import StageSpecs
from jobs.status.stack import Stack

DISCOVERY = "https://eastus.api.azureml.ms/registrymanagement/v1.0/registries/{}/discovery"
FRONT = (
    "https://eastus.api.azureml.ms/mferp/managementfrontend/subscriptions/s/resourceGroups/r"
    "/providers/Microsoft.MachineLearningServices/registries/{}/models/{}/versions/{}"
)
TRAINED = dataclasses.replace(STACK, stages=SPECS)


def in_registry(azure: Logged, registry: str, model: str, version: str, properties: dict[str, Any]) -> None:  # noqa: F811
    where = {
        "primaryRegionResourceProviderUri": "https://eastus.api.azureml.ms/",
        "subscriptionId": "s",
        "resourceGroup": "r",
    }
    azure.get(DISCOVERY.format(registry), where)
    azure.get(FRONT.format(registry, model, version), {"name": version, "properties": properties})


def asked(azure: Logged, subject: Stack, tmp_path: Path, **tags: str) -> ModelCard:  # noqa: F811
    azure.get(MODEL, {"name": VERSION.version, "properties": {"modelUri": URI, "tags": {**TAGS, **tags}}})
    return gather.card(subject, VERSION, book(tmp_path), lambda: NOW)


def test_what_is_asked_of_a_version(
    azure: Logged,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each answer comes to its place; the section that tells it is tested by itself."""
    found: list[sections.Known] = []
    monkeypatch.setattr(sections, "of", lambda known: found.append(known) or ())  # type: ignore[func-returns-value]
    azure.series[2].append({"data": [{"total": 5_400_000.0}]})
    in_registry(azure, "azureml", "Phi-4-mini-instruct", "1", {"tags": {"note": "a stand-in"}})
    card = asked(azure, TRAINED, tmp_path)
    (known,) = found
    assert (known.stack, known.version, known.tags, known.at) == (TRAINED, VERSION, TAGS, NOW)
    assert (known.registered, known.data) == ("2026-11-25 10:00", None)
    assert known.recipe == {"learning_rate": "0.0001"}
    assert known.logged == {
        "loss": 1.5,
        "eval_loss": 3.0,
        "golden_score": 0.75,
        "golden_score_low": 0.4,
        "golden_score_high": 0.9,
    }
    assert [[point.value for point in curve] for curve in (known.losses.training, known.losses.held_out)] == [
        [4.0, 1.5],
        [2.5, 3.0],
    ]
    assert (known.joules, known.base.name, known.base_tags) == (
        5_400_000.0,
        "Phi-4-mini-instruct",
        {"note": "a stand-in"},
    )
    assert [job.name for job in known.jobs] == [BOLD.job_name(2), BOLD.job_name(1)]
    assert known.costs == {
        f"job {GENTLE.job_name(1)}": 16.0,
        f"job {BOLD.job_name(1)}": 2.0,
        f"job {BOLD.job_name(2)}": 8.0,
    }
    assert card == ModelCard(
        model="phi-ultrachat",
        version=VERSION.version,
        at=NOW,
        summary="Phi-4-mini-instruct fine-tuned on ultrachat, held-out loss 3.000, golden score 0.75 (0.40 to 0.90)",
        sections=(),
        losses=known.losses,
        not_read=(),
    )
    (metrics,) = [url for _, url in azure.sent if "Microsoft.Insights" in url]
    assert STACK.target.path in metrics and BOLD.job_name(2) in metrics
    assert "timespan=2026-11-25T05:00:00Z/2026-11-25T07:05:00Z" in metrics, "between the job's times"


def test_what_azure_does_not_answer_is_named(azure: Logged, tmp_path: Path) -> None:  # noqa: F811
    azure.blind = True
    azure.refuse("GET", DISCOVERY.format("azureml"), 403, "Forbidden", "not yours")
    azure.refuse("GET", f"{STACK.target.path}/providers/Microsoft.Insights/metrics", 403, "Forbidden", "not yours")
    azure.__class__ = azure.__class__.__mro__[1]
    for path in ("metrics/get-history", "runs/get"):
        azure.refuse("GET", f"{MLFLOW}/{path}", 403, "Forbidden", "not yours")
    found = asked(azure, TRAINED, tmp_path)
    told = [line.partition(" (")[0].removeprefix("Not read just now: ") for line in found.not_read]
    assert told == ["energy", "losses", "the base model", "what the job has logged"]
    assert rows(found)["training loss"] == "not told" and rows(found)["attempts"] == "2"
    azure.refuse("GET", STACK.target.path, 404, "ResourceNotFound")
    gone = asked(azure, TRAINED, tmp_path)
    assert "Not read just now: jobs and what they cost (there is no such workspace)" in gone.not_read
    assert "attempts" not in rows(gone)


def test_of_a_version_without_a_job_no_run_is_asked(azure: Logged, tmp_path: Path) -> None:  # noqa: F811
    azure.get(MODEL, {"name": VERSION.version, "properties": {"modelUri": URI, "tags": None}})
    bare = gather.card(TRAINED, VERSION, book(tmp_path), lambda: NOW)
    assert bare.summary == "an unknown model fine-tuned on unknown data" and bare.not_read == ()
    found = asked(azure, TRAINED, tmp_path, job="")
    assert not any("metrics/get-history" in url for _, url in azure.sent)
    assert rows(found)["training loss"] == "not told" and found.not_read == ()


def test_another_stacks_version_is_read_in_its_registry(azure: Logged, tmp_path: Path) -> None:  # noqa: F811
    taken = PromotionSpec(
        target=STACK.target,
        registry="mlr-phi",
        stack="dev",
        model_name="phi-ultrachat",
        model_version="7",
        model_fingerprint=BOLD.fingerprint,
        evidence={},
    )
    stages = StageSpecs(dataset=None, finetunes=(), releases={"": WANTED}, promotion=taken)
    version = dataclasses.replace(VERSION, version="7")
    subject = dataclasses.replace(STACK, stages=stages)
    in_registry(azure, "mlr-phi", "phi-ultrachat", "7", {"tags": {**TAGS, "proved_by": "dev"}})
    found = gather.card(subject, version, book(tmp_path), lambda: NOW)
    assert rows(found)["proved by"] == "dev" and rows(found)["learning_rate"] == "0.0001"
    assert not any(word in url for _, url in azure.sent for word in ("runs/get", "Insights")), "its job is elsewhere"
    azure.refuse("GET", FRONT.format("mlr-phi", "phi-ultrachat", "7"), 404, "NotFound")
    gone = r"the model could not be read \(model phi-ultrachat:7\): there is no such version any more.*--to 0` lists"
    with pytest.raises(StageError, match=gone):
        gather.card(subject, version, book(tmp_path), lambda: NOW)
    azure.refuse("GET", DISCOVERY.format("mlr-phi"), 404, "NotFound")
    with pytest.raises(StageError, match="there is no such version any more"):
        gather.card(subject, version, book(tmp_path), lambda: NOW)


def test_a_version_that_is_gone_or_cannot_be_read_has_no_card(azure: Logged, tmp_path: Path) -> None:  # noqa: F811
    with pytest.raises(StageError, match="there is no such version any more"):
        gather.card(TRAINED, VERSION, book(tmp_path), lambda: NOW)
    azure.refuse("GET", MODEL, 403, "Forbidden", "not yours")
    with pytest.raises(StageError, match=rf"the model could not be read \(model phi-ultrachat:{VERSION.version}\)"):
        gather.card(TRAINED, VERSION, book(tmp_path), lambda: NOW)


@pytest.mark.parametrize(
    ("tags", "recipe"),
    [
        ({"fingerprint": BOLD.fingerprint}, {"learning_rate": "0.0001"}),
        ({"fingerprint": "other", "recipe": "seed=42, dataset=a=b, cut"}, {"seed": "42", "dataset": "a=b"}),
        ({}, {}),
    ],
)
def test_the_recipe_is_the_stacks_own_or_what_the_tag_has(tags: dict[str, str], recipe: dict[str, str]) -> None:
    assert gather._recipe(TRAINED, tags) == recipe
    assert gather._recipe(dataclasses.replace(STACK, stages=None), {"recipe": "seed=42"}) == {"seed": "42"}


def test_the_data_card_counts_where_it_is_of_the_models_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert STACK.stages is not None and STACK.stages.dataset is not None
    (tmp_path / data_cards.CARD).write_bytes(KNOWN.data.to_json() if KNOWN.data else b"")
    there = dataclasses.replace(STACK.stages.dataset, directory=str(tmp_path))
    subject = dataclasses.replace(STACK, stages=dataclasses.replace(STACK.stages, dataset=there))
    monkeypatch.setattr(data_cards, "combined", lambda files: "abc")
    assert gather._data(subject, "abc") == KNOWN.data
    assert gather._data(subject, "") is None and gather._data(subject, "abd") is None
    assert gather._data(dataclasses.replace(STACK, stages=None), "abc") is None


@pytest.mark.parametrize("base_model", ["", "azureml://registries/azureml/models/Phi-4-mini-instruct", "a/b/c/d/e/f"])
def test_a_base_model_of_another_form_is_not_looked_up(base_model: str) -> None:
    assert gather._base({"base_model": base_model}, None) == {}  # type: ignore[arg-type]
    assert gather._base({}, None) == {}  # type: ignore[arg-type]


def test_a_base_model_is_looked_up_by_registry_name_and_version(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[RegistryAsset] = []
    monkeypatch.setattr(gather.registry, "tags", lambda asset, arm: looked.append(asset) or {"note": "x"})  # type: ignore[func-returns-value]
    assert gather._base(TAGS, None) == {"note": "x"}  # type: ignore[arg-type]
    assert looked == [RegistryAsset("azureml", "Phi-4-mini-instruct", "1")]
