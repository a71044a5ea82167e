"""Prepares made-up ultrachat-shaped rows, and the same rows the tutorial's way: time, memory, and their ratios.

    python -m bench.data --rows 2000 20000 200000

prints a table (Markdown) and, with --plot, draws it. It exits with 1 where preparing 200,000 rows with every check is
less than 2.5 times as fast as the tutorial's script, which checks nothing, takes 350 MB or more, takes more memory for
more rows, or works for more than a second to tell that one of several files is wrong, or that nothing has changed.

    python -m bench.data --memory 20000 1000000

prepares so many rows and so many, and exits with 1 where the latter's peak of memory is more than a tenth higher. A
million rows take 11 GB of disk for a while.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
FASTER, MOST_MB, SAME = 2.5, 350, 1.25
SEVERAL = 20_000  # rows from which several processes work
AT_ONCE = 1.0  # seconds of work, which other work on the machine does not make longer
ALIKE = 1.1  # peaks of memory, for any numbers of rows
TIMES = 10  # that the fewer rows are prepared
TRIES = 3  # of what takes less than a second, of which the best counts: a machine that does other things delays it

# What the tutorial's download_dataset.py does, for a local file.
TUTORIAL = """
import json, sys
from datasets import load_dataset
rows = load_dataset("parquet", data_files=sys.argv[1], split="train", cache_dir=sys.argv[2] + "/cache")
rows = rows.train_test_split(test_size=0.2)
for name in ("train", "test"):
    with open(f"{sys.argv[2]}/{name}_data.jsonl", "w") as file:
        for row in rows[name]:
            json.dump(row, file)
            file.write("\\n")
