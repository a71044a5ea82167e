"""Reads, checks and splits the rows of a source and writes the two files with their card."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from data_prep import mixing
from data_prep.card import card as cards
from data_prep.card import digests
from data_prep.card.card import CARD, PAGE, REJECTED, TEST, TRAIN, VALIDATION, Card
from data_prep.errors import DataError
from data_prep.request import Request
from data_prep.run.replace import replacing
from data_prep.run.scratch import sweep
from data_prep.run.targets import refuse_to_overwrite, without_results
from data_prep.source import locate as sources
from data_prep.source.azureml import Workspace

if TYPE_CHECKING:
    from data_prep.run.parts import Parts

__all__ = ["Prepared", "Request", "divide", "prepare"]


@dataclass(frozen=True)
class Prepared:
    """The files in place; ``made`` is False where they already were what was asked for."""

    directory: Path
    card: Card
    made: bool

    @property
    def train(self) -> Path:
        return self.directory / TRAIN

    @property
    def test(self) -> Path:
        return self.directory / TEST

    @property
    def rejected(self) -> tuple[Path, ...]:
        """Where the rejected rows are with their reasons: of a mixture a file for each source that has any."""
        places = [self.directory, *sorted((self.directory / mixing.PLACE).glob("*"))]
        there = [place / REJECTED for place in (places[1:] if self.card.parts else places[:1])]
        return tuple(path for path in there if self.card.rows["rejected"] and path.is_file())

    @property
    def files(self) -> tuple[Path, ...]:
        """Of training, test and, of three, validation rows."""
        return tuple(self.directory / name for name in (TRAIN, TEST, VALIDATION) if name in self.card.files)


def prepare(
    request: Request,
    report: Callable[[str], None],
    again: bool = False,
    quiet: bool = True,
    workspace: Workspace | None = None,
    parts: Sequence[Path] = (),
) -> Prepared:
    """Bring the files and their card into the directory of ``request``.

    Nothing is done, and nothing heavy imported, where the card and the files show that they were made from the same
    source content and settings; of a hub data set and a data asset the settings alone are compared. ``again`` makes
    them regardless. ``workspace`` is where an ``azureml:`` source is looked up. ``parts`` are what :func:`divide` has
    left on several machines of all rows, which are then only joined, whatever is there.

    Raises :class:`DataError` for anything wrong with the source, its rows or the directory; earlier files
    then stay as they were.
    """
    if request.sources:
        return _mixed(request, report, again, quiet, workspace)
    directory = request.directory
    source = _located(request)
    try:
        if (earlier := _of_two_files(source, request, again or bool(parts))) is not None:
            report(_TWO)
            source = earlier
        divided = _joined(parts, source)
        files_read = (*source.files, *source.own)
        before = [digests.state(file) for file in files_read]
        origin = None if parts else _Later(lambda: _origin(source))
        card = cards.read(directory)
        same = card is not None and card.settings == request.deciding(bool(source.files))
        same = same and card is not None and _sides(source).items() == _sides_of(card).items()
        if card is not None and origin is not None and same and origin.result().items() <= card.source.items():
            files = cards.digests(directory)
            if card.files == files and not again:
                sweep(directory)
                return Prepared(directory, _estimated(card, request), made=False)
            if files is not None and card.files != files:
                report(f"{_changed(card.files, files)} in {directory} was changed since it was made; making it again")
        report(f"reading {source.label}")
        for line in source.left_out:
            report(f"not read: {line}")
        for line in _held_back(source):
            report(line)
        from data_prep.run.making import make

        def unchanged(reckoned: Mapping[Path, str]) -> dict[str, str]:
            found = _origin(source, reckoned) if origin is None else origin.result()
            digests.refuse_changed(files_read, before)
            return found

        try:
            card = make(source, request, unchanged, workspace, report, quiet, divided=divided)
        except DataError:
            digests.refuse_changed(files_read, before)  # that is why, rather than what was found in it
            raise
        for name, found in card.files.items():
            digests.written(directory / name, found)
    except OSError as error:
        raise _no_result(error, directory) from error
    if request.within is None:
        mixing.swept(request)  # of a mixture that it was before
    return Prepared(directory, card, made=True)


def divide(request: Request, share: str, report: Callable[[str], None], quiet: bool = True) -> None:
    """Work through a part of the rows (``2/3``) and leave it in the directory of ``request``, to be joined with others.

    Raises :class:`DataError`.
    """
    from data_prep.run.parts import Share, make

    if request.sources:
        raise DataError("a mixture is made of whole sources, so it cannot be divided among machines")
    source = _located(request)
    try:
        make(source, request, Share.read(share), report, quiet)
    except OSError as error:
        raise _no_result(error, request.directory) from error


def _joined(parts: Sequence[Path], source: sources.Source) -> Parts | None:
    if not parts:
        return None
    from data_prep.run.parts import Parts

    return Parts(parts, source)


def _located(request: Request) -> sources.Source:
    """The source, without what a run has left where the results go. Raises DataError, also where it is one of them."""
    results = request.within or request.directory
    source = _divided(without_results(sources.locate(request.source, request.base), results, request.three), request)
    refuse_to_overwrite(source, results)
    return source


def _mixed(
    request: Request, report: Callable[[str], None], again: bool, quiet: bool, workspace: Workspace | None
) -> Prepared:
    """A mixture: its sources one after the other, then all together. Raises DataError."""
    directory = request.directory
    requests = mixing.each(request)
    for each in requests:
        _located(each)  # before the first one is worked through
    own = [prepare(each, report, again, quiet, workspace).card for each in requests]
    try:
        source, told = mixing.mixture(request, own)
        origin = mixing.origin(source, own)
        card = cards.read(directory)
        same = card is not None and card.settings == request.deciding(files=True)
        same = same and card is not None and origin.items() <= card.source.items() and not again
        if card is not None and same and card.files == cards.digests(directory):
            return Prepared(directory, _estimated(card, request), made=False)
        for line in told:
            report(line)
        from data_prep.run.making import make

        card = make(
            source,
            mixing.together(request),
            lambda _: origin,
            workspace,
            report,
            quiet,
            finished=lambda card, kept: mixing.described(card, request, own, kept),
        )
        mixing.swept(request)
    except OSError as error:
        raise _no_result(error, directory) from error
    return Prepared(directory, card, made=True)


_TWO = (
    "the validation files are not read, as they were not when these files were made, and a third file would train the "
    "model anew: data.validationRatio (any above 0) or --again has them made into one"
)


def _divided(source: sources.Source, request: Request) -> sources.Source:
    """With the files of test and validation rows that the settings name."""
    return sources.with_own(source, request.base, {"test": request.test, "validation": request.validation})


def _of_two_files(source: sources.Source, request: Request, again: bool) -> sources.Source | None:
    """The source as it was when there were two files, where these are there and still what it makes."""
    card = cards.read(request.directory)
    if again or request.three or card is None or VALIDATION in card.files or not source.holds_back("validation"):
        return None
    earlier = sources.without_validation(source)
    same = card.settings == request.deciding(files=True) and _sides(earlier) == _sides_of(card)
    return earlier if same and _origin(earlier).items() <= card.source.items() else None


def _sides(source: sources.Source) -> dict[str, str]:
    """Which files are held back by their names, as a card has it."""
    named = {"held_back": "test", "validated_by": "validation"}
    return {key: found for key, side in named.items() if (found := sources.held_back(source, side))}


def _sides_of(card: Card) -> dict[str, str]:
    return {key: card.source[key] for key in ("held_back", "validated_by") if key in card.source}


def _held_back(source: sources.Source) -> list[str]:
    """What decides the side of rows in place of a ratio, in words."""
    told = []
    for side in ("test", "validation"):
        if names := sources.held_back(source, side):
            told.append(f"held back as {side} rows, by name: {names}; {side}Ratio does not apply")
        if own := ", ".join(str(file) for file, which in source.own.items() if which == side):
            told.append(f"the {side} rows are those of {own} (data.{side}); {side}Ratio does not apply")
    return told


def _no_result(error: OSError, directory: Path) -> DataError:
    where, reason = error.filename or directory, error.strerror or error
    return DataError(f"{where}: {reason}; nothing was written, earlier files are as they were")


def _origin(source: sources.Source, reckoned: Mapping[Path, str] = MappingProxyType({})) -> dict[str, str]:
    """What a card says of a source before it is opened."""
    found = {"kind": source.kind}
    if source.files:
        found["sha256"] = digests.digest_of(source.files, reckoned)
    for side in dict.fromkeys(source.own.values()):
        files = [file for file, which in source.own.items() if which == side]
        found[f"{side}_sha256"] = digests.digest_of(files, reckoned)
    return found | _sides(source)


class _Later:
    """A result that is worked for beside everything else; nobody waits for it who does not ask."""

    def __init__(self, work: Callable[[], dict[str, str]]) -> None:
        self._future: Future[dict[str, str]] = Future()
        threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def _run(self, work: Callable[[], dict[str, str]]) -> None:
        try:
            self._future.set_result(work())
        except OSError as error:  # raised where the result is asked for
            self._future.set_exception(error)
        finally:
            self._future.cancel()  # after anything else: nobody shall wait for ever

    def result(self) -> dict[str, str]:
        return self._future.result()


def _estimated(card: Card, request: Request) -> Card:
    """The card with the estimate for today's recipe, which is no reason to make the files again."""
    from data_prep.card.lengths import cost

    recipe = cost(card.tokens, request.model, request.recipe)
    if recipe == card.recipe:
        return card
    from data_prep.card.text import markdown

    card = dataclasses.replace(card, recipe=recipe)
    with replacing(request.directory, (CARD, PAGE)) as (data, page):
        data.write(card.to_json())
        page.write(markdown(card))
    return card


def _changed(made: dict[str, str], found: dict[str, str]) -> str:
    return " and ".join(name for name in found if made.get(name) != found[name])
