"""A model's card from the command line: what Azure has of its job, published where Azure's own clients find it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cloud import place as places
from emulator.front import admin
from emulator.machine.home import Home
from emulator.runs.energy import WATTS
from jobs import __main__ as cli
from jobs.card import publish
from jobs.training import finetune
from jobs.training.spec import FinetuneSpec
from settings.stack import Settings
from tests.changing import changed
from tests.contract.arm import Arm
from tests.contract.stages import Place, Turns

STACK, GRAMS = "states", 400


class Often(Turns):
    """Follows in real time, looking often."""

    def wait(self, timeout: float | None = None) -> bool:
        return threading.Event.wait(self, min(timeout or 0.2, 0.2))


@pytest.fixture(scope="module")
def place(arm: Arm, home: Home, train_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(arm, home, train_file, tmp_path_factory.mktemp("card"), "card")
    yield place
    place.store.close()


@pytest.fixture(scope="module")
def tuned(place: Place) -> FinetuneSpec:
    """A fine-tune that has really run, and whose model is registered."""
    return trained(place, 1)


@pytest.fixture(scope="module")
def other(place: Place, tuned: FinetuneSpec) -> FinetuneSpec:
    """Another one of the same stack, after it."""
    return trained(place, 2)


def trained(place: Place, seed: int) -> FinetuneSpec:
    spec = changed(place.recipe(seed), stack=STACK)
    finetune.run(spec, lambda _: None, Often())
    return spec


@pytest.fixture
def described(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack that made it is in this workspace, and a kilowatt-hour stands for something there."""

    def of(stack: str) -> tuple[Settings, places.Place]:
        settings, found = place.described(stack)
        compute = settings.compute.model_copy(update={"carbon_intensity": GRAMS})
        tuned = settings.finetune.model_copy(update={"model_name": "tuned"})
        return settings.model_copy(update={"finetune": tuned, "compute": compute}), found

    monkeypatch.setattr("cloud.place.described", of)
    monkeypatch.setattr(cli, "check_stack", lambda *_: None)  # the place's name is that of no stack file
    monkeypatch.chdir(tmp_path)


def card(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[str, str]:
    """What it prints, and what it says beside that."""
    cli.main(["card", "--stack", STACK, *options])
    captured = capsys.readouterr()
    return captured.out, captured.err


def rows(text: str) -> dict[str, str]:
    sections = json.loads(text)["sections"]
    return {name: value for section in sections.values() for name, value in section["rows"].items()}


def ran(place: Place, job: str) -> float:
    """Seconds from its start to its end."""
    internal = place._job(job).internal
    return (datetime.fromisoformat(internal["ended"]) - datetime.fromisoformat(internal["started"])).total_seconds()


@pytest.mark.usefixtures("described", "other")
def test_the_energy_of_a_job_is_what_azure_monitor_has_of_it_and_carbon_is_by_the_setting(
    place: Place, tuned: FinetuneSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    found = rows(card(capsys, "--json", "--version", tuned.model_version)[0])
    told = re.fullmatch(r"(\S+) kWh \(Azure Monitor\), of the job that made it", found["energy of the GPUs"])
    assert told, found
    # One GPU of one node, and nothing of the other one's.
    assert float(told[1]) == pytest.approx(ran(place, tuned.job_name(1)) * WATTS / 3_600_000, rel=0.01)
    carbon = re.fullmatch(r"(\S+) kg of CO2 by 400 g a kWh \(compute\.carbonIntensity\), .*", found["carbon"])
    assert carbon and float(carbon[1]) == pytest.approx(float(told[1]) * GRAMS / 1000, rel=0.02)


@pytest.mark.usefixtures("described", "tuned")
def test_where_azure_monitor_has_nothing_yet_the_card_says_so(
    place: Place, capsys: pytest.CaptureFixture[str], tuned: FinetuneSpec
) -> None:
    rule = {"kind": "metrics-late", "seconds": 86_400, "path": place.workspace}
    admin.call(place.home, "POST", "faults", rule)
    try:
        found = rows(card(capsys, "--json", "--version", tuned.model_version)[0])
    finally:
        admin.call(place.home, "DELETE", "faults")
    assert (found["energy of the GPUs"], found["carbon"]) == ("not told", "not told by Azure for a single job")


@pytest.mark.usefixtures("described", "other")
def test_a_published_card_is_found_by_azures_own_clients_and_the_model_stays_what_it_was(
    place: Place, tuned: FinetuneSpec, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def model() -> Any:
        return place.ml.models.get("tuned", version=tuned.model_version)

    def files(name: str) -> dict[str, bytes]:
        place.ml.models.download("tuned", version=tuned.model_version, download_path=str(tmp_path / name))
        found = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        return {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in found}

    before, held = model(), files("before")
    printed, said = card(capsys, "--publish", "--version", tuned.model_version)
    (where,) = re.findall(r"^Published: (\S+)$", said, re.MULTILINE)
    after = model()
    assert after.description and printed.startswith(after.description[:200])
    assert after.tags == {**before.tags, publish.CARD: where, publish.CARDED: after.tags[publish.CARDED]}
    assert (after.path, after.type, after.job_name) == (before.path, before.type, before.job_name)
    assert files("after") == held, "it is beside the model's folder"

    path = where.partition("/paths/")[2]
    assert place.blobs().download_blob(path).readall().decode() == printed.rstrip("\n") + "\n"
    assert str(before.path).rstrip("/").endswith(path.rpartition("/")[0] + "/mlflow_model_folder")

    # Once more, in the place of the first, and with the cards of all others.
    printed, said = card(capsys, "--publish", "--every")
    assert set(model().tags) == set(after.tags)
    every = {str(each.version) for each in place.ml.models.list("tuned")}
    assert len(every) == 2 and said.count("Published: ") == 2
    assert set(re.findall(r"^# tuned, version (\d+)$", printed, re.MULTILINE)) == every
    # The version is still the one that the fine-tune would make: nothing is trained again.
    finetune.run(tuned, lambda _: None, Turns())
    assert place.attempts(tuned) == {1: "Completed"}
