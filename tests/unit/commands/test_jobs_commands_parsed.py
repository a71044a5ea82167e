"""What each command understands of its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs import __main__ as cli

LINES: list[tuple[str, dict[str, Any]]] = [
    ("status", {"json": False, "watch": False}),
    ("status --json --watch", {"json": True, "watch": True}),
    ("evaluate", {"json": False, "min_score": None}),
    ("evaluate --json --min-score 0", {"json": True, "min_score": 0.0}),
    ("evaluate --min-score 1", {"json": False, "min_score": 1.0}),
    ("logs", {"job": None, "attempt": None, "follow": False}),
    ("logs --job a -f", {"job": "a", "attempt": None, "follow": True}),
    ("logs --attempt 2 --follow", {"job": None, "attempt": 2, "follow": True}),
    ("compare", {"json": False}),
    ("compare --json", {"json": True}),
    ("cancel", {"yes": False, "past_limit": False, "job": None}),
    ("cancel --yes --past-limit --job a", {"yes": True, "past_limit": True, "job": "a"}),
    ("preflight --json", {"json": True}),
    ("github-subject", {}),
    ("quota", {"json": False, "yes": False, "action": "show", "cores": None}),
    ("quota request --cores 1 --yes --json", {"json": True, "yes": True, "action": "request", "cores": 1}),
    ("rollback", {"yes": False, "break_lease": False, "now": False, "to": ""}),
    ("rollback --now --to 7 --yes --break-lease", {"yes": True, "break_lease": True, "now": True, "to": "7"}),
    ("pause", {"yes": False, "break_lease": False, "while_asked": False}),
    ("pause --while-asked --yes --break-lease", {"yes": True, "break_lease": True, "while_asked": True}),
    ("resume", {"break_lease": False}),
    ("resume --break-lease", {"break_lease": True}),
    ("keep-hours", {}),
    ("rotate-keys", {"yes": False, "break_lease": False, "pause": 60}),
    ("rotate-keys --pause 0 --yes --break-lease", {"yes": True, "break_lease": True, "pause": 0.0}),
    ("rotate-keys --pause 3600", {"yes": False, "break_lease": False, "pause": 3600.0}),
    ("recover", {"break_lease": False}),
    ("purge --yes", {"yes": True}),
    ("card", {"json": False, "version": "", "every": False, "publish": False}),
    ("card --every --publish --json", {"json": True, "version": "", "every": True, "publish": True}),
    ("card --version 7", {"json": False, "version": "7", "every": False, "publish": False}),
    ("download", {"version": "", "to": None, "gguf": False}),
    ("download --version 7 --to a/b --gguf", {"version": "7", "to": Path("a/b"), "gguf": True}),
    (
        "adopt --group rg",
        {
            "yes": False,
            "group": "rg",
            "subscription": "",
            "workspace": "",
            "hub": "",
            "project": "",
            "cluster": "",
            "endpoint": "",
            "connection": "",
            "ai_services": "",
        },
    ),
]


@pytest.mark.parametrize(("line", "understood"), LINES, ids=[line for line, _ in LINES])
def test_a_line_is_understood(line: str, understood: dict[str, Any]) -> None:
    command = line.split()[0]
    found = vars(cli._parser().parse_args(line.split()))
    assert callable(found.pop("run"))
    assert found == {"command": command, "stack": "local", "new_stack": command == "adopt", **understood}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("evaluate --min-score 1.01", "'1.01' is no number from 0 to 1"),
        ("evaluate --min-score -0.1", "'-0.1' is no number from 0 to 1"),
        ("evaluate --min-score some", "'some' is no number from 0 to 1"),
        ("evaluate --min-score nan", "'nan' is no number from 0 to 1"),
        ("logs --job a --attempt 1", "not allowed with argument"),
        ("logs --attempt first", "invalid int value: 'first'"),
        ("quota ask", "invalid choice: 'ask'"),
        ("quota --cores 0", "'0' is no whole number of cores from 1"),
        ("quota --cores 1.5", "'1.5' is no whole number of cores from 1"),
        ("rotate-keys --pause 3601", "'3601' is no whole number of seconds from 0 to 3600"),
        ("rotate-keys --pause -1", "'-1' is no whole number of seconds from 0 to 3600"),
        ("card --version 7 --every", "not allowed with argument"),
        ("adopt", "the following arguments are required: --group"),
        ("", "the following arguments are required: command"),
    ],
)
def test_a_line_is_refused(line: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli._parser().parse_args(line.split())
    assert ended.value.code == 2 and told in capsys.readouterr().err


def test_the_commands_are_told_in_their_order() -> None:
    assert list(cli._commands()) == [
        "status",
        "evaluate",
        "compare",
        "logs",
        "cancel",
        "preflight",
        "github-subject",
        "quota",
        "rollback",
        "pause",
        "resume",
        "keep-hours",
        "rotate-keys",
        "recover",
        "purge",
        "card",
        "adopt",
        "download",
    ]
