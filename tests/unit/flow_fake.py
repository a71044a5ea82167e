"""A flow and a connection for the front ends."""

from __future__ import annotations

from chat.connection import Connection, connection_id

SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
ID = connection_id(SUBSCRIPTION, "rg", "project", "phi-connection-1")
CONNECTION = Connection(ID, "https://phi.eastus2.inference.ml.azure.com/score", "canary-key", timeout=150.0)
