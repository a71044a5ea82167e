"""Rows of the test file as questions: what each has, and which of them are asked."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from chat.phi_messages import Turn
from jobs.evaluation import held_out
from jobs.evaluation.result import HeldOut
from jobs.golden.questions import Check, Question


def row(*texts: str, system: str | None = None) -> str:
    before = [{"role": "system", "content": system}] if system is not None else []
    said = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]
    return json.dumps({"messages": [*before, *said]}) + "\n"


def put(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}_data.jsonl").write_text(text, encoding="utf-8")


def test_a_row_is_read_whole(tmp_path: Path) -> None:
    text = row("a?", "A.", "b?", "B.", "c?", "C" * 300, system="Be brief.")
    put(tmp_path, train=row("x", "y"), test=text)
    found = held_out.read(tmp_path, 5, 90)
    check = Check(kind="similarity", max_tokens=100)
    history = (Turn("a?", "A."), Turn("b?", "B."))
    assert found == HeldOut(
        path=str(tmp_path / "test_data.jsonl"),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        rows=1,
        validates=True,
        questions=(Question("c?", ("C" * 300,), check, history, "Be brief."),),
        candidates=(),
        confidence=90,
    )


@pytest.mark.parametrize(
    ("answer", "tokens"),
    [("x", 32), ("x" * 98, 32), ("x" * 99, 33), ("ä" * 60, 40), ("x" * 1536, 512), ("x" * 1539, 512)],
)
def test_an_answer_may_be_as_long_as_the_reference(tmp_path: Path, answer: str, tokens: int) -> None:
    put(tmp_path, train=row("x", "y"), test=row("a?", answer))
    (question,) = held_out.read(tmp_path, 1, 95).questions
    assert (question.check.max_tokens, question.system, question.history) == (tokens, "", ())


def test_the_same_rows_are_asked_each_time(tmp_path: Path) -> None:
    rows = [row(f"{at}?", "x") for at in range(20)]
    order = sorted(range(20), key=lambda at: hashlib.sha256(rows[at].encode()).hexdigest())
    put(tmp_path, train=row("x", "y"), test="".join(rows))
    found = held_out.read(tmp_path, 3, 95)
    assert [each.question for each in found.questions] == [f"{at}?" for at in order[:3]] and found.rows == 20


def test_a_validation_file_is_another_one(tmp_path: Path) -> None:
    put(tmp_path, train=row("x", "y"), test=row("a?", "b"), validation=row("c", "d"))
    assert not held_out.read(tmp_path, 1, 95).validates


def test_without_training_data_there_are_no_prepared_data(tmp_path: Path) -> None:
    put(tmp_path, test=row("a?", "b"))
    with pytest.raises(FileNotFoundError, match="holds no prepared data"):
        held_out.read(tmp_path, 1, 95)
    put(tmp_path, test=row("a?", "b", "c?"))
    with pytest.raises(ValueError, match="zip"):
        held_out.read(tmp_path, 1, 95)
