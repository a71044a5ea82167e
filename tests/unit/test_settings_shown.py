"""What others wrote reaches a terminal, a page or a comment as text, and steers none of them."""

from __future__ import annotations

import io
import random
import sys
import time

import pytest

from chat.phi_messages import Answer, ChatRequest, Ending
from chat.terminal import Models, Terminal
from data_prep.card.text import _cell
from settings import plain_text
from settings.plain_text import markdown, plain

ORDERS = {
    "title": ("\x1b]0;owned\x07", ""),
    "title, other end": ("\x1b]0;owned\x1b\\", ""),
    "clipboard": ("\x1b]52;c;ZWNobyBvd25lZA==\x1b\\", ""),
    "clear": ("\x1b[2J\x1b[H", ""),
    "hidden": ("\x1b[8m", ""),
    "C1": ("\x9b2J", ""),
    "C1 title": ("\x9d0;owned\x9c", ""),
    "DCS": ("\x1bP+q544e\x1b\\", ""),
    "reset": ("\x1bc", ""),
    "character set": ("\x1b(0", ""),
    "bell": ("\x07", ""),
    "backspaces": ("\x08\x08", ""),
    "vertical": ("\x0b\x0c", ""),
    "NUL and DEL": ("\x00\x7f", ""),
    "line begun anew": ("\r", "\n"),
    "title without an end": ("\x1b]0;all of the line", ""),
    "direction": ("\u202e\u2066", ""),
}


@pytest.mark.parametrize("name", ORDERS)
def test_no_order_to_a_terminal_passes(name: str) -> None:
    order, left = ORDERS[name]
    swallowed = "" if name == "title without an end" else "after"
    assert plain(f"before{order}{swallowed}\nstays\ttoo") == f"before{left}{swallowed}\nstays\ttoo"


def test_other_text_stays_as_it_is() -> None:
    text = "Grüße 日本語 🎉 e\u0301 \u200d\u00a0[8m ]0; a\r\nb\tc"
    assert plain(text) == text.replace("\r\n", "\n")


def test_nothing_that_could_be_an_order_is_left_of_anything() -> None:
    chance = random.Random(2)
    pieces = ["\x1b", "[", "]", "0;", "\x07", "\\", "\x9b", "m", "8", "\r", "\n", "a", "P", "\x9c", "?", " ", "\x00"]
    for _ in range(2_000):
        left = plain("".join(chance.choice(pieces) for _ in range(chance.randint(0, 30))))
        assert not [each for each in left if each != "\n" and (each < " " or "\x7f" <= each <= "\x9f")]
        assert plain(left) == left
    began = time.process_time()
    for piece in pieces:
        plain(piece * 40_000)
        plain("\x1b]" + piece * 40_000)
        markdown(piece * 40_000)
    assert time.process_time() - began < 5


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_printed_goes_through_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = Screen(), Screen()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    plain_text.guard()
    plain_text.guard()  # once is enough
    print("job \x1b]0;owned\x07x", "\x9b2J")
    print("error: \x1b[8mhidden", file=sys.stderr)
    sys.stderr.write("\r 10 %")  # a progress bar of a library
    assert (out.getvalue(), err.getvalue()) == ("job x \n", "error: hidden\n\r 10 %")
    assert sys.stdout.isatty()


def test_a_console_draws_in_colours_what_is_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.table import Table

    out = Screen()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("TERM", "xterm")
    plain_text.guard()
    table = Table("job")
    table.add_row("\x1b[8mnamed")
    drawn = plain_text.console(width=40, force_terminal=True)
    drawn.print(table)
    drawn.print("bold \x1b[2J", style="bold")
    assert "\x1b[8m" not in out.getvalue() and "named" in out.getvalue() and "\x1b[2J" not in out.getvalue()
    assert "\x1b[1m" in out.getvalue(), "its own orders pass"


@pytest.mark.parametrize("streamed", [True, False])
def test_an_answer_of_a_model_steers_no_terminal(monkeypatch: pytest.MonkeyPatch, streamed: bool) -> None:
    out = Screen()
    monkeypatch.setattr(sys, "stdout", out)
    said = ["It is \x1b]0;owned\x07\x1b[2J", "\x1b", "[8mhere\x9b8m"]

    def front_end(_: ChatRequest) -> object:
        yield from said
        yield Ending(Answer("".join(said), "m1\x1b[8m", 0.1))

    chat = Terminal(front_end, Models("m1"), ChatRequest(""), plain_text.console(soft_wrap=True, highlight=False))  # type: ignore[arg-type]
    if streamed:
        chat._reply("Who?")
    else:
        chat.ask("Who?")
    shown = out.getvalue()
    assert "It is" in shown and "here" in shown
    assert "\x1b]0" not in shown and "\x1b[2J" not in shown and "\x1b[8m" not in shown and "\x9b" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<img src=https://evil.example>", "&lt;img src=https:&#47;&#47;evil.example>"),
        ("mit\n\n# heading\n", "mit # heading"),
        ("[click](https://evil.example)", "&#91;click](https:&#47;&#47;evil.example)"),
        ("![x](y)", "&#33;&#91;x](y)"),
        ("[x]: y", "&#91;x]: y"),
        ("@octocat and a@b.example", "@&#8203;octocat and a@&#8203;b.example"),
        ("fixes #12, owner/name#3", "fixes #&#8203;12, owner/name#&#8203;3"),
        ("www.evil.example", "www&#46;evil.example"),
        ("&lt;b&gt; &#60;", "&amp;lt;b&amp;gt; &amp;#&#8203;60;"),
        ("[x][y]", "&#91;x]&#91;y]"),
        (
            "ask https://phi.eastus2.inference.ml.azure.com/score",
            "ask https://phi.eastus2.inference.ml.azure.com/score",
        ),
        ("https://ml.azure.com.evil.example", "https:&#47;&#47;ml.azure.com.evil.example"),
        ("https://ml.azure.com@evil.example", "https:&#47;&#47;ml.azure.com@&#8203;evil.example"),
        ("steps [100] -> [10, 50]", "steps [100] -> [10, 50]"),
        ("run `pulumi up @x <y>`, a & b", "run `pulumi up @x <y>`, a & b"),
        ("` @one", "` @&#8203;one"),
        ("\\`@one` two", "&#92;`@&#8203;one` two"),
        ("``a ` @b`` @c", "``a ` @b`` @&#8203;c"),
        ("\x1b[8mx", "x"),
    ],
)
def test_a_comment_and_a_page_hold_no_markup_of_others(text: str, shown: str) -> None:
    assert markdown(text) == shown


def test_a_licence_of_a_data_set_is_a_cell_of_a_table() -> None:
    assert _cell("mit\n\n<img src=https://evil.example> | x") == "mit &lt;img src=https:&#47;&#47;evil.example> \\| x"
