"""A review of a stack with several recipes: who is trained, who is not, and what each costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from test_review_prices import _row, _step

from cloud.services.prices import PriceBook
from review.cost import Amount
from review.durations import Past
from review.events import Preview
from review.report import Report, build
from review.training import finetunes
from review.verdict import Thresholds

STASH, COMPUTE, CHOICE = (
    "pulumi:index:Stash",
    "azure-native:machinelearningservices:Compute",
    "pulumi-python:dynamic:Choice",
)
MACHINE = {"properties": {"properties": {"vmSize": "Standard_NC24ads_A100_v4"}}, "location": "eastus2"}
CLUSTER = _step(COMPUTE, "cluster", "same", MACHINE, MACHINE)


def spec(name: str, fingerprint: str, epochs: int) -> dict[str, Any]:
    named = {"recipe_name": name} if name else {}
    recipe = {"num_train_epochs": epochs, "learning_rate": 1e-5}
    return {"input": {"fingerprint": fingerprint, "recipe": recipe, "gpus_per_node": 1, **named}}


def review(tmp_path: Path, *steps: Any, past: dict[str, float]) -> Report:
    preview = Preview([CLUSTER, *steps], finished=True)
    book = PriceBook(tmp_path / "prices.json", fetch=lambda meter: [_row(7.2)])
    return build("dev", preview, Past(past), book, Thresholds())


def test_one_more_recipe_is_one_more_job(tmp_path: Path) -> None:
    gentle, bold = spec("gentle", "a", 1), spec("bold", "b", 2)
    found = review(
        tmp_path,
        _step(STASH, "finetune-gentle", "same", gentle, gentle),
        _step(STASH, "finetune-bold", "create", None, bold),
        past={"finetune-gentle": 1420},
    )
    (told,) = [each for each in found.happening if "fine-tune" in each]
    assert told.startswith("starts a fine-tune by the recipe bold (")
    assert told.endswith(", learning rate 1e-05, 2 epochs, about 40 min on 1× A100)")
    assert found.cost is not None and found.cost.trains == 1
    # 1420 s at 7.20 USD an hour; twice the epochs take 2000 s more than the component's seven minutes of waiting.
    assert found.cost.recipes == {"bold": Amount(0.0, 4.84), "gentle": Amount(2.84, 2.84)}
    assert found.cost.finetune == Amount(2.84, 7.68)
    assert not [risk for risk in found.risks if risk.unknown]


def test_a_recipe_that_gets_a_name_is_not_trained_again(tmp_path: Path) -> None:
    found = review(
        tmp_path,
        _step(STASH, "finetune", "delete", spec("", "a", 1), None),
        _step(STASH, "finetune-as-before", "create", None, spec("as-before", "a", 1)),
        past={"finetune": 1420},
    )
    assert found.cost is not None and found.cost.trains == 0
    assert any(each.startswith("starts no fine-tune by the recipe as-before: ") for each in found.happening)
    assert "forgets the fine-tune; its model stays registered until the workspace goes" in found.happening


def test_the_choice_of_the_best_is_known_to_the_review(tmp_path: Path) -> None:
    place = {"subscriptionId": "s", "resourceGroup": "g", "workspace": "w", "modelName": "m", "metric": "eval_loss"}
    two, three = {**place, "candidates": {"a": "1", "b": "2"}}, {**place, "candidates": {"a": "1", "b": "2", "c": "3"}}
    found = review(tmp_path, _step(CHOICE, "choice", "update", two, three), past={})
    (risk,) = found.risks
    assert (str(risk.level), risk.unknown) == ("medium", False)
    assert risk.sentence.startswith("candidates.c: (not set) → 3: the best is chosen among other recipes")


def test_stages_of_recipes_are_fine_tunes_and_no_others() -> None:
    names = ("finetune", "finetune-gentle", "release", "finetuner")
    assert [finetunes.kind(name) for name in names] == ["finetune", "finetune", "release", "finetuner"]
