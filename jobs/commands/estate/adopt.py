"""python -m jobs adopt --group GROUP: what was made by hand is written down as a stack that uses it."""

from __future__ import annotations

import argparse

from jobs.console import ask, yes_option

ORDER = 16
HELP = "writes the file of a stack that uses what you made by hand after the tutorial"
NEW_STACK = True


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which group, and which of several."""
    yes_option(parser)
    parser.add_argument("--group", required=True, help="the resource group")
    parser.add_argument("--subscription", default="", metavar="ID", help="its subscription; default: as `az` has it")
    for name, what in (
        ("workspace", "Azure ML workspace"),
        ("hub", "hub"),
        ("project", "project"),
        ("cluster", "cluster that trains"),
        ("endpoint", "endpoint"),
        ("connection", "connection of the project to the endpoint"),
        ("ai-services", "AI Services"),
    ):
        parser.add_argument(f"--{name}", default="", metavar="NAME", help=f"the {what}, where there are several")


def run(chosen: argparse.Namespace) -> None:
    """Shows what was found and lacks, and writes Pulumi.STACK.yaml after a yes; Azure is only read."""
    import dataclasses

    from cloud.arm import Arm
    from cloud.credentials import subscription_id, work_in
    from cloud.errors import StageError, azure_errors
    from jobs.adoption.found import Choice, look
    from jobs.adoption.stack_file import config_of, text
    from settings.commandline import own_name, stacks
    from settings.stack import ROOT

    stack = own_name(chosen.stack)
    file = ROOT / f"Pulumi.{stack}.yaml"
    if stack in stacks():
        todo = "Give the new stack a name of its own: --stack NAME."
        raise StageError("nothing was adopted", on=f"stack {stack}", why=f"{file.name} is there already", todo=todo)
    work_in(chosen.subscription or None)
    subscription = chosen.subscription or subscription_id()
    group = f"/subscriptions/{subscription}/resourceGroups/{chosen.group}"
    which = Choice(**{each.name: getattr(chosen, each.name) for each in dataclasses.fields(Choice)})
    with azure_errors("what is there could not be read", group):
        found = look(Arm(), group, which)
    for key, id_ in found.existing.items():
        print(f"uses {key}: {id_}")
    for key, name in found.beside.items():
        print(f"leaves alone, and makes its own beside it: {key.replace('_', ' ')} {name}")
    for words in found.lacking:
        print(f"is not there: {words}")
    for note in found.notes:
        print(f"note: {note}")
    written = text(config_of(found, stack, subscription))
    print(f"\n{file.name}:\n{written}")
    ask(f"Write {file.name}?", chosen.yes, "Nothing was written")
    file.write_text(written, encoding="utf-8")
    print(f"{file.name} is written; nothing on Azure was touched. Next, in this order:")
    print(f"  pulumi stack init {stack}")
    for command, why in (
        (f"python -m data_prep --stack {stack}", "the data to train on; `data` in the file says which"),
        (f"python -m jobs preflight --stack {stack}", "whether all of it is good for what it is used for"),
        (f"pulumi preview --stack {stack}", "what it would make; it changes and replaces nothing that is there"),
    ):
        print(f"  {command:<45} # {why}")
