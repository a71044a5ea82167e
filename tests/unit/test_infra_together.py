"""Stages of one update that change the same at the same time hold one lease, and lose it together."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest

from cloud.errors import StageError
from cloud.services import lease
from cloud.target import Target
from infra.lifecycle import together

TARGET = Target("subscription", "group", "workspace")
Taken = list[tuple[str, threading.Event]]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Taken:
    """What happens to the lease, and the event that is set where it is lost."""
    found: Taken = []

    @contextlib.contextmanager
    def held(_target: Target, scope: str, _command: str, _report: object, stop: threading.Event) -> Iterator[None]:
        found.append((f"{scope} taken", stop))
        try:
            yield
        finally:
            found.append((f"{scope} given back", stop))

    monkeypatch.setattr(lease, "held", held)
    return found


def hold(scope: str, stop: threading.Event) -> contextlib.AbstractContextManager[None]:
    return together.held(TARGET, scope, "pulumi up", lambda _: None, stop)


def test_the_first_takes_it_and_the_last_gives_it_back(taken: Taken) -> None:
    one, two = hold("training", threading.Event()), hold("training", threading.Event())
    one.__enter__()
    two.__enter__()
    one.__exit__(None, None, None)
    assert [what for what, _ in taken] == ["training taken"]
    two.__exit__(None, None, None)
    with hold("training", threading.Event()):
        pass
    assert [what for what, _ in taken] == ["training taken", "training given back"] * 2


def test_what_changes_something_else_has_its_own(taken: Taken) -> None:
    with hold("training", threading.Event()), hold("endpoint", threading.Event()):
        assert [what for what, _ in taken] == ["training taken", "endpoint taken"]


def test_who_loses_it_stops_all_that_work_under_it(taken: Taken) -> None:
    stops = [threading.Event() for _ in range(3)]
    with hold("training", stops[0]), hold("training", stops[1]):
        (_, lost), *_ = taken
        lost.set()
        assert [stop.is_set() for stop in stops] == [True, True, False]


def test_one_that_ends_early_stops_no_other(taken: Taken) -> None:
    stops = [threading.Event() for _ in range(2)]
    with hold("training", stops[1]), hold("training", stops[0]):
        stops[0].set()
        (_, lost), *_ = taken
        assert not stops[1].is_set() and not lost.is_set()


def test_where_it_cannot_be_had_the_next_asks_again(monkeypatch: pytest.MonkeyPatch, taken: Taken) -> None:
    working = lease.held

    def busy(*_: object) -> contextlib.AbstractContextManager[None]:
        raise StageError("somebody else is at work", on="training", why="them", todo="Wait.")

    monkeypatch.setattr(lease, "held", busy)
    with pytest.raises(StageError, match="somebody else"), hold("training", threading.Event()):
        raise AssertionError("it was not had")
    monkeypatch.setattr(lease, "held", working)
    with hold("training", threading.Event()):
        assert [what for what, _ in taken] == ["training taken"]
