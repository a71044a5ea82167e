"""``python -m tests.mutate --seed 1 --number 40 --in jobs``: which changes of the product would no test notice?"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tests.mutate import concern
from tests.mutate.concern import Concern
from tests.mutate.places import Place, Text
from tests.mutate.trial import ROOT, Copy

PACKAGES = ("settings", "cloud", "chat", "flow", "jobs", "infra", "review", "policy", "data_prep")
SECONDS = 900.0  # for the tests that concern a change; one that has no end by then is noticed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutate", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="chooses the changes")
    parser.add_argument("--number", type=int, default=40, help="of changes; each is tried alone")
    parser.add_argument("--in", dest="packages", action="append", choices=PACKAGES, help="only there; may be repeated")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutate-") as place:
        whole, *others = (Copy(Path(place) / str(number)) for number in range(1 + (os.cpu_count() or 1)))
        concerned = concern.recorded(whole, PACKAGES, ROOT / ".cache" / "mutate")
        report(whole.root, others, concerned, options.packages or PACKAGES, options.seed, options.number)


def report(
    root: Path, copies: Sequence[Copy], concerned: Concern, packages: Sequence[str], seed: int, number: int
) -> None:
    """Prints each change when it was tried, then how many of each package were noticed, and those that were not.

    As many are tried at once as there are copies, each in one of its own; the files in `root` stay as they are.
    """
    free = SimpleQueue[Copy]()
    for copy in copies:
        free.put(copy)

    def noticed_by(path: str, text: str, tests: list[str]) -> str:
        copy = free.get()
        try:
            return copy.noticed(path, text, tests, SECONDS)
        finally:
            free.put(copy)

    tried, noticed, pages, untested, survivors = Counter[str](), Counter[str](), 0, 0, list[str]()
    with ThreadPoolExecutor(len(copies)) as pool:
        running = []
        for path, place, text in chosen(root, packages, seed, number):
            tests = concerned.of(path, place)
            shown = f"{path}:{place.line} {difference((root / path).read_text(), text)}"
            running.append((path, shown, tests, pool.submit(noticed_by, path, text, tests)))
        for path, shown, tests, trial in running:
            by, package = trial.result(), path.split("/")[0]
            print(f"{'noticed ' if by else 'SURVIVED'} {shown}   {by or f'({len(tests)} tests run it)'}", flush=True)
            tried[package] += 1
            noticed[package] += bool(by)
            pages += concern.is_of_pages(by)
            untested += not tests
            if not by:
                survivors.append(shown)
    print()
    for package in sorted(tried):
        print(f"{package:10} {noticed[package]:3} of {tried[package]:3}")
    share = 100 * noticed.total() / tried.total()
    print(f"{noticed.total()} of {tried.total()} noticed ({share:.0f} %), {pages} of them by made pages alone")
    print(f"{untested} are run by no test of tests/unit and tests/program; not noticed:")
    print(*survivors, sep="\n")


def chosen(root: Path, packages: Sequence[str], seed: int, number: int) -> Iterator[tuple[str, Place, str]]:
    """So many changes: the file, the place, and the file's changed text."""
    choice, seen = random.Random(seed), set[tuple[Path, Place]]()
    files = [file for package in packages for file in sorted((root / package).rglob("*.py"))]
    sizes = [file.stat().st_size for file in files]
    while len(seen) < number:
        # To find every place of every file takes a minute, so the file is drawn first, a long one more often.
        (file,) = choice.choices(files, sizes)
        text = Text(file.read_text())
        if not text.places:
            continue
        place = choice.choice(text.places)
        change = choice.randrange(place.changes)
        if (file, place) not in seen:
            seen.add((file, place))
            yield str(file.relative_to(root)), place, text.changed(place, change)


def difference(old: str, new: str) -> str:
    """The lines that differ: ``return a < b → return a <= b``."""
    was, now, end = old.splitlines(), new.splitlines(), 0
    start = next(at for at, (one, other) in enumerate(zip([*was, ""], [*now, ""], strict=False)) if one != other)
    while end < min(len(was), len(now)) - start and was[-1 - end] == now[-1 - end]:
        end += 1
    sides = (was[start : len(was) - end], now[start : len(now) - end])
    return " → ".join(" ".join(line.strip() for line in side)[:160] for side in sides)


if __name__ == "__main__":
    main()
