"""Azure's own clients accept every answer of the emulator: each type of its table through every operation.

The clients are generated from Azure's specifications, so a status or a shape that one of them does not take is none
that Azure has. The tests of this file are one story in order: made, read, changed, acted on, deleted.
"""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from emulator.front.server import KINDS
from emulator.manager.subscription import Subscription
from tests.contract.arm import Arm
from tests.contract.official import Action, Clients, Driven, finish, read
from tests.contract.official_arm import FIRST
from tests.contract.official_ml import LAST, SUBSCRIPTIONS, THEN
from tests.contract.official_network import NETWORKED
from tests.contract.official_policies import POLICIES

LIVE = (*FIRST, *NETWORKED, *POLICIES, *THEN)
ALL = (*LIVE, *LAST)


def named(drivens: typing.Iterable[Driven]) -> list[Any]:
    return [pytest.param(driven, id=driven.type) for driven in drivens]


def having(name: str, drivens: typing.Iterable[Driven]) -> list[Any]:
    return named(driven for driven in drivens if getattr(driven, name))


@pytest.fixture(scope="module")
def clients(arm: Arm, train_file: Path) -> Clients:
    return Clients(arm, str(train_file))


def test_no_type_of_the_table_is_forgotten() -> None:
    assert sorted(driven.type for driven in ALL) == sorted(kind.type for kind in KINDS)
    assert not {driven.type: driven.missing for driven in ALL if driven.missing}


def test_nothing_that_a_subscription_tells_is_forgotten(clients: Clients) -> None:
    class Parts:
        store = None

    listed = Subscription(typing.cast(Any, Parts()))._lists
    assert set(listed) <= set(SUBSCRIPTIONS)


def test_what_a_type_lacks_is_not_driven_all_the_same() -> None:
    assert not [(driven.type, name) for driven in ALL for name in driven.lacks if getattr(driven, name, None)]


@pytest.mark.parametrize("driven", having("create", LIVE))
def test_it_is_made(clients: Clients, driven: Driven) -> None:
    assert driven.create is not None
    read(finish(driven.create(clients)))
    made = finish(driven.get(clients))
    assert made.id and made.name, made
    read(finish(driven.create(clients)))
    assert finish(driven.get(clients)).id == made.id, "made again it is the same"


@pytest.mark.parametrize("driven", named(LIVE))
def test_it_is_read(clients: Clients, driven: Driven) -> None:
    found = finish(driven.get(clients))
    read(found)
    if not driven.lists:
        return
    for members in driven.lists:
        listed = finish(members(clients))
        read(listed)
        assert found.id.lower() in [each.id.lower() for each in listed]


@pytest.mark.parametrize("driven", having("update", LIVE))
def test_it_is_changed(clients: Clients, driven: Driven) -> None:
    assert driven.update is not None
    read(finish(driven.update(clients)))
    read(finish(driven.get(clients)))


def acted(drivens: typing.Iterable[Driven]) -> list[Any]:
    return [
        pytest.param(action, id=f"{driven.type}:{name}")
        for driven in drivens
        for name, action in driven.actions.items()
    ]


def act(clients: Clients, action: Action) -> None:
    answer = finish(action.call(clients))
    read(answer)
    if action.says:
        assert getattr(answer, action.says), answer


@pytest.mark.parametrize("action", acted(LIVE))
def test_an_action_is_answered(clients: Clients, action: Action) -> None:
    act(clients, action)


@pytest.mark.parametrize("name", SUBSCRIPTIONS)
def test_a_question_about_the_subscription_is_answered(clients: Clients, name: str) -> None:
    act(clients, SUBSCRIPTIONS[name])


@pytest.mark.parametrize("driven", having("delete", LIVE[:0:-1]))
def test_it_is_deleted(clients: Clients, driven: Driven) -> None:
    """All but the group, which goes last of all."""
    assert driven.delete is not None
    finish(driven.delete(clients))
    with pytest.raises(ResourceNotFoundError):
        driven.get(clients)


@pytest.mark.parametrize("driven", named(LAST))
def test_what_is_soft_deleted_is_told_and_purged(clients: Clients, driven: Driven) -> None:
    read(finish(driven.get(clients)))
    for members in driven.lists:
        listed = finish(members(clients))
        read(listed)
        assert listed
    for action in driven.actions.values():
        act(clients, action)
    if driven.delete:
        finish(driven.delete(clients))
    with pytest.raises(ResourceNotFoundError):
        driven.get(clients)


def test_the_group_goes_last(clients: Clients) -> None:
    group = LIVE[0]
    assert group.delete is not None
    finish(group.delete(clients))
    with pytest.raises(ResourceNotFoundError):
        group.get(clients)
    with pytest.raises(HttpResponseError):
        finish(group.delete(clients))
