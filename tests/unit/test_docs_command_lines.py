"""The command lines keep the rules of docs/commands.md, and complete themselves in the shell."""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from documentation.programs import PROGRAMS, parser_of
from settings.commandline import EMULATED, StackError, check_stack, every_parser, stacks

ROOT = Path(__file__).resolve().parents[2]
PARSERS = [parser for program in PROGRAMS for parser in every_parser(parser_of(program))]
SWITCHES = ("--json", "--yes", "--quiet")
NO_TABLE = {
    "python -m data_prep": "writes files, one of them data/card.json",
    "python -m review": "prints JSON with --format json, beside Markdown and HTML",
    "python -m jobs adopt": "writes the file",
    "python -m jobs cancel": "acts",
    "python -m jobs download": "acts",
    "python -m jobs github-subject": "prints lines to be copied; its exit code says whether they have to be",
    "python -m jobs keep-hours": "acts",
    "python -m jobs logs": "prints what the job has written",
    "python -m jobs pause": "acts",
    "python -m jobs purge": "acts",
    "python -m jobs recover": "acts",
    "python -m jobs resume": "acts",
    "python -m jobs rollback": "acts",
    "python -m jobs rotate-keys": "acts",
    "python -m emulator exec": "prints what its command prints",
    "python -m emulator start": "acts",
    "python -m emulator stop": "acts",
    "python -m emulator reset": "acts",
    "python -m emulator coverage": "prints Markdown",
    "python -m emulator serve": "acts",
}
"""Commands without --json, and why they need none."""


def leaves() -> list[argparse.ArgumentParser]:
    return [each for each in PARSERS if not any(isinstance(a, argparse._SubParsersAction) for a in each._actions)]


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: str(parser.prog))
def test_the_same_word_means_the_same(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            told = {each.dest for each in action._choices_actions if each.help}
            assert told == set(action.choices), "each says what it does"
            assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in action.choices)
            continue
        assert action.help, f"{action.option_strings or action.dest} says what it is for"
        for option in action.option_strings:
            assert re.fullmatch(r"-[a-z]|--[a-z]+(-[a-z]+)*", option)
            assert action.nargs == 0 or option not in SWITCHES, f"{option} takes no value"
        if "--stack" in action.option_strings:
            assert action.default == ("local" if parser.prog != "python -m data_prep" else None)
            assert not action.required


