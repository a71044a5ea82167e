"""Which versions a model may have."""

from __future__ import annotations

import tempfile
from pathlib import Path

from cloud import client
from cloud.target import Target
from tests.prove.azure import ML, Azure
from tests.prove.group import Group
from tests.prove.probes import Facts, Probe

VERSIONS = ("17", "2147483647", "2147483648", "0", "one", "34cf49b64a26", "1.0")


def versions(on: Group, azure: Azure, measured: Facts) -> Facts:
    workspace = on.workspace()
    uri = on.once("an uploaded file", lambda: _uploaded(on, workspace))
    facts = {}
    for version in VERSIONS:
        id_ = f"{workspace}/models/prove/versions/{version}"
        body = {"properties": {"modelUri": uri, "modelType": "custom_model", "tags": {"fingerprint": "34cf49b64a26"}}}
        facts[f"version {version}"] = azure.call(f"version {version}", "PUT", id_, ML, body).outcome
    return facts


def _uploaded(on: Group, workspace: str) -> str:
    """The address of a small file in the workspace's store, put there by Azure ML's own client as version 1."""
    from azure.ai.ml.entities import Model

    ml = client.ml_client(Target(on.subscription, on.name, workspace.rsplit("/", 1)[1]))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "weights.txt").write_text("none\n", encoding="utf-8")
        made = ml.models.create_or_update(Model(name="prove", version="1", path=folder, type="custom_model"))
    return str(made.path)


PROBES = (
    Probe(
        name="model-versions",
        claim="A model version is a positive integer of 31 bits; anything else is refused",
        run=versions,
        believed={
            "version 17": "20[01]",
            "version 2147483647": "20[01]",
            "version 2147483648": "",
            "version 0": "400 .*",
            "version one": "400 .*",
            "version 34cf49b64a26": "400 .*",
            "version 1.0": "400 .*",
        },
        makes="a workspace, a model of a few bytes",
        minutes=3,
    ),
)
