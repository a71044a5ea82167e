"""A sweep of eight runs with a cap, whose operator is killed twice: each is one job, and the best of them is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud.arm import Arm as Rest
from cloud.errors import StageError
from cloud.services.mlflow import RunHistory
from emulator.machine.home import Home
from jobs.choosing import choose
from jobs.choosing.spec import ChoiceSpec
from jobs.training import finetune
from jobs.training.spec import FinetuneSpec
from settings.recipes.sweep import recipes
from settings.stack import Settings
from tests.changing import changed
from tests.contract.arm import Arm
from tests.contract.stages import Place

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = Settings.model_validate(
    {
        "purgeOnDestroy": True,
        "sweep": {
            "over": {"learning_rate": {"min": 0.00001, "max": 0.001, "log": True}, "num_train_epochs": [1, 2]},
            "method": "random",
            "runs": 8,
            "maxHours": 4,
        },
        "released": "best",
    }
)
OPERATOR = """
import dataclasses, json, sys, threading
from concurrent.futures import ThreadPoolExecutor
from jobs.training import finetune
from jobs.training.spec import FinetuneSpec

specs = [FinetuneSpec.from_inputs(each) for each in json.load(sys.stdin)]
every = [each.fingerprint for each in specs]
specs = [dataclasses.replace(each, beside=tuple(set(every) - {each.fingerprint})) for each in specs]
with ThreadPoolExecutor(len(specs)) as pool:
    list(pool.map(lambda spec: finetune.run(spec, lambda line: None, threading.Event()), specs))
"""
"""What an update does of a sweep, in a process that can be killed."""


@pytest.fixture(scope="module")
def place(arm: Arm, home: Home, train_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(arm, home, train_file, tmp_path_factory.mktemp("sweep"), "sweep")
    place.hold()
    yield place
    place.release()


def runs_of(place: Place) -> list[FinetuneSpec]:
    """As the program makes them, in this workspace."""
    alone = [
        changed(
            place.recipe(0),
            recipe={"seed": 0, **own},
            recipe_name=name,
            max_hours=SETTINGS.finetune_of(name).max_hours,
        )
        for name, own in recipes(SETTINGS.sweep).items()
    ]
    every = [each.fingerprint for each in alone]
    return [replace(each, beside=tuple(other for other in every if other != each.fingerprint)) for each in alone]


def killed(runs: list[FinetuneSpec], when: Callable[[], bool]) -> None:
    """An operator at work on all of them, killed as soon as that is so."""
    told = json.dumps([each.to_inputs() for each in runs])
    child = subprocess.Popen([sys.executable, "-c", OPERATOR], cwd=ROOT, stdin=subprocess.PIPE, env=dict(os.environ))
    assert child.stdin is not None
    child.stdin.write(told.encode())
    child.stdin.close()
    deadline = time.monotonic() + 120
    while not when():
        assert child.poll() is None, "it has ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.1)
    child.send_signal(signal.SIGKILL)
    child.wait()


def test_eight_runs_end_with_a_winner_though_the_operator_is_killed_twice(place: Place) -> None:
    runs = runs_of(place)
    assert len({each.fingerprint for each in runs}) == 8
    assert {each.finetune.max_hours for each in runs} == {0.5}, "four hours for all of them"

    def there() -> int:
        return sum(bool(place.status(each.job_name(1))) for each in runs)

    killed(runs, lambda: there() >= 3)
    killed(runs, lambda: there() == 8)
    # Meanwhile Azure goes on: half of the jobs complete, and nobody looks. The third operator waits for the others.
    for each in runs[:4]:
        place.becomes(each.job_name(1), "Completed")

    def rest() -> None:
        for each in runs[4:]:
            place.becomes(each.job_name(1), "Completed")

    later = threading.Timer(5, rest)
    later.start()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: finetune.run(each, lambda _: None, threading.Event()), runs))
    later.join()
    assert [place.attempts(each) for each in runs] == [{1: "Completed"}] * 8, "each was submitted once"

    history = RunHistory(place.target, Rest())
    losses = {each.recipe_name: 3 - at / 10 for at, each in enumerate(runs)}
    for each in runs:
        history.log(each.job_name(1), {"eval_loss": losses[each.recipe_name]})
    candidates = {each.recipe_name: each.fingerprint for each in runs}
    spec = ChoiceSpec(target=place.target, model_name="tuned", metric="eval_loss", candidates=candidates, lengths={})
    found = choose.best(spec)
    assert (found.name, found.values) == (runs[-1].recipe_name, losses)


def test_a_run_that_reaches_its_part_of_the_cap_is_ended_alone(place: Place) -> None:
    runs = [changed(each, recipe={**each.recipe, "seed": 1}) for each in runs_of(place)[:2]]
    late, other = runs
    place.left(late, "Running")
    place.left(other, "Running")
    place.began(late.job_name(1), datetime.now(UTC) - timedelta(minutes=31))
    with pytest.raises(StageError, match="reached its limit and was cancelled"):
        place.finetune(replace(late, beside=(other.fingerprint,)))
    assert (place.attempts(late), place.attempts(other)) == ({1: "Canceled"}, {1: "Running"})
