"""The versions of the model that the tests of this folder put into service."""

from __future__ import annotations

ONE, TWO, UNTUNED, BROKEN = "1", "2", "3", "4"
"""Versions of the model: two that know the facts, one that knows nothing, one that is no model."""
