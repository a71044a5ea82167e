"""Why nothing is written, in words: rows that cannot be used, and a side without rows."""

from __future__ import annotations

from data_prep.card.stats import Kind, Stats
from data_prep.errors import DataError
from data_prep.request import Request, part
from data_prep.row import split
from data_prep.row.remedies import REMEDIES
from data_prep.run import worker
from data_prep.run.opening import Opened


def refuse_bad(stats: Stats, request: Request, rows: Opened) -> None:
    """Raise :class:`DataError` for bad rows under the policy, and where there was no row at all."""
    if not stats.seen:
        raise DataError(f"{rows.label} holds no rows: nothing to split")
    if not stats.bad:
        return
    remedy = "A row needs question and answer, in a shape of docs/data.md; --look shows what is made of the first rows."
    if request.bad_rows == "refuse" and stats.bad == stats.seen == worker.HOPELESS:
        head = f"{rows.label}: none of the first {stats.seen:,} rows can be used; no others were read or written:"
    elif request.bad_rows == "refuse":
        head = f"{rows.label}: {stats.bad} of {stats.seen} rows cannot be used; nothing was written:"
        remedy += " Mend or remove them, leave them out (badRows: skip), or have them mended (badRows: repair)."
    else:
        most = part(request.max_rejected, "the limit of rejected rows", least=0)
        limit = int(most * stats.seen) if isinstance(most, float) else most
        if stats.bad <= limit:
            return
        head = (
            f"{rows.label}: {stats.bad} of {stats.seen} rows cannot be used, and at most {limit} may be rejected "
            f"(maxRejected: {request.max_rejected}); nothing was written:"
        )
    raise DataError("\n".join([head, *(_told(code, kind) for code, kind in stats.kinds.items()), remedy]))


def _told(code: str, kind: Kind) -> str:
    """A kind of problem: its first row in words, the next ones by their places, and what to do."""
    (where, problem), *others = kind.first
    told = f"  {where}: {problem}"
    if kind.rows > 1:
        file = f"{where}".rpartition(":")[0]
        more = ", …" if kind.rows - 1 > len(others) else ""
        told += (
            f"; {kind.rows - 1} more like it ({', '.join(str(place).removeprefix(file) for place, _ in others)}{more})"
        )
    return f"{told}: {REMEDIES[code]}" if code in REMEDIES else told


def refuse_one_sided(stats: Stats, request: Request, rows: Opened) -> None:
    """Raise :class:`DataError` where one of the files would be empty."""
    if request.within is not None:
        return  # a mixture has rows of others as well
    words = {split.TEST: "test", split.TRAIN: "training"}
    if request.three or rows.holds_back_by_name(split.VALIDATION):
        words[split.VALIDATION] = "validation"
    for side, name in words.items():
        if not stats.sides[side]:
            if side != split.TRAIN and rows.holds_back_by_name(side):
                files = ", ".join(dict.fromkeys(str(piece.path) for piece in rows.pieces if piece.side == side))
                raise DataError(
                    f"{files}: no row can be used, and the {name} rows are to come from there alone; nothing was "
                    "written: mend it, or name another file"
                )
            share = f", of which {request.rows} were asked for" if rows.share < 1 else ""
            good = stats.seen - stats.bad - stats.aside.total()
            ratio, asked = (
                ("validation ratio", request.validation_ratio)
                if side == split.VALIDATION
                else ("test ratio", request.test_ratio)
            )
            raise DataError(
                f"a {ratio} of {asked} leaves no {name} row: {rows.label} has {good}{share}, and a "
                "row's first question decides its side; nothing was written: use more rows with different questions, "
                f"another ratio or another seed (now {request.seed})"
            )
