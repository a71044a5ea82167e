"""A version's files on this machine: fetched in pieces that are gone on with, and checked by their digests.

A file is written beside its name until it is whole. What storage has computed of its content (MD5) is checked where it
has; SHA-256 of all of them are written into SUMS, by which a later run knows what is there already.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath

from cloud.arm import ML_SCOPE, Arm
from cloud.errors import NotFinished, StageError, azure_errors
from cloud.report import Report
from cloud.services import modelfiles
from cloud.services.modelfiles import File, Folder
from cloud.target import RegistryAsset
from jobs.in_service import StackEndpoint
from jobs.release.rollback import Version

SUMS = "SHA256SUMS"
_OF = ".model"
"""Says which version the folder is of: files of another have the same names, and often the same sizes."""
_PART = ".part"
_BLOCK = 1 << 20


def fetch(here: StackEndpoint, version: Version, folder: Path, report: Report, stop: threading.Event) -> str:
    """Leaves the files in ``folder``; what they are, in few words.

    Raises StageError where one cannot be read or written, or is not what storage says it is; NotFinished when ``stop``
    was set.
    """
    what = f"model {here.model}:{version.version}"
    with azure_errors("the model could not be downloaded", what), _place(here, version.version) as place:
        files = place.files()
        if not files:
            raise _damaged(here, version, "storage has no files of it")
        targets = [_inside(folder, file) for file in files]
        _keep_apart(folder, what)
        known = _known(folder)
        sums: dict[str, str] = {}
        for at, (file, target) in enumerate(zip(files, targets, strict=True), 1):
            try:
                sums[file.name] = known.get(file.name, "") if _whole(target, file, known) else ""
                if not sums[file.name]:
                    report(f"{at} of {len(files)}  {file.name}  {file.size:,} bytes")
                    sums[file.name] = _fetched(place, file, target, stop)
                    _write_sums(folder, {**known, **{name: sum_ for name, sum_ in sums.items() if sum_}})
            except OSError as error:
                todo = f"Mend that, or choose another folder with --to; what is in {folder} is gone on with."
                why = f"{target}: {error.strerror or error}"
                raise StageError("the model could not be written", on=str(folder), why=why, todo=todo) from error
        _write_sums(folder, sums)
    return modelfiles.digest(files)


def _place(here: StackEndpoint, version: str) -> AbstractContextManager[Folder]:
    """In the workspace, or in the registry that another stack's model is in."""
    taken = here.settings.model.promote
    if taken.stack:
        return modelfiles.of_registry(Arm(ML_SCOPE), RegistryAsset(taken.registry, here.model, version))
    return modelfiles.of_workspace(Arm(), here.target, here.model, version)


def _fetched(place: Folder, file: File, target: Path, stop: threading.Event) -> str:
    """Its SHA-256, once it is whole. What an interrupted run has of it is kept, and checked with the rest."""
    part = target.with_name(target.name + _PART)
    part.parent.mkdir(parents=True, exist_ok=True)
    have = part.stat().st_size if part.exists() else 0
    if have > file.size:
        part.unlink()
        have = 0
    sha, md5 = _hashes(part) if have else (hashlib.sha256(), hashlib.md5(usedforsecurity=False))
    with part.open("ab") as out:
        for chunk in place.chunks(file, have):
            out.write(chunk)
            sha.update(chunk)
            md5.update(chunk)
            if stop.is_set():
                why = f"you asked to stop at {out.tell():,} of {file.size:,} bytes"
                todo = "Run the same again: it goes on there."
                raise NotFinished("the download is not finished", on=file.name, why=why, todo=todo)
    size = part.stat().st_size
    if size != file.size or (file.md5 and md5.hexdigest() != file.md5):
        part.unlink()
        told = f"{size:,} bytes of {file.size:,}" if size != file.size else "another content than storage has computed"
        todo = "It was deleted here: run the same again. If it stays so, the file in storage is damaged."
        raise StageError("a file of the model is damaged", on=file.name, why=f"it came with {told}", todo=todo)
    part.replace(target)
    return sha.hexdigest()


def _whole(target: Path, file: File, known: dict[str, str]) -> bool:
    """Whether it is there as it was fetched."""
    if not target.is_file() or target.stat().st_size != file.size or file.name not in known:
        return False
    sha, md5 = _hashes(target)
    return sha.hexdigest() == known[file.name] and (not file.md5 or md5.hexdigest() == file.md5)


def _hashes(path: Path) -> tuple[hashlib._Hash, hashlib._Hash]:
    sha, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            sha.update(block)
            md5.update(block)
    return sha, md5


def _inside(folder: Path, file: File) -> Path:
    """Where it goes. Raises StageError for a name that leads out of the folder: whoever wrote the blob chose it."""
    path = PurePosixPath(file.name)
    if path.is_absolute() or ".." in path.parts or "\\" in file.name or not path.parts or path.name in (SUMS, _OF):
        why, todo = "its name leads elsewhere", "Nothing was written of it. Look at the model's files in the studio."
        raise StageError("a file of the model is not taken", on=file.name, why=why, todo=todo)
    return folder / path


def _keep_apart(folder: Path, what: str) -> None:
    """Raises StageError where the folder has files of another version, or cannot be written."""
    mark = folder / _OF
    try:
        said = mark.read_text(encoding="utf-8").strip() if mark.is_file() else ""
        unknown = not said and ((folder / SUMS).exists() or any(folder.rglob(f"*{_PART}")))
        if unknown or said not in ("", what):
            raise StageError(
                "the model could not be written",
                on=str(folder),
                why=f"it has files of {said or 'an unknown version'}",
                todo="Choose another folder with --to.",
            )
        folder.mkdir(parents=True, exist_ok=True)
        mark.write_text(f"{what}\n", encoding="utf-8")
    except OSError as error:
        why, todo = f"{mark}: {error.strerror or error}", "Mend that, or choose another folder with --to."
        raise StageError("the model could not be written", on=str(folder), why=why, todo=todo) from error


def _known(folder: Path) -> dict[str, str]:
    """What an earlier run has written down, by name; lines that say nothing are passed over."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    parts = [line.split("  ", 1) for line in lines]
    return {name: digest for digest, name in (part for part in parts if len(part) == 2)}


def _write_sums(folder: Path, sums: dict[str, str]) -> None:
    """As `sha256sum -c` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    (folder / SUMS).write_text(text, encoding="utf-8")


def _damaged(here: StackEndpoint, version: Version, why: str) -> StageError:
    return StageError(
        "the model could not be downloaded",
        on=f"model {here.model}:{version.version}",
        why=why,
        todo="`pulumi up --replace '**::finetune'` registers it again from its job's output.",
    )
