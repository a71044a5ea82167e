"""After a job that ran out of the GPU's memory, the next attempt takes the batch in parts, and says so."""

from __future__ import annotations

from typing import Any

import pytest
from jobs_fake import COMPONENT_INPUTS, FakeMl, Stop, install
from test_jobs_specs import FINETUNE

from cloud.errors import StageError
from jobs.training import finetune
from jobs.training.adapting import smaller
from tests.changing import changed

MEMORY, OTHER = "CUDA out of memory. Tried to allocate 20.00 MiB", "Connection reset by peer"


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    for key in ("per_device_train_batch_size", "gradient_accumulation_steps"):
        monkeypatch.setitem(COMPONENT_INPUTS, key, "integer")
    return install(monkeypatch)


@pytest.fixture
def said() -> list[str]:
    return []


def attempt(ml: FakeMl, said: list[str], *reasons: str, batch: int = 8, adapt: bool = True) -> dict[str, Any]:
    """What the job is given after attempts that failed for these reasons."""
    recipe = {"per_device_train_batch_size": batch, "gradient_accumulation_steps": 2}
    spec = changed(FINETUNE, stack="dev", recipe=recipe, adapt=adapt, wait=False, max_attempts=9)
    for number, reason in enumerate(reasons, 1):
        ml.jobs.put(spec.job_name(number), "Failed")
        ml.jobs.reasons[spec.job_name(number)] = reason
    with pytest.raises(StageError):
        finetune.run(spec, said.append, Stop())
    given = ml.component.node.inputs
    return {key: given[key] for key in recipe} | {"tag": ml.jobs.submitted[-1].tags.get("adapted", "")}


@pytest.mark.parametrize(
    ("reasons", "batch", "expected"),
    [
        ((), 8, (8, 2)),
        ((OTHER,), 8, (8, 2)),
        ((MEMORY,), 8, (4, 4)),
        ((MEMORY, OTHER), 8, (4, 4)),
        ((MEMORY, MEMORY), 8, (2, 8)),
        ((MEMORY,), 1, (1, 2)),
    ],
)
def test_the_batch_is_taken_in_parts(
    ml: FakeMl, said: list[str], reasons: tuple[str, ...], batch: int, expected: tuple[int, int]
) -> None:
    found = attempt(ml, said, *reasons, batch=batch)
    assert (found["per_device_train_batch_size"], found["gradient_accumulation_steps"]) == expected
    changed_ = expected != (batch, 2)
    tag = f"gradient_accumulation_steps={expected[1]}, per_device_train_batch_size={expected[0]}"
    assert found["tag"] == (tag if changed_ else "")
    assert any("(finetune.adapt)" in line for line in said) is changed_


def test_a_batch_of_one_is_said_to_have_no_part(ml: FakeMl, said: list[str]) -> None:
    attempt(ml, said, MEMORY, batch=1)
    assert any("a batch of 1 has no smaller part" in line for line in said)


def test_nothing_is_other_where_it_is_not_asked_for(ml: FakeMl, said: list[str]) -> None:
    assert attempt(ml, said, MEMORY, adapt=False)["per_device_train_batch_size"] == 8


@pytest.mark.parametrize(
    ("batch", "parts"), [(8, (4, 2)), (6, (3, 2)), (3, (1, 3)), (5, (1, 5)), (9, (3, 3)), (1, (1, 1))]
)
def test_a_step_learns_from_as_many_conversations(batch: int, parts: tuple[int, int]) -> None:
    assert smaller(batch, 1) == parts
    assert parts[0] * parts[1] == batch


A100, H100 = "Standard_NC24ads_A100_v4", "Standard_NC40ads_H100_v5"


@pytest.mark.parametrize(
    ("sizes", "now", "expected"),
    [
        ((A100, A100), A100, "refused"),
        ((A100, A100), H100, (3, 8)),
        ((A100, H100), H100, (3, 4)),
        ((H100, H100), H100, "refused"),
        (("", ""), H100, "refused"),
        ((A100, ""), "", "refused"),
    ],
    ids=str,
)
def test_what_failed_on_other_machines_does_not_count(
    ml: FakeMl,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
    sizes: tuple[str, ...],
    now: str,
    expected: tuple[int, int] | str,
) -> None:
    """Another compute.vmSize makes a new attempt possible, and gives it the whole batch; no model is made again."""
    tags = {"vmSize": now} if now else {}
    monkeypatch.setattr("jobs.training.stack_jobs.machine_of", lambda *_: tags)
    recipe = {"per_device_train_batch_size": 8, "gradient_accumulation_steps": 2}
    spec = changed(FINETUNE, stack="dev", recipe=recipe, adapt=True, wait=False, max_attempts=2)
    for number, size in enumerate(sizes, 1):
        ml.jobs.put(spec.job_name(number), "Failed", **({"vmSize": size} if size else {}))
        ml.jobs.reasons[spec.job_name(number)] = MEMORY
    with pytest.raises(StageError) as ended:
        finetune.run(spec, said.append, Stop())
    if expected == "refused":
        assert "all 2 attempts at this fine-tuning failed" in str(ended.value)
        assert f"ended Failed on {now}" in str(ended.value) if now else "ended Failed;" in str(ended.value)
        return
    submitted = ml.jobs.submitted[-1]
    assert (submitted.name, ml.component.node.inputs["per_device_train_batch_size"]) == (
        spec.job_name(int(expected[0])),
        expected[1],
    )
    assert submitted.tags["vmSize"] == now
