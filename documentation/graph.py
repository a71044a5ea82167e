"""What waits for what among the parts of the program: its components, and the stages one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from documentation.program import ROOT, Program, Registered

STAGE = "pulumi:index:Stash"
"""A stage is a resource of the engine itself; no resource on Azure stands for it."""


@dataclass(frozen=True)
class Part:
    """A component with the resources in it, or one stage."""

    name: str
    source: str
    """The file that declares it."""
    holds: tuple[str, ...]
    needs: frozenset[str]
    """Names of the parts that have to be there first, as few as say it all."""
    stage: bool = False


def parts(program: Program) -> list[Part]:
    """The parts in an order in which each comes after what it needs."""
    owner = {resource.urn: _owner(resource) for resource in program.resources.values()}
    holds: dict[str, list[str]] = {}
    needs: dict[str, set[str]] = {}
    sources: dict[str, Counter[str]] = {}
    stages = {resource.name for resource in program.resources.values() if resource.type == STAGE}
    for resource in program.resources.values():
        name = owner[resource.urn]
        inherited = program.components.get(resource.request.parent, [])
        holds.setdefault(name, []).append(words(resource.name))
        needs.setdefault(name, set()).update(owner[urn] for urn in (*resource.depends_on, *inherited) if urn in owner)
        sources.setdefault(name, Counter())[_source(resource)] += 1
    for name, others in needs.items():
        others.discard(name)
    order = _sorted(needs)
    return [
        Part(
            words(name),
            # Of the file that declares most of it: which resource is registered first is chance.
            min(sources[name], key=lambda source: (-sources[name][source], source)),
            tuple(sorted(holds[name])),
            frozenset(words(other) for other in _fewest(name, needs)),
            stage=name in stages,
        )
        for name in order
    ]


INITIALS = {"ai": "AI", "acr": "ACR", "azureml": "AzureML"}


def words(name: str) -> str:
    """A resource's name as text."""
    return " ".join(INITIALS.get(word, word) for word in name.split("-"))


def _owner(resource: Registered) -> str:
    return resource.name if resource.type == STAGE else str(resource.request.parent.rsplit("::", 1)[1])


def _source(resource: Registered) -> str:
    """The file that declares it, where Pulumi saw it being registered."""
    return str(Path(urlsplit(resource.request.sourcePosition.uri).path).relative_to(ROOT))


def fingerprinted(program: Program) -> list[Part]:
    """The stages alone, with what each is compared by."""
    every = parts(program)
    whole = {part.name: set(part.needs) for part in every}
    stages = [part for part in every if part.stage]
    needs = {part.name: {other.name for other in stages} & _all_needs(part.name, whole) for part in stages}
    return [
        replace(
            part,
            holds=tuple(sorted(key.replace("_", " ") for key in program.resources[part.name].inputs["input"])),
            needs=frozenset(_fewest(part.name, needs)),
        )
        for part in stages
    ]


def _all_needs(name: str, needs: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    todo = [name]
    while todo:
        for other in needs[todo.pop()] - reached:
            reached.add(other)
            todo.append(other)
    return reached


def _fewest(name: str, needs: dict[str, set[str]]) -> set[str]:
    """Without what is needed by something else that is needed."""
    direct = needs[name]
    return {other for other in direct if not any(other in _all_needs(third, needs) for third in direct - {other})}


def _sorted(needs: dict[str, set[str]]) -> list[str]:
    """Raises ValueError where parts need each other in a circle, so that no order would do."""
    order: list[str] = []
    left = dict(needs)
    while left:
        ready = sorted(name for name, others in left.items() if not others & left.keys())
        if not ready:
            raise ValueError(f"these need each other: {', '.join(sorted(left))}")
        order += ready
        for name in ready:
            del left[name]
    return order
