"""What the stage `dataset` works on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from cloud.target import Target
from data_prep.card.card import TEST, TRAIN, VALIDATION
from jobs.spec import RecipeValue, Spec, digest, whole
from settings.sections.data import PREPARATION_HOURS


@dataclass(frozen=True, kw_only=True)
class DatasetSpec(Spec):
    """Training and test data as two uri_file assets, versioned by the files' content; three with ``validation``."""

    CHANGES: ClassVar = "data"
    WHERE_SET: ClassVar = frozenset({"validation"})

    target: Target
    name: str
    fingerprint: str
    directory: str
    validation: bool = False

    @property
    def train_asset(self) -> str:
        return f"{self.name}-train"

    @property
    def test_asset(self) -> str:
        return f"{self.name}-test"

    @property
    def files(self) -> dict[str, str]:
        """Data asset → the file that it is of."""
        third = {f"{self.name}-validation": VALIDATION} if self.validation else {}
        return {self.train_asset: TRAIN, self.test_asset: TEST, **third}


@dataclass(frozen=True, kw_only=True)
class PreparationSpec(DatasetSpec):
    """The same assets, prepared by a job on a CPU cluster.

    ``fingerprint`` is that of the request (settings, source content, version of the preparation): the files' own is
    known only when the job has ended. ``options`` are data_prep's flags, with underscores; ``source`` is as in the
    settings, and so are files of ``own`` for a side (test, validation); ``directory`` is not used.
    """

    WHERE_SET: ClassVar = frozenset({"max_hours", "validation", "own", "nodes"})

    source: str
    options: dict[str, RecipeValue]
    cluster: str
    vm_size: str
    experiment: str
    max_attempts: int
    stack: str = ""
    max_hours: float = PREPARATION_HOURS
    own: dict[str, str] = field(default_factory=dict)
    nodes: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", {key: whole(value) for key, value in self.options.items()})

    @property
    def source_asset(self) -> str:
        """The uploaded files, where the source is on this machine."""
        return f"{self.name}-source"

    def own_asset(self, side: str) -> str:
        """The uploaded files of the user's own for a side."""
        return f"{self.name}-source-{side}"

    def job_name(self, attempt: int) -> str:
        """Attempts count from 1; another machine size, or number of machines, means new ones."""
        where: dict[str, str | int] = {
            "fingerprint": self.fingerprint,
            "cluster": self.cluster,
            "vm_size": self.vm_size,
        }
        where |= {"nodes": self.nodes} if self.nodes > 1 else {}
        return f"prepare-{digest(where)}-{attempt}"
