"""Which tests concern a place: those that run its line, by a record made once for each state of the files."""

from __future__ import annotations

import functools
import hashlib
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from coverage import CoverageData

from tests.mutate.places import Place
from tests.mutate.trial import Copy

PROGRAM = "tests/program"
TESTS = ("tests/unit", PROGRAM)
PAGES = ("test_docs_generated", "test_infra_reference", "test_pictures", "test_review_examples", "test_validation_cov")
"""Tests of pages made from the code: they ask for `make diagram`, not whether a change is right. They come last."""


class Concern:
    """What a run of all tests in `root` has recorded."""

    def __init__(self, record: Path, root: Path) -> None:
        self._data, self._root = CoverageData(str(record)), root
        self._data.read()
        # Recorded in another copy, of the same files.
        self._files = {name.split("/copy/")[-1]: name for name in self._data.measured_files()}

    def of(self, path: str, place: Place) -> list[str]:
        """The tests, or files of tests, those that say most first.

        What is run at import concerns whoever runs anything of the file, and of the files that import it; so does
        a function that a table calls while it is made. What a function makes may be kept for other tests (a fixture
        of a module, the program's resources), for which the record names the first one alone: the tests beside it
        come after it.
        """
        at_import = not place.in_function
        if place.in_function:
            ran_by = self._data.contexts_by_lineno(self._files.get(path, "")).get(place.line, [])
            ran = set(_tests(ran_by))
            at_import = not ran and "" in ran_by
        if not at_import:
            shared = {_shared(test) for test in ran}
            beside = {test for test in self._all if _shared(test) in shared}
            return sorted(ran | beside, key=lambda test: (is_of_pages(test), test not in ran, test))
        imports = _imports(path)
        # Tests that look at a table alone run no line of its file: those of a file that imports it are tried whole.
        whole = {test for test in self._test_files if imports.search(self._text(test))}
        near = whole | {test for test in self._of_file(path) if _file(test) not in whole}
        far = set[str]().union(*(self._of_file(file) for file in self._files if imports.search(self._text(file))))
        far = {test for test in far if _file(test) not in whole}
        return sorted(near | far, key=lambda test: (is_of_pages(test), test not in near, test))

    @functools.cached_property
    def _test_files(self) -> list[str]:
        """The files of tests."""
        found = (file for folder in TESTS for file in (self._root / folder).rglob("test_*.py"))
        return [file.relative_to(self._root).as_posix() for file in found]

    @functools.cached_property
    def _all(self) -> list[str]:
        return _tests(self._data.measured_contexts())

    def _of_file(self, path: str) -> set[str]:
        lines = self._data.contexts_by_lineno(self._files.get(path, ""))
        return set(_tests(test for line in lines.values() for test in line))

    @functools.cache  # noqa: B019 - one record, for the whole run
    def _text(self, file: str) -> str:
        return (self._root / file).read_text()


def _imports(path: str) -> re.Pattern[str]:
    """What an import of the module looks like."""
    parent, _, name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".").rpartition(".")
    return re.compile(rf"(from|import) {parent}\.{name}\b|from {parent} import .*\b{name}\b")


def _tests(contexts: Iterable[str]) -> list[str]:
    """Contexts are ``test|phase``; what is run at import has none."""
    return sorted({context.rsplit("|", 1)[0] for context in contexts if context})


def _shared(test: str) -> str:
    """What shares what it has made with the test: its file, and of the program all tests."""
    return PROGRAM if test.startswith(PROGRAM) else _file(test)


def _file(test: str) -> str:
    return test.partition("::")[0]


def is_of_pages(test: str) -> bool:
    return any(page in test for page in PAGES)


def recorded(copy: Copy, packages: Sequence[str], kept: Path) -> Concern:
    """Runs all tests once where `kept` holds no record of this state. Raises SystemExit where one fails."""
    state = hashlib.sha256()
    for file in sorted(copy.root.rglob("*.py")):
        if ".venv" not in file.relative_to(copy.root).parts:
            state.update(file.read_bytes())
    record = kept / state.hexdigest()[:16]
    if not record.exists():
        print("recording which test runs which line, once for this state of the files", flush=True)
        measured = [f"--cov={package}" for package in packages]
        done = copy.pytest("-n", "auto", *TESTS, *measured, "--cov-context=test", "--cov-report=")
        if done.returncode != 0:
            print(done.stdout[-4000:])
            sys.exit("the tests fail without any change: mend them first")
        kept.mkdir(parents=True, exist_ok=True)
        for old in kept.iterdir():
            old.unlink()
        record.write_bytes((copy.root / ".coverage").read_bytes())
    return Concern(record, copy.root)
