"""What an evaluation found, and the verdict on it."""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cloud.services.mlflow import Point
from jobs.golden.comparison import Comparison, Outcome, compare, interval
from jobs.golden.golden import Result, Scores
from jobs.golden.questions import Question
from settings.sections.evaluation import EvaluationSettings

_HAIR = 1e-9
"""Means of fractions are not exact: what is at the limit is within it."""
BASE, TUNED, SERVING = "base model", "fine-tuned", "in service"


@dataclass(frozen=True)
class Candidate:
    """A model that was asked. `role` is BASE, TUNED or SERVING; `model` is what its deployment says it serves."""

    role: str
    model: str
    scores: Scores

    @property
    def exact(self) -> float:
        """The share of the questions that were answered word for word."""
        return self.scores.exact / len(self.scores.results) if self.scores.results else 0.0

    @property
    def median_seconds(self) -> float | None:
        """Over the questions that got an answer."""
        seconds = [result.seconds for result in self.scores.results if result.seconds is not None]
        return statistics.median(seconds) if seconds else None

    def to_json(self) -> dict[str, Any]:
        return {"role": self.role, "model": self.model, "median_seconds": self.median_seconds, **self.scores.to_json()}


@dataclass(frozen=True)
class Losses:
    """Cross-entropy in nats a token as the job logged it: while training, and on the held-out data after each epoch."""

    training: tuple[Point, ...] = ()
    held_out: tuple[Point, ...] = ()

    @property
    def last(self) -> float | None:
        """The held-out loss at the end."""
        return self.held_out[-1].value if self.held_out else None

    @property
    def best(self) -> Point | None:
        """Where the held-out loss was lowest."""
        return min(self.held_out, key=lambda point: point.value, default=None)

    @property
    def perplexity(self) -> float | None:
        """exp(loss): among how many equally likely tokens the model hesitates, on the held-out data at the end."""
        return math.exp(min(self.last, 700.0)) if self.last is not None else None

    def remark(self) -> str:
        """What a reader should see in the curves, or empty."""
        if self.best is None or self.last is None or len(self.held_out) < 2 or self.last <= self.best.value * 1.02:
            return ""
        return (
            f"The held-out loss was lowest at step {self.best.step} ({self.best.value:.3f}) and rose after it: from "
            "there on the model learnt its training data by heart. Fewer epochs, a lower rate or more data help."
        )


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """What was asked of the test file: ``sha256`` is that of its bytes, ``rows`` is how many it has.

    ``validates`` says that it is the validation file, too: the losses of the job are of the same rows.
    """

    path: str
    sha256: str
    rows: int
    validates: bool
    questions: tuple[Question, ...]
    candidates: tuple[Candidate, ...] = ()
    confidence: float = 95

    def candidate(self, role: str) -> Candidate | None:
        return next((each for each in self.candidates if each.role == role), None)

    @property
    def told(self) -> str:
        """In a sentence."""
        found = ", ".join(f"{each.role} {each.scores.score:.2f}" for each in self.candidates)
        tuned, base = self.candidate(TUNED), self.candidate(BASE)
        beside = ""
        if tuned is not None and base is not None:
            beside = f"; a difference of {compare(tuned.scores, base.scores, drop=0.0, confidence=self.confidence)}"
        known = "; the fine-tune validated by the same file" if self.validates else ""
        return (
            f"On {len(self.questions)} of the {self.rows} rows of {self.path}, how like the reference the answers are, "
            f"0 to 1: {found}{beside}{known}"
        )

    def metrics(self) -> dict[str, float]:
        """By MLflow's names."""
        names = {TUNED: "test_similarity", BASE: "test_similarity_base"}
        return {names[each.role]: each.scores.score for each in self.candidates if each.role in names}

    def to_json(self) -> dict[str, Any]:
        return {
            "file": self.path,
            "sha256": self.sha256,
            "rows": self.rows,
            "asked": len(self.questions),
            "validates": self.validates,
            "candidates": [each.to_json() for each in self.candidates],
        }


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """`questions` is how many there were to ask, `leaked` are those of them that stand in the training data.

    `asked_otherwise` says that it learnt with another system prompt; `settings` say what the fine-tuned model needs, by
    itself and beside the one in service.
    """

    stack: str
    at: datetime
    model: str
    base_model: str
    note: str
    job: str
    job_url: str
    losses: Losses
    candidates: tuple[Candidate, ...]
    not_compared: tuple[str, ...]
    questions: int
    leaked: tuple[str, ...]
    settings: EvaluationSettings
    asked_otherwise: str = ""
    test: HeldOut | None = None

    def candidate(self, role: str) -> Candidate | None:
        return next((each for each in self.candidates if each.role == role), None)

    @property
    def rows(self) -> list[tuple[str, str, list[Result]]]:
        """Question, right answers, and the answer of each candidate, in their order."""
        return [
            (results[0].question, results[0].expected, list(results))
            for results in zip(*(each.scores.results for each in self.candidates), strict=True)
        ]

    @property
    def problems(self) -> list[str]:
        """Why the model is not good enough; empty if it is."""
        tuned, beside = self.candidate(TUNED), self.beside(SERVING)
        if tuned is None:
            return ["the fine-tuned model was not asked, so its score is not known"] if self.questions else []
        found = []
        if tuned.scores.score < self.settings.minimum_score - _HAIR:
            found.append(
                f"the fine-tuned model scores {tuned.scores.score:.2f} and needs {self.settings.minimum_score:.2f}"
            )
        if beside is not None and beside.outcome is Outcome.WORSE:
            found.append(
                f"beside the model in service it scores {beside}, and {self.settings.maximum_drop:.2f} less is let "
                "through"
            )
        return found

    @property
    def unclear(self) -> str:
        """What the questions cannot tell of the model beside the one in service; empty where they can."""
        beside = self.beside(SERVING)
        if beside is None or beside.outcome is not Outcome.UNCLEAR:
            return ""
        return (
            f"could not tell whether it is worse than the model in service: {beside}, and "
            f"{self.settings.maximum_drop:.2f} less is let through; {beside.remedy}"
        )

    def beside(self, role: str) -> Comparison | None:
        """The fine-tuned model beside another one; None where one of them was not asked."""
        tuned, other = self.candidate(TUNED), self.candidate(role)
        if tuned is None or other is None:
            return None
        drop = self.settings.maximum_drop if role == SERVING else 0.0
        return compare(tuned.scores, other.scores, drop=drop, confidence=self.settings.confidence_percent)

    @property
    def verdict(self) -> str:
        """One sentence."""
        tuned, base = self.candidate(TUNED), self.candidate(BASE)
        if tuned is None:
            return "Not known: the fine-tuned model was not asked"
        asked = len(tuned.scores.results)
        score = f"{tuned.scores.score:.2f} on {asked} golden question{'s' if asked != 1 else ''}"
        if base is None:
            return f"Not known: the fine-tuned model scores {score}, and there is no base model to compare with"
        than = f"the fine-tuned model scores {score}, the base model {base.scores.score:.2f}"
        beside = self.beside(BASE)
        if beside is None or not beside.differs:
            return f"Not clear: {than}, a difference of {beside}"
        return f"{'Yes' if beside.difference > 0 else 'No'}: {than}"

    def metrics(self) -> dict[str, float]:
        """What is logged on the run, by MLflow's names."""
        found: dict[str, float] = {}
        suffixes = {TUNED: "", BASE: "_base", SERVING: "_in_service"}
        for each in self.candidates:
            suffix = suffixes[each.role]
            found[f"golden_score{suffix}"] = each.scores.score
            if each.scores.results:
                low, high = interval(each.scores, self.settings.confidence_percent)
                found |= {f"golden_score_low{suffix}": low, f"golden_score_high{suffix}": high}
            found[f"golden_exact{suffix}"] = each.exact
            if each.median_seconds is not None:
                found[f"golden_median_seconds{suffix}"] = each.median_seconds
        if self.losses.perplexity is not None and self.losses.last is not None and self.losses.last < 700:
            found["eval_perplexity"] = self.losses.perplexity
        return found | (self.test.metrics() if self.test else {})

    def to_json(self) -> dict[str, Any]:
        best = self.losses.best
        return {
            "stack": self.stack,
            "at": self.at.isoformat(),
            "verdict": self.verdict,
            "passed": not self.problems,
            "problems": self.problems,
            "model": self.model,
            "base_model": self.base_model,
            "note": self.note,
            "job": self.job,
            "unclear": self.unclear,
            "leaked": list(self.leaked),
            "asked_otherwise": self.asked_otherwise,
            "test": self.test.to_json() if self.test else None,
            "minimum_score": self.settings.minimum_score,
            "maximum_drop": self.settings.maximum_drop,
            "held_out_loss": self.losses.last,
            "held_out_perplexity": self.losses.perplexity,
            "best_held_out_loss": {"step": best.step, "value": best.value} if best else None,
            "training_loss": [asdict(point) for point in self.losses.training],
            "held_out_losses": [asdict(point) for point in self.losses.held_out],
            "candidates": [each.to_json() for each in self.candidates],
            "not_compared": list(self.not_compared),
        }
