"""The flow as the Foundry project keeps it: what is in flow/, and the modules that its node asks with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEFINITION = "flow.dag.yaml"
FLOW = ("integrate_with_promptflow.py", "requirements.txt")
CLIENT = ("phi_client.py", "phi_key.py", "phi_messages.py")
"""Beside the node, where the imports `from chat.phi_client` are `from phi_client`: in the project there is no chat/."""
_ROOT = Path(__file__).resolve().parents[2]


def files(connection: str) -> dict[str, bytes]:
    """Name in the flow's folder → content, with the node bound to the project's ``connection``."""
    import yaml

    flow: dict[str, Any] = yaml.safe_load((_ROOT / "flow" / DEFINITION).read_text())
    for node in flow["nodes"]:
        node["inputs"]["connection"] = connection
    found = {name: (_ROOT / "flow" / name).read_bytes() for name in FLOW}
    found |= {name: (_ROOT / "chat" / name).read_bytes() for name in CLIENT}
    found = {name: content.replace(b"from chat.phi_", b"from phi_") for name, content in found.items()}
    return {DEFINITION: yaml.safe_dump(flow, sort_keys=False).encode(), **found}


def fingerprint(content: Mapping[str, bytes]) -> str:
    """12 hexadecimal characters over names and contents."""
    digest = hashlib.sha256()
    for name, data in sorted(content.items()):
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:12]
