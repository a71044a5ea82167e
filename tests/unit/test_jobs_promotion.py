"""A model that another stack has proved: which settings go with it, and which evidence suffices."""

from __future__ import annotations

from typing import Any

import pytest
from test_settings_recipes import parse

from cloud.target import RegistryAsset
from jobs.promotion import evidence
from settings.stack import SettingsError

BASE = RegistryAsset("azureml", "Phi-4-mini-instruct", "1")
PROVED = {
    "proved_by": "dev",
    "proved_at": "2026-11-29T10:00:00+00:00",
    "proved_deployment": "mdaf3f651c37a",
    "proved_gate": "released, then asked 6 golden questions",
    "proved_score": "0.9000",
    "proved_files": "3 files, 76 bytes, 0123456789ab",
    "fingerprint": "7b963b464e21",
    "job": "finetune-7b963b464e21-1",
    "dataset": "ultrachat",
    "dataset_fingerprint": "0123456789ab",
    "base_model": BASE.model_uri,
    "recipe": "seed=42",
}
NUMBER = "994526542"


def wrong(version: str = NUMBER, least: float | None = 0.5, **changed: str) -> list[str]:
    return evidence.wrong({**PROVED, **changed}, version, stack="dev", base_model=BASE, minimum_score=least)


def test_evidence_that_suffices() -> None:
    assert wrong() == []
    assert wrong(least=0.9) == [], "what is at the limit is within it"
    assert wrong(least=None, proved_score="") == [], "a stack without questions asks for no score"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"proved_by": "staging"}, "it was proved by staging, not by dev"),
        ({"proved_by": ""}, "it was proved by no stack, not by dev"),
        ({"job": ""}, "its lineage is not whole: it does not say its job"),
        ({"dataset_fingerprint": "", "recipe": ""}, "it does not say its dataset_fingerprint, recipe"),
        ({"fingerprint": "0123456789ab"}, "its fingerprint 0123456789ab makes another version than 994526542"),
        ({"fingerprint": "no number"}, "its fingerprint no number makes another version"),
        ({"base_model": "azureml://registries/azureml/models/Phi-4/versions/8"}, "it was made from azureml"),
        ({"proved_gate": ""}, "it says of no release that let it through"),
        ({"proved_files": ""}, "it does not say which files were proved"),
        ({"proved_score": ""}, "it was not asked golden questions"),
        ({"proved_score": "nan"}, "it scored nan there, and evaluation.minimumScore is 0.5"),
        ({"proved_score": "0.4999"}, "it scored 0.4999 there, and evaluation.minimumScore is 0.5"),
    ],
)
def test_evidence_that_does_not(changed: dict[str, str], told: str) -> None:
    (problem,) = wrong(**changed)
    assert told in problem


def test_everything_that_is_missing_is_told_at_once() -> None:
    assert evidence.wrong({}, NUMBER, stack="dev", base_model=BASE, minimum_score=0.5) == [
        "it was proved by no stack, not by dev",
        "its lineage is not whole: it does not say its fingerprint, job, dataset, dataset_fingerprint, base_model, "
        "recipe",
        "it says of no release that let it through",
        "it does not say which files were proved",
        "it was not asked golden questions, and evaluation.questions of this stack wants that",
    ]
    assert wrong(proved_score="0.4999999999") == [], "a mean of fractions may be a hair off"
    assert wrong(proved_score="0.49999999") == ["it scored 0.5 there, and evaluation.minimumScore is 0.5"]
    other = "azureml://registries/azureml/models/Phi-4/versions/8"
    assert wrong(base_model=other) == [f"it was made from {other}, and this stack names {BASE.model_uri}"]


def test_what_is_read_of_a_versions_tags() -> None:
    assert evidence.of({**PROVED, "owner": "somebody", "proved_loss": ""}) == PROVED
    more = {"proved_loss": "1.5", "proved_questions": "6", "component": "c:1"}
    assert evidence.of({**PROVED, **more}) == {**PROVED, **more}


TAKEN = {"stack": "dev", "registry": "mlr-phi"}


@pytest.mark.parametrize(
    ("sections", "at", "told"),
    [
        ({"model": {"promote": {"stack": "dev"}}}, "model.promote.stack", "needs model.promote.registry"),
        ({"model": {"promote": {**TAKEN, "stack": "test"}}}, "model.promote.stack", "is this stack itself"),
        ({"model": {"promote": {"registry": "mlr-phi"}}}, "model.promote.registry", "without model.promote.stack"),
        ({"model": {"promote": {"version": "3"}}}, "model.promote.version", "without model.promote.stack"),
        ({"model": {"promote": {**TAKEN, "registry": "azureml"}}}, "model.promote.registry", "is Microsoft's"),
        ({"model": {"share": {"registry": "azureml-meta"}}}, "model.share.registry", "is Microsoft's"),
        ({"model": {"share": {"make": True}}}, "model.share.make", "needs model.share.registry"),
        ({"model": {"share": {"registry": "ml"}}}, "model.share.registry", "must be 3 to 33 letters"),
        ({"model": {"promote": {**TAKEN, "version": "latest"}}}, "model.promote.version", "must be the number"),
        ({"model": {"promote": TAKEN, "share": {"registry": "mlr-phi"}}}, "model.share.registry", "for a stack that"),
        ({"model": {"promote": TAKEN}, "serving": {"strategy": "recreate"}}, "serving.strategy", "cannot be with"),
        (
            {"model": {"promote": TAKEN}, "recipes": {"a": {}, "b": {"seed": 1}}, "released": "a"},
            "recipes",
            "trains nothing",
        ),
        (
            {"model": {"promote": TAKEN}, "sweep": {"over": {"seed": [1, 2]}}, "released": "best"},
            "sweep.over",
            "trains",
        ),
    ],
)
def test_what_does_not_go_together(sections: dict[str, Any], at: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse(**sections)
    problems = {problem.key: problem.rule for problem in refused.value.problems}
    assert told in problems[f"finetune-phi:{at}"], problems


SUBNET = "/subscriptions/00000000-0000-4000-8000-0000000000a1/resourceGroups/rg/providers/Microsoft.Network/"
PRIVATE = {
    "network": "private",
    "privateEndpoints": {"subnet": f"{SUBNET}virtualNetworks/vnet/subnets/snet"},
}
OWN_KEY = {
    "key": "https://kv-keys.vault.azure.net/keys/cmk/0123456789abcdef0123456789abcdef",
    "vault": SUBNET.replace("Network/", "KeyVault/vaults/kv-keys"),
}


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        (PRIVATE, "would make a registry that answers from the internet, and network is private"),
        (
            {"encryption": OWN_KEY},
            "would make a registry whose models lie under Microsoft's key, and encryption.key is your own",
        ),
    ],
)
def test_a_registry_that_would_be_looser_than_the_stack(sections: dict[str, Any], told: str) -> None:
    made = {"share": {"registry": "mlr-phi", "make": True}}
    assert parse(model=made).model.share.make
    with pytest.raises(SettingsError) as refused:
        parse(model=made, **sections)
    (problem,) = refused.value.problems
    assert (problem.key, problem.rule) == ("finetune-phi:model.share.make", told)
    assert problem.remedy == "name one that somebody else has made as you need it, and remove make"
    named = {"share": {"registry": "mlr-phi"}}
    assert parse(model=named, **sections).model.share.registry == "mlr-phi"


def test_what_does() -> None:
    assert parse(model={"promote": {**TAKEN, "version": 3}}).model.promote.version == "3"
    assert parse(model={"share": {"registry": "mlr-phi"}}).model.share.registry == "mlr-phi"
