"""A few hundred inputs each that nobody meant well, the same every time; `make fuzz` tries others, for an hour."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from settings.stack import SettingsError, load
from tests.fuzz.targets import SLOW, TARGETS, Finding, tried

ROOT = Path(__file__).resolve().parents[2]
SEED = 19


@pytest.mark.parametrize("name", TARGETS)
def test_each_is_read_or_refused_in_words(name: str, tmp_path: Path) -> None:
    trial = TARGETS[name](tmp_path)
    for number in range(60 if name in SLOW else 200):
        tried(name, trial, SEED, number)


def test_a_finding_says_how_to_try_it_again() -> None:
    def trial(chance: random.Random) -> None:
        assert chance.random() < 0, "wrong"

    with pytest.raises(Finding, match="the page, seed 1, number 7: AssertionError: wrong"):
        tried("the page", trial, 1, 7)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 200_000, "nested more than 50 deep"),
        ('{"a":' * 20_000, "nested more than 50 deep"),
        (BOMB, "holds more than 100000 values"),
        ("a: &a [*a]", "*a stands inside of itself"),
        ("config:\n  x: 2001-99-99\n", "is no YAML: month must be in 1..12"),
    ],
    ids=["lists", "objects", "a bomb", "itself", "a day"],
)
def test_a_stack_file_that_ended_the_process_is_refused(text: str, said: str, tmp_path: Path) -> None:
    """libyaml's loader did, with nesting; with names of names it took all memory."""
    (tmp_path / "Pulumi.yaml").write_bytes((ROOT / "Pulumi.yaml").read_bytes())
    (tmp_path / "Pulumi.dev.yaml").write_text(text)
    with pytest.raises(SettingsError) as refused:
        load("dev", tmp_path)
    assert said in str(refused.value)
