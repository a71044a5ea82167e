"""python -m bench.recipes: what the program takes with twenty recipes, beside one, with Pulumi's mocks.

In seconds of the processor, so that a busy machine tells the same; the engine and Azure are not in it.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from documentation.program import run_program, without_engine, write_data

RUNS, MANY = 7, 20


def _several(config: dict[str, Any]) -> None:
    config["finetune-phi:recipes"] = {f"r{at}": {"learning_rate": 1e-5 * at} for at in range(1, MANY + 1)}
    config["finetune-phi:released"] = "r1"


def main() -> None:
    """Prints both medians and their ratio."""
    run = run_program.__wrapped__
    with tempfile.TemporaryDirectory() as folder, without_engine():
        write_data(Path(folder))
        os.chdir(folder)
        run("local")  # which imports everything
        taken: dict[str, list[float]] = {"one": [], "many": []}
        for _ in range(RUNS):
            for name, change in (("one", None), ("many", _several)):
                since = time.process_time()
                run("local", change)
                taken[name].append(time.process_time() - since)
        one, many = (statistics.median(taken[name]) for name in ("one", "many"))
        os.chdir("/")
    print(f"one recipe {one:.2f} s, {MANY} recipes {many:.2f} s of the processor: {many / one:.2f} times as long")


if __name__ == "__main__":
    main()
