"""What an evaluation comes to: its verdict, its numbers, and each key of its JSON."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from evaluation_made import ASKED, WHOLE, sample, scores

from cloud.services.mlflow import Point
from jobs.evaluation.result import BASE, SERVING, TUNED, Candidate, Losses
from settings.sections.evaluation import EvaluationSettings

TUNED_JSON = {
    "role": "fine-tuned",
    "model": "phi:7",
    "median_seconds": 1.0,
    "deployment": "m1",
    "score": 0.875,
    "exact": 1,
    "cut_off": 1,
    "p95_seconds": 1.5,
    "slowest_seconds": 1.5,
    "questions": [
        {
            "question": "Question 1?",
            "expected": "right 1",
            "score": 0.75,
            "answer": "nearly",
            "samples": [
                {
                    "answer": "right 1",
                    "score": 1.0,
                    "exact": True,
                    "seconds": 0.25,
                    "error": "",
                    "unreachable": False,
                    "cut_off": False,
                },
                {
                    "answer": "nearly",
                    "score": 0.5,
                    "exact": False,
                    "seconds": 0.75,
                    "error": "",
                    "unreachable": False,
                    "cut_off": True,
                },
            ],
        },
        {
            "question": "Question 2?",
            "expected": "right 2",
            "score": 1.0,
            "answer": "right  2\nit is",
            "samples": [
                {
                    "answer": "right  2\nit is",
                    "score": 1.0,
                    "exact": True,
                    "seconds": 1.5,
                    "error": "",
                    "unreachable": False,
                    "cut_off": False,
                }
            ],
        },
    ],
}
VERDICT = (
    "Not clear: the fine-tuned model scores 0.88 on 2 golden questions, the base model 0.00, a difference of +0.75 "
    "(90 % interval -0.39 to +0.89, 1 question, 1 left out)"
)
UNCLEAR = (
    "could not tell whether it is worse than the model in service: -0.12 (90 % interval -0.48 to +0.36, 2 questions), "
    "and 0.20 less is let through; some 21 questions of this kind would tell"
)


def test_its_json_has_everything() -> None:
    found = WHOLE.to_json()
    candidates = found.pop("candidates")
    assert candidates[1] == TUNED_JSON
    assert [each["role"] for each in candidates] == ["base model", "fine-tuned", "in service"]
    assert found["test"].pop("candidates") == candidates[:2]
    assert found == {
        "stack": "dev",
        "at": "2026-11-25T12:05:00+00:00",
        "verdict": VERDICT,
        "passed": False,
        "problems": ["the fine-tuned model scores 0.88 and needs 0.90"],
        "model": "phi:7",
        "base_model": "Phi-4-mini-instruct:1",
        "note": "a stand-in",
        "job": "finetune-1-2",
        "unclear": UNCLEAR,
        "leaked": ["Question 1?"],
        "asked_otherwise": "it learnt otherwise",
        "test": {"file": "data/test_data.jsonl", "sha256": "abc", "rows": 9, "asked": 3, "validates": True},
        "minimum_score": 0.9,
        "maximum_drop": 0.2,
        "held_out_loss": 3.0,
        "held_out_perplexity": pytest.approx(20.0855, abs=1e-4),
        "best_held_out_loss": {"step": 10, "value": 2.0},
        "training_loss": [{"value": 4.0, "step": 10, "at": 100.0}, {"value": 2.5, "step": 20, "at": 200.0}],
        "held_out_losses": [{"value": 2.0, "step": 10, "at": 100.0}, {"value": 3.0, "step": 20, "at": 200.0}],
        "not_compared": ["seconds: a | b"],
    }


def test_what_is_not_there_is_null_in_its_json_and_in_no_metric() -> None:
    bare = dataclasses.replace(WHOLE, losses=Losses(), test=None, candidates=(), leaked=())
    found = bare.to_json()
    nothing = ("test", "held_out_loss", "held_out_perplexity", "best_held_out_loss")
    assert {key: found[key] for key in (*nothing, "unclear")} == {**dict.fromkeys(nothing), "unclear": ""}
    assert bare.metrics() == {} and bare.rows == []
    silent = Candidate(TUNED, "phi:7", scores("m1", (sample("", 0.0, 0.0, error="424"),)))
    assert silent.median_seconds is None and silent.exact == 0
    assert "golden_median_seconds" not in dataclasses.replace(bare, candidates=(silent,)).metrics()
    nobody = Candidate(TUNED, "phi:7", scores("m1"))
    assert dataclasses.replace(bare, candidates=(nobody,)).metrics() == {"golden_score": 1.0, "golden_exact": 0.0}


def test_its_metrics_have_mlflows_names() -> None:
    def near(value: float) -> Any:
        return pytest.approx(value, abs=1e-4)

    assert WHOLE.metrics() == {
        "golden_score_base": 0.0,
        "golden_score_low_base": 0.0,
        "golden_score_high_base": near(0.5750),
        "golden_exact_base": 0.0,
        "golden_median_seconds_base": 2.0,
        "golden_score": 0.875,
        "golden_score_low": near(0.3287),
        "golden_score_high": near(0.9901),
        "golden_exact": 0.5,
        "golden_median_seconds": 1.0,
        "golden_score_in_service": 1.0,
        "golden_score_low_in_service": near(0.4250),
        "golden_score_high_in_service": 1.0,
        "golden_exact_in_service": 1.0,
        "golden_median_seconds_in_service": 0.5,
        "eval_perplexity": near(20.0855),
        "test_similarity_base": 0.0,
        "test_similarity": 0.875,
    }
    assert WHOLE.test is not None
    third = dataclasses.replace(WHOLE.test, candidates=ASKED)
    assert third.metrics() == {"test_similarity_base": 0.0, "test_similarity": 0.875}


@pytest.mark.parametrize(("last", "logged"), [(699.9, True), (700.0, False), (1e9, False)])
def test_a_perplexity_that_is_no_number_any_more_is_not_logged(last: float, logged: bool) -> None:
    found = dataclasses.replace(WHOLE, losses=Losses((), (Point(last, 1, 0.0),)))
    assert ("eval_perplexity" in found.metrics()) is logged
    assert found.losses.perplexity == pytest.approx(2.718281828459045 ** min(last, 700), rel=1e-9)


@pytest.mark.parametrize(
    ("held_out", "remark"),
    [
        ((2.0, 2.041), "lowest at step 0 (2.000) and rose"),
        ((2.0, 2.04), ""),  # two per cent are noise
        ((3.0, 2.0, 2.5), "lowest at step 1 (2.000) and rose"),
        ((2.0,), ""),
        ((), ""),
    ],
)
def test_a_loss_that_rises_is_remarked(held_out: tuple[float, ...], remark: str) -> None:
    found = Losses((), tuple(Point(value, step, 0.0) for step, value in enumerate(held_out))).remark()
    assert remark in found and bool(found) is bool(remark)


def test_the_remark_says_what_to_do() -> None:
    assert WHOLE.losses.remark() == (
        "The held-out loss was lowest at step 10 (2.000) and rose after it: from there on the model learnt its "
        "training data by heart. Fewer epochs, a lower rate or more data help."
    )


def of(role: str, *points: float) -> Candidate:
    return Candidate(role, "phi:7", scores("m", *((sample("x", each, 1.0),) for each in points)))


@pytest.mark.parametrize(
    ("candidates", "verdict"),
    [
        ((of(BASE, 0.0),), "Not known: the fine-tuned model was not asked"),
        (
            (of(TUNED, 1.0),),
            "Not known: the fine-tuned model scores 1.00 on 1 golden question, and there is no base model to compare "
            "with",
        ),
        (
            (of(BASE, *[0.0] * 9), of(TUNED, *[1.0] * 9)),
            "Yes: the fine-tuned model scores 1.00 on 9 golden questions, the base model 0.00",
        ),
        (
            (of(BASE, *[1.0] * 9), of(TUNED, *[0.0] * 9)),
            "No: the fine-tuned model scores 0.00 on 9 golden questions, the base model 1.00",
        ),
        (ASKED, VERDICT),
    ],
)
def test_the_verdict_is_a_sentence(candidates: tuple[Candidate, ...], verdict: str) -> None:
    assert dataclasses.replace(WHOLE, candidates=candidates).verdict == verdict


def test_what_a_model_is_refused_for() -> None:
    """What is at the limit is within it; a mean of fractions may be a hair off."""

    def problems(*candidates: Candidate, questions: int = 2, minimum: float = 0.9) -> list[str]:
        settings = EvaluationSettings(minimumScore=minimum, maximumDrop=0.2)  # type: ignore[call-arg]
        return dataclasses.replace(WHOLE, candidates=candidates, questions=questions, settings=settings).problems

    assert problems(of(BASE, 1.0)) == ["the fine-tuned model was not asked, so its score is not known"]
    assert problems(of(BASE, 1.0), questions=0) == []
    assert problems(of(TUNED, 0.9)) == []
    assert problems(of(TUNED, 0.9 - 1e-10)) == [] and problems(of(TUNED, 0.9 - 1e-8)) != []
    assert problems(of(TUNED, 0.89)) == ["the fine-tuned model scores 0.89 and needs 0.90"]
    assert problems(of(TUNED, *[0.0] * 20), of(SERVING, *[1.0] * 20), minimum=0) == [
        "beside the model in service it scores -1.00 (95 % interval -1.00 to -0.76, 20 questions), and 0.20 less is "
        "let through"
    ]


def test_the_drop_is_between_it_and_the_one_in_service_alone() -> None:
    base, serving = WHOLE.beside(BASE), WHOLE.beside(SERVING)
    assert base is not None and serving is not None
    assert [(each.drop, each.confidence) for each in (base, serving)] == [(0.0, 90), (0.2, 90)]
    assert WHOLE.unclear == UNCLEAR
    assert dataclasses.replace(WHOLE, candidates=ASKED[:2]).unclear == ""
    alike = (of(TUNED, *[1.0] * 40), of(SERVING, *[1.0] * 40))
    assert dataclasses.replace(WHOLE, candidates=alike).unclear == ""
    assert dataclasses.replace(WHOLE, candidates=ASKED[2:]).beside(SERVING) is None


def test_the_rows_are_questions_with_everybodys_answers() -> None:
    assert [
        (question, expected, [each.worst.answer for each in found]) for question, expected, found in WHOLE.rows
    ] == [
        ("Question 1?", "right 1", ["no", "nearly", "right 1"]),
        ("Question 2?", "right 2", ["", "right  2\nit is", "right 2"]),
    ]


def test_the_test_file_is_told_of_in_a_sentence() -> None:
    assert WHOLE.test is not None
    told = (
        "On 3 of the 9 rows of data/test_data.jsonl, how like the reference the answers are, 0 to 1: base model 0.00, "
        "fine-tuned 0.88; a difference of +0.75 (90 % interval -0.39 to +0.89, 1 question, 1 left out)"
    )
    assert WHOLE.test.told == f"{told}; the fine-tune validated by the same file"
    assert dataclasses.replace(WHOLE.test, validates=False).told == told
    for candidates, ending in ((ASKED[:1], "0 to 1: base model 0.00"), (ASKED[1:2], "0 to 1: fine-tuned 0.88")):
        alone = dataclasses.replace(WHOLE.test, candidates=candidates, validates=False)
        assert alone.told.endswith(ending)
