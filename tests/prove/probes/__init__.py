"""The probes, by what they are about; each says what is believed and returns what was seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.prove.azure import Azure
from tests.prove.group import Group

Facts = dict[str, str]
Run = Callable[[Group, Azure, Facts], Facts]
"""Tries it. The second set of facts is for what is measured: it is told and never compared."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One claim about Azure that nobody could confirm without a subscription."""

    name: str
    claim: str
    run: Run
    believed: Mapping[str, str]
    """Fact → what this project takes for true, as an expression; empty where nobody knew."""
    makes: str = "nothing"
    minutes: int = 1
    hours: Mapping[str, float] | None = None
    """VM size → machine hours it pays for."""
    own: tuple[str, ...] = ()
    """Facts that every subscription has its own way; a replay on the emulator leaves them out."""
    asked_for: bool = False
    """Only with --gpu."""
