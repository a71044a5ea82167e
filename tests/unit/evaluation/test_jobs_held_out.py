"""The test file judges: its rows are put to base and tuned model, and the answers compared with what stands there."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
from evaluation_made import RIGHT, Said, evaluate

from chat.phi_messages import Answer, ChatRequest, Turn
from jobs.evaluation import files, held_out
from jobs.evaluation.result import BASE, TUNED
from jobs.golden import golden
from jobs.golden.questions import Question
from jobs.status.stack import Stack

ROWS = [
    [
        ("system", "Be brief."),
        ("user", "Hello?"),
        ("assistant", "Hello."),
        ("user", "Who?"),
        ("assistant", "Bill Gates."),
    ],
    [("user", "Where?"), ("assistant", RIGHT)],
    [("user", "Why?"), ("assistant", "Because " * 2000)],
]


def put(folder: Path, name: str = "test_data.jsonl", rows: int = 3) -> Path:
    path = folder / name
    said = [{"messages": [{"role": role, "content": text} for role, text in row]} for row in ROWS[:rows]]
    path.write_text("".join(json.dumps(row) + "\n" for row in said))
    return path


def test_a_row_is_asked_as_it_was_learnt(tmp_path: Path) -> None:
    path = put(tmp_path)
    put(tmp_path, "train_data.jsonl")
    found = held_out.read(tmp_path, 20, 95)
    asked = {each.question: each for each in found.questions}
    who: Question = asked["Who?"]
    assert (who.history, who.system, who.answers) == ((Turn("Hello?", "Hello."),), "Be brief.", ("Bill Gates.",))
    assert (asked["Where?"].history, asked["Where?"].system) == ((), "")
    assert [asked[each].check.max_tokens for each in ("Who?", "Why?")] == [32, 512]
    assert (found.rows, found.validates) == (3, True)
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    # The same rows, whatever their order.
    path.write_text("".join(reversed(path.read_text().splitlines(keepends=True))))
    (one,) = held_out.read(tmp_path, 1, 95).questions
    assert one == found.questions[0]
    put(tmp_path, "validation_data.jsonl")
    assert not held_out.read(tmp_path, 1, 95).validates


def test_base_and_tuned_model_are_judged_by_it(
    said: Said, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stack.stages is not None and stack.stages.dataset is not None
    put(tmp_path, rows=2)
    put(tmp_path, "train_data.jsonl")
    there = dataclasses.replace(stack.stages.dataset, directory=str(tmp_path))
    here = dataclasses.replace(stack, stages=dataclasses.replace(stack.stages, dataset=there))
    asked: list[ChatRequest] = []
    answers = golden.ask

    def ask(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        asked.append(request)
        return answers(url, key, request, timeout=timeout)

    monkeypatch.setattr(golden, "ask", ask)
    found = evaluate(here, tmp_path)
    assert found.test is not None
    base, tuned = (found.test.candidate(role) for role in (BASE, TUNED))
    assert base is not None and tuned is not None
    assert tuned.scores.results[[each.question for each in found.test.questions].index("Where?")].score == 1
    assert 0 < base.scores.score < tuned.scores.score < 1
    assert {"Be brief."} == {each.system for each in asked if each.question == "Who?"}
    assert len([each for each in asked if each.question == "Who?"]) == 2
    assert found.metrics()["test_similarity"] == tuned.scores.score
    assert found.metrics()["test_similarity_base"] == base.scores.score
    told = found.to_json()["test"]
    assert (told["file"], told["rows"], told["asked"]) == (str(tmp_path / "test_data.jsonl"), 2, 2)
    assert told["sha256"] == hashlib.sha256((tmp_path / "test_data.jsonl").read_bytes()).hexdigest()
    remarks = [line for line in files.remarks(found) if "how like the reference" in line]
    assert len(remarks) == 1
    assert remarks[0].startswith("On 2 of the 2 rows of ")
    assert remarks[0].endswith("; the fine-tune validated by the same file")
    tuned_alone = dataclasses.replace(found.test, candidates=(tuned,), validates=False)
    assert tuned_alone.told.endswith(f"0 to 1: {TUNED} {tuned.scores.score:.2f}")
    assert remarks[0] in files.page(found, {}).replace("&#39;", "'")
    assert any(each.startswith("loss on the test file: ") for each in found.not_compared)


@pytest.mark.parametrize("rows", [0, 20])
def test_without_the_file_it_is_said(said: Said, stack: Stack, tmp_path: Path, rows: int) -> None:
    assert stack.stages is not None and stack.stages.dataset is not None
    there = dataclasses.replace(stack.stages.dataset, directory=str(tmp_path))
    none = stack.evaluation.model_copy(update={"test_rows": rows})
    here = dataclasses.replace(stack, evaluation=none, stages=dataclasses.replace(stack.stages, dataset=there))
    found = evaluate(here, tmp_path)
    assert found.test is None
    assert any(each.startswith("test file: it is not on this machine") for each in found.not_compared) == bool(rows)
    assert "test_similarity" not in found.metrics()
