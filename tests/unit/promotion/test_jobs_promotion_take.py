"""The version of another stack's model: which one is found, and that it is still what was planned with."""

from __future__ import annotations

import dataclasses
import re
import threading
from typing import Any

import pytest
from arm_fake import ArmFake
from arm_fake import install as install_arm
from promotion_made import BASE, DISCOVERY, FINGERPRINT, LINEAGE, NUMBER, SHELF, Shelf, has_registry, version
from promotion_made import install as install_files

from cloud.errors import StageError
from cloud.place import Place
from cloud.target import RegistryAsset
from jobs.promotion import take
from jobs.promotion.found import proved
from jobs.promotion.spec import PromotionSpec
from settings.stack import Settings

TAGS = {
    **LINEAGE,
    "proved_by": "dev",
    "proved_at": "2026-11-29T10:00:00+00:00",
    "proved_gate": "released",
    "proved_score": "0.9000",
    "proved_files": "3 files, 76 bytes, 0123456789ab",
    "owner": "somebody",
}
SETTINGS = Settings.model_validate(
    {
        "purgeOnDestroy": True,
        "finetune": {"modelName": "phi-ultrachat"},
        "model": {"name": BASE.name, "version": BASE.version, "promote": {"stack": "dev", "registry": "mlr-phi"}},
        "evaluation": {"minimumScore": 0.9},
    }
)
PLACE = Place.of(SETTINGS, "prod", "00000000-0000-4000-8000-0000000000a1")


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    fake = install_arm(monkeypatch)
    has_registry(fake)
    return fake


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    return install_files(monkeypatch)


def of(**promote: str) -> Settings:
    model = SETTINGS.model
    return SETTINGS.model_copy(
        update={"model": model.model_copy(update={"promote": model.promote.model_copy(update=promote)})}
    )


EVIDENCE = {key: value for key, value in TAGS.items() if key != "owner"}
FOUND = PromotionSpec(
    target=PLACE.workspace,
    registry="mlr-phi",
    stack="dev",
    model_name="phi-ultrachat",
    model_version=NUMBER,
    model_fingerprint=FINGERPRINT,
    evidence=EVIDENCE,
)


def test_the_newest_that_the_stack_has_proved_is_found(arm: ArmFake) -> None:
    others = [version({**TAGS, "proved_by": "staging"}, "9"), {"name": "8", "properties": {}}]
    arm.get(SHELF, {"value": [*others, version(TAGS), version({**TAGS, "job": "older"}, "7")]})
    assert proved(SETTINGS, PLACE) == FOUND
    (listed,) = [url for _, url in arm.sent if url.startswith(SHELF)]
    assert "$orderBy=createdtime desc" in listed
    assert FOUND.asset == RegistryAsset("mlr-phi", "phi-ultrachat", NUMBER)


def test_the_version_that_is_named_is_found(arm: ArmFake) -> None:
    arm.get(f"{SHELF}/{NUMBER}", version(TAGS))
    assert proved(of(version=NUMBER), PLACE) == FOUND


def test_a_stack_that_trains_looks_nowhere(arm: ArmFake) -> None:
    assert proved(of(stack=""), PLACE) is None and arm.sent == []


TODO = (
    "Set model.share.registry to mlr-phi in Pulumi.dev.yaml and run `pulumi up` there: the version that it puts into "
    "service is shared. finetune.modelName has to be the same in both."
)


@pytest.mark.parametrize(
    ("number", "answers", "why"),
    [
        ("", {DISCOVERY: None}, "there is no such registry"),
        ("", {SHELF: {"value": []}}, "it has no version that dev has proved of model phi-ultrachat"),
        (
            "",
            {SHELF: {"value": [version({**TAGS, "proved_by": "x"})]}},
            "it has no version that dev has proved of model phi-ultrachat",
        ),
        ("7", {}, "it has no version 7 of model phi-ultrachat"),
    ],
)
def test_where_there_is_none_it_says_how_there_will_be(
    arm: ArmFake, number: str, answers: dict[str, Any], why: str
) -> None:
    for path, answer in answers.items():
        if answer is None:
            arm.refuse("GET", path, 404, "NotFound")
        else:
            arm.get(path, answer)
    with pytest.raises(StageError) as refused:
        proved(of(version=number), PLACE)
    assert str(refused.value) == f"there is no model to take (registry mlr-phi): {why}. {TODO}"


