"""Where rows come from: the Hugging Face hub, local files, an Azure ML data asset or the bundled sample.

:func:`locate` says what a name means; nothing is read yet.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from data_prep.errors import DataError
from data_prep.source.folder import data_files, relative
from data_prep.source.sides import TEST, VALIDATION, sides
from settings.sections.sources import AZUREML, HUB_NAME, READ, SAMPLE, format_of, is_address

SAMPLE_FILE = Path(__file__).resolve().parent.parent / "sample" / "conversations.jsonl"
TUTORIAL_SOURCE = "HuggingFaceH4/ultrachat_200k"
TUTORIAL_SPLIT = "train_sft[:1%]"


@dataclass(frozen=True)
class Source:
    """A located source.

    ``files`` in the order in which they are read, none for the hub and a data asset; ``label`` is how messages call it;
    ``left_out`` says what of a folder is not read; ``sides`` (train, test or validation) are those of its files, where
    their names divide them; ``own`` are files of test and validation rows beside it, which are named in the settings.
    """

    kind: str  # hub, azureml, sample or file
    label: str
    files: tuple[Path, ...] = ()
    left_out: tuple[str, ...] = ()
    sides: Mapping[Path, str] = field(default_factory=dict)
    root: Path | None = None  # the folder that holds several files
    shares: Mapping[Path, float] = field(default_factory=dict)  # of the rows of its files that are taken, if not all
    own: Mapping[Path, str] = field(default_factory=dict)

    def holds_back(self, side: str) -> bool:
        """Whether it is said of some of its files that they are all of one side."""
        return side in self.sides.values() or side in self.own.values()


def locate(name: str, base: Path) -> Source:
    """Say what ``name`` is: ``sample``, ``azureml:…``, files (relative to ``base``) or a data set on the hub.

    A folder stands for the data files in it and below, a pattern (``*``, ``?``, ``**``) for those it matches, in the
    order of their paths. Raises :class:`DataError` for a file that is missing, empty or of a type that is not
    read, for a folder or pattern without any, and for a name that is neither.
    """
    if is_address(name):
        # Its query is not repeated: it may be a signature.
        raise DataError(
            f"{name.partition('?')[0]} is an address, and nothing is downloaded from one: fetch the file and name it, "
            "or register it as a data asset (azureml:name:version)"
        )
    if name == SAMPLE:
        return Source("sample", "the bundled sample", (SAMPLE_FILE,))
    if name.startswith(AZUREML):
        return Source("azureml", name)
    path = base / Path(name).expanduser()
    if path.is_file():
        return Source("file", name, (_readable(path),))
    if path.is_dir():
        return _several(name, path.rglob("*"), path, f"the folder {path}")
    if any(character in name for character in "*?["):
        root, found = _matching(path)
        return _several(name, found, root, f"the pattern {path}")
    if format_of(Path(name)) is not None or not HUB_NAME.fullmatch(name):
        raise DataError(
            f"there is no file {path}: the source is a file, a folder or a pattern of files ({READ}), the name of a "
            f"data set on the Hugging Face hub ({TUTORIAL_SOURCE}), a data asset (azureml:name:version) or `{SAMPLE}`"
        )
    return Source("hub", name)


def _matching(pattern: Path) -> tuple[Path, Iterable[Path]]:
    """The folder in which a pattern, relative or not, begins, and what it stands for."""
    fixed = next(parent for parent in pattern.parents if not any(sign in str(parent) for sign in "*?["))
    return fixed, fixed.glob(str(pattern.relative_to(fixed)))


def files_of(path: Path, label: str, three: bool = False) -> Source:
    """The data files that a downloaded or mounted asset, a file or a folder, consists of."""
    if path.is_dir():
        return by_name(_several(label, path.rglob("*"), path, label), three)
    return Source("file", label, (_readable(path),))


def _several(name: str, paths: Iterable[Path], root: Path, where: str) -> Source:
    found, left_out = data_files(paths, root)
    if not found:
        raise DataError(f"{where} holds no file that is read: {READ}{_but(left_out)}")
    return Source("file", name, found, left_out, root=root)


def with_own(source: Source, base: Path, named: Mapping[str, str]) -> Source:
    """``source`` with files of its user's own for a side each, side → name, "" for none.

    Raises :class:`DataError` for one that is no file, folder or pattern, and for a file that is there twice.
    """
    own: dict[Path, str] = {}
    left_out = list(source.left_out)
    for side, name in named.items():
        if not name:
            continue
        found = locate(name, base)
        if found.kind != "file":
            raise DataError(f"data.{side} must be a file, a folder or a pattern of files on this machine, is {name}")
        left_out += found.left_out
        for file in found.files:
            other = next((each for each in (*source.files, *own) if each.samefile(file)), None)
            if other is not None:
                where = own.get(other, source.label)
                raise DataError(f"{file} is named twice, as data.{side} and as {where}: its rows would be on two sides")
            own[file] = side
    return dataclasses.replace(source, own=own, left_out=tuple(left_out))


def without_validation(source: Source) -> Source:
    """``source`` as it was read before there was a third file: what is for validation by its name is left out."""
    root = source.root
    if root is None:
        return source
    spare = [file for file, side in source.sides.items() if side == VALIDATION]
    names = ", ".join(relative(file, root) for file in spare)
    kept = {file: side for file, side in source.sides.items() if side != VALIDATION}
    told = f"{names}: for validation by name, which the test rows are used for"
    return dataclasses.replace(source, files=tuple(kept), left_out=(*source.left_out, told), sides=kept)


def by_name(source: Source, three: bool = False) -> Source:
    """``source`` with the sides that the names of its files say, once it is known which of them are read.

    Without ``three`` files, those for validation are the test rows where no file is for testing.
    """
    root = source.root
    if root is None:
        return source
    named = sides([relative(file, root) for file in source.files])
    if not named:
        return source
    found = {file: named[relative(file, root)] for file in source.files}
    if not three and TEST not in found.values():
        found = {file: TEST if side == VALIDATION else side for file, side in found.items()}
    return dataclasses.replace(source, files=tuple(found), sides=found)


def held_back(source: Source, side: str = TEST) -> str:
    """The names of the files that are of one side by their names; empty where a ratio divides the rows."""
    return ", ".join(sorted(file.name for file, which in source.sides.items() if which == side))


def _but(left_out: tuple[str, ...]) -> str:
    return f" (not read: {'; '.join(left_out)})" if left_out else ""


def _readable(path: Path) -> Path:
    if format_of(path) is None:
        raise DataError(f"{path} cannot be read: its name must end in one of {READ}")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty: at least two rows with `messages` are needed")
    return path
