"""What a recording holds of a subscription: nothing that tells whose it is."""

from __future__ import annotations

import pytest

from tests.prove import catalogue
from tests.prove.probes import Probe
from tests.prove.recording import Disguise, Exchange, Recording, differences, read
from tests.prove.run import verdicts

SUBSCRIPTION = "8e2f7a51-0c35-4f0e-9d3c-5a8e6d1b2c34"
OTHER = "11111111-2222-3333-4444-555555555555"


def disguise() -> Disguise:
    return Disguise({SUBSCRIPTION: "subscription", "qwerty": "run", "eastus2": "location", "": "nothing"})


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (f"/subscriptions/{SUBSCRIPTION.upper()}/x/rg-qwerty", "/subscriptions/{subscription}/x/rg-{run}"),
        (f"{OTHER}, {OTHER}, 99999999-2222-3333-4444-555555555555", "{guid 1}, {guid 1}, {guid 2}"),
        ("made 2026-11-28T18:17:00.123Z in EastUS2", "made {time} in {location}"),
        ("ask somebody@example.com at 10.0.0.4", "ask {address} at {address}"),
        ("Bearer abcdefghij0123456789xyz", "Bearer ***"),
        ("a plain sentence stays", "a plain sentence stays"),
    ],
)  # fmt: skip
def test_ids_times_addresses_and_tokens_are_replaced(text: str, hidden: str) -> None:
    assert disguise().text(text) == hidden


def test_members_of_answers_that_are_secret_or_nobodys_business() -> None:
    answer = {"primaryKey": "short", "systemData": {"createdBy": "me"}, "etag": "1", "value": [{"location": "eastus2"}]}
    assert disguise().value(answer) == {"primaryKey": "***", "value": [{"location": "{location}"}]}


def exchange(**changed: object) -> Exchange:
    return Exchange(**{"what": "make it", "method": "PUT", "url": "u", "body": {"a": 1}, "status": 201, **changed})  # type: ignore[arg-type]


def recording(*exchanges: Exchange, on: str = "Azure", **facts: str) -> Recording:
    return Recording(probe="names", claim="c", made="2026-11-28", on=on, facts=dict(facts), exchanges=list(exchanges))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"status": 400, "code": "BadRequest", "ended": ""}, "400 BadRequest"),
        ({"ended": "Failed OutOfQuota"}, "201, then Failed OutOfQuota"),
        ({"message": "in other words"}, ""),
        ({"answer": {"more": "than before"}}, ""),
    ],
)
def test_another_outcome_is_told_and_other_words_are_not(changed: dict[str, object], says: str) -> None:
    azure = recording(exchange(ended="Succeeded"))
    found = differences(azure, recording(exchange(**{"ended": "Succeeded", **changed}), on="the emulator"))
    told = f"names: make it: Azure said 201, then Succeeded, the emulator says {says}"
    assert found == ([told] if says else [])


def test_a_fact_is_compared_unless_it_is_the_subscriptions_own() -> None:
    azure, emulator = recording(name="kept", rows="8"), recording(on="the emulator", name="free", rows="9")
    assert differences(azure, emulator, own=("rows",)) == ["names: name: Azure said kept, the emulator says free"]


def test_another_request_makes_the_recording_worthless() -> None:
    (told,) = differences(recording(exchange()), recording(exchange(body={"a": 2}), on="the emulator"))
    assert told.startswith("names: other requests than the recorded ones, record it again: ")


def test_what_is_written_is_read_again(tmp_path: object) -> None:
    made = recording(exchange(ended="Succeeded"), name="kept")
    assert read(made.write(tmp_path)) == made  # type: ignore[arg-type]


def test_verdicts_tell_what_nobody_knew_from_what_is_otherwise() -> None:
    probe = Probe(name="names", claim="c", run=lambda *_: {}, believed={"a": "20[01]", "b": "404", "c": ""})
    seen = recording(a="201", b="200", c="late")
    assert [row[-1] for row in verdicts(probe, seen)] == ["as believed", "OTHERWISE", "now known"]


def test_a_gpu_is_used_only_when_asked_for() -> None:
    usual = [probe for lane in catalogue.chosen([], gpu=False) for probe in lane]
    assert "component" not in {probe.name for probe in usual}
    assert not [size for probe in usual for size in probe.hours or {} if "NC" in size or "ND" in size]
    assert [probe.name for lane in catalogue.chosen(["component"], gpu=False) for probe in lane] == ["component"]
    with pytest.raises(KeyError, match="nobody"):
        catalogue.chosen(["nobody"], gpu=False)
