"""The probes of `make prove` on the emulator, and Azure's recorded answers held against it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.machine.home import SUBSCRIPTION_ID, Home
from tests.contract.conftest import LOCATION
from tests.prove import catalogue
from tests.prove.emulated import CLOCK, stand_in
from tests.prove.recording import RECORDINGS, Recording, differences, read
from tests.prove.run import Run, verdicts

PROBES = {probe.name: probe for probe in catalogue.EVERY}
LEFT_OF_IT = "rg-prove-emulat"


@pytest.fixture(scope="module")
def run(home: Home) -> Iterator[Run]:
    """Every probe, the one with a GPU as well."""
    del home
    run = Run(SUBSCRIPTION_ID, LOCATION, lambda _: None, on="the emulator", clock=CLOCK, model=stand_in(), run="emulat")
    yield run


@pytest.fixture(scope="module")
def seen(run: Run) -> dict[str, Recording]:
    return {recording.probe: recording for recording in run.run(catalogue.chosen([], gpu=True))}


def test_every_probe_runs_to_its_end_and_nothing_stays(run: Run, seen: dict[str, Recording]) -> None:
    assert run.broken == []
    assert set(seen) == set(PROBES)
    assert run.group.quietly.get(run.group.id, "2024-03-01") == {}


@pytest.mark.parametrize("name", PROBES)
def test_the_emulator_does_what_is_believed(name: str, seen: dict[str, Recording]) -> None:
    otherwise = [row for row in verdicts(PROBES[name], seen[name]) if row[-1] == "OTHERWISE"]
    assert otherwise == []
    assert set(PROBES[name].believed) <= set(seen[name].facts)


def test_no_recording_tells_whose_subscription_it_was(seen: dict[str, Recording], tmp_path: Path) -> None:
    for recording in seen.values():
        text = recording.write(tmp_path).read_text()
        assert SUBSCRIPTION_ID not in text and "emulat-" not in text and LEFT_OF_IT not in text
        assert "AccountKey" not in text and "eyJ" not in text


# Skipped, and said so, as long as nobody with a subscription has recorded anything.
@pytest.mark.parametrize("file", sorted(RECORDINGS.glob("*.json")), ids=lambda file: str(file.stem))
def test_the_emulator_answers_as_azure_did(file: Path, seen: dict[str, Recording]) -> None:
    recorded = read(file)
    assert recorded.on == "Azure", "a recording of the emulator is no evidence"
    assert differences(recorded, seen[recorded.probe], PROBES[recorded.probe].own) == []


def test_an_answer_of_azures_that_is_another_fails(seen: dict[str, Recording], tmp_path: Path) -> None:
    same = read(seen["model-versions"].write(tmp_path))
    assert differences(same, seen["model-versions"]) == []

    first = same.exchanges[0]
    azure = dataclasses.replace(
        same, on="Azure", exchanges=[dataclasses.replace(first, status=409), *same.exchanges[1:]]
    )
    assert differences(azure, seen["model-versions"]) == [
        "model-versions: version 17: Azure said 409, the emulator says 201"
    ]
    other = dataclasses.replace(same, exchanges=[dataclasses.replace(first, method="PATCH"), *same.exchanges[1:]])
    assert "record it again" in differences(other, seen["model-versions"])[0]
