"""A data set of the hub: read with its config and split, and what is said where there is no hub."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from data_prep import DataError
from data_prep.prepare import Request, prepare
from data_prep.source import hub

ROWS = [
    {"messages": [{"role": "user", "content": f"Is {at} odd?"}, {"role": "assistant", "content": "a"}]}
    for at in range(20)
]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Refuse every connection and name look-up, and note it: libraries swallow such errors."""
    attempts: list[Any] = []

    def refuse(*arguments: Any, **_: Any) -> None:
        attempts.append(arguments)
        raise OSError("no network in unit tests")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return attempts


def test_an_unreachable_hub_names_the_network_and_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # the library's own way of having no hub
    with pytest.raises(DataError) as raised:
        prepare(Request(directory=tmp_path / "out"), lambda _: None)
    text = str(raised.value)
    assert "HuggingFaceH4/ultrachat_200k (config default, split train_sft[:1%])" in text
    assert constants.ENDPOINT in text
    assert "set data.source to `sample`" in text
    assert not (tmp_path / "out").exists()


def test_a_data_set_is_read_with_its_config_and_split(
    tmp_path: Path, no_network: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
    # A folder laid out as a hub repository is: `datasets` takes the same way through it, without the network.
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    name = str(tmp_path)
    for split, expected in [("train[:50%]", ROWS[:10]), ("train[2:4]", ROWS[2:4]), ("train", ROWS)]:
        assert list(hub.opened(name, "default", split, "").rows) == expected
    for config, split, message in [
        ("default", "train_sft[:1%]", "Bad split: train_sft. Available splits: ['train']"),
        ("nosuch", "train", "BuilderConfig 'nosuch' not found. Available: ['default']"),
    ]:
        with pytest.raises(DataError) as raised:
            list(hub.opened(name, config, split, "").rows)
        assert f"cannot read {name} (config {config}, split {split}): {message}" in str(raised.value)
    assert no_network == []
