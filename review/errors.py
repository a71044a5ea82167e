"""What can go wrong in a review itself."""

from __future__ import annotations


class ReviewError(Exception):
    """A review could not be made; the text says why and what to do."""
