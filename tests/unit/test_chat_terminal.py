"""How a chat in the terminal looks, word for word, and what an answer took."""

from __future__ import annotations

import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from chat import lines, terminal
from chat.phi_messages import (
    Answer,
    AnswerCutOff,
    Busy,
    ChatError,
    ChatRequest,
    Ending,
    Turn,
)
from chat.terminal import Models, Terminal


class FrontEnd:
    def __init__(self) -> None:
        self.asked: list[ChatRequest] = []

    def __call__(self, request: ChatRequest) -> Iterator[Any]:
        self.asked.append(request)
        if request.question == "busy":
            raise Busy("Too many.")
        yield "Pa"
        if request.question == "cut":
            error = AnswerCutOff("Cut off.")
            error.text = "Pa"
            raise error
        if request.question == "endless":
            return
        yield "ris"
        tokens = {"one": 1, "none": None}.get(request.question, 2)
        yield Ending(Answer("Pa ris\n", "m1", 1.0, tokens, cut_off=request.question == "long"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(1000))
    monkeypatch.setattr(terminal, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))


def chatted(*typed: str, compare: str = "", base: str = "base-0", note: str = "") -> tuple[str, FrontEnd]:
    out, front_end, left = io.StringIO(), FrontEnd(), list(typed)
    console = Console(file=out, width=200)

    def read(prompt: str) -> str:
        out.write(prompt)
        if not left:
            raise EOFError
        return left.pop(0)

    console.input = read  # type: ignore[method-assign, assignment]
    settings = ChatRequest("", max_new_tokens=9)
    Terminal(front_end, Models("m1", base), settings, console, compare=compare).converse(note)
    return out.getvalue(), front_end


def test_a_conversation_in_the_terminal(clock: None) -> None:
    told, front_end = chatted("one", "long", "busy", "cut", "endless", "", "/quit", "never", note="A stand-in.")
    assert told == (
        "A stand-in.\nAsk away; /help lists the commands, Ctrl-D ends.\n"
        "\nYou > Phi         Paris  (2.0 s, first word after 1.0 s, 1 token)\n"
        "\nYou > Phi         Paris  (2.0 s, first word after 1.0 s, 2 tokens)\n"
        "The answer ends here because it has 9 tokens; /length 18 allows more.\n"
        "\nYou > Phi         \nerror: Too many.\n"
        "\nYou > Phi         Pa\nerror: Cut off.\n"
        "\nYou > Phi         Pa\nerror: The answer has no end.\n"
        "\nYou > \nYou > "
    )
    one, long = Turn("one", "Pa ris\n"), Turn("long", "Pa ris\n")
    assert [asked.history for asked in front_end.asked] == [
        (),
        (one,),
        (one, long),
        (one, long),
        (one, long, Turn("cut", "Pa")),
    ]
    assert {asked.max_new_tokens for asked in front_end.asked} == {9}


def test_commands_in_the_terminal(clock: None) -> None:
    told, front_end = chatted(
        "/compare tuned", "none", "/reset", "/length 5", "/temperature 1.5", "/compare base", "none", "/compare off",
        "/length 0", "/temperature 3", "/compare x", "/nothing", "none",
    )  # fmt: skip
    help_ = terminal.HELP
    assert told == (
        "Ask away; /help lists the commands, Ctrl-D ends.\n"
        "\nYou > \nYou > Newest (m1) Paris  (2.0 s, first word after 1.0 s)\n"
        "In service  Paris  (2.0 s, first word after 1.0 s)\n"
        "\nYou > Forgotten.\n"
        "\nYou > Answers have up to 5 tokens.\n"
        "\nYou > The temperature is 1.5.\n"
        "\nYou > \nYou > Base model  Paris  (2.0 s, first word after 1.0 s)\n"
        "Fine-tuned  Paris  (2.0 s, first word after 1.0 s)\n"
        f"\nYou > \nYou > There is no /length 0. There are:\n{help_}\n"
        f"\nYou > There is no /temperature 3. There are:\n{help_}\n"
        f"\nYou > There is no /compare x. There are:\n{help_}\n"
        f"\nYou > There is no /nothing. There are:\n{help_}\n"
        "\nYou > Phi         Paris  (2.0 s, first word after 1.0 s)\n"
        "\nYou > \n"
    )
    assert [(each.deployment, each.max_new_tokens, each.temperature) for each in front_end.asked] == [
        ("m1", 9, 0.7),
        ("", 9, 0.7),
        ("base-0", 5, 1.5),
        ("", 5, 1.5),
        ("", 5, 1.5),
    ]
    assert [len(each.history) for each in front_end.asked] == [0, 0, 0, 0, 1]


def test_a_model_that_is_not_there_is_not_compared(clock: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Phi         Paris" in chatted("none", compare="base", base="")[0]
    assert capsys.readouterr().err == "the base model is not deployed (serving.compareWithBase is off)\n"


def test_one_question_and_its_answers(clock: None) -> None:
    out = io.StringIO()
    settings = ChatRequest("", max_new_tokens=9)
    Terminal(FrontEnd(), Models("m1", "b"), settings, Console(file=out, width=200), compare="base").ask("long")
    limit = "The answer ends here because it has 9 tokens; /length 18 allows more.\n"
    assert out.getvalue() == (
        f"Question    long\nBase model  Pa ris  (1.0 s, 2 tokens)\n{limit}"
        f"Fine-tuned  Pa ris  (1.0 s, 2 tokens)\n{limit}"
    )


def test_what_an_answer_took_for_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(100))
    monkeypatch.setattr(lines, "time", SimpleNamespace(monotonic=lambda: next(ticks) * 0.12345))
    *pieces, (last, end) = lines.timed(FrontEnd(), ChatRequest("one", (Turn("x" * 20_000, "y"),)))
    assert pieces == [("Pa", None), ("ris", None)] and last == ""
    assert end == {
        "answer": "Pa ris\n",
        "deployment": "m1",
        "seconds": 0.37,
        "first_seconds": 0.123,
        "tokens": 1,
        "cut_off": False,
        "left_out": 1,
        "pieces": 2,
    }
    with pytest.raises(ChatError, match=r"^The answer has no end\.$"):
        list(lines.timed(FrontEnd(), ChatRequest("endless")))
