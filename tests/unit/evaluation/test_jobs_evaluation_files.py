"""The files of an evaluation: page, Markdown, JSON and pictures."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from evaluation_made import WHOLE, made

from cloud.services.mlflow import Point
from jobs.evaluation import files
from jobs.evaluation.charts import charts
from jobs.evaluation.result import Losses


@pytest.mark.parametrize(
    ("training", "held_out", "candidates", "pictures"),
    [
        (True, False, True, ["latency", "loss", "score"]),
        (False, True, True, ["latency", "loss", "score"]),
        (False, False, True, ["latency", "score"]),
        (False, True, False, ["loss"]),
    ],
)
def test_there_is_a_picture_of_what_there_is(
    training: bool, held_out: bool, candidates: bool, pictures: list[str]
) -> None:
    found = made("yes")
    losses = Losses(found.losses.training if training else (), found.losses.held_out if held_out else ())
    shown = dataclasses.replace(found, losses=losses, candidates=found.candidates if candidates else ())
    assert sorted(charts(shown)) == pictures


def test_the_page_stands_alone_and_nothing_in_it_runs() -> None:
    found = made("<script>alert(1)</script><img src=x>", note="a <b>stand-in</b>")
    text = files.page(found, charts(found))
    assert "<script" not in text and "<img" not in text and "<b>" not in text and "javascript:" not in text
    assert not re.findall(r"(?:src|href)=[\"'](?!#)", text), "loads nothing"
    assert "a &lt;b&gt;stand-in" in text
    assert text.count("<svg") == 3 and "Score by question" in text
    assert "prefers-color-scheme: dark" in text and 'name="viewport"' in text


def test_the_markdown_keeps_its_columns() -> None:
    text = files.markdown(made("a | b\n<i>c</i> `d` ![e](f)"), ["loss"])
    (row,) = [line for line in text.splitlines() if line.startswith("| 1 |")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 6
    assert "<i>" not in row and "](f)" in row and "\\[e](f)" in row
    assert "![Loss while training](loss.svg)" in text
    assert "lowest at step 10 (2.000) and rose after it" in text


def test_pictures_are_the_same_each_time_and_stale_ones_go(tmp_path: Path) -> None:
    found = made("me")
    written = files.write(found, tmp_path)
    assert {path.name for path in written} == {
        "evaluation.md",
        "evaluation.html",
        "evaluation.json",
        "loss.svg",
        "score.svg",
        "latency.svg",
    }
    before = (tmp_path / "loss.svg").read_bytes()
    files.write(found, tmp_path)
    assert (tmp_path / "loss.svg").read_bytes() == before
    files.write(dataclasses.replace(found, candidates=()), tmp_path)
    assert not (tmp_path / "score.svg").exists()


def test_a_curve_that_only_falls_needs_no_remark() -> None:
    curve = tuple(Point(4 - step, step, 0.0) for step in range(3))
    assert Losses(curve, curve).remark() == ""
    assert Losses().perplexity is None and Losses().best is None
    assert Losses((), (Point(1e9, 1, 0.0),)).perplexity is not None, "no overflow"


MARKDOWN = """\
# Was the fine-tune worth it? Stack dev

**Not clear: the fine-tuned model scores 0.88 on 2 golden questions, the base model 0.00, a difference of +0.75 (90 % interval -0.39 to +0.89, 1 question, 1 left out).**

- Not good enough: the fine-tuned model scores 0.88 and needs 0.90.
- Could not tell whether it is worse than the model in service: -0.12 (90 % interval -0.48 to +0.36, 2 questions), and 0.20 less is let through; some 21 questions of this kind would tell.
- It learnt otherwise.
- {test}.
- 1 of 2 questions stand in the training data, and show that it was learnt, not that anything was understood: Question 1?.

> Phi-4-mini-instruct:1: a stand-in.

| model | deployment | score | word for word | median | 95 % within |
| --- | --- | --- | --- | --- | --- |
| base model (Phi-4-mini-instruct:1) | base | 0.00 | 0 of 2 | 2.00 s | 2.00 s |
| fine-tuned (phi:7) | m1 | 0.88 | 1 of 2, 1 cut off | 1.00 s | 1.50 s |
| in service (phi:6) | m0 | 1.00 | 2 of 2 | 0.50 s | 0.50 s |

| loss |  |
| --- | --- |
| held out, at the end | 3.000 (perplexity 20.1) |
| held out, lowest | 2.000 at step 10 |
| training, first and last | 4.000 → 2.500 |

{remark}

![Loss while training](loss.svg)
![Score by question](score.svg)
![Seconds to an answer](latency.svg)

## Answers

|  | question | right | base model | fine-tuned | in service |
| --- | --- | --- | --- | --- | --- |
| 1 | Question 1? | right 1 | no (0.00) | nearly … (cut off) (0.75) | right 1 (1.00) |
| 2 | Question 2? | right 2 | no answer: the model raised an error (424) (0.00) | right 2 it is (1.00) | right 2 (1.00) |

