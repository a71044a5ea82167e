"""A limit that a job cannot come to its end within is told in the preview."""

from __future__ import annotations

from typing import Any

import pytest
from test_settings_recipes import parse

from jobs.preflight import limits
from jobs.preflight.findings import State
from jobs.preflight.limits import told

CARD = {"train": 50_000_000, "kept": {"128": 1.0}}


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What is told of settings, with a data card that has so many tokens."""

    def of(tokens: dict[str, Any] | None = None, **sections: Any) -> list[str]:
        card = type("Card", (), {"tokens": tokens}) if tokens else None
        monkeypatch.setattr(limits, "read_card", lambda _: card)
        return [f"{each.state}: {each}" for each in told(parse(**sections))]

    return of


def test_limits_that_are_enough_are_not_told_of(said: Any) -> None:
    assert said() == []
    assert said(CARD) == []


def test_without_a_card_the_components_own_waits_are_what_a_job_takes(said: Any) -> None:
    (found,) = said(finetune={"maxHours": 0.1})
    assert found.startswith(
        f"{State.WARNING}: limits: a job may run for 6 min (finetune.maxHours), and the component's "
    )
    assert "waits alone take about 7 min: it would be cancelled before its end" in found
    assert said(finetune={"maxHours": 0.2}) == []
    steps = {"max_steps": 5}
    assert said(CARD, recipe=steps, finetune={"maxHours": 0.2}) == [], "so few tokens are not the card's"


def test_with_a_card_it_is_its_estimate_by_epochs_and_nodes(said: Any) -> None:
    # 6 x 3.8 billion x 50 million / (312e12 x 0.3) is 3.4 hours.
    (found,) = said(CARD, finetune={"maxHours": 3})
    assert "may run for 3.0 h (finetune.maxHours), and by the data card one takes about 3.5 h" in found
    assert said(CARD, finetune={"maxHours": 4}) == []
    assert said(CARD, finetune={"maxHours": 4}, recipe={"num_train_epochs": 2})
    two = {"num_train_epochs": 2, "num_nodes_finetune": 2, "apply_deepspeed": True, "deepspeed_stage": 2}
    assert said(CARD, finetune={"maxHours": 4}, recipe=two, compute={"maxNodes": 2}) == []


def test_money_is_time_by_the_price_of_all_nodes(said: Any) -> None:
    dear = {"compute": {"hourlyPrice": 4}}
    (found,) = said(CARD, finetune={"maxCost": 12}, **dear)
    assert "may run for 3.0 h (finetune.maxCost)" in found
    assert said(CARD, finetune={"maxCost": 16}, **dear) == []


def test_runs_of_a_sweep_have_their_part_and_are_told_of_together(said: Any) -> None:
    sweep = {"over": {"seed": [1, 2, 3, 4]}, "maxCost": 40}
    (found,) = said(CARD, recipes={"alone": {}}, sweep=sweep, released="best", compute={"hourlyPrice": 4})
    assert found.count("sweep-") == 4 and "alone" not in found
    assert "may run for 2.5 h (finetune.maxCost or its part of sweep.maxCost)" in found
    assert "take fewer sweep.runs" in found


def test_a_sweep_with_fewer_combinations_than_runs_says_so(said: Any) -> None:
    few = {"over": {"seed": [1, 2]}, "method": "random"}
    assert said(sweep=few, released="best") == [
        "ok: sweep: 2 runs and not 8 (sweep.runs): sweep.over has no more combinations"
    ]
    assert said(sweep={**few, "runs": 2}, released="best") == []


def test_a_stack_that_takes_anothers_model_trains_nothing(said: Any) -> None:
    promote = {"promote": {"stack": "dev", "registry": "models"}}
    assert said(finetune={"maxHours": 0.05, "modelName": "phi"}, model=promote) == []
