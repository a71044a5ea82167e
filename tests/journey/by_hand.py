"""What somebody does beside the stack: raw requests to Azure, lines of the Azure CLI, changes of the stack's file."""

from __future__ import annotations

import json
import shlex
import sys
import uuid
from typing import Any

import yaml

from cloud.roles import Role
from emulator.machine.home import SUBSCRIPTION_ID
from tests.journey.stack import Checkout

ASK = """
import json, sys
from cloud.arm import Arm
arm = Arm()
for path, version, body in json.load(sys.stdin):
    if body is not None:
        arm.run("PUT", path, {"api-version": version}, body)
    print(json.dumps(arm.find(path, version), sort_keys=True))
"""


def asked(checkout: Checkout, *requests: tuple[str, str, Any]) -> list[Any]:
    """Puts what has a body, and what is there then."""
    script = checkout.root / "ask.py"
    script.write_text(ASK.replace("json.load(sys.stdin)", f"json.loads({json.dumps(json.dumps(requests))})"))
    done = checkout.emulated(sys.executable, str(script))
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith(("{", "null"))]


def as_request(line: str) -> tuple[str, str, Any]:
    """What the Azure CLI sends for a line of it."""
    words = shlex.split(line)
    given = dict(zip(words[4::2], words[5::2], strict=True))
    (role,) = (each for each in Role if each.title == given["--role"])
    body = {
        "roleDefinitionId": role.definition(SUBSCRIPTION_ID),
        "principalId": given["--assignee-object-id"],
        "principalType": given["--assignee-principal-type"],
    }
    name = uuid.uuid5(uuid.NAMESPACE_URL, line)
    path = f"{given['--scope']}/providers/Microsoft.Authorization/roleAssignments/{name}"
    return path, "2022-04-01", {"properties": body}


def granted(role: Role, scope: str, principal: str) -> tuple[str, str, Any]:
    """A role assignment as the portal makes it, with a name by chance."""
    body = {"roleDefinitionId": role.definition(SUBSCRIPTION_ID), "principalId": principal}
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    return path, "2022-04-01", {"properties": {**body, "principalType": "ServicePrincipal"}}


def assignments(checkout: Checkout) -> list[str]:
    left = json.loads(checkout.python("-m", "emulator", "inventory", "--json").stdout)["live"]
    return [row for row in left if "roleAssignments" in row]


def change(checkout: Checkout, section: str, /, stack: str = "local", **values: object) -> None:
    """Sets keys of a section in the stack's file."""
    path = checkout.root / f"Pulumi.{stack}.yaml"
    settings = yaml.safe_load(path.read_text())
    settings["config"].setdefault(f"finetune-phi:{section}", {}).update(values)
    path.write_text(yaml.safe_dump(settings))


def made(checkout: Checkout, stack: str) -> set[str]:
    """Names of what a preview would make on Azure; nothing of it is changed, replaced or deleted."""
    done = checkout.emulated("pulumi", "preview", "--stack", stack, "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    steps = json.loads(done.stdout)["steps"]
    assert {step["op"] for step in steps} <= {"create", "read", "same"}, done.stdout
    created = [step["urn"] for step in steps if step["op"] == "create"]
    return {urn.rsplit("::", 1)[1] for urn in created if "azure-native:" in urn.split("::")[-2].rsplit("$", 1)[-1]}
