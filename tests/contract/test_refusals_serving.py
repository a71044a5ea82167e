"""Endpoints, deployments, their identity and traffic, and the scoring URL."""

from __future__ import annotations

import pytest

from tests.contract import scoring_cases  # noqa: F401 - adds its cases
from tests.contract.lab import Lab
from tests.contract.serving_cases import CASES


@pytest.mark.parametrize("name", CASES.rows)
def test_refused(name: str, lab: Lab) -> None:
    CASES.check_refused(name, lab)


@pytest.mark.parametrize("name", CASES.rows)
def test_way_through(name: str, lab: Lab) -> None:
    CASES.check_passes(name, lab)
