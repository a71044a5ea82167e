"""The parts of one running emulator, handed to everything that acts on them."""

from __future__ import annotations

from dataclasses import dataclass, field

from emulator.azurite import Azurite
from emulator.dataplane.entra import Tokens
from emulator.dataplane.traffic import Traffic
from emulator.home import Home
from emulator.processes import Processes
from emulator.store import Store


@dataclass(frozen=True)
class Cloud:
    """State, blobs, tokens, processes and scoring requests of one emulator."""

    home: Home
    store: Store
    azurite: Azurite
    tokens: Tokens
    processes: Processes
    traffic: Traffic = field(default_factory=Traffic)
