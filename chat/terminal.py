"""The chat in the terminal."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chat.phi_client import answer_of
from chat.phi_messages import Answer, AnswerCutOff, ChatError, ChatRequest, Ending, Turn
from settings.plain_text import plain

if TYPE_CHECKING:
    from rich.console import Console

    from chat.front_ends import FrontEnd

HELP = """\
/reset                     forget the conversation
/compare base|tuned|off    who else answers: the base model, the newest fine-tuned one whatever the traffic, nobody
/length N                  most tokens of an answer
/temperature X             0: always the likeliest word; higher: more variety
/help                      this
/quit                      end (or Ctrl-D); Ctrl-C stops an answer"""
NOT_DEPLOYED = "the base model is not deployed (serving.compareWithBase is off)"


@dataclass(frozen=True)
class Models:
    """Deployments behind the endpoint, "" where there is none; traffic rules choose where none is named."""

    tuned: str
    base: str = ""


class Terminal:
    """A conversation in the terminal."""

    def __init__(
        self, front_end: FrontEnd, models: Models, settings: ChatRequest, console: Console, *, compare: str = ""
    ) -> None:
        self._front_end, self._models, self._settings, self._console = front_end, models, settings, console
        self._history: tuple[Turn, ...] = ()
        self._other = ""
        self._compare(compare or "off")

    def ask(self, question: str) -> None:
        """Prints the question and the labelled answers, a line each. Raises ChatError."""
        self._label("Question", question, end="\n")
        for label, deployment in self._asked():
            started = time.monotonic()
            answer = answer_of(self._front_end(self._request(question, deployment)))
            figures = self._figures(answer, time.monotonic() - started)
            self._label(label or "Fine-tuned", " ".join(answer.text.split()), f"  ({figures})", end="\n")
            self._note(answer)

    def converse(self, note: str = "") -> None:
        """Until /quit or the end of the input. A question that fails is told and forgotten."""
        if note:
            self._dim(note)
        self._dim("Ask away; /help lists the commands, Ctrl-D ends.")
        while True:
            try:
                line = self._console.input("\nYou > ").strip()
            except (EOFError, KeyboardInterrupt):
                self._console.print()
                return
            if line == "/quit":
                return
            if line.startswith("/"):
                self._command(*line.split(maxsplit=1))
            elif line:
                self._reply(line)

    def _command(self, name: str, value: str = "") -> None:
        if name == "/reset":
            self._history = ()
            self._dim("Forgotten.")
        elif name == "/compare" and value in ("base", "tuned", "off"):
            self._compare(value)
        elif name == "/length" and value.isdecimal() and int(value) > 0:
            self._settings = replace(self._settings, max_new_tokens=int(value))
            self._dim(f"Answers have up to {value} tokens.")
        elif name == "/temperature" and (temperature := _number(value)) is not None:
            self._settings = replace(self._settings, temperature=temperature)
            self._dim(f"The temperature is {temperature:g}.")
        else:
            if name != "/help":
                self._dim(f"There is no {name} {value}".rstrip() + ". There are:")
            self._dim(HELP)

    def _compare(self, whom: str) -> None:
        if whom == "base" and not self._models.base:
            print(NOT_DEPLOYED, file=sys.stderr)
            whom = "off"
        self._other = "" if whom == "off" else whom

    def _asked(self) -> list[tuple[str, str]]:
        """Label and deployment of those who answer, the one in service last."""
        if self._other == "base":
            return [("Base model", self._models.base), ("Fine-tuned", "")]
        if self._other == "tuned":
            return [(f"Newest ({self._models.tuned})", self._models.tuned), ("In service", "")]
        return [("", "")]

    def _reply(self, question: str) -> None:
        """All see the conversation with the one in service, whose answer is remembered."""
        answer: Answer | None = None
        if left_out := self._request(question, "").left_out:
            turns = "turn no longer fits and is" if left_out == 1 else f"{left_out} turns no longer fit and are"
            self._dim(f"The conversation has outgrown the model's context: its first {turns} not sent.")
        try:
            for label, deployment in self._asked():
                answer = self._stream(label or "Phi", self._request(question, deployment))
        except AnswerCutOff as error:
            self._error(error)
            answer = Answer(error.text, "", 0.0)
        except ChatError as error:
            self._error(error)
            return
        except KeyboardInterrupt:
            self._dim("\n(stopped)")
            return
        if answer is not None:
            self._history = (*self._history, Turn(question, answer.text))

    def _stream(self, label: str, request: ChatRequest) -> Answer:
        """Prints the pieces as they come, then what they took."""
        started = time.monotonic()
        first: float | None = None
        self._label(label, "")
        pieces = self._front_end(request)
        for piece in pieces:
            first = first if first is not None else time.monotonic() - started
            if isinstance(piece, Ending):
                seconds = time.monotonic() - started
                self._dim(f"  ({self._figures(piece.answer, seconds, first)})")
                self._note(piece.answer)
                return piece.answer
            self._console.out(plain(piece), end="", highlight=False)
            self._console.file.flush()
        raise ChatError("The answer has no end.")

    def _request(self, question: str, deployment: str) -> ChatRequest:
        return replace(self._settings, question=question, history=self._history, deployment=deployment)

    def _figures(self, answer: Answer, seconds: float, first: float | None = None) -> str:
        begun = f", first word after {first:.1f} s" if first is not None and seconds - first >= 0.1 else ""
        return f"{seconds:.1f} s{begun}" + _tokens(answer)

    def _note(self, answer: Answer) -> None:
        if answer.cut_off:
            length = self._settings.max_new_tokens
            self._dim(f"The answer ends here because it has {length} tokens; /length {2 * length} allows more.")

    def _label(self, label: str, text: str, figures: str = "", end: str = "") -> None:
        from rich.text import Text

        line = Text(f"{label:<11} ", style="bold").append(text, style="none").append(figures, style="dim")
        self._console.print(line, end=end)

    def _dim(self, text: str) -> None:
        self._console.print(text, style="dim", markup=False)

    def _error(self, error: ChatError) -> None:
        self._console.print(f"\nerror: {error}", style="red", markup=False)


def _tokens(answer: Answer) -> str:
    return f", {answer.tokens} token{'s' if answer.tokens > 1 else ''}" if answer.tokens else ""


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number <= 2 else None
