from __future__ import annotations

import pytest

from emulator.arm.paths import parse

GROUP = "/subscriptions/s/resourceGroups/g"
ML = f"{GROUP}/providers/Microsoft.MachineLearningServices"


@pytest.mark.parametrize(
    ("path", "kind", "names", "tail"),
    [
        (GROUP, "Microsoft.Resources/resourceGroups", ("g",), None),
        (f"{ML}/workspaces/w", "Microsoft.MachineLearningServices/workspaces", ("w",), None),
        (f"{ML}/workspaces", "Microsoft.MachineLearningServices", (), "workspaces"),
        (f"{ML}/workspaces/w/jobs", "Microsoft.MachineLearningServices/workspaces", ("w",), "jobs"),
        (f"{ML}/workspaces/w/jobs/j/cancel", "Microsoft.MachineLearningServices/workspaces/jobs", ("w", "j"), "cancel"),
        (
            f"{ML}/workspaces/w/providers/Microsoft.Authorization/roleAssignments/r",
            "Microsoft.Authorization/roleAssignments",
            ("r",),
            None,
        ),
    ],
)
def test_a_path_is_taken_apart(path: str, kind: str, names: tuple[str, ...], tail: str | None) -> None:
    found = parse(path)
    assert found is not None
    assert (found.type, found.names, found.tail) == (kind, names, tail)
    assert found.resource_group == "g"


def test_an_action_belongs_to_the_resource_before_it() -> None:
    found = parse(f"{ML}/workspaces/w/jobs/j/cancel")
    assert found is not None
    assert found.id == f"{ML}/workspaces/w/jobs/j"
    assert found.parent_id == f"{ML}/workspaces/w"


def test_an_extension_lies_in_its_scope() -> None:
    found = parse(f"{ML}/workspaces/w/providers/Microsoft.Authorization/roleAssignments/r")
    assert found is not None
    assert found.parent_id == f"{ML}/workspaces/w"


def test_what_is_no_resource_path_is_none() -> None:
    assert parse("/") is None
    assert parse("/tenants") is None
