"""What is kept of before, and how a model is served: all that is told and written, whole."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from jobs_fake import FakeMl
from test_jobs_contracts import FINE_TUNED, IMAGE, PATH, TARGET, URI, Models, models  # noqa: F401
from test_jobs_keeping import OLD, ONE, TWO, endpoint, ml, of, release, tags  # noqa: F401

from cloud.errors import StageError
from cloud.services import blobs
from cloud.target import RegistryAsset
from jobs.release import contracts, keeping, unfinished
from jobs.release.contracts import Contract
from jobs.release.deployments import Endpoint

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
AT_NOON, AT_FOUR = "2026-11-29T12:00:00+00:00", "2026-11-29T16:00:00+00:00"


class Noon(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        assert tz is UTC
        return NOON


@pytest.fixture(autouse=True)
def it_is_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (keeping, unfinished):
        monkeypatch.setattr(module, "datetime", Noon)


def test_what_is_kept_is_written_and_told(ml: FakeMl) -> None:  # noqa: F811
    said = release("1")
    told = (
        f"warning: deployment {OLD} stays without traffic until 2026-11-29 16:00 UTC and bills, about 15 USD in all: "
        "`python -m jobs rollback --now` goes back"
    )
    assert said[-1] == told
    assert tags(ml)[ONE] == {
        "model": "phi-ultrachat:1",
        "traffic_before": '{"mold": 100}',
        "release_begun": AT_NOON,
        "previous": "phi-ultrachat:0",
        "release_done": AT_NOON,
        "previous_kept_until": AT_FOUR,
    }
    assert release("1") == [f"deployment {ONE} has 100 % of the traffic already", told]
    ml.online_endpoints.deployments[ONE].tags["previous_kept_until"] = AT_NOON
    assert release("1") == [f"deployment {ONE} has 100 % of the traffic already", f"deployment {OLD} deleted"]


def test_its_price_is_that_of_all_instances(ml: FakeMl) -> None:  # noqa: F811
    here = endpoint(ml)

    def price(**changes: Any) -> str:
        spec = dataclasses.replace(here.spec, serving=here.spec.serving.model_copy(update=changes))
        return keeping._price(dataclasses.replace(here, spec=spec), 10)

    assert price(instances=2) == ", about 73 USD in all"
    assert price(vm_size="Standard_Nowhere") == ", at a price that is not known here"


def test_back_and_forth_each_says_what_was_left(ml: FakeMl) -> None:  # noqa: F811
    release("1")
    assert keeping.back_now(endpoint(ml)) == OLD
    assert tags(ml)[OLD] == {
        "model": "phi-ultrachat:0",
        "traffic_before": f'{{"{ONE}": 100}}',
        "release_begun": AT_NOON,
        "release_done": AT_NOON,
        "previous_kept_until": AT_FOUR,
    }
    without: Endpoint = endpoint(ml)
    serving = without.spec.serving.model_copy(update={"keep_previous_hours": 0})
    assert (
        keeping.back_now(dataclasses.replace(without, spec=dataclasses.replace(without.spec, serving=serving))) == ONE
    )
    assert tags(ml)[ONE]["previous_kept_until"] == "2026-11-29T13:00:00+00:00", "an hour at least"


def test_a_release_of_what_was_kept_begins_again(ml: FakeMl) -> None:  # noqa: F811
    release("1")
    keeping.begin_again(endpoint(ml), {OLD: 100})
    its = tags(ml)[ONE]
    assert (its["traffic_before"], its["release_begun"], its["release_done"], its["previous_kept_until"]) == (
        '{"mold": 100}',
        AT_NOON,
        "",
        "",
    )
    before = dict(its)
    keeping.begin_again(endpoint(ml), {"x": 100})
    assert tags(ml)[ONE] == before, "it is half way already"
    keeping.begin_again(dataclasses.replace(endpoint(ml), spec=of("2")), {"x": 100})


def test_room_is_made_of_what_is_kept_alone(ml: FakeMl) -> None:  # noqa: F811
    release("1")
    here = endpoint(ml)
    keeping.make_room(dataclasses.replace(here, spec=dataclasses.replace(of("2"), deployed_as=OLD)), {ONE: 100})
    assert ml.online_endpoints.deleted == [], "it is the one that is released again"
    serving = here.spec.serving.model_copy(update={"keep_previous_hours": 0})
    keeping.make_room(dataclasses.replace(here, spec=dataclasses.replace(of("2"), serving=serving)), {ONE: 100})
    assert ml.online_endpoints.deleted == []
    keeping.make_room(dataclasses.replace(here, spec=of("2")), {ONE: 100})
    assert ml.online_endpoints.deleted == [OLD] and TWO != OLD


def test_its_time_is_over_at_its_minute(ml: FakeMl) -> None:  # noqa: F811
    release("1")
    said: list[str] = []
    keeping.over(endpoint(ml, said), NOON + timedelta(hours=4, seconds=-1))
    assert said == []
    keeping.over(endpoint(ml, said), NOON + timedelta(hours=4))
    assert said == [f"deployment {OLD} was kept until 2026-11-29 16:00 UTC", f"deployment {OLD} deleted"]


def test_going_back_at_once_that_cannot_be(ml: FakeMl) -> None:  # noqa: F811
    with pytest.raises(StageError) as refused:
        keeping.back_now(endpoint(ml))
    assert str(refused.value) == (
        "it cannot be gone back to at once (endpoint phi): no deployment of before is there. `python -m jobs rollback` "
        "deploys that version again; serving.keepPreviousHours keeps the next one."
    )
    ml.online_endpoints.deployment("mother", "Failed")
    before = {OLD: 30, "mother": 70}
    ml.online_endpoints.deployment(ONE, tags={"model": "phi-ultrachat:1", **unfinished.tags(before)})
    ml.online_endpoints.traffic = {OLD: 20, "mother": 60, ONE: 20}
    with pytest.raises(StageError) as refused:
        keeping.back_now(endpoint(ml))
    assert str(refused.value) == (
        "it cannot be gone back to at once (endpoint phi): deployment mother is not healthy. Run `pulumi up` again: it "
        "goes on where it stopped."
    )
    ml.online_endpoints.deployments["mother"].provisioning_state = "Succeeded"
    assert keeping.back_now(endpoint(ml)) == "mother" and ml.online_endpoints.traffic == before


@pytest.mark.parametrize(
    ("mlmodel", "contract"),
    [
        (FINE_TUNED, Contract("mlflow", "", "")),
        (
            b"flavors: {a: {}}\nmetadata: none\n",
            Contract(why="its MLmodel is of a, not of hftransformersv2 for chat-completion"),
        ),
        (
            b"flavors: {hftransformersv2: {task_type: fill}, a: {}}\n",
            Contract(why="its MLmodel is of a, hftransformersv2 for fill, not of hftransformersv2 for chat-completion"),
        ),
        (
            b"flavors: {hftransformersv2: x}\n",
            Contract(why="its MLmodel is of hftransformersv2, not of hftransformersv2 for chat-completion"),
        ),
        (b"flavors: []\n", Contract(why="its MLmodel names no flavors")),
        (
            b"flavors: {}\nmetadata: {azureml.base_image: x/y}\n",
            Contract("", "x/y", "its metadata name the image x/y, which nobody here knows"),
        ),
    ],
)
def test_a_contract_whole(mlmodel: bytes, contract: Contract) -> None:
    assert contracts.read(mlmodel) == contract


def test_tags_of_a_contract_are_cut_to_azures_limit() -> None:
    assert Contract("mlflow", "i" * 300).tags == {"contract": "mlflow", "serving_image": "i" * 256}
    assert Contract(why="x").tags == {}


def shared(monkeypatch: pytest.MonkeyPatch, found: Any) -> tuple[Contract, list[str]]:
    asked, said = list[Any](), list[str]()

    def tags_(model: RegistryAsset, arm: object) -> Any:
        asked.append((model, arm))
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(contracts, "Arm", lambda: "arm")
    monkeypatch.setattr(contracts.registry, "tags", tags_)
    model = RegistryAsset("shared", "phi", "3")
    contract = contracts.of_shared(model, said.append)
    assert asked == [(model, "arm")]
    return contract, said


def test_the_contract_of_a_version_that_another_stack_has_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shared(monkeypatch, {"contract": "mlflow"}) == (Contract("mlflow"), [])
    assert shared(monkeypatch, {"contract": "mlflow", "serving_image": IMAGE}) == (Contract("mlflow", IMAGE), [])
    unknown = "warning: how model phi:3 is served is not known: {}. Whoever asks it tries both routes.".format
    why = "it has no tag contract"
    assert shared(monkeypatch, {"serving_image": IMAGE}) == (Contract(why=why), [unknown(why)])
    assert shared(monkeypatch, HttpResponseError("not you")) == (Contract(why="not you"), [unknown("not you")])


def test_what_is_told_of_a_version(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    read: list[Any] = []
    monkeypatch.setattr(blobs, "read", lambda *asked: (read.append(asked), FINE_TUNED)[1])
    models.there[PATH]["modelUri"] = f"{URI}/"
    said: list[str] = []
    assert contracts.of_version(TARGET, "phi", "7", said.append) == Contract("mlflow")
    assert said == ["model phi:7 is served by MLflow's generic scoring: /score alone, whole answers"]
    assert read == [(models, TARGET, f"{URI}/MLmodel", 1_000_000)]
    assert contracts.of_version(TARGET, "phi", "7", said.append) == Contract("mlflow", ""), "by its tags now"
    assert len(said) == len(read) == 1
