"""Nodes among which data are divided: as many as there are, and only for what can be divided."""

from __future__ import annotations

from typing import Any

import pytest

from settings.checks.conflicts import conflicts
from settings.sections.sources import of_the_hub
from settings.tree import Settings


def refused(**data: Any) -> list[str]:
    given = {"source": "chats/", "runOn": "cluster", **data}
    found = conflicts(Settings.model_validate({"purgeOnDestroy": True, "data": given}), "x")
    return [each.problem.rule for each in found if each.at == "data.cluster.nodes"]


TWO = {"nodes": 2, "maxNodes": 2}


@pytest.mark.parametrize(
    "data",
    [
        {"cluster": TWO},
        {"cluster": {"nodes": 2, "maxNodes": 5}, "rows": "5%"},
        {"cluster": TWO, "source": "azureml:chats:1"},
        {"cluster": {"nodes": 1}, "source": "HuggingFaceH4/ultrachat_200k"},
        {"cluster": TWO, "source": "HuggingFaceH4/ultrachat_200k", "runOn": "local"},
        {"cluster": TWO, "split": "train_sft[:1%]"},  # the default, which is the hub's
    ],
)
def test_files_are_divided(data: dict[str, Any]) -> None:
    assert refused(**data) == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"cluster": {"nodes": 3, "maxNodes": 2}}, "more than the cluster ever has: data.cluster.maxNodes is 2"),
        ({"cluster": TWO, "source": "HuggingFaceH4/ultrachat_200k"}, "is streamed from the hub"),
        ({"cluster": TWO, "rows": "1000"}, "data.rows counts 1000 off"),
        ({"cluster": TWO, "split": "train[:50]"}, "data.split is train[:50]"),
    ],
)
def test_what_is_not_is_refused(data: dict[str, Any], words: str) -> None:
    (rule,) = refused(**data)
    assert words in rule


@pytest.mark.parametrize(
    ("name", "hub"),
    [
        ("HuggingFaceH4/ultrachat_200k", True),
        ("squad", True),
        ("sample", False),
        ("chats/", False),
        ("chats/*.jsonl", False),
        ("my/chats.jsonl", False),
        ("./chats", False),
        ("/data/chats", False),
        ("azureml:chats@latest", False),
    ],
)
def test_a_data_set_of_the_hub_is_known_by_its_name(name: str, hub: bool) -> None:
    assert of_the_hub(name) is hub
