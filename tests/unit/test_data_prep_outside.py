"""What comes from elsewhere (a tokenizer, a data set, a data asset): how it is asked for, and each refusal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import AzureError, ResourceNotFoundError

from data_prep import DataError
from data_prep.source import azureml, hub, tokens
from data_prep.source.azureml import Asset, Workspace, downloaded, entity, needs_workspace
from data_prep.source.tokens import Tokenizer, resolve, template_of
from settings.models import model

KNOWN, UNKNOWN = model("Phi-4-mini-instruct"), model("Nobody-7B")
WAY_OUT = "or set data.source to `sample` (--source sample), which needs no network"


def said(what: Callable[[], Any]) -> str:
    with pytest.raises(DataError) as raised:
        what()
    return str(raised.value)


def test_the_tokenizer_that_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    asked: list[tuple[Any, ...]] = []
    cached: dict[str, Path] = {}
    monkeypatch.setattr(tokens, "_cached", lambda name: asked.append(("cached", name)) or cached.get(name))
    monkeypatch.setattr(
        tokens, "_downloaded", lambda name, must: asked.append((name, must)) or (path if must else None)
    )
    assert resolve("estimate", KNOWN, online=True) == Tokenizer("estimate", None)
    assert resolve("auto", UNKNOWN, online=True) == Tokenizer()
    assert resolve(str(path), KNOWN, online=False) == Tokenizer("tokenizer.json 44136fa3", path)
    assert asked == []
    own = "microsoft/Phi-4-mini-instruct"
    assert resolve("auto", KNOWN, online=False) == Tokenizer() and asked == [("cached", own)]
    assert resolve("auto", KNOWN, online=True) == Tokenizer() and asked[1:] == [("cached", own), (own, False)]
    assert resolve("x/y", KNOWN, online=False) == Tokenizer("x/y 44136fa3", path)
    assert asked[3:] == [("cached", "x/y"), ("x/y", True)]
    cached[own] = path
    assert resolve("auto", KNOWN, online=True) == Tokenizer(f"{own} 44136fa3", path) and len(asked) == 6
    missing = tmp_path / "no.json"
    assert said(lambda: resolve(str(missing), KNOWN, online=True)) == (
        f"there is no tokenizer file {missing}: name a tokenizer.json, or set data.tokenizer to auto"
    )
    assert said(lambda: tokens._load(path)).startswith(f"{path} is no tokenizer: ")


def test_a_tokenizer_that_cannot_be_had_is_an_estimate_or_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fetched: list[tuple[str, str]] = []

    def download(repository: str, name: str) -> str:
        fetched.append((repository, name))
        if repository == "x/none":
            raise ConnectionError("refused by https://h/a?sig=s for ever.\nand more")
        return str(tmp_path / name)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    assert tokens._downloaded("x/y", must=True) == tmp_path / "tokenizer.json"
    assert fetched == [("x/y", "tokenizer.json"), ("x/y", "tokenizer_config.json")]
    assert tokens._downloaded("x/none", must=False) is None
    assert said(lambda: tokens._downloaded("x/none", must=True)) == (
        "the tokenizer of x/none cannot be had: refused by https://h/a?... for ever. Set data.tokenizer to a "
        "tokenizer.json, or to estimate"
    )


@pytest.mark.parametrize("variable", ["HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME"])
def test_the_local_cache_of_the_hub_is_where_the_hub_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    for name in ("HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv(variable, str(tmp_path))
    below = {
        "HF_HUB_CACHE": "",
        "HF_HOME": "hub",
        "XDG_CACHE_HOME": "huggingface/hub",
        "HOME": ".cache/huggingface/hub",
    }
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *given: asked.append(given) or "/x/t.json")
    assert tokens._cached("a/b") is None and asked == []
    (tmp_path / below[variable] / "models--a--b").mkdir(parents=True)
    assert tokens._cached("a/b") == Path("/x/t.json") and asked == [("a/b", "tokenizer.json")]
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: object())
    assert tokens._cached("a/b") is None


def test_the_template_beside_a_tokenizer_stands_above_the_built_in_one(tmp_path: Path) -> None:
    tokenizer = Tokenizer("x", tmp_path / "tokenizer.json")
    beside = tmp_path / "tokenizer_config.json"
    built_in = (KNOWN.template, "built in for Phi-4-mini-instruct")
    assert template_of(KNOWN, Tokenizer()) == template_of(KNOWN, tokenizer) == built_in
    for content in ("{", json.dumps({"chat_template": [1]}), "{}"):
        beside.write_text(content)
        assert template_of(KNOWN, tokenizer) == built_in
    beside.write_text(json.dumps({"chat_template": "{{ x }}"}))
    assert template_of(KNOWN, tokenizer) == ("{{ x }}", "tokenizer_config.json")
    assert template_of(UNKNOWN, Tokenizer()) == (None, "built in for Nobody-7B")


def failing(status: int | None, text: str = "What. \nelse") -> Exception:
    error, wrapped = Exception("inner"), Exception(text)
    if status is not None:
        error.response = SimpleNamespace(status_code=status)  # type: ignore[attr-defined]
    wrapped.__cause__ = error
    return wrapped


@pytest.mark.parametrize(
    ("error", "says"),
    [
        *(
            (
                failing(status),
                "there is no data set a/b at revision r on the Hugging Face hub, or it is private or gated: check its "
                f"name, accept its terms there and set HF_TOKEN, {WAY_OUT} (the tutorial's is "
                "HuggingFaceH4/ultrachat_200k)",
            )
            for status in (401, 403, 404)
        ),
        (
            failing(429),
            "the Hugging Face hub asks to slow down (429) while reading S: try again in a few minutes, set HF_TOKEN "
            f"for a higher limit, {WAY_OUT}",
        ),
        (ValueError("Bad split.\nx"), "cannot read S: Bad split"),
        (
            failing(500),
            "cannot read S from the Hugging Face hub: What. It needs HTTPS to https://huggingface.co and the storage "
            f"hosts it names; check the network and its proxy, {WAY_OUT}",
        ),
        (
            failing(None, ""),
            "cannot read S from the Hugging Face hub: Exception. It needs HTTPS to https://huggingface.co and the "
            f"storage hosts it names; check the network and its proxy, {WAY_OUT}",
        ),
        (DataError("as it is"), "as it is"),
    ],
)
def test_what_the_hub_says_is_one_message(monkeypatch: pytest.MonkeyPatch, error: Exception, says: str) -> None:
    names = ("DatasetNotFoundError", "DataFilesNotFoundError")
    errors = SimpleNamespace(**{name: type(name, (Exception,), {}) for name in names})
    monkeypatch.setattr(hub, "library", lambda: SimpleNamespace(exceptions=errors))

    def asked() -> None:
        with hub._explained("a/b", "S", "r"):
            raise error

    assert said(asked) == says


def test_no_code_of_a_data_set_is_run_and_nothing_but_rows_is_read() -> None:
    def library(result: Any) -> Any:
        def load(name: str, config: str, revision: str | None) -> Any:
            assert (name, config, revision) == ("a/b", "c", "r")
            if isinstance(result, Exception):
                raise result
            return result

        return SimpleNamespace(load_dataset_builder=load)

    own_copy = f"try the hub's own copy of its rows (data.revision: refs/convert/parquet), {WAY_OUT}"
    script = RuntimeError("Dataset scripts are no longer supported, but found b.py")
    assert said(lambda: hub._builder(library(script), "a/b", "c", "r")) == (
        "a/b is made by a program of its own (Dataset scripts are no longer supported, but found b.py), and no code of "
        f"a data set is run here: {own_copy}"
    )
    assert said(lambda: hub._builder(library(SimpleNamespace(name="webdataset")), "a/b", "c", "r")) == (
        f"a/b holds files that are read as webdataset; rows are read of arrow, csv, json, parquet alone: {own_copy}"
    )
    for name in ("arrow", "csv", "json", "parquet"):
        assert hub._builder(library(SimpleNamespace(name=name)), "a/b", "c", "r").name == name
    with pytest.raises(RuntimeError, match="else"):
        hub._builder(library(RuntimeError("else")), "a/b", "c", "r")


LONG = "azureml://subscriptions/s/resourcegroups/g/workspaces/w/data/chats/versions/7"


def test_a_data_asset_is_looked_up_where_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    class Data:
        def get(self, name: str, version: str | None, label: str | None) -> Any:
            asked.append((name, version, label))
            if name in errors:
                raise errors[name]
            return SimpleNamespace(name=name, version="7", path="p", tags=None)

    errors = {"none": ResourceNotFoundError("gone"), "bad": AzureError("no. \nmore"), "empty": AzureError("")}
    client = SimpleNamespace(data=Data(), datastores="stores")
    monkeypatch.setattr("cloud.client.ml_client", lambda target: asked.append(vars(target)) or client)
    there = Workspace("s2", "g2", "w2")
    assert entity("azureml:chats:7", there)[1] is client
    assert asked[0].items() >= {"subscription_id": "s2", "resource_group": "g2", "workspace": "w2"}.items()
    entity("azureml:chats@latest", there)
    entity(LONG, there)
    entity(LONG.replace("/workspaces", "/providers/Microsoft.MachineLearningServices/workspaces"), None)
    assert [each for each in asked if isinstance(each, tuple)] == [
        *(("chats", "7", None), ("chats", None, "latest"), ("chats", "7", None), ("chats", "7", None))
    ]
    assert asked[4].items() >= {"subscription_id": "s", "resource_group": "g", "workspace": "w"}.items()
    refused = {
        "azureml:none:1": "there is no data asset none:1 of workspace w2: `az ml data list` shows what there is",
        "azureml:bad@latest": "cannot read data asset bad:latest of workspace w2: no",
        "azureml:empty:1": "cannot read data asset empty:1 of workspace w2: AzureError",
        "azureml:x": "azureml:x names no data asset: write azureml:name:version, azureml:name@latest or "
        "azureml://subscriptions/…/resourcegroups/…/workspaces/…/data/name/versions/version",
    }
    assert {uri: said(lambda uri=uri: entity(uri, there)) for uri in refused} == refused  # type: ignore[misc]
    assert said(lambda: entity("azureml:a:1", None)) == (
        "azureml:a:1 needs a workspace: add --stack, or write the long form"
    )
    assert [needs_workspace(name) for name in ("azureml:a:1", "azureml:a@latest", LONG, "a")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_data_asset_is_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    utilities = SimpleNamespace()
    package = SimpleNamespace(_artifact_utilities=utilities)
    monkeypatch.setitem(sys.modules, "azure.ai.ml._artifacts", package)  # type: ignore[arg-type]
    found = SimpleNamespace(name="chats", version="7", path="azureml://x", tags={"licence": "MIT"})
    monkeypatch.setattr(azureml, "entity", lambda uri, workspace: (found, SimpleNamespace(datastores="stores")))
    asked: list[Any] = []
    utilities.download_artifact_from_aml_uri = lambda **given: asked.append(given)
    assert downloaded("u", None, tmp_path) == Asset(tmp_path, "chats:7", "MIT")
    assert asked == [{"uri": "azureml://x", "destination": str(tmp_path), "datastore_operation": "stores"}]
    found.tags = None
    assert downloaded("u", None, tmp_path).licence == "unknown"

    def refused(**_: object) -> None:
        raise AzureError("no room.\nmore")

    utilities.download_artifact_from_aml_uri = refused
    assert said(lambda: downloaded("u", None, tmp_path)) == "cannot read data asset chats:7: no room"
