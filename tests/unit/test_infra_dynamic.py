"""Resources that run without the program: what they keep in the state, and what they do with nothing but that."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cloud.target import Target
from infra import choice, purge
from jobs.choosing.spec import ChoiceSpec
from settings.estate.existing import not_made

NAMES = {"vaults": ["kv"], "accounts": ["ai"]}
RECORD = {"subscriptionId": "s", "location": "eastus2", "resourceGroup": "rg", "names": NAMES}
SPEC = ChoiceSpec(
    target=Target("s", "rg", "ws"),
    model_name="m",
    metric="eval_loss",
    candidates={"a": "1", "b": "2"},
    lengths={"a": 9},
)
LIVE = {"subscriptionId": "s", "target": "/t", "holds": {"/p": "1"}}


@pytest.fixture
def worked_in(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []
    monkeypatch.setattr("cloud.credentials.work_in", calls.append)
    return calls


def test_what_is_purged_afterwards(
    worked_in: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def purged(*args: Any) -> list[str]:
        *where, say = args
        worked_in.append(where)
        say("still at it")
        return ["one", "two"]

    monkeypatch.setattr("cloud.removal.purge.purge", purged)
    provider = purge._Provider()
    made = provider.create({**RECORD, "more": 1})
    assert (made.id, made.outs) == ("rg", RECORD)
    assert provider.diff("rg", RECORD, {**RECORD, "more": 2}).changes is False
    for key in RECORD:
        assert provider.diff("rg", RECORD, {**RECORD, key: {}}).changes is True, key
    earlier = {**RECORD, "resourceGroup": "old"}
    assert provider.update("rg", earlier, RECORD).outs == {**RECORD, "earlier": [earlier]}
    provider.delete("rg", {**RECORD, "earlier": [earlier]})
    assert worked_in == ["s", ["s", "eastus2", "rg", NAMES], ["s", "eastus2", "old", NAMES]]
    assert capsys.readouterr().out == "still at it\none\ntwo\n" * 2
    assert purge.PURGED_AFTERWARDS == ["accounts", "vaults"] and provider.serialize_as_secret_always is False


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({"names": {"vaults": ["other"], "accounts": ["ai"]}}, True),
        ({"location": "westus"}, True),
        ({"resourceGroup": "other"}, True),
        ({"names": {"vaults": ["kv", "more"], "accounts": ["ai"]}}, False),
        ({"names": {"logs": ["l"], **NAMES}}, False),
    ],
)
def test_which_names_are_earlier_ones(changed: dict[str, Any], kept: bool) -> None:
    outs = purge._Provider().update("rg", RECORD, {**RECORD, **changed}).outs
    assert outs == {**RECORD, **changed, "earlier": [RECORD] if kept else []}


def test_what_is_deleted_for_good(
    worked_in: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def deleted(*args: Any) -> str:
        *what, say = args
        worked_in.append(what)
        say("still at it")
        return "gone"

    monkeypatch.setattr("cloud.removal.deletion.delete_for_good", deleted)
    provider = purge._LiveProvider()
    made = provider.create({**LIVE, "more": 1})
    assert (made.id, made.outs) == ("/t", LIVE)
    assert provider.update("/t", {}, {**LIVE, "more": 1}).outs == LIVE
    diff = provider.diff("/t", LIVE, {**LIVE, "target": "/u"})
    assert (diff.changes, diff.replaces, diff.delete_before_replace) == (True, ["target"], True)
    held = provider.diff("/t", LIVE, {**LIVE, "holds": {}})
    assert (held.changes, held.replaces, held.delete_before_replace) == (True, [], True)
    provider.delete("/t", LIVE)
    assert worked_in == ["s", ["/t", {"/p": "1"}]]
    assert capsys.readouterr().out == "still at it\ngone\n"
    assert provider.serialize_as_secret_always is False


def test_the_best_recipe_is_chosen_and_kept(
    worked_in: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def best(spec: Any) -> Any:
        return SimpleNamespace(
            name="b", values={"a": 1.23456789, "b": 0.5}, lines=lambda of: [f"{of is spec}", "b is best"]
        )

    monkeypatch.setattr("jobs.choosing.choose.best", best)
    provider, recorded = choice._Provider(), SPEC.to_inputs()
    props = {**recorded, "recipe": None}
    made = provider.create(props)
    found = {**recorded, "recipe": "b", "values": {"a": "1.23457", "b": "0.5"}}
    assert (made.id, made.outs) == ("choice", found)
    assert provider.update("choice", {}, props).outs == found
    assert worked_in == ["s", "s"]
    assert capsys.readouterr().out == "True\nb is best\n" * 2
    assert provider.diff("choice", found, props).changes is False
    assert provider.diff("choice", found, {**props, "metric": "n"}).changes is True


def test_what_a_stack_does_not_make() -> None:
    assert not_made(["vault", "project"]) == {
        "key_vault",
        "project",
        "hub",
        "ai_services",
        "ai_services_connection",
    }
    assert not_made([]) == frozenset()
