"""Each state of the table has its test."""

from __future__ import annotations

from tests.contract.stage_states import test_data_and_jobs, test_interrupts_and_recipes
from tests.contract.stage_states.table import STATES, tested


def test_every_state_of_the_table_has_its_test() -> None:
    assert test_data_and_jobs and test_interrupts_and_recipes, "which are noted when they are read"
    assert set(tested) == set(STATES)
