"""`python -m tests.reviews.known` writes what every row of review/known/ says of every value that some row knows.

The tables are long, and a word of Azure's that is misspelled in them is a change of which no review tells. So they are
written down once more as what a reader gets: which values matter, how much, and why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from review.known.access import ACCESS, ACTS_AS
from review.known.judge import NEW, Property
from review.known.learning import LEARNING
from review.known.network import NETWORK
from review.known.stages import STAGES, WORK
from review.known.stores import STORES
from review.known.table import EVERYWHERE, PROVIDER
from review.known.watching import WATCHING

FILE = Path(__file__).with_name("known.txt")
TABLES = {
    **STORES,
    **ACCESS,
    **LEARNING,
    **NETWORK,
    **WATCHING,
    **WORK,
    **{f"stage {name}": rows for name, rows in STAGES.items()},
    "whatever acts": ACTS_AS,
    "everywhere": EVERYWHERE,
    "a provider": PROVIDER,
}
VALUES: tuple[Any, ...] = (None, True, False, "", 0, 1, 11, "PT1M", [], [50, 100])
WORDS = (
    *("Enabled", "Disabled", "SecuredByPerimeter", "NotSpecified", "Allow", "Deny", "None", "AzureServices"),
    *("Logging, Metrics, AzureServices", "AccessKey", "Identity", "UserDelegationSAS", "AllowInternetOutbound"),
    *("AllowOnlyApprovedOutbound", "AADToken", "Key", "AMLToken", "TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3", "default"),
    *("recover", "beside", "recreate", "cancel", "keep", "pass", "wait", "fail", "Mon-Fri 07:00-19:00 UTC"),
)
STEPS = [(1, 2), (2, 1), ("PT1M", "P1DT2H"), ([10, 100], [50, 100]), ([100], [50, 100]), ([50, 100], [10]), (True, 3)]
SAMPLE = "another"
"""In the place of a value before that no row knows."""


def told() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    for name, rows in TABLES.items():
        yield f"\n{name}"
        for row in rows:
            default = "" if row.default is None else f" = {row.default!r}"
            yield f"  {row.path}{default}{', names it' if row.names else ''}{', harmless' if row.harmless else ''}"
            if not row.harmless:
                every = (*VALUES, *WORDS)
                yield from _findings("made with ", row, [(NEW, each) for each in every])
                yield from _findings("", row, [*((SAMPLE, each) for each in every), *STEPS])


def _findings(word: str, row: Property, changes: Sequence[tuple[Any, Any]]) -> Iterator[str]:
    """Each finding with the changes that give it; of what most of them give, it does not say which."""
    found: dict[str, list[str]] = {}
    for was, will in changes:
        level, why = row.finding(was, will)
        shown = repr(will) if was in (NEW, SAMPLE) else f"{was!r} to {will!r}"
        found.setdefault(f"{level} {why}".rstrip(), []).append(shown)
    most = max(found.values(), key=len)
    for finding, by in found.items():
        yield f"    {word}{'anything else' if by is most else ', '.join(by)}: {finding}"


if __name__ == "__main__":
    FILE.write_text(told(), encoding="utf-8")