def test_a_registry_that_may_not_be_read_is_told_of(arm: ArmFake) -> None:
    arm.refuse("GET", SHELF, 403, "Forbidden", "not yours")
    told = "the model of another stack could not be looked up (registry mlr-phi): Forbidden: not yours"
    with pytest.raises(StageError, match=re.escape(told)):
        proved(SETTINGS, PLACE)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"proved_score": "0.8"}, "it scored 0.8 there, and evaluation.minimumScore is 0.9"),
        (
            {"base_model": "azureml://registries/azureml/models/Phi-4/versions/8", "proved_gate": ""},
            f"it was made from azureml://registries/azureml/models/Phi-4/versions/8, and this stack names "
            f"{BASE.model_uri}; it says of no release that let it through",
        ),
    ],
)
def test_a_version_without_enough_evidence_is_not_taken(arm: ArmFake, changed: dict[str, str], why: str) -> None:
    arm.get(SHELF, {"value": [version({**TAGS, **changed})]})
    with pytest.raises(StageError) as refused:
        proved(SETTINGS, PLACE)
    assert str(refused.value) == (
        f"the model is not taken (model phi-ultrachat:{NUMBER} of registry mlr-phi): {why}. Have stack dev prove "
        "another one (`pulumi up` there), or name a version that it has proved: model.promote.version."
    )


def test_a_stack_without_questions_asks_for_no_score(arm: ArmFake) -> None:
    arm.get(SHELF, {"value": [version({**TAGS, "proved_score": ""})]})
    silent = SETTINGS.evaluation.model_copy(update={"questions": ""})
    assert proved(SETTINGS.model_copy(update={"evaluation": silent}), PLACE) is not None


def taken(spec: PromotionSpec) -> list[str]:
    said: list[str] = []
    take.run(spec, said.append, threading.Event())
    return said


def planned(files: Shelf, **changed: str) -> PromotionSpec:
    return dataclasses.replace(FOUND, evidence={**EVIDENCE, "proved_files": files.digest, **changed})


def test_what_was_planned_with_is_taken_and_told(arm: ArmFake, files: Shelf) -> None:
    arm.get(f"{SHELF}/{NUMBER}", version({**TAGS, "proved_files": files.digest}))
    assert taken(planned(files)) == [
        f"{FOUND.asset.model_uri} is taken from stack dev, and nothing is trained: {files.digest}",
        "proved 2026-11-29T10:00:00+00:00: released",
        f"made by job finetune-7b963b464e21-1 from {BASE.model_uri} and ultrachat",
    ]
    assert files.asked == [FOUND.asset]


def test_what_is_other_than_planned_is_not_released(arm: ArmFake, files: Shelf) -> None:
    def refused(spec: PromotionSpec) -> str:
        with pytest.raises(StageError) as found:
            taken(spec)
        start = f"the model is not what was planned with ({FOUND.asset.model_uri}): "
        end = ". Nothing was released. Ask who keeps the registry; `pulumi preview` shows what it has now."
        text = str(found.value)
        assert text.startswith(start) and text.endswith(end)
        return text.removeprefix(start).removesuffix(end)

    assert refused(planned(files)) == "it is no longer there"
    now = {**TAGS, "proved_files": files.digest}
    arm.get(f"{SHELF}/{NUMBER}", version({**now, "job": "another", "proved_loss": "1.5"}))
    assert refused(planned(files)) == "what is written on it has changed since: job, proved_loss"
    arm.get(f"{SHELF}/{NUMBER}", version({**now, "dataset": ""}))
    assert refused(planned(files)) == "what is written on it has changed since: dataset"
    others = "3 files, 76 bytes, 0123456789ab"
    arm.get(f"{SHELF}/{NUMBER}", version(TAGS))
    assert refused(FOUND) == f"its files are others ({files.digest}) than those that were proved ({others})"
    arm.get(f"{SHELF}/{NUMBER}", version({**TAGS, "proved_files": ""}))
    silent = {key: value for key, value in EVIDENCE.items() if key != "proved_files"}
    assert refused(dataclasses.replace(FOUND, evidence=silent)) == (
        f"its files are others ({files.digest}) than those that were proved (not told)"
    )
    arm.refuse("GET", DISCOVERY, 404, "NotFound")
    assert refused(planned(files)) == "it is no longer there"


def test_a_registry_that_does_not_answer_is_told_of(arm: ArmFake, files: Shelf) -> None:
    arm.refuse("GET", f"{SHELF}/{NUMBER}", 403, "Forbidden", "not yours")
    told = f"the model of another stack could not be looked up ({FOUND.asset.model_uri}): Forbidden: not yours"
    with pytest.raises(StageError, match=re.escape(told)):
        taken(FOUND)


def test_the_fingerprint_of_what_is_taken() -> None:
    """State of stacks hangs on it: by registry, stack, name and what made it, and by nothing that may be told anew."""
    assert FOUND.fingerprint == dataclasses.replace(FOUND, evidence={}, model_version="1").fingerprint
    others = {"registry": "x", "stack": "x", "model_name": "x", "model_fingerprint": "x"}
    found = {dataclasses.replace(FOUND, **{key: value}).fingerprint for key, value in others.items()}  # type: ignore[arg-type]
    assert len({*found, FOUND.fingerprint}) == 5
    assert FOUND.fingerprint == "e44fcd092d6e"