"""


@dataclass(frozen=True)
class Run:
    """Seconds of wall clock, and of all cores' work together, which a machine that does other things too distorts less;
    megabytes of all processes together at the worst moment, shared pages counted once."""

    seconds: float
    cpu: float
    megabytes: float


def generate(path: Path, number: int, compression: str = "snappy") -> None:
    """Rows of about 6.5 kB: two to eight messages of made-up words, the same at every run."""
    import pyarrow
    import pyarrow.parquet

    chance = random.Random(number)
    words = ["".join(chance.choices("etaoinshrdlucmfwypvbgkjqxz", k=chance.randint(2, 11))) for _ in range(8000)]
    sentences = [" ".join(chance.choices(words, k=20)).capitalize() + chance.choice(".?!\n") for _ in range(20_000)]
    message = pyarrow.struct([("content", pyarrow.string()), ("role", pyarrow.string())])
    fields = [("prompt", pyarrow.string()), ("prompt_id", pyarrow.string()), ("messages", pyarrow.list_(message))]
    schema = pyarrow.schema(fields)
    with pyarrow.parquet.ParquetWriter(path, schema, compression=compression) as writer:
        for start in range(0, number, 1000):
            rows = [_row(at, chance, sentences) for at in range(start, min(start + 1000, number))]
            writer.write_table(pyarrow.Table.from_pylist(rows, schema))


def _row(at: int, chance: random.Random, sentences: list[str]) -> dict[str, Any]:
    messages = []
    for turn in range(chance.choice((2, 4, 6, 8))):
        text = " ".join(chance.choices(sentences, k=(3, 14)[turn % 2]))
        messages.append({"content": text, "role": ("user", "assistant")[turn % 2]})
    messages[0]["content"] = f"{at}: {messages[0]['content']}"
    prompt = messages[0]["content"]
    return {"prompt": prompt, "prompt_id": hashlib.sha256(prompt.encode()).hexdigest(), "messages": messages}


def measured(command: list[str], fails: int = 0, every: float = 0.05) -> Run:
    """Run a command, its memory looked at ``every`` so many seconds.

    Raises CalledProcessError where it does not end with the status ``fails``.
    """
    started, before, most = time.perf_counter(), _worked(), 0
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            most = max(most, _memory(watched))
            time.sleep(every)
        seconds = time.perf_counter() - started
        assert process.stderr is not None
        if process.returncode != fails:
            raise subprocess.CalledProcessError(process.returncode, command, stderr=process.stderr.read())
    return Run(seconds, _worked() - before, most / 1e6)


def _worked() -> float:
    """Seconds of work of the processes that were started here and have ended, and of theirs."""
    times = os.times()
    return times.children_user + times.children_system


def _memory(process: psutil.Process) -> int:
    total = 0
    try:
        for each in (process, *process.children(recursive=True)):
            total += int(each.memory_full_info().pss)
    except psutil.Error:
        return 0  # one of them ended meanwhile; the next look counts
    return total


def compare(number: int, directory: Path) -> dict[str, Run]:
    """The three ways for ``number`` rows."""
    source = directory / f"{number}.parquet"
    generate(source, number)
    prepare = [sys.executable, "-m", "data_prep", "--quiet", "--source", str(source), "--out"]
    runs = {}
    for name, command in {
        "tutorial": [sys.executable, "-c", TUTORIAL, str(source), str(directory / "tutorial")],
        "checked": [*prepare, str(directory / "checked")],
        "near": [*prepare, str(directory / "near"), "--duplicates", "near"],
    }.items():
        (directory / name).mkdir(exist_ok=True)
        runs[name] = measured(command)
        if name == "checked":
            runs["unchanged"] = at_once(command)
        subprocess.run(["rm", "-rf", str(directory / name)], check=True)
    with_a_wrong_one(directory / "several", source)
    runs["wrong"] = at_once([*prepare[:-2], str(directory / "several"), "--out", str(directory / "none")], fails=1)
    subprocess.run(["rm", "-rf", str(directory / "several")], check=True)
    return runs


def at_once(command: list[str], fails: int = 0) -> Run:
    """The best of some tries."""
    return min((measured(command, fails) for _ in range(TRIES)), key=lambda run: run.seconds)


def with_a_wrong_one(folder: Path, source: Path) -> None:
    """``source`` as the first of five files, of which the last has no row that can be used."""
    folder.mkdir()
    source.rename(folder / "a.parquet")
    chance = random.Random(5)
    for name in "bcd":
        rows = (json.dumps(_row(at, chance, [f"{name} {at}."])) for at in range(2000))
        (folder / f"{name}.jsonl").write_text("\n".join(rows))
    (folder / "e.jsonl").write_text('{"note": "no conversation"}\n' * 2000)


def memory(fewer: int, more: int, directory: Path) -> list[Run]:
    """Two processes, so that it does not matter how many cores there are.

    The fewer rows are prepared several times, of which the worst counts: a long run has more moments to be the worst.
    """
    runs = []
    for number, times in ((fewer, TIMES), (more, 1)):
        source = directory / f"{number}.parquet"
        generate(source, number, "zstd")
        command = [sys.executable, "-m", "data_prep", "--quiet", "--processes", "2", "--source", str(source)]
        tries = []
        for _ in range(times):
            tries.append(measured([*command, "--out", str(directory / "out")], every=0.02))
            subprocess.run(["rm", "-rf", str(directory / "out")], check=True)
        source.unlink()
        runs.append(max(tries, key=lambda run: run.megabytes))
    return runs


def table(results: dict[int, dict[str, Run]]) -> str:
    """Seconds (of all cores together), megabytes, and how many times as many rows a second as the tutorial's way."""
    lines = [
        "| rows | the tutorial's way | with every check | ratio | and near duplicates | ratio |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for number, runs in results.items():
        base, checked, near = runs["tutorial"], runs["checked"], runs["near"]
        cells = [f"{run.seconds:.1f} s ({run.cpu:.1f} s), {run.megabytes:.0f} MB" for run in (base, checked, near)]
        ratios = [f"{base.seconds / run.seconds:.1f} ×" for run in (checked, near)]
        lines.append(f"| {number:,} | {cells[0]} | {cells[1]} | {ratios[0]} | {cells[2]} | {ratios[1]} |")
    most = max(results)
    unchanged, wrong = (results[most][name] for name in ("unchanged", "wrong"))
    lines.append(
        f"\nOf {most:,} rows: that nothing has changed is known after {unchanged.seconds:.2f} s "
        f"({unchanged.cpu:.2f} s), that the last of five files is wrong after {wrong.seconds:.2f} s "
        f"({wrong.cpu:.2f} s)."
    )
    return "\n".join(lines)


def plot(results: dict[int, dict[str, Run]], path: Path) -> None:
    """Seconds over rows, both logarithmic: a straight line of slope 1 is linear."""
    import pygal
    from pygal.style import CleanStyle

    from data_prep.card.text import svg

    chart = pygal.Line(
        width=720,
        height=400,
        js=(),
        no_prefix=True,
        logarithmic=True,
        style=CleanStyle,
        x_title="rows",
        y_title="seconds",
    )
    chart.x_labels = [f"{number:,}" for number in results]
    names = {"tutorial": "the tutorial's way", "checked": "with every check", "near": "and near duplicates"}
    for key, name in names.items():
        chart.add(name, [round(runs[key].seconds, 2) for runs in results.values()])
    path.write_bytes(svg(chart))


def misses(results: dict[int, dict[str, Run]]) -> list[str]:
    """What is promised and not held, of the largest number of rows."""
    numbers = sorted(results)
    most, found = results[numbers[-1]], []
    ratio = most["tutorial"].seconds / most["checked"].seconds
    if ratio < FASTER:
        found.append(f"only {ratio:.1f} times as fast as the tutorial's way")
    if most["checked"].megabytes >= MOST_MB:
        found.append(f"{most['checked'].megabytes:.0f} MB at the worst moment")
    for name, what in (("unchanged", "an unchanged source"), ("wrong", "a wrong file")):
        if most[name].cpu > AT_ONCE:
            found.append(f"{most[name].cpu:.2f} s for {what}")
    if len(numbers) > 1 and numbers[-2] >= SEVERAL:
        fewer = results[numbers[-2]]
        growth = most["checked"].megabytes / fewer["checked"].megabytes
        if growth > SAME:
            found.append(f"{growth:.2f} times the memory for {numbers[-1] / numbers[-2]:.0f} times the rows")
        rows, near = numbers[-1] / numbers[-2], most["near"].seconds / fewer["near"].seconds
        if near > 1.5 * rows:
            found.append(f"near duplicates: {near:.0f} times the time for {rows:.0f} times the rows")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[2000, 20_000])
    parser.add_argument("--plot", type=Path, help="where to draw seconds over rows, as SVG")
    parser.add_argument("--directory", type=Path, help="for the files; 200,000 rows take 6 GB for a while")
    words = "prepare so many rows, and so many, and compare their peaks of memory"
    parser.add_argument("--memory", type=int, nargs=2, metavar=("FEWER", "MORE"), help=words)
    options = parser.parse_args()
    if options.memory:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=options.directory) as directory:
            runs = dict(zip(options.memory, memory(*options.memory, Path(directory)), strict=True))
        print("; ".join(f"{rows:,} rows: {run.megabytes:.0f} MB, {run.seconds:.0f} s" for rows, run in runs.items()))
        grown = runs[options.memory[1]].megabytes / runs[options.memory[0]].megabytes
        if grown > ALIKE:
            sys.exit(f"{grown:.2f} times the memory at its peak")
        return
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.directory) as directory:
        results = {number: compare(number, Path(directory)) for number in sorted(options.rows)}
    print(table(results))
    if options.plot:
        plot(results, options.plot)
    if found := misses(results):
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
