# PYTHON_ARGCOMPLETE_OK
"""python -m flow [--stack STACK] [--ask QUESTION] [--compare]: chat with the fine-tuned model."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from commandline import parse
from flow.chat import ChatError, ChatRequest, Turn
from jobs.outputs import OutputsError, read

if TYPE_CHECKING:
    from rich.console import Console

    from flow.project import ProjectFlow

NEEDED = ("subscriptionId", "resourceGroup", "project", "connection", "deployment")
_HELP = "/reset forgets the conversation, /quit (or Ctrl-D) ends it"
_TEMPERATURE = 0.1  # near the most likely answer: the same question gets the same one


def main(arguments: list[str] | None = None) -> None:
    """Exits with 1 and one message when there is nothing to chat with or no answer."""
    parser = argparse.ArgumentParser(prog="python -m flow", description="Chat with the fine-tuned model.")
    parser.add_argument("--stack", default="local", help="default: local")
    parser.add_argument("--ask", metavar="QUESTION", help="ask once instead of chatting")
    parser.add_argument("--compare", action="store_true", help="ask the base model too, where it is deployed")
    parser.add_argument("--temperature", type=float, default=_TEMPERATURE, help=f"default: {_TEMPERATURE}")
    parser.add_argument("--max-new-tokens", type=int, default=128, help="default: 128")
    chosen = parse(parser, arguments)
    try:
        chat = _open(chosen)
        if chosen.ask is not None:
            chat.ask(chosen.ask)
        else:
            chat.converse()
    except (ChatError, OutputsError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _open(chosen: argparse.Namespace) -> Chat:
    """Reads the stack's outputs while promptflow, the slowest thing here, is being imported."""
    from flow import project

    # A daemon: without outputs there is no reason to wait for it.
    threading.Thread(target=project.load, daemon=True).start()
    outputs = read(chosen.stack, *NEEDED)
    flow = project.ProjectFlow(
        outputs["subscriptionId"], outputs["resourceGroup"], outputs["project"], outputs["connection"]
    )
    from rich.console import Console

    return Chat(flow, outputs, chosen, Console(soft_wrap=True, highlight=False))


class Chat:
    """A conversation in the terminal."""

    def __init__(
        self, flow: ProjectFlow, outputs: dict[str, Any], chosen: argparse.Namespace, console: Console
    ) -> None:
        self._flow, self._console = flow, console
        self._temperature, self._length = chosen.temperature, chosen.max_new_tokens
        self._base = str(outputs.get("baseDeployment") or "") if chosen.compare else ""
        if chosen.compare and not self._base:
            print("the base model is not deployed (serving.compareWithBase is off)", file=sys.stderr)
        self._history: tuple[Turn, ...] = ()

    def ask(self, question: str) -> None:
        """Prints the question and the labelled answers."""
        self._say("Question", question)
        if self._base:
            self._say("Base model", *self._answer(question, self._base))
        text, seconds = self._answer(question, "")
        self._say("Fine-tuned", text, seconds)
        self._history = (*self._history, Turn(question, text))

    def converse(self) -> None:
        """Until /quit or the end of the input. A question that fails is told and forgotten."""
        self._console.print(f"Ask away; {_HELP}.", style="dim")
        while True:
            try:
                line = self._console.input("\nYou > ").strip()
            except EOFError:
                self._console.print()
                return
            if line == "/quit":
                return
            if line == "/reset":
                self._history = ()
                self._console.print("Forgotten.", style="dim")
            elif line.startswith("/"):
                self._console.print(_HELP, style="dim", markup=False)
            elif line:
                try:
                    self._reply(line)
                except ChatError as error:
                    self._console.print(f"error: {error}", style="red", markup=False)

    def _reply(self, question: str) -> None:
        if self._base:
            self._say("Base model", *self._answer(question, self._base))
        text, seconds = self._answer(question, "")
        self._say("Fine-tuned" if self._base else "Phi", text, seconds)
        self._history = (*self._history, Turn(question, text))

    def _answer(self, question: str, deployment: str) -> tuple[str, float]:
        """Text and seconds. Both models see the fine-tuned one's conversation."""
        started = time.monotonic()
        request = ChatRequest(question, self._history, deployment, self._temperature, self._length)
        return self._flow(request), time.monotonic() - started

    def _say(self, who: str, text: str, seconds: float | None = None) -> None:
        from rich.text import Text

        line = Text(f"{who:<11} ", style="bold").append(" ".join(text.split()), style="none")
        if seconds is not None:
            line.append(f"  ({seconds:.1f} s)", style="dim")
        self._console.print(line)


if __name__ == "__main__":
    main()
