"""The parts of one running emulator, handed to everything that acts on them."""

from __future__ import annotations

from dataclasses import dataclass, field

from emulator.access.entra import Tokens
from emulator.cloud.traffic import Traffic
from emulator.machine.azurite import Azurite
from emulator.machine.home import Home
from emulator.machine.processes import Processes
from emulator.machine.store import Store


@dataclass(frozen=True)
class Cloud:
    """State, blobs, tokens, processes and scoring requests of one emulator."""

    home: Home
    store: Store
    azurite: Azurite
    tokens: Tokens
    processes: Processes
    traffic: Traffic = field(default_factory=Traffic)
