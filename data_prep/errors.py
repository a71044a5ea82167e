"""The one error of this package."""

from __future__ import annotations


class DataError(Exception):
    """Something is wrong with the data; the message says what, where, why and what to do."""
