"""The command lines of this project: their parsers, and the page that tells of them."""

from __future__ import annotations

import argparse
import functools
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from unittest import mock

from settings.commandline import every_parser

PAGE = Path(__file__).resolve().parent.parent / "docs" / "commands.md"
PROGRAMS = ("jobs", "chat", "data_prep", "review", "settings", "emulator")
"""What `python -m` runs, in the order of the page."""

_MANY = 5
"""More options than that are not in the usage, only in the table."""
_UNTOLD: tuple[type[argparse.Action], ...] = (argparse._SubParsersAction, argparse._HelpAction)

_INTRODUCTION = """\
# Commands

Generated from the parsers by `make diagram`.

`make` has a word for what is done every day (`make help`). Behind most of them is one of the programs below, which take
more options; they run in the environment that `make setup` makes, `pulumi` included:

```console
$ . .venv/bin/activate
$ python -m jobs status --stack dev
```

What a program asks of Azure it asks of the emulator when `python -m emulator exec --` stands in front of it. The stack
`local` is there alone, so after `make up`:

<!-- run -->
```console
$ python -m settings --stack local --json
$ python -m emulator exec -- python -m jobs status --stack local
$ python -m emulator exec -- python -m jobs preflight --stack local
$ python -m emulator inventory
```

## What holds for all of them

- `--stack` names the stack, a file `Pulumi.<stack>.yaml`; without it `local` is meant. Only `data_prep` has another
  default: the tutorial's own values.
- `--json` prints JSON and nothing else on standard output, for whatever is a table without it. What is only told on the
  way goes to standard error.
- `--yes` answers the one question there is before something is deleted, filed or undone. Where nobody can be asked, the
  command ends with 1 and says so.
- A verb says what is done (`purge`, `cancel`, `request`), a noun shows it (`status`, `quota`, `inventory`).
- An error is one message on standard error that begins with `error:`; it says what to do.
  [Troubleshooting](troubleshooting.md) has every one.

| exit code | means |
|---|---|
| 0 | done; or the answer is yes |
| 1 | not done, or the answer is no: a preflight refuses, a threshold is crossed, a job failed |
| 2 | the command line was not understood, or asks for something there is not; of `review`, also: the preview failed |
| 3 | of `emulator status`: it does not run; of `emulator conformance`: not tried, or not with all of it |
| 130 | interrupted by Ctrl-C |

`emulator exec` ends with the code of its command. `make` turns every code but 0 into its own 2.

## Completion in the shell

Bash and zsh complete commands, options and the names of stacks, through argcomplete. For the shell you are in, with the
environment activated:

```console
$ eval "$(activate-global-python-argcomplete --dest=-)"
```
"""


class _Seen(Exception):
    """The parser that a program has made."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser
        super().__init__()


@functools.cache
def parser_of(program: str) -> argparse.ArgumentParser:
    """The parser of a program, as it is when the program's own arguments are about to be parsed."""
    module = importlib.import_module(f"{program}.__main__" if "." not in program else program)

    def seen(parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        raise _Seen(parser)

    with mock.patch.object(argparse.ArgumentParser, "parse_args", seen):
        try:
            module.main([])
        except _Seen as found:
            return found.parser
    raise LookupError(f"python -m {program} parses no arguments")


def page() -> str:
    """The text of docs/commands.md."""
    return "\n".join([_INTRODUCTION, *(line for program in PROGRAMS for line in _section(program))]).rstrip() + "\n"


def _section(program: str) -> Iterator[str]:
    whole, *commands = every_parser(parser_of(program))
    yield from (f"## {program}", "", _sentence(whole.description or ""), "")
    helps = _helps(whole)
    if commands:
        yield from ("| command | |", "|---|---|")
        for each in commands:
            name = each.prog.removeprefix(f"{whole.prog} ")
            yield f"| [`{name}`](#{each.prog.removeprefix('python -m ').replace(' ', '-')}) | {_cell(helps[name])} |"
        yield ""
    yield from _arguments(whole)
    for each in commands:
        yield from (f"### {each.prog.removeprefix('python -m ')}", "")
        yield from (_sentence(helps[each.prog.removeprefix(f"{whole.prog} ")]), "")
        yield from _arguments(each)


def _helps(parser: argparse.ArgumentParser) -> dict[str, str]:
    """What each command says of itself, those of commands included."""
    found: dict[str, str] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for choice in action._choices_actions:
                found[str(choice.dest)] = choice.help or ""
                inner = _helps(action.choices[str(choice.dest)])
                found |= {f"{choice.dest} {name}": text for name, text in inner.items()}
    return found


def _arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The usage and a table of what it takes."""
    shown = [action for action in parser._actions if not isinstance(action, _UNTOLD)]
    inner = any(isinstance(action, argparse._SubParsersAction) for action in parser._actions)
    options = [_usage(action) for action in shown if action.option_strings]
    places = [_usage(action) for action in shown if not action.option_strings]
    usage = " ".join(["[OPTION ...]"] if len(options) > _MANY else options)
    parts = [parser.prog, *["COMMAND"] * inner, usage, *places]
    yield from (f"    {' '.join(filter(None, parts))}", "")
    if not shown:
        return
    yield from ("| argument | |", "|---|---|")
    for action in shown:
        text = (action.help or "") % {**vars(action), "prog": parser.prog}
        yield f"| `{_name(action)}` | {_cell(text)}{_choices(action)} |"
    yield ""


def _name(action: argparse.Action) -> str:
    if not action.option_strings or action.nargs == 0:
        return ", ".join(action.option_strings) or _value(action)
    return f"{', '.join(action.option_strings)} {_placeholder(action)}".rstrip()


def _usage(action: argparse.Action) -> str:
    takes = _value(action)
    if not action.option_strings:
        return takes if action.nargs not in ("?", "*") else f"[{takes}]"
    text = action.option_strings[-1] if action.nargs != 0 else action.option_strings[0]
    if action.nargs != 0 and takes:
        text += f" {takes}"
    return text if action.required else f"[{text}]"


def _value(action: argparse.Action) -> str:
    if action.choices is not None and not action.metavar:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return _placeholder(action)


def _placeholder(action: argparse.Action) -> str:
    if isinstance(action, argparse.BooleanOptionalAction):
        return ""
    metavar = action.metavar if isinstance(action.metavar, str) else None
    return metavar or (action.dest if not action.option_strings else action.dest.upper())


def _choices(action: argparse.Action) -> str:
    if action.choices is None or not action.option_strings:
        return ""
    return f" ({', '.join(f'`{choice}`' for choice in action.choices)})"


def _sentence(text: str) -> str:
    line = " ".join(text.split())
    return line[:1].upper() + line[1:] + ("" if line.endswith((".", ")")) else ".")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
