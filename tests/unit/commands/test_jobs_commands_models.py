"""The commands about versions and recipes: card, download, compare, and what status adds of several recipes."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from status_azure import STACK, WANTED
from status_made import WHOLE
from test_jobs_card_files import CARD
from test_jobs_comparison import SPECS
from test_jobs_comparison_told import FOUND

from cloud.services.prices import PriceBook
from cloud.target import Target
from jobs import __main__ as cli
from jobs import in_service
from jobs.card import fetch, files, gather, publish
from jobs.card.card import ModelCard
from jobs.commands.models import download
from jobs.comparison import gather as recipes
from jobs.promotion.spec import PromotionSpec
from jobs.release import rollback
from jobs.release.rollback import InService, Version
from jobs.stage_specs import StageSpecs
from jobs.status.reader import Reader
from jobs.status.stack import Stack
from settings.stack import Settings

NEWEST, LIVE = (Version(version=number, created="2026-11-25 10:00", job="j", recipe="") for number in ("9", "4"))
PLAIN = {"purgeOnDestroy": True, "finetune": {"modelName": "phi"}}


@dataclasses.dataclass
class Model:
    """The stack's versions, and what was asked of them."""

    settings: Settings
    versions: list[Version] = dataclasses.field(default_factory=lambda: [NEWEST, LIVE])
    done: list[Any] = dataclasses.field(default_factory=list)
    books: list[PriceBook] = dataclasses.field(default_factory=list)
    stack = "dev"
    model = "phi"
    endpoint = "e"
    client = "client"
    target = Target("s", "g", "w")

    def card(self, subject: Stack, version: Version, book: PriceBook) -> ModelCard:
        assert subject is STACK and book is self.books[-1]
        return dataclasses.replace(CARD, version=version.version)

    def publish(self, target: Target, card: ModelCard) -> str:
        assert target == self.target
        self.done.append(f"published {card.version}")
        return f"azureml://{card.version}"

    def fetch(self, here: Any, version: Version, folder: Path, report: Any, stop: Any) -> str:
        assert here is self and report is print and not stop.is_set()
        self.done.append((version.version, folder))
        return "3 files, 76 bytes, 0123456789ab"

    def in_service(self, client: Any, endpoint: str, model: str) -> InService:
        assert (client, endpoint, model) == ("client", "e", "phi")
        return InService(deployment="m", share=100, version="4", before="")


class Book(PriceBook):
    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Model:
    found = Model(Settings.model_validate(PLAIN))

    def of_stack(stack: str) -> PriceBook:
        assert stack == "dev"
        found.books.append(Book(tmp_path / "prices.json"))
        return found.books[-1]

    def named(name: str) -> Any:
        assert name == "dev"
        return found

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(PriceBook, "of_stack", of_stack)
    monkeypatch.setattr(in_service.StackEndpoint, "described", named)
    monkeypatch.setattr(Stack, "of", lambda name: STACK if name == "dev" else None)
    monkeypatch.setattr(rollback, "in_service", found.in_service)
    monkeypatch.setattr(gather, "card", found.card)
    monkeypatch.setattr(publish, "publish", found.publish)
    monkeypatch.setattr(fetch, "fetch", found.fetch)
    return found


def card_of(version: str) -> ModelCard:
    return dataclasses.replace(CARD, version=version)


def written(version: str) -> str:
    names = ("card.md", "card.html", "card.json", "card-loss.svg")
    return "Written: " + ", ".join(f".evaluation/dev/card-{version}/{name}" for name in names)


def test_the_card_of_the_version_in_service(model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["card", "--stack", "dev"])
    out, err = capsys.readouterr()
    assert out == files.markdown(card_of("4"), []) + "\n"
    assert err.splitlines() == [written("4")]
    assert json.loads(Path(".evaluation/dev/card-4/card.json").read_text()) == card_of("4").to_json()
    assert model.done == [] and [each.closed for each in model.books] == [True]  # type: ignore[attr-defined]


def test_the_card_of_another_version_as_json_and_published(model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["card", "--stack", "dev", "--version", "9", "--json", "--publish"])
    out, err = capsys.readouterr()
    assert json.loads(out) == card_of("9").to_json()
    assert err.splitlines() == [written("9"), "Published: azureml://9"] and model.done == ["published 9"]


def test_a_card_of_every_version(model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["card", "--stack", "dev", "--every", "--json"])
    out, err = capsys.readouterr()
    assert json.loads(out) == [card_of("9").to_json(), card_of("4").to_json()]
    assert err.splitlines() == [written("9"), written("4")]
    model.versions = []
    with pytest.raises(SystemExit, match="there is no version of the model"):
        cli.main(["card", "--stack", "dev", "--every"])


