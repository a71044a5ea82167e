"""Office hours: when the model is in service, by the clock on a wall somewhere.

``Mon-Fri 07:00-19:00 Europe/Berlin``; several spans are separated by commas: ``Mon-Thu 07:00-19:00, Fri 07:00-17:00
Europe/Berlin``. A span that ends at or before its beginning ends on the next day. Where clocks are put forward over a
beginning or an end, that is an hour later; where they are put back, a span begins at the first such time and ends at
the last.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EXAMPLE = "for example Mon-Fri 07:00-19:00 Europe/Berlin"
_SPAN = re.compile(r"(?P<first>\w{3})(?:-(?P<last>\w{3}))? (?P<opens>\d\d:\d\d)-(?P<closes>\d\d:\d\d)")
_WEEK = 7 * 24 * 60


class WrongHours(Exception):
    """The rule that is broken. (A policy reads hours, too, and loads no pydantic.)"""


@dataclass(frozen=True)
class Hours:
    """Spans of minutes since the local midnight, by day of the week from Monday, and the time zone of the clock."""

    spans: tuple[tuple[int, int, int], ...]
    zone: str

    @classmethod
    def of(cls, text: str) -> Hours:
        """Raises WrongHours."""
        spans, _, zone = text.strip().rpartition(" ")
        if _zone(zone) is None:
            raise WrongHours(f"must end with a time zone, and there is no zone {zone!r}")
        found = sorted(each for part in spans.split(",") for each in _span(part.strip()))
        for one, two in zip(found, [*found[1:], (found[0][0] + 7, *found[0][1:])], strict=True):
            if one[0] * 1440 + one[2] > two[0] * 1440 + two[1]:
                raise WrongHours("must not have spans that overlap")
        return cls(tuple(found), zone)

    @property
    def share(self) -> float:
        """Of all hours, on average."""
        return sum(closes - opens for _, opens, closes in self.spans) / _WEEK

    def open_at(self, moment: datetime) -> bool:
        return any(begins <= moment < ends for begins, ends in self.between(moment, moment))

    def next_opening(self, moment: datetime) -> datetime:
        """The first one after a moment, in UTC."""
        return min(begins for begins, _ in self.between(moment, moment + timedelta(days=8)) if begins > moment)

    def closed_since(self, moment: datetime) -> datetime:
        """The last end of a span up to a moment, in UTC."""
        return max(ends for _, ends in self.between(moment - timedelta(days=8), moment) if ends <= moment)

    def between(self, first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Beginnings and ends in UTC, of the days from the one before ``first`` to the one after ``last``."""
        zone = ZoneInfo(self.zone)
        day, until = (each.astimezone(zone).date() + timedelta(days=by) for each, by in ((first, -1), (last, 1)))
        while day <= until:
            for weekday, opens, closes in self.spans:
                if day.weekday() == weekday:
                    yield _moment(day, opens, zone, folds=(0,)), _moment(day, closes, zone, folds=(0, 1))
            day += timedelta(days=1)


@functools.cache
def hours_of(text: str) -> Hours | None:
    """None for "", which is around the clock."""
    return Hours.of(text) if text else None


def share_of(text: object) -> float:
    """The part of all hours in which such a setting has the model in service.

    All of them where it says nothing, or nothing that is understood: a price is rather too high.
    """
    try:
        hours = hours_of(str(text or ""))
    except WrongHours:
        return 1.0
    return hours.share if hours else 1.0


def _span(part: str) -> Iterator[tuple[int, int, int]]:
    match = _SPAN.fullmatch(part)
    ends = [day.capitalize() for day in (match["first"], match["last"] or match["first"])] if match else []
    if match is None or not set(ends) <= set(DAYS):
        raise WrongHours("must be days, times and a time zone")
    opens, closes = (_minutes(match[each]) for each in ("opens", "closes"))
    if opens == 1440:
        raise WrongHours("must not begin at 24:00")
    first, last = map(DAYS.index, ends)
    for number in range((last - first) % 7 + 1):
        yield (first + number) % 7, opens, closes if closes > opens else closes + 1440


def _minutes(clock: str) -> int:
    hours, minutes = map(int, clock.split(":"))
    if minutes > 59 or hours * 60 + minutes > 1440:
        raise WrongHours("must have times from 00:00 to 24:00")
    return hours * 60 + minutes


def _moment(day: date, minutes: int, zone: ZoneInfo, folds: tuple[int, ...]) -> datetime:
    """That time of that day; of two that a clock put back shows, the one of the last of these folds."""
    at = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)
    return max(at.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in folds)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)  # where the machine has no zones, from tzdata, which pandas needs
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return None
