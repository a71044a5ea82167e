"""Office hours: what is understood, when they are open, also where clocks change, and what part of a month they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from settings.problems import SettingsError
from settings.sections.hours import Hours, WrongHours, hours_of, share_of
from settings.stack import parse

BERLIN = "Mon-Fri 07:00-19:00 Europe/Berlin"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def seconds_open(hours: Hours, first: str, last: str) -> float:
    """Hours, minute by minute."""
    moment, end, found = at(first), at(last), 0
    while moment < end:
        found += hours.open_at(moment)
        moment += timedelta(minutes=1)
    return found / 60


@pytest.mark.parametrize(
    ("text", "spans", "week"),
    [
        (BERLIN, [(day, 420, 1140) for day in range(5)], 60),
        ("Mon 09:00-17:00 UTC", [(0, 540, 1020)], 8),
        ("mon-tue 09:00-12:00, Mon 13:00-24:00 UTC", [(0, 540, 720), (0, 780, 1440), (1, 540, 720)], 17),
        ("Sat-Mon 00:00-24:00 UTC", [(0, 0, 1440), (5, 0, 1440), (6, 0, 1440)], 72),
        ("Fri 22:00-06:00 America/New_York", [(4, 1320, 1800)], 8),
        ("Mon-Sun 00:00-24:00 Asia/Kolkata", [(day, 0, 1440) for day in range(7)], 168),
    ],
)
def test_what_is_understood(text: str, spans: list[tuple[int, int, int]], week: float) -> None:
    found = Hours.of(text)
    assert list(found.spans) == spans
    assert found.share * 168 == pytest.approx(week)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Mon-Fri 07:00-19:00", "no zone '07:00-19:00'"),
        ("Mon-Fri 07:00-19:00 Europe/Berlim", "no zone 'Europe/Berlim'"),
        ("Mon-Fri 07:00-19:00 ../../etc/passwd", "no zone"),
        ("Europe/Berlin", "must be days, times and a time zone"),
        ("Mon-Fri 7-19 Europe/Berlin", "must be days, times and a time zone"),
        ("Mo-Fr 07:00-19:00 Europe/Berlin", "must be days, times and a time zone"),
        ("Mon-Fry 07:00-19:00 Europe/Berlin", "must be days, times and a time zone"),
        ("Mon 07:60-19:00 UTC", "times from 00:00 to 24:00"),
        ("Mon 07:00-24:01 UTC", "times from 00:00 to 24:00"),
        ("Mon 24:00-12:00 UTC", "must not begin at 24:00"),
        ("Mon 07:00-12:00, Mon 11:00-13:00 UTC", "overlap"),
        ("Sun 22:00-08:00, Mon 07:00-12:00 UTC", "overlap"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(WrongHours) as caught:
        Hours.of(text)
    assert why in str(caught.value)


def test_a_stack_file_with_wrong_hours_is_refused_with_the_key() -> None:
    config = {"finetune-phi:purgeOnDestroy": True, "finetune-phi:serving": {"hours": "office hours"}}
    with pytest.raises(SettingsError, match=r"finetune-phi:serving.hours = \"office hours\"") as caught:
        parse(config, "test")
    assert "for example Mon-Fri 07:00-19:00 Europe/Berlin" in str(caught.value)
    for empty in ("", BERLIN):
        config["finetune-phi:serving"] = {"hours": empty}
        assert parse(config, "test").serving.hours == empty


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-11-23T05:59", "2026-11-23T06:00"),  # a Monday in winter, at 06:59
        ("2026-11-23T06:00", ""),
        ("2026-11-23T17:59", ""),
        ("2026-11-23T18:00", "2026-11-24T06:00"),
        ("2026-11-27T18:00", "2026-11-30T06:00"),  # Friday evening
        ("2026-07-06T05:00", ""),  # a Monday in summer, at 07:00
        ("2026-10-23T17:00", "2026-10-26T06:00"),  # over the weekend on which clocks are put back
        ("2027-03-26T18:00", "2027-03-29T05:00"),  # and forward
    ],
)
def test_open_and_the_next_opening(moment: str, opens: str) -> None:
    hours = Hours.of(BERLIN)
    assert hours.open_at(at(moment)) is not bool(opens)
    if opens:
        assert hours.next_opening(at(moment)) == at(opens)
        assert hours.closed_since(at(moment)) <= at(moment)


def test_the_last_closing() -> None:
    hours = Hours.of(BERLIN)
    assert hours.closed_since(at("2026-11-29T12:00")) == at("2026-11-27T18:00")
    assert hours.closed_since(at("2026-10-26T05:00")) == at("2026-10-23T17:00")
    assert Hours.of("Fri 22:00-06:00 UTC").closed_since(at("2026-11-28T06:00")) == at("2026-11-28T06:00")


@pytest.mark.parametrize(
    ("text", "first", "last", "hours"),
    [
        # Clocks go back at 03:00 on 2026-10-25 (02:30 is there twice), and forward at 02:00 on 2027-03-28 (or never).
        ("Sun 02:30-04:00 Europe/Berlin", "2026-10-24T00:00", "2026-10-26T00:00", 2.5),
        ("Sun 01:00-02:30 Europe/Berlin", "2026-10-24T00:00", "2026-10-26T00:00", 2.5),
        ("Sun 00:00-24:00 Europe/Berlin", "2026-10-24T00:00", "2026-10-26T12:00", 25),
        ("Sun 02:30-04:00 Europe/Berlin", "2027-03-27T00:00", "2027-03-29T00:00", 0.5),
        ("Sun 01:00-02:30 Europe/Berlin", "2027-03-27T00:00", "2027-03-29T00:00", 1.5),
        ("Sun 00:00-24:00 Europe/Berlin", "2027-03-27T00:00", "2027-03-29T12:00", 23),
        ("Sat 22:00-06:00 Europe/Berlin", "2026-10-24T12:00", "2026-10-25T12:00", 9),
        (BERLIN, "2026-10-19T00:00", "2026-11-02T00:00", 120),
    ],
)
def test_where_clocks_change(text: str, first: str, last: str, hours: float) -> None:
    assert seconds_open(Hours.of(text), first, last) == hours


def test_the_part_of_all_hours() -> None:
    assert share_of("") == share_of(None) == share_of("half past nine") == 1.0
    assert share_of(BERLIN) == pytest.approx(60 / 168)
    assert hours_of("") is None