def test_of_anothers_model_no_card_is_published(model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    taken = {"model": {"promote": {"stack": "test", "registry": "mlr-phi"}}}
    model.settings = Settings.model_validate({**PLAIN, **taken})
    with pytest.raises(SystemExit, match=r"could not be published \(stack dev\): its model is that of stack test"):
        cli.main(["card", "--stack", "dev", "--publish"])
    assert model.done == [] and capsys.readouterr().err == ""
    cli.main(["card", "--stack", "dev"])


def test_a_version_comes_home_with_its_card(model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["download", "--stack", "dev"])
    assert model.done == [("4", Path("models/phi-4"))]
    assert capsys.readouterr().out == (
        "phi:4 is in models/phi-4: 3 files, 76 bytes, 0123456789ab; SHA256SUMS has the digests, card.md what it is\n"
    )
    assert Path("models/phi-4/card.md").read_text(encoding="utf-8") == files.markdown(card_of("4"), ["card-loss"])
    assert [each.closed for each in model.books] == [True]  # type: ignore[attr-defined]
    cli.main(["download", "--stack", "dev", "--version", "9", "--to", "here"])
    assert model.done[1:] == [("9", Path("here"))] and Path("here/card.html").is_file()


def test_how_a_gguf_file_is_made_is_said_and_nothing_is_fetched(model: Model) -> None:
    with pytest.raises(SystemExit) as refused:
        cli.main(["download", "--stack", "dev", "--gguf", "--to", "here"])
    assert refused.value.code == (
        f"error: a model is not converted to GGUF here (model phi:4): {download.GGUF}. Download it without --gguf, "
        "then in a clone of ggml-org/llama.cpp: `python convert_hf_to_gguf.py here/data/model --outfile phi.gguf` (its "
        "tokenizer is in here/data/tokenizer: copy it beside the weights first)."
    )
    assert model.done == []


@pytest.fixture
def compared(model: Model, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A stack of several recipes, of which a comparison was found."""
    status: Any = WHOLE
    monkeypatch.setattr(Stack, "of", lambda name: dataclasses.replace(STACK, stages=SPECS))
    monkeypatch.setattr(Reader, "read", lambda reader: status)
    monkeypatch.setattr("settings.stack.load", lambda name: f"settings of {name}")

    def compare(found: Any, specs: Any, settings: Any) -> Any:
        assert (found, specs, settings) == (status, SPECS, "settings of dev")
        return FOUND

    monkeypatch.setattr(recipes, "compare", compare)
    return model


def test_the_recipes_side_by_side(compared: Model, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["compare", "--stack", "dev", "--json"])
    out, err = capsys.readouterr()
    assert json.loads(out) == FOUND.to_json()
    names = ("recipes.md", "recipes.html", "recipes.json", "held-out-loss.svg", "training-loss.svg")
    assert err == "Written: " + ", ".join(f".evaluation/dev/{name}" for name in names) + "\n"
    cli.main(["compare", "--stack", "dev"])
    out, _ = capsys.readouterr()
    assert out.splitlines()[0].rstrip() == "Recipes of stack dev" and "bold (released)" in out
    assert [each.closed for each in compared.books] == [True, True]  # type: ignore[attr-defined]


def test_status_tells_of_several_recipes(
    compared: Model, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["status", "--stack", "dev", "--json"])
    assert json.loads(capsys.readouterr().out) == {**WHOLE.to_json(), "recipes": FOUND.to_json()["recipes"]}
    cli.main(["status", "--stack", "dev"])
    out = capsys.readouterr().out
    assert out.index("Stack dev") < out.index("Recipes of stack dev")
    for stack in (STACK, dataclasses.replace(STACK, stages=None)):
        monkeypatch.setattr(Stack, "of", lambda name, stack=stack: stack)
        cli.main(["status", "--stack", "dev", "--json"])
        assert json.loads(capsys.readouterr().out) == WHOLE.to_json(), "of one recipe there is nothing to compare"
    assert all(each.closed for each in compared.books)  # type: ignore[attr-defined]


def test_without_data_or_a_training_of_its_own_there_is_nothing_to_compare(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(stages: StageSpecs | None) -> str:
        monkeypatch.setattr(Stack, "of", lambda name: dataclasses.replace(STACK, stages=stages))
        with pytest.raises(SystemExit) as found:
            cli.main(["compare", "--stack", "dev"])
        return str(found.value.code)

    assert refused(None) == (
        "error: there is nothing to compare (stack dev): its data, after which jobs and models are named, are not "
        "prepared on this machine. Run `make data STACK=dev` first."
    )
    taken = PromotionSpec(
        target=STACK.target,
        registry="mlr-phi",
        stack="test",
        model_name="phi",
        model_version="7",
        model_fingerprint="a",
        evidence={},
    )
    assert refused(StageSpecs(dataset=None, finetunes=(), releases={"": WANTED}, promotion=taken)) == (
        "error: there is nothing to compare (stack dev): it trains nothing: its model is that of stack test "
        "(model.promote). Compare there: `python -m jobs compare --stack test`."
    )