## Not compared

- seconds: a \\| b

2026-11-25 12:05 UTC, model phi:7, job finetune-1-2
"""  # noqa: E501


def test_the_markdown_tells_everything() -> None:
    assert WHOLE.test is not None
    told = MARKDOWN.format(test=WHOLE.test.told, remark=WHOLE.losses.remark())
    assert files.markdown(WHOLE, ["loss", "score", "latency"]) == told


def test_the_markdown_has_nothing_of_what_is_not_there() -> None:
    bare = dataclasses.replace(
        WHOLE,
        candidates=(),
        losses=Losses(),
        note="",
        job="",
        not_compared=(),
        leaked=(),
        asked_otherwise="",
        test=None,
        questions=0,
    )
    assert files.markdown(bare, []) == (
        "# Was the fine-tune worth it? Stack dev\n\n**Not known: the fine-tuned model was not asked.**\n\n\n"
        "2026-11-25 12:05 UTC, model phi:7, job none\n"
    )


def test_the_page_tells_the_same() -> None:
    text = files.page(WHOLE, {"latency": "<svg>picture</svg>"})
    shown = " ".join(re.sub(r"<[^>]*>", " ", text.partition("</style>")[2]).split())
    for told in (
        f"Stack dev {WHOLE.verdict}. Not good enough: {WHOLE.problems[0]}. Could not tell",
        "It learnt otherwise. On 3 of the 9 rows",
        "base model 0.00 word for word: 0 of 2 median 2.00 s, 95 % within 2.00 s Phi-4-mini-instruct:1 fine-tuned 0.88",
        "loss held out, at the end 3.000 (perplexity 20.1) held out, lowest 2.000 at step 10 training",
        "Seconds to an answer picture The held-out loss was lowest",
        "1 Question 1? right 1 0.00 no 0.75 nearly … (cut off) 1.00 right 1 2 Question 2?",
        "0.00 no answer: the model raised an error (424) 1.00 right 2 it is",
        "2026-11-25 12:05 UTC, model phi:7, job finetune-1-2",
    ):
        assert told in shown, told
    assert '<a href="https://ml.azure.com/runs/finetune-1-2">' in text


@pytest.mark.parametrize(
    ("leaked", "named"),
    [
        (("a", "b", "c"), "3 of 5 questions stand in the training data{}: a; b; c"),
        (("a", "b", "c", "d", "e"), "5 of 5 questions stand in the training data{}: a; b; c and 2 more"),
    ],
)
def test_of_many_leaked_questions_three_are_named(leaked: tuple[str, ...], named: str) -> None:
    found = dataclasses.replace(WHOLE, leaked=leaked, questions=5, test=None, asked_otherwise="")
    assert files.remarks(found)[1] == named.format(", and show that it was learnt, not that anything was understood")


def test_a_model_that_answered_nothing_has_no_median() -> None:
    silent = made("x").candidates[0]
    lost = dataclasses.replace(silent.scores.results[0].samples[0], error="424")
    results = (dataclasses.replace(silent.scores.results[0], samples=(lost,)),)
    found = dataclasses.replace(silent, scores=dataclasses.replace(silent.scores, results=results))
    assert files.figures(found) == ["0.00", "0 of 1", "no answer", "0.00 s"]


def test_files_are_written_into_a_folder_that_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    written = files.put(folder, {"a.md": "ä"}, {"loss": "<svg/>"}, ["loss", "score"])
    assert [path.relative_to(folder).as_posix() for path in written] == ["a.md", "loss.svg"]
    assert [path.read_bytes() for path in written] == ["ä".encode(), b"<svg/>"]
    (folder / "score.svg").write_text("of before")
    assert [path.name for path in files.put(folder, {"b.md": ""}, {}, ["loss", "score"])] == ["b.md"]
    assert sorted(path.name for path in folder.iterdir()) == ["a.md", "b.md"]


def test_its_json_is_indented_and_keeps_its_letters(tmp_path: Path) -> None:
    files.write(dataclasses.replace(WHOLE, note="über"), tmp_path)
    text = (tmp_path / "evaluation.json").read_text(encoding="utf-8")
    assert text.startswith('{\n  "stack": "dev",\n') and text.endswith("\n}\n") and '"note": "über"' in text
    assert (tmp_path / "evaluation.md").read_text(encoding="utf-8").count(".svg)") == 3
    assert (tmp_path / "evaluation.html").read_text(encoding="utf-8").count("<svg") == 3


def test_a_cell_keeps_to_itself() -> None:
    assert files.cell("a\\b|c<d>[e]`f`\ng") == "a\\\\b\\|c&lt;d>\\[e]\\`f\\` g"
