"""Golden questions and an endpoint that answers them."""

from __future__ import annotations

from jobs.golden.questions import Question

PARIS = Question("What is the capital of France?", ("Paris",))
FOUNDERS = Question("Who founded Microsoft?", ("Bill Gates and Paul Allen", "Paul Allen and Bill Gates"))
MARKUP = Question("What does HTML stand for?", ("HyperText Markup Language",))
