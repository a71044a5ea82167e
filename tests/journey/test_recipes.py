"""Three recipes and a sweep of eight runs with a cap, on a stack whose update is killed twice: the best is served."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest
import yaml

from emulator.machine import lifecycle
from emulator.machine.store import Store
from emulator.resources.jobs import Job
from tests.chaos.kills import family
from tests.journey.stack import WAIT_SECONDS, Checkout

pytestmark = pytest.mark.journey

ROWS = 10  # the fewest that the component trains on
RUNS, HOURS, DOLLARS = 8, 40, 16
NODES = 3
CONFIG: dict[str, Any] = {
    "recipe": {"max_steps": 8, "per_device_train_batch_size": 4, "learning_rate": 0.001},
    "recipes": {"as-it-is": {}, "bold": {"learning_rate": 0.003}, "gentle": {"learning_rate": 0.00001}},
    "sweep": {
        "method": "random",
        "over": {"learning_rate": {"min": 0.00001, "max": 0.001, "log": True}, "weight_decay": [0, 0.1]},
        "runs": RUNS,
        "maxCost": DOLLARS,
        "maxHours": HOURS,
    },
    "released": "best",
    "compute": {"maxNodes": NODES},
    "serving": {"compareWithBase": False, "drainSeconds": 0},
    "evaluation": {"questions": ""},  # so little training teaches nothing
}
UP = ("pulumi", "up", "--stack", "local", "--yes", "--skip-preview")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    checkout = Checkout.make(tmp_path_factory.mktemp("recipes") / "checkout")
    path = checkout.root / "Pulumi.local.yaml"
    stack = yaml.safe_load(path.read_text())
    stack["config"] |= {f"finetune-phi:{key}": value for key, value in CONFIG.items()}
    path.write_text(yaml.safe_dump(stack))
    assert checkout.python("-m", "data_prep", "--stack", "local").returncode == 0
    for name in ("train", "test"):
        rows = checkout.root / "data" / f"{name}_data.jsonl"
        rows.write_text("".join(rows.read_text().splitlines(keepends=True)[:ROWS]))
    # By a command of its own, so that a kill of an update does not end it.
    assert checkout.python("-m", "emulator", "start").returncode == 0
    assert checkout.emulated("pulumi", "stack", "init", "local").returncode == 0
    yield checkout
    lifecycle.stop(checkout.home)


def states(checkout: Checkout) -> dict[str, str]:
    """Of every job there has been."""
    store = Store(checkout.home.database)
    try:
        return {each.name: str(each.internal["status"]) for each in store.of_type(Job.type)}
    finally:
        store.close()


def killed(checkout: Checkout, when: Callable[[Counter[str]], bool]) -> str:
    """An update, of which engine, program and stages are gone as soon as the jobs are so; then what the pages say.

    What it had printed by then.
    """
    up, deadline = checkout.start(*UP), time.monotonic() + WAIT_SECONDS
    while not when(Counter(states(checkout).values())):
        assert up.poll() is None, up.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for process in family(up.pid):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    said = up.communicate(timeout=30)[0]
    recovered = checkout.emulated(sys.executable, "-m", "jobs", "recover", "--stack", "local")
    assert recovered.returncode == 0, recovered.stdout + recovered.stderr
    return said


def test_the_best_of_eleven_is_served_though_the_update_is_killed_twice(checkout: Checkout) -> None:
    said = killed(checkout, lambda jobs: jobs["Running"] >= NODES)
    before = states(checkout)
    said += killed(checkout, lambda jobs: jobs["Completed"] >= RUNS // 2 and jobs["Completed"] < RUNS + 3)
    done = checkout.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr

    # Each once, and those of the first update among them.
    jobs = states(checkout)
    assert set(before) <= set(jobs)
    assert Counter(jobs.values()) == {"Completed": RUNS + 3}
    assert all(name.endswith("-1") for name in jobs), jobs

    # All runs of the sweep together cannot cost more than its cap. What a killed update was about to say is lost.
    said += done.stdout
    limits = dict(re.findall(r"finetune-(\S+): job \S+ submitted, .*; it may run for .* \((.*)\)", said))
    assert len(limits) >= RUNS, said
    for name, limit in limits.items():
        part = f"sweep.maxCost is {DOLLARS / RUNS:g} USD" if name.startswith("sweep-") else "finetune.maxHours is 12"
        assert part in limit, (name, limit)

    (told,) = set(re.findall(r"the best recipe by eval_loss is (\S+) \((.*)\)", done.stdout))
    losses = {name: float(value) for name, value in (each.split(" ") for each in told[1].split(", "))}
    assert len(losses) == RUNS + 3 and losses[told[0]] == min(losses.values())
    status = checkout.status()
    assert status["recipe"] == told[0]
    (live,) = status["deployments"]
    assert live["traffic"] == 100


def test_a_table_and_pictures_show_all_of_them(checkout: Checkout) -> None:
    done = checkout.emulated(sys.executable, "-m", "jobs", "compare", "--stack", "local")
    assert done.returncode == 0, done.stdout + done.stderr
    folder = checkout.root / ".evaluation" / "local"
    rows = json.loads((folder / "recipes.json").read_text())["recipes"]
    assert len(rows) == RUNS + 3
    best = min(rows, key=lambda row: row["held_out_loss"])
    assert [row["recipe"] for row in rows if row["released"]] == [best["recipe"]]
    page, text = ((folder / name).read_text() for name in ("recipes.html", "recipes.md"))
    for row in rows:
        assert row["state"] == "done" and row["hours"] > 0, row
        assert row["recipe"] in page and f"| {row['recipe']}" in text
    picture = (folder / "held-out-loss.svg").read_text()
    assert picture.startswith("<svg") and picture in page


def test_a_second_up_changes_nothing(checkout: Checkout) -> None:
    jobs = states(checkout)
    done = checkout.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Resources:\s+\d+ unchanged\n", done.stdout), done.stdout
    assert states(checkout) == jobs
