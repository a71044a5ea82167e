"""Prepared data as a data asset that carries its card, and a data asset as the source."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from cloud import client
from cloud.target import Target
from data_prep import DataError
from data_prep.prepare import Request, prepare
from data_prep.source.azureml import Workspace
from emulator.machine.home import SUBSCRIPTION_ID
from jobs.dataset import upload
from jobs.dataset.spec import DatasetSpec
from tests.contract.conftest import GROUP


@pytest.fixture
def where(workspace: str) -> Workspace:
    return Workspace(SUBSCRIPTION_ID, GROUP, workspace.rsplit("/", 1)[1])


def test_the_card_is_read_from_the_asset_and_the_asset_is_a_source(where: Workspace, tmp_path: Path) -> None:
    made = prepare(Request(source="sample", directory=tmp_path / "data"), lambda _: None)
    target = Target(where.subscription_id, where.resource_group, where.name)
    spec = DatasetSpec(
        target=target, name="carded", fingerprint=made.card.fingerprint, directory=str(tmp_path / "data")
    )
    upload.run(spec, lambda _: None, threading.Event())

    asset = client.ml_client(target).data.get("carded-train", version=spec.fingerprint)
    assert asset.tags["fingerprint"] == spec.fingerprint
    assert (asset.tags["rows_train"], asset.tags["rows_in"]) == ("151", "183")
    assert "183 rows in, 151 train, 32 test, 0 rejected" in asset.description

    short = f"azureml:carded-train:{spec.fingerprint}"
    again = prepare(Request(source=short, directory=tmp_path / "short", seed=1), lambda _: None, workspace=where)
    assert again.card.rows["in"] == made.card.rows["train"]
    assert again.card.source["revision"] == f"carded-train:{spec.fingerprint}"
    scope = f"subscriptions/{where.subscription_id}/resourcegroups/{where.resource_group}/workspaces/{where.name}"
    long = f"azureml://{scope}/data/carded-train/versions/{spec.fingerprint}"
    from_long = prepare(Request(source=long, directory=tmp_path / "long", seed=1), lambda _: None)
    assert from_long.card.fingerprint == again.card.fingerprint
    assert {each.name for each in (tmp_path / "long").iterdir()} == {each.name for each in again.train.parent.iterdir()}


def test_an_asset_that_is_not_there_is_named(where: Workspace, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no data asset nosuch:1 of workspace"):
        prepare(Request(source="azureml:nosuch:1", directory=tmp_path), lambda _: None, workspace=where)
