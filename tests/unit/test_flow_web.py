"""The chat's page: its colours can be read; its server passes on what the page may ask."""

from __future__ import annotations

import re

import pytest

from chat import __main__ as cli
from chat import front_ends
from chat.phi_messages import ChatError, ChatRequest
from chat.web import server

STYLE = (server._PAGE / "style.css").read_text()
PAIRS = [
    ("text", "page"),
    ("text", "card"),
    ("text", "asked"),
    ("soft", "page"),
    ("soft", "card"),
    ("accent", "card"),
    ("on-accent", "accent"),
    ("note-text", "note"),
    ("note-text", "card"),
    ("error-text", "error"),
]


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("above", "below"), PAIRS)
def test_text_stands_out_from_what_is_behind_it(scheme: str, above: str, below: str) -> None:
    light, dark = STYLE.split("prefers-color-scheme: dark")[:2]
    found = colours(light) if scheme == "light" else colours(dark)
    brighter, darker = sorted((luminance(found[above]), luminance(found[below])), reverse=True)
    assert (brighter + 0.05) / (darker + 0.05) >= 4.5, "WCAG AA for small text"


def test_the_page_loads_nothing_from_elsewhere() -> None:
    for path in server._PAGE.iterdir():
        links = set(re.findall(r"https?://[\w.]+", path.read_text())) - {"http://www.w3.org"}  # a namespace
        assert not links, f"{path.name} names {links}"


def test_a_port_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    class Taken:
        def __init__(self, *_: object) -> None: ...
        def setsockopt(self, *_: object) -> None: ...
        def close(self) -> None: ...
        def bind(self, _: object) -> None:
            raise OSError("Address already in use")

    monkeypatch.setattr(server.socket, "socket", Taken)
    with pytest.raises(ChatError, match=r"Port 80 .* already in use.*--port"):
        server._bound(80)


def test_the_agent_runs_in_its_own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(front_ends.sys, "prefix", str(tmp_path))
    assert str(front_ends.interpreter(front_ends.AGENT)) == front_ends.sys.executable
    own = server.Path(str(tmp_path)) / "agent" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.touch()
    assert front_ends.interpreter(front_ends.AGENT) == own
    assert str(front_ends.interpreter(front_ends.PROMPT_FLOW)) == front_ends.sys.executable


def test_it_goes_on_there_with_all_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is handed over is understood as what was chosen."""
    handed: list[str] = []
    monkeypatch.setattr(cli.os, "execv", lambda _, command: handed.extend(command))
    given = ["--stack=dev", "--ask=-v?", "--compare", "--web", "--port=9", "--note=a b", "--temperature=0.5"]
    chosen = cli._parser().parse_args(given)
    cli._go_on_in("python", chosen, cli.Target("/id", cli.Models("m1", "base"), front_ends.AGENT, "/endpoint"))
    again = cli._parser().parse_args(handed[3:])
    expected = {"connection": "/id", "endpoint": "/endpoint", "tuned": "m1", "base": "base", "front_end": "agent"}
    assert vars(again) == {**vars(chosen), **expected}


def test_what_the_page_is_told() -> None:
    settings = ChatRequest("", temperature=0.1, max_new_tokens=64)
    both = server.About(cli.Models("m1", "base"), settings, "agent", "stand-ins").document()
    assert [model["id"] for model in both["models"]] == ["base", "tuned"]
    alone = server.About(cli.Models("m1"), settings, "agent").document()
    assert [model["deployment"] for model in alone["models"]] == ["m1"]
    assert (both["note"], alone["max_new_tokens"]) == ("stand-ins", 64)
