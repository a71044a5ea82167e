"""Which of several recipes is released, where that is the best of them: known when all are trained, and kept since.

A stage's record holds what the stage was given, and here something comes out of it: so this is a dynamic resource, and
the release takes the name from it.
"""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi import dynamic

from jobs.choosing.spec import ChoiceSpec


class _Provider(dynamic.ResourceProvider):
    """Pickled by reference to this module, like the one of infra/purge.py."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult("choice", _chosen(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(changes=_recorded(olds) != _recorded(news))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult(_chosen(news))


def _chosen(props: dict[str, Any]) -> dict[str, Any]:
    from cloud.credentials import work_in
    from jobs.choosing.choose import best

    work_in(props["subscriptionId"])  # this process does not see the stack's settings
    spec = ChoiceSpec.from_inputs(props)
    found = best(spec)
    # It has no log either; the engine shows what it prints.
    print("\n".join(found.lines(spec)), flush=True)
    values = {name: f"{value:.6g}" for name, value in found.values.items()}
    return {**_recorded(props), "recipe": found.name, "values": values}


def _recorded(props: dict[str, Any]) -> dict[str, Any]:
    return ChoiceSpec.from_inputs(props).to_inputs()


class Choice(dynamic.Resource, name="Choice"):
    """Depends on every fine-tune; the release depends on it."""

    recipe: pulumi.Output[str]
    """The name of the best one."""

    def __init__(self, name: str, spec: ChoiceSpec, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(_Provider(), name, {**spec.to_inputs(), "recipe": None}, opts)
