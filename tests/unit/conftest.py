"""What tests of one kind share."""

from __future__ import annotations

import contextlib

import pytest


@pytest.fixture(autouse=True)
def few_rows_are_enough(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests of data_prep show a rule by a handful of rows; the one about ten of them is test_data_prep_fit.py."""
    name = request.path.name
    if name.startswith("test_data_prep_") and name != "test_data_prep_fit.py":
        monkeypatch.setattr("data_prep.run.making.LEAST_ROWS", 1)
        monkeypatch.setattr("data_prep.card.fit.LEAST_ROWS", 1)


@pytest.fixture(autouse=True)
def nobody_else_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease is asked of a storage account, which no unit test has: tests/contract/test_lease.py does."""
    monkeypatch.setattr("cloud.services.lease.held", lambda *_, **__: contextlib.nullcontext())
