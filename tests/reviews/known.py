"""`python -m tests.reviews.known` writes what every row of review/known/ says, of every value that some row knows.

The table is long, and a word of Azure's that is misspelled in it is a change that no review tells. So it is written
down once more, as what a reader gets: which values matter, how much, and why.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from review.known.judge import NEW, Property
from review.known.table import _TABLE, EVERYWHERE, PROVIDER
from review.known.access import ACTS_AS
from review.known.stages import STAGES

FILE = Path(__file__).with_name("known.txt")
TEXTS = """
    Enabled Disabled SecuredByPerimeter NotSpecified Allow Deny None AzureServices Logging,_Metrics,_AzureServices
    AccessKey Identity UserDelegationSAS AllowInternetOutbound AllowOnlyApprovedOutbound AADToken Key AMLToken
    TLS1_0 TLS1_1 TLS1_2 TLS1_3 default recover beside recreate cancel keep pass wait fail
    Mon-Fri_07:00-19:00_UTC Mon-Sun_00:00-24:00_UTC
""".split()
VALUES: tuple[Any, ...] = (None, True, False, "", 0, 1, 2, 11, "PT1M", [], [50, 100], *(text.replace("_", " ") if "-" in text or "," in text else text for text in TEXTS))
CHANGES = ((1, 2), (2, 1), ("PT1M", "PT2H"), ("P1D", "PT2H"), ([10, 100], [50, 100]), ([100], [50, 100]), ([50, 100], [100]))
"""Besides from one that nobody knows to each of the values."""
ANOTHER = "another"


def told() -> str:
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    groups = {**_TABLE, **{f"stage {name}": rows for name, rows in STAGES.items()}}
    for name, rows in {**groups, "whatever acts": ACTS_AS, "everywhere": EVERYWHERE, "a provider": PROVIDER}.items():
        yield f"\n{name}"
        for row in rows:
            yield f"  {row.path}{_default(row)}{' names it' if row.names else ''}{' harmless' if row.harmless else ''}"
            if not row.harmless:
                yield from _findings(row)


def _default(row: Property) -> str:
    return "" if row.default is None else f" = {row.default!r}"


def _findings(row: Property) -> Iterator[str]:
    """Each finding with the changes that give it; what most give, without them."""
    found: dict[str, list[str]] = {}
    changes = [*((NEW, each) for each in VALUES), *((ANOTHER, each) for each in VALUES), *CHANGES]
    for was, will in changes:
        level, why = row.finding(was, will)
        found.setdefault(f"{level} {why}".rstrip(), []).append(_change(was, will))
    most = max(found.values(), key=len)
    for finding, by in found.items():
        yield f"    {finding}: {'all else' if by is most else ', '.join(by)}"


def _change(was: Any, will: Any) -> str:
    return f"new {will!r}" if was is NEW else repr(will) if was == ANOTHER else f"{was!r} to {will!r}"


if __name__ == "__main__":
    FILE.write_text(told(), encoding="utf-8")
