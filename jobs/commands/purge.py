"""python -m jobs purge: removes for good what Azure keeps soft-deleted of a stack."""

from __future__ import annotations

import argparse

from jobs.console import ask, yes_option

ORDER = 14
HELP = "frees the names an aborted destroy has left taken"


def arguments(parser: argparse.ArgumentParser) -> None:
    """--yes alone."""
    yes_option(parser)


def run(chosen: argparse.Namespace) -> None:
    """Tells what there is under each of the stack's names, and purges after a yes."""
    from cloud.place import described
    from cloud.removal import purge

    place = described(chosen.stack)[1]
    where = (place.subscription_id, place.location, place.names.resource_group)
    found = purge.remainders(*where, place.soft_deleted)
    words = {
        "live": "live, left alone (pulumi destroy removes it)",
        "soft-deleted": "soft-deleted, to be purged",
        "unknown": "not live; if it is soft-deleted, which Azure does not tell, asked to purge it",
        "gone": "nothing left",
    }
    for each in found:
        print(f"{each}: {words[each.state]}")
    todo: dict[str, list[str]] = {}
    for each in found:
        if each.state in ("soft-deleted", "unknown"):
            todo.setdefault(each.kind, []).append(each.name)
    if not todo:
        print("Nothing to purge.")
        return
    ask("Purge for good? Nobody can recover it afterwards.", chosen.yes, "Nothing was purged")
    for line in purge.purge(*where, todo, print):
        print(line)
