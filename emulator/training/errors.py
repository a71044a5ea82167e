"""What can go wrong in training and scoring because of what the user gave."""

from __future__ import annotations


class TrainingError(Exception):
    """A bad job description, data file or model folder; the message says what, where and what to do."""
