"""What the stages work on where there are several recipes, a registry, or another stack's model."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
from test_jobs_stage_inputs import SUBSCRIPTION

from cloud import place
from jobs import specs
from jobs.preflight.spec import Machines
from settings.stack import Settings


def several(**more: Any) -> tuple[Settings, Any]:
    config: dict[str, Any] = {"purgeOnDestroy": True, "finetune": {"modelName": "tuned"}, **more}
    chosen = Settings.model_validate(config)
    return chosen, place.Place.of(chosen, "team", SUBSCRIPTION)


RECIPES = {"gentle": {"learning_rate": 1e-5}, "bold": {"learning_rate": 1e-4, "max_seq_length": 512}}


def test_several_recipes_have_a_release_each_where_the_best_is_taken() -> None:
    best = specs.specs(*several(recipes=RECIPES, released="best"), "0123456789ab")
    gentle, bold = best.finetunes
    assert (gentle.recipe_name, bold.recipe_name, gentle.beside, bold.beside) == (
        "gentle",
        "bold",
        (bold.fingerprint,),
        (gentle.fingerprint,),
    )
    assert {name: each.model_version for name, each in best.releases.items()} == {
        "gentle": gentle.model_version,
        "bold": bold.model_version,
    }
    assert best.choice is not None and best.shares == {} and best.promotion is None
    assert (best.choice.model_name, best.choice.metric, best.choice.candidates, best.choice.lengths) == (
        "tuned",
        "eval_loss",
        {"gentle": gentle.fingerprint, "bold": bold.fingerprint},
        {"gentle": -1, "bold": 512},
    )
    assert best.choice.target == gentle.target
    alike = {name: {"learning_rate": each["learning_rate"]} for name, each in RECIPES.items()}
    same = specs.specs(*several(recipes=alike, released="best"), "0123456789ab").choice
    assert same is not None and same.lengths == {}
    named = specs.specs(*several(recipes=RECIPES, released="bold"), "0123456789ab")
    assert list(named.releases) == ["bold"] and named.choice is None


def test_what_goes_to_a_registry_is_the_release() -> None:
    shared = specs.specs(*several(model={"share": {"registry": "mlr-phi"}}), "0123456789ab")
    assert list(shared.shares) == [""] and shared.choice is None
    share, release = shared.shares[""], shared.releases[""]
    assert (share.stack, share.registry, share.model_version, share.endpoint) == (
        "team",
        "mlr-phi",
        release.model_version,
        release.endpoint,
    )


def test_what_another_stack_has_proved_is_released_and_nothing_is_trained() -> None:
    chosen, where = several(model={"promote": {"stack": "dev", "registry": "mlr-phi"}})
    taken: Any = SimpleNamespace(model_version="7", model_fingerprint="a309844a659a")
    found = specs.specs(chosen, where, "", taken)
    assert (found.dataset, found.finetunes, found.promotion, found.choice, found.shares) == (None, (), taken, None, {})
    assert list(found.releases) == [""]
    release = found.releases[""]
    assert (release.model_version, release.model_fingerprint, release.registry, release.target) == (
        "7",
        "a309844a659a",
        "mlr-phi",
        where.workspace,
    )
    assert specs.dataset_version(chosen) == "" and specs.training_size(chosen) is None


@pytest.mark.parametrize(("limit", "price"), [({"maxCost": 50}, 4.0), ({}, 0)])
def test_the_price_of_an_hour_is_the_fine_tunes_where_it_has_a_limit(limit: dict[str, Any], price: float) -> None:
    chosen, where = several(compute={"hourlyPrice": 4.0}, finetune={"modelName": "tuned", **limit})
    assert specs.specs(chosen, where, "0123456789ab").finetune.hourly_price == price


GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-theirs"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/theirs"


@pytest.mark.parametrize(
    ("storage", "keys", "shared"), [(STORAGE, True, True), (STORAGE, False, False), ("", True, False)]
)
def test_whether_keys_of_anothers_storage_are_used_is_asked_before(storage: str, keys: bool, shared: bool) -> None:
    there = {"existing": {"storage": storage}} if storage else {}
    found = several(storage={"sharedKeys": keys}, identity={"assignRoles": False}, **there)
    assert specs.preflight(*found).shared_access is shared


def test_what_others_have_to_grant_is_asked_for_where_the_stack_grants_nothing() -> None:
    assert specs.granted_by_others(*several()) is None
    chosen, where = several(identity={"assignRoles": False})
    found = specs.granted_by_others(chosen, where)
    asked = specs.preflight(chosen, where)
    assert found is not None and (found.stack, found.subscription_id) == ("team", SUBSCRIPTION)
    assert found.grants == asked.grants != () and specs.preflight(*several()).grants == ()


@pytest.mark.parametrize(("lengths", "shortest"), [((2048, 512), 512), ((-1, 512), 512), ((-1, 0), -1)])
def test_data_have_to_fit_the_shortest_length(
    lengths: tuple[int, int], shortest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes = {name: SimpleNamespace(max_seq_length=length) for name, length in zip("ab", lengths, strict=True)}
    chosen, _ = several()
    fake: Any = SimpleNamespace(data=chosen.data, model=chosen.model, trained=recipes)
    monkeypatch.setattr(specs, "dataset_version", lambda own: "0123456789ab" if own is fake else "")
    found = specs._training_data(fake)
    assert found is not None
    assert (found.directory, found.fingerprint, found.max_seq_length, found.model) == (
        chosen.data.directory,
        "0123456789ab",
        shortest,
        chosen.model.name,
    )
    monkeypatch.setattr(specs, "dataset_version", lambda own: "")
    assert specs._training_data(fake) is None


def test_machines_are_asked_about_with_all_that_is_known_of_their_size() -> None:
    chosen, _ = several()
    size = dataclasses.replace(chosen.serving.size, retired="2027-01-01", successor="Standard_New", reserve=0.25)
    for use, reserve in (("cluster", 0), ("endpoint", 0.25), ("data cluster", 0), ("base model", 0.25)):
        assert specs._machines(use, size, 3) == Machines(
            use=use,
            vm_size=size.name,
            family=size.family,
            cores=size.cores,
            count=3,
            reserve=reserve,
            retired="2027-01-01",
            successor="Standard_New",
        )


def test_whoever_gives_a_key_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    given = several()
    monkeypatch.setattr(specs, "own_key", lambda *what: "theirs" if what == given else None)
    assert specs.preflight(*given).own_key == "theirs"
