"""Stack secrets under a key in a key vault: the engine's own `azurekeyvault` provider, which is Azure's SDK for Go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from azure.identity import DefaultAzureCredential

from emulator.access.entra import Tokens
from emulator.machine.home import CLIENT_OBJECT_ID, Home
from tests.contract.arm import Arm
from tests.contract.lab import Lab

VAULT = "https://kv-stack-secrets.vault.azure.net"
KEY = "kv-stack-secrets.vault.azure.net/keys/dev"
PROGRAM = """\
import pulumi

token = pulumi.Config().require_secret("token")
pulumi.Stash("kept", input=token)
pulumi.export("token", token)
"""


@pytest.fixture(scope="module")
def vault(lab: Lab) -> str:
    """Id of a vault whose key `dev` the caller may use, but in which it may make none."""
    vault = lab.make_vault("kv-stack-secrets", enableRbacAuthorization=True)
    lab.put(f"{vault}/keys/dev", {"properties": {"kty": "RSA", "keySize": 2048}})
    return vault


@pytest.fixture(scope="module")
def role(lab: Lab, vault: str) -> str:
    """Id of the caller's role assignment on the key alone."""
    return lab.assign("Key Vault Crypto User", CLIENT_OBJECT_ID, f"{vault}/keys/dev")


def call(path: str, token: str | None = "", body: Any = None) -> requests.Response:
    """POST with a token for the vault, another one, or none."""
    if token == "":
        token = DefaultAzureCredential().get_token("https://vault.azure.net/.default").token
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.post(f"{VAULT}{path}?api-version=7.6", json=body, headers=headers, timeout=30)


class Stack:
    """A project whose stack keeps its secrets under the vault's key."""

    def __init__(self, directory: Path, home: Home) -> None:
        self.directory = directory
        self.state = home.pulumi / "state"
        (directory / "Pulumi.yaml").write_text(
            f"name: kept\nruntime: {{name: python, options: {{virtualenv: {sys.prefix}}}}}\n"
        )
        (directory / "__main__.py").write_text(PROGRAM)

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        tools = [Path(sys.prefix) / "pulumi" / "bin", Path(sys.prefix) / "bin"]
        path = os.pathsep.join([*map(str, tools), os.environ["PATH"]])
        # No passphrase: nothing but the vault's key may be needed.
        environ = {key: value for key, value in os.environ.items() if "PASSPHRASE" not in key}
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.directory,
            env={**environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def check(self, *arguments: str) -> str:
        done = self.pulumi(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def test_a_stack_keeps_its_secrets_under_the_vaults_key(
    tmp_path: Path, home: Home, arm: Arm, vault: str, role: str
) -> None:
    stack = Stack(tmp_path, home)
    stack.check("stack", "init", "dev", "--secrets-provider", f"azurekeyvault://{KEY}")
    stack.check("config", "set", "--secret", "token", "hunter2-in-the-vault")
    stack.check("up", "--yes", "--skip-preview")

    kept = yaml.safe_load((tmp_path / "Pulumi.dev.yaml").read_text())
    assert kept["secretsprovider"] == f"azurekeyvault://{KEY}"
    assert kept["encryptedkey"] and "encryptionsalt" not in kept
    file = stack.state / ".pulumi" / "stacks" / "kept" / "dev.json"
    assert json.loads(file.read_text())["checkpoint"]["latest"]["secrets_providers"]["type"] == "cloud"
    written = [path for path in (*tmp_path.rglob("*"), *stack.state.rglob("*")) if path.is_file()]
    assert file in written
    assert [path for path in written if b"hunter2" in path.read_bytes()] == []

    # A second machine, which has the checkout, the state and a role on the key.
    again = stack.check("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert "hunter2" not in again
    assert stack.check("config", "get", "token").strip() == "hunter2-in-the-vault"
    assert stack.check("stack", "output", "token", "--show-secrets").strip() == "hunter2-in-the-vault"

    # And one that has no role: neither config nor state can be read.
    arm.delete(role, "2022-04-01")
    for command in (("config", "get", "token"), ("preview",)):
        refused = stack.pulumi(*command)
        assert refused.returncode != 0
        assert "ForbiddenByRbac" in refused.stdout + refused.stderr
        assert "hunter2" not in refused.stdout + refused.stderr


def test_only_tokens_for_the_vault_open_it(lab: Lab, vault: str) -> None:
    missing = call("/keys/dev/encrypt", None, {})
    assert (missing.status_code, missing.json()["error"]["code"]) == (401, "Unauthorized")
    assert 'resource="https://vault.azure.net"' in missing.headers["WWW-Authenticate"]
    management = DefaultAzureCredential().get_token("https://management.azure.com/.default").token
    assert "AKV10022" in call("/keys/dev/encrypt", management, {}).json()["error"]["message"]
    expired = Tokens(lab.home, lab.store).sign("https://vault.azure.net", lifetime=-1)
    assert call("/keys/dev/encrypt", expired, {}).status_code == 401


def test_a_role_that_uses_a_key_makes_none(lab: Lab, vault: str) -> None:
    role = lab.assign("Key Vault Crypto User", CLIENT_OBJECT_ID, vault)
    refused = call("/keys/another/create", body={"kty": "RSA"})
    assert (refused.status_code, refused.json()["error"]["innererror"]["code"]) == (403, "ForbiddenByRbac")
    assert "Microsoft.KeyVault/vaults/keys/create/action" in refused.json()["error"]["message"]
    lab.delete(role)
    role = lab.assign("Key Vault Crypto Officer", CLIENT_OBJECT_ID, vault)
    made = call("/keys/another/create", body={"kty": "RSA", "key_size": 2048})
    assert made.status_code == 200
    assert set(made.json()["key"]) == {"kid", "kty", "key_ops", "n", "e"}, "no private part"
    assert (
        call("/keys/none/encrypt", body={"alg": "RSA-OAEP-256", "value": "YQ"}).json()["error"]["code"] == "KeyNotFound"
    )
    assert call("/keys/another/decrypt", body={"alg": "RSA-OAEP-256", "value": "YQ"}).status_code == 400
    assert call("/keys/another/encrypt", body={"alg": "A256GCM", "value": "YQ"}).status_code == 400
    lab.delete(role)
