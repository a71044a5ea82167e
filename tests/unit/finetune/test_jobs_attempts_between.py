"""What an attempt takes over from those before it: the component's version, and the batch in parts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from jobs_fake import FakeMl
from test_jobs_specs import FINETUNE

from jobs.training import adapting, component_version
from tests.changing import changed


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ([], "latest"),
        ([{"component": "chat_completion_pipeline:0.0.80"}], "0.0.80"),
        (
            [{"component": "chat_completion_pipeline:0.0.80"}, {"component": "chat_completion_pipeline:0.0.81"}],
            "0.0.81",
        ),
        ([{"component": "chat_completion_pipeline:0.0.80"}, None], "0.0.80"),
        ([{"component": "chat_completion_pipeline:0.0.80"}, {}], "0.0.80"),
        ([{"component": "another:1"}], "latest"),
        ([{"component": "chat_completion_pipeline"}], "latest"),
        ([{"component": "chat_completion_pipeline:"}], "latest"),
        ([{"component": "chat_completion_pipeline:1:2"}], "1:2"),
    ],
)
def test_the_component_is_that_of_the_attempt_before(ml: FakeMl, tags: list[Any], wanted: str) -> None:
    for number, its in enumerate(tags, 1):
        if its is not None:
            ml.jobs.put(FINETUNE.job_name(number), "Failed", **its)
    # Whatever comes after it, says nothing of it.
    ml.jobs.put(FINETUNE.job_name(len(tags) + 1), "Failed", component="chat_completion_pipeline:9")
    assert component_version.version(ml, FINETUNE, FINETUNE.job_name(len(tags) + 1)) == wanted  # type: ignore[arg-type]
    asked: list[tuple[str, dict[str, str]]] = []

    def get(name: str, **which: str) -> None:
        asked.append((name, which))

    registry: Any = SimpleNamespace(components=SimpleNamespace(get=get))
    component_version.component(registry, "c", wanted)
    assert asked == [("c", {"label": "latest"} if wanted == "latest" else {"version": wanted})]


def test_the_batch_in_parts_skips_what_is_gone_and_knows_its_defaults(ml: FakeMl, said: list[str]) -> None:
    spec = changed(FINETUNE, adapt=True)
    ml.jobs.put(spec.job_name(2), "Failed")
    ml.jobs.reasons[spec.job_name(2)] = "CUDA out of memory."
    third = spec.job_name(3)
    assert adapting.adapted(ml, spec, third, {}, said.append) == {}  # type: ignore[arg-type]
    assert said == ["warning: an earlier attempt ran out of GPU memory, and a batch of 1 has no smaller part"]
    found = adapting.adapted(ml, spec, third, {"per_device_train_batch_size": 4}, said.append)  # type: ignore[arg-type]
    assert found == {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2}
    assert said[1] == (
        f"warning: an earlier attempt ran out of GPU memory: job {third} trains with per_device_train_batch_size=2 and "
        "gradient_accumulation_steps=2 in their place (finetune.adapt), as many conversations to a step as before"
    )
    ml.jobs.there[spec.job_name(2)].tags = {"vmSize": "Standard_X"}
    assert adapting.adapted(ml, spec, third, {"per_device_train_batch_size": 4}, said.append, "Standard_Y") == {}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "its"),
    [
        (FINETUNE.job_name(1), True),
        (FINETUNE.job_name(27), True),
        ("finetune-0123456789ab-1", False),
        (f"prepare-{FINETUNE.fingerprint}-1", False),
    ],
)
def test_an_attempt_is_known_by_its_name(name: str, its: bool) -> None:
    assert FINETUNE.is_job(name) is its
