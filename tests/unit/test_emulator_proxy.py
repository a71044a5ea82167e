from __future__ import annotations

from pathlib import Path

import pytest

from emulator.front.proxy import Proxy
from emulator.machine.home import Ports
from emulator.machine.store import Store


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("management.azure.com", 2),
        ("LOGIN.microsoftonline.com", 2),
        ("eastus2.api.azureml.ms", 2),
        ("chat.eastus2.inference.ml.azure.com", 2),
        ("stphi.blob.core.windows.net", 2),
        ("example.org", None),
        ("management.azure.com.example.org", None),
        ("api.pulumi.com", None),
    ],
)
def test_only_azures_hosts_lead_somewhere(tmp_path: Path, host: str, port: int | None) -> None:
    assert Proxy(Ports(1, 2, 3), Store(tmp_path / "state.sqlite")).route(host) == port
