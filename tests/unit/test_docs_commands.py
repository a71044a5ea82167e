"""Every command in the pages exists: targets of make, programs and their options, files. Those of others are named."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
from collections.abc import Iterator

import pytest

from documentation.programs import PROGRAMS, parser_of
from tests.unit.docs_pages import ROOT, Command, Page, pages, words

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
VARIABLES = set(re.findall(r"\$[({]?\$?([A-Z_]+)\b", MAKEFILE))
OTHERS = {"az", "cd", "git", "gh", "export", "pulumi", "eval", ".", "pip", "docker", "bash", "open"}
"""Programs that are not this project's, whose arguments nobody here can check."""
PULUMI = {"up", "preview", "destroy", "stack", "config", "login", "refresh", "cancel", "state"}
PAGES = pages()


def problem(command: list[str]) -> str:
    """What is wrong with a command's words, or nothing."""
    while command and re.fullmatch(r"[A-Za-z_]+=.*", command[0]):
        command = command[1:]
    if not command:
        return ""
    program, *rest = command
    if program == "make":
        return _make(rest)
    if program in ("python", "python3", ".venv/bin/python"):
        return _python(rest)
    if program == "pulumi" and rest and rest[0] not in PULUMI:
        return f"pulumi {rest[0]} is not in the list of what is used here"
    if program not in OTHERS and not (ROOT / program).is_file():
        return f"there is no {program}"
    return ""


def _make(arguments: list[str]) -> str:
    for argument in arguments:
        name, given, _ = argument.partition("=")
        if given and name not in VARIABLES:
            return f"the Makefile reads no {name}"
        if not given and argument not in TARGETS:
            return f"there is no target {argument}"
    return ""


def _python(arguments: list[str]) -> str:
    if arguments[:1] != ["-m"]:
        return "" if not arguments or (ROOT / arguments[0]).is_file() else f"there is no file {arguments[0]}"
    program, rest = arguments[1], arguments[2:]
    if program not in PROGRAMS:
        return "" if importlib.util.find_spec(program) else f"there is no module {program}"
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            chosen = parser_of(program).parse_args(rest)
        except SystemExit as ended:
            return said.getvalue() if ended.code else ""
    inner = getattr(chosen, "argv", None)
    return problem([word for word in inner if word != "--"]) if inner else ""


def parts(text: str) -> Iterator[list[str]]:
    """The commands of a line, which may be joined, or have their output kept in a variable."""
    text = re.sub(r"^\w+=\$\((.*)\)$", r"\1", text)
    for part in re.split(r"\s(?:&&|\|\|?|;)\s", text):
        yield words(re.sub(r"\s[0-9&]*>>?\s*\S+", "", part))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_commands_exist(page: Page) -> None:
    wrong = []
    for command in [*page.commands(), *inline(page)]:
        for part in parts(command.text):
            if found := problem(part):
                wrong.append(f"{command}\n    {found}")
    assert not wrong, "\n".join(wrong)


def inline(page: Page) -> Iterator[Command]:
    """Commands of this project in the running text; those with a gap to fill are left out."""
    for token in page.tokens:
        for child in token.children or ():
            text = child.content
            ours = re.match(r"(make|python -m) \S", text) and child.type == "code_inline"
            if ours and not re.search(r"[…<\[|]|\.\.\.|\b[A-Z]+$", text):
                yield Command(page.name, token.map[0] + 1 if token.map else 0, text, False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_commands_stand_in_blocks_that_say_so(page: Page) -> None:
    """An indented block is text to this test, so a command in it would go unchecked."""
    for token in page.tokens:
        if token.type == "code_block" and page.name != "docs/commands.md":
            first = token.content.split(maxsplit=1)[0]
            assert first not in {"make", "python", "$", *OTHERS}, f"{page.name}: a command is not in a console block"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("make nosuch", "no target nosuch"),
        ("make up NOSUCH=1", "reads no NOSUCH"),
        ("python -m nosuch", "no module nosuch"),
        ("python -m jobs nosuch", "invalid choice"),
        ("python -m emulator exec -- python -m jobs status --nosuch", "unrecognized arguments: --nosuch"),
        ("python nosuch.py", "no file nosuch.py"),
        ("nosuch", "there is no nosuch"),
        ("az login && make nosuch", "no target nosuch"),
    ],
)
def test_a_command_that_is_not_there_is_found(line: str, found: str) -> None:
    assert any(found in problem(part) for part in parts(line))
