"""An output that an earlier update could not read back is asked for, and nothing is replaced for want of it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from documentation.program import Azure, Program
from infra.lifecycle import recorded
from tests.program.conftest import Run

ASKED = "azure-native:managedidentity:getUserAssignedIdentity"


class NotReadBack(Azure):
    """The state has Azure's bare answer of an identity; `told` is what Azure says of it now."""

    told: dict[str, Any] | None = None
    asked: list[dict[str, Any]] = []  # noqa: RUF012 - emptied by the fixture

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        id_, outputs = super().new_resource(args)
        if args.typ.endswith(":UserAssignedIdentity"):
            outputs["properties"] = {"principalId": outputs.pop("principalId"), "clientId": outputs.pop("clientId")}
        return id_, outputs

    def call(self, args: mocks.MockCallArgs) -> Any:
        if args.token != ASKED:
            return super().call(args)
        self.asked.append(dict(args.args))
        return self.told if self.told is not None else ({}, [("", "Status=503 Code=ServerBusy")])


@pytest.fixture
def program(run: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    def started(told: dict[str, Any] | None, change: Any = None) -> Program:
        NotReadBack.told, NotReadBack.asked = told, []
        monkeypatch.setattr("documentation.program.Azure", NotReadBack)
        program: Program = run.__wrapped__("local", change)  # type: ignore[attr-defined]
        return program

    return started


def test_it_is_asked_for(program: Any) -> None:
    found = program({"principalId": "of-now", "clientId": "client-of-now"})
    assert {role.inputs["principalId"] for role in found.of_type("RoleAssignment")} == {"of-now"}
    assert {(asked["resourceGroupName"], asked["resourceName"]) for asked in NotReadBack.asked} == {
        (
            found.resources["resource-group"].inputs["resourceGroupName"],
            found.resources["identity"].inputs["resourceName"],
        )
    }


def test_what_is_recorded_is_not_asked_for(run: Run) -> None:
    NotReadBack.asked = []
    assert {role.inputs["principalId"] for role in run("local").of_type("RoleAssignment")} == {"principal"}
    assert NotReadBack.asked == []


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (RuntimeError("Status=503 Code=ServerBusy"), "Status=503 Code=ServerBusy"),
        (SimpleNamespace(principal_id=None), "Azure's answer does not have it"),
    ],
)
def test_where_it_is_not_told_the_update_ends_before_a_role_goes(told: Any, why: str) -> None:
    async def answer() -> Any:
        if isinstance(told, Exception):
            raise told
        return told

    asking: Any = lambda: SimpleNamespace(future=answer)  # noqa: E731
    with pytest.raises(pulumi.RunError, match="id: its principal_id is not in the stack's state") as ended:
        asyncio.run(recorded.told(asking, "principal_id", "id"))
    assert f"cannot be read now ({why})" in str(ended.value)
    assert str(ended.value).endswith("Run `pulumi up --refresh`.")