@pytest.mark.parametrize("parser", leaves(), ids=lambda parser: str(parser.prog))
def test_what_prints_a_table_prints_json_too(parser: argparse.ArgumentParser) -> None:
    takes_json = any("--json" in action.option_strings for action in parser._actions)
    assert takes_json != (parser.prog in NO_TABLE), "give it --json, or say in NO_TABLE why it needs none"


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_not_understood_ends_with_2(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser_of(program).parse_args(["--nosuch"])
    assert ended.value.code == 2
    assert "usage: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("program", "typed", "expected"),
    [("jobs", "pre", "preflight"), ("settings", "--stack d", "dev"), ("data_prep", "--duplicates n", "near")],
)
def test_the_shell_completes(program: str, typed: str, expected: str, tmp_path: Path) -> None:
    """As argcomplete's hook asks: what is typed comes in the environment, the answer goes to a file."""
    line = f"python -m {program} {typed}"
    answer = tmp_path / "answer"
    asked = {
        "_ARGCOMPLETE": "3",  # the words before the program's own: python -m NAME
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    subprocess.run([sys.executable, "-m", program], env={**os.environ, **asked}, cwd=ROOT, check=True)
    assert [each.strip() for each in answer.read_text().split("\v")] == [expected]


@pytest.mark.parametrize("program", PROGRAMS)
def test_argcomplete_finds_its_mark(program: str) -> None:
    path = ROOT / program.replace(".", "/")
    file = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
    assert "PYTHON_ARGCOMPLETE_OK" in file.read_text(encoding="utf-8")[:1024]


def test_stacks_are_those_with_a_file() -> None:
    assert {"local", "dev", "prod"} <= set(stacks())


def test_a_stack_without_a_file_is_refused() -> None:
    with pytest.raises(StackError, match=r"(?s)there is no stack 'nope'.*there are dev, local, prod"):
        check_stack("nope")


def test_a_stack_of_the_emulator_is_not_sought_on_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMULATOR_PYTHON", raising=False)
    with pytest.raises(StackError) as refused:
        check_stack("local", "status")
    assert str(refused.value).startswith("stack local is on the emulator: `make status`, or put `python -m emulator")
    check_stack("dev", "status")
    monkeypatch.setenv("EMULATOR_PYTHON", sys.executable)
    check_stack("local", "status")


def test_the_makefile_has_the_same_stacks_on_the_emulator() -> None:
    (listed,) = re.findall(r"^EMULATED := (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert tuple(listed.split()) == EMULATED


@pytest.mark.parametrize(
    ("arguments", "home", "code", "told"),
    [
        (["quota", "--region", "mars"], "", 2, "mars is no region"),
        (["faults", "add", "bogus"], "", 2, "invalid choice: 'bogus'"),
        (["exec"], "", 2, "exec needs a command"),
        (["status"], "/etc/passwd", 1, "/etc/passwd cannot be the emulator's home: Not a directory"),
    ],
)
def test_the_emulator_says_what_is_wrong_in_one_line(
    arguments: list[str], home: str, code: int, told: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "emulator", *arguments]
    done = subprocess.run(
        command, env={**os.environ, "EMULATOR_HOME": home or str(tmp_path)}, cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, told in done.stderr, "Traceback" in done.stderr) == (code, True, False), done.stderr


def test_make_help_tells_of_every_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE)
    told = re.findall(r"^([a-z][a-z-]*):.*## ", text, re.MULTILINE)
    assert set(targets) - set(told) == {"settings"}, "a part of others, which say what they do"
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert set(phony.split()) == set(targets)


def test_exit_codes_are_those_that_the_page_explains() -> None:
    explained = set(re.findall(r"^\| (\d+) \|", (ROOT / "docs" / "commands.md").read_text("utf-8"), re.MULTILINE))
    found: dict[str, str] = {}
    for package in ("jobs", "chat", "data_prep", "review", "settings", "emulator"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                ends = isinstance(node, ast.Call) and ast.unparse(node.func) == "sys.exit" and len(node.args) == 1
                for code in node.args if ends else []:
                    if isinstance(code, ast.Constant) and isinstance(code.value, int):
                        found[str(code.value)] = str(path.relative_to(ROOT))
            for code in _returned(path) if path.name == "__main__.py" else []:
                found[code] = str(path.relative_to(ROOT))
    assert {code: path for code, path in found.items() if code not in explained} == {}
    assert {"1", "130"} <= found.keys()


def _returned(path: Path) -> list[str]:
    """Whole numbers that functions of a command line return: what the process ends with."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    values = [node.value for node in nodes if isinstance(node, ast.Return)]
    return [str(value.value) for value in values if isinstance(value, ast.Constant) and type(value.value) is int]


def test_help_of_a_command_loads_nothing_that_takes_a_while() -> None:
    heavy = {"azure", "datasets", "numpy", "pandas", "promptflow", "pulumi", "pydantic", "requests", "rich", "yaml"}
    program = f"""
import contextlib, io, sys
from jobs import __main__ as jobs
for arguments in (["--help"], ["quota", "--help"]):
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        jobs.main(arguments)
print(sorted({heavy!r} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_make_has_a_word_for_some_commands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMULATOR_PYTHON", raising=False)
    for word, way in (("logs", "`make logs`, or put"), ("quota", "put"), ("", "put")):
        with pytest.raises(StackError, match=f"emulator: {way} `python -m emulator exec"):
            check_stack("local", word)
