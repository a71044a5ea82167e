"""What a stack declares that is locked down: no keys, Azure's keys replaced by one's own, no way in from outside."""

from __future__ import annotations

from typing import Any

from pulumi.runtime import rpc

from tests.program.conftest import Run


def without_keys(config: dict[str, Any]) -> None:
    config["finetune-phi:localAuth"] = False
    config["finetune-phi:storage"].pop("sharedKeys")


def test_without_keys_entra_id_alone_opens_anything(run: Run) -> None:
    program = run(change=without_keys)
    assert program.resources["storage"].inputs["allowSharedKeyAccess"] is False
    assert program.resources["ai-services"].inputs["properties"]["disableLocalAuth"] is True
    assert program.resources["cluster"].inputs["properties"]["disableLocalAuth"] is True
    assert program.resources["endpoint"].inputs["properties"]["authMode"] == "AADToken"
    assert {"workspace", "hub"} == {
        name for name, each in program.resources.items() if each.inputs.get("systemDatastoresAuthMode") == "Identity"
    }


def test_without_keys_the_connection_says_so_and_no_key_is_asked_for(run: Run) -> None:
    properties = rpc.unwrap_rpc_secret(run(change=without_keys).resources["endpoint-connection"].inputs["properties"])
    assert properties["metadata"]["auth"] == "entra"
    assert rpc.unwrap_rpc_secret(properties["credentials"])["keys"] == {"key": "none"}


def test_with_keys_nothing_of_it_is_sent(run: Run) -> None:
    program = run()
    assert "disableLocalAuth" not in program.resources["ai-services"].inputs["properties"]
    assert "disableLocalAuth" not in program.resources["cluster"].inputs["properties"]
    assert program.resources["endpoint"].inputs["properties"]["authMode"] == "Key"
    properties = rpc.unwrap_rpc_secret(program.resources["endpoint-connection"].inputs["properties"])
    assert "auth" not in properties["metadata"]
