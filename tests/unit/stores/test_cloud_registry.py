"""Shared registries and their models: what is asked of Azure, and how its answers are read."""

from __future__ import annotations

from typing import Any

import pytest
from registry_fake import (
    ARM,
    ASSET,
    DISCOVERY,
    SHELF,
    WORKSPACE,
)

from cloud.arm import Arm
from cloud.services import models, registry
from cloud.target import RegistryAsset
from tests.unit.arm_fake import ArmFake

VERSION = "api-version=2021-10-01-dataplanepreview"


def shelf() -> registry.Shelf:
    found = registry.shelf(ASSET, registry.MODELS, Arm())
    assert found is not None
    return found


def test_where_an_asset_stands_is_asked_of_the_registrys_directory(
    arm: ArmFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    real = Arm

    def noted(*args: Any, **more: Any) -> Arm:
        made.append((args, more))
        return real(*args, **more)

    monkeypatch.setattr(registry, "Arm", noted)
    assert shelf().container() is None
    assert made == [(("https://ml.azure.com/.default",), {"retries": 2})]
    assert arm.sent == [("GET", f"{DISCOVERY}?api-version=v1.0"), ("GET", f"{SHELF}?{VERSION}")]
    assert registry.shelf(RegistryAsset("none", "x", "1"), registry.COMPONENTS, Arm()) is None


def test_what_a_shelf_answers(arm: ArmFake) -> None:
    arm.get(SHELF, {"name": "Phi"})
    assert shelf().container() == {"name": "Phi"}
    assert shelf().version() is None and shelf().newest() == "" and shelf().every() == []
    arm.get(f"{SHELF}/versions/3", {"name": "3"})
    arm.get(f"{SHELF}/versions", {"value": [{"name": 4}, {"name": "3"}]})
    assert shelf().version() == {"name": "3"}
    assert shelf().every() == [{"name": 4}, {"name": "3"}]
    assert arm.sent[-1][1] == f"{SHELF}/versions?{VERSION}&$orderBy=createdtime desc"
    assert shelf().newest() == "4"
    assert arm.sent[-1][1] == f"{SHELF}/versions?{VERSION}&$orderBy=createdtime desc&$top=1"
    for nothing in ({"value": []}, {"value": None}, {"value": [{}]}):
        arm.get(f"{SHELF}/versions", nothing)
        assert shelf().newest() == ""


def test_so_many_pages_of_versions_are_read(arm: ArmFake) -> None:
    arm.get(f"{SHELF}/versions", {"value": [1], "nextLink": f"{SHELF}/versions?{VERSION}"})
    assert shelf().every() == [1] * 20


def test_tags_and_the_note_of_a_model(arm: ArmFake) -> None:
    assert registry.tags(ASSET, Arm()) == {} and registry.note(ASSET, Arm()) == ""
    arm.get(f"{SHELF}/versions/3", {"properties": {"tags": {"note": "small", "a": 1}}})
    assert registry.tags(ASSET, Arm()) == {"note": "small", "a": 1}
    assert registry.note(ASSET, Arm()) == "small"
    assert registry.tags_of({}) == registry.tags_of({"properties": {"tags": None}}) == {}
    assert registry.note(RegistryAsset("none", "x", "1"), Arm()) == ""


def test_a_version_of_a_registry_is_tagged_in_its_own_version_of_the_api(arm: ArmFake) -> None:
    arm.then("PUT", f"{SHELF}/versions/3", (200, {}, {}))
    shelf().tag({"modelUri": "u", "tags": {"a": "1"}}, {"b": "2"})
    assert arm.sent[-1] == ("PUT", f"{SHELF}/versions/3?{VERSION}")
    assert arm.bodies == [{"properties": {"modelUri": "u", "tags": {"a": "1", "b": "2"}}}]


def test_a_model_is_sent_back_with_all_that_may_be_written(arm: ArmFake) -> None:
    path = f"{WORKSPACE}/models/m/versions/1"
    written = {key: key for key in ("description", "flavors", "jobName", "modelType", "modelUri", "properties")}
    arm.then("PUT", path, (200, {}, {}))
    kept = {**written, "isAnonymous": False, "isArchived": False}
    models.tag(Arm(), path, {**kept, "provisioningState": "x", "stage": None, "tags": None}, {"a": "b"})
    assert arm.sent == [("PUT", f"{ARM}{path}?api-version=2025-12-01")]
    assert arm.bodies == [{"properties": {**kept, "tags": {"a": "b"}}}]


def test_where_the_files_of_a_version_are(arm: ArmFake) -> None:
    refs = f"{SHELF.rpartition('/models/')[0]}/datarefs/Phi/versions/3"
    arm.then("POST", refs, (200, {}, {"blobReferenceForConsumption": {"blobUri": "b"}}), (200, {}, {}))
    assert shelf().reference("u") == {"blobUri": "b"} and shelf().reference("u") == {}
    assert arm.sent[-1] == ("POST", f"{refs}?{VERSION}")
    assert arm.bodies[0] == {"assetId": "azureml://registries/azureml/models/Phi/versions/3", "blobUri": "u"}
