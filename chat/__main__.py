# PYTHON_ARGCOMPLETE_OK
"""python -m chat [--stack STACK]: chat with the fine-tuned model, in the terminal, in the browser or for programs."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from dataclasses import dataclass

from chat import deployments, front_ends
from chat.connection import connection_id, read_connection
from chat.phi_messages import ChatError, ChatRequest
from chat.terminal import Models, Terminal
from settings import plain_text
from settings.commandline import StackError, check_stack, parse
from settings.outputs import OutputsError, read

NEEDED = ("subscriptionId", "resourceGroup", "project", "connection", "deployment", "workspace", "endpoint")
_TEMPERATURE = 0.0  # the most likely answer: the same question gets the same one


@dataclass(frozen=True)
class Target:
    """What is chatted with, and through which front end."""

    connection: str
    models: Models
    front_end: str
    endpoint: str = ""
    """Id of the endpoint in Azure Resource Manager, where it is known."""


def main(arguments: list[str] | None = None) -> None:
    """Exits with 1 and one message when there is nothing to chat with or no answer."""
    chosen = parse(_parser(), arguments)
    try:
        if not _run(chosen):
            sys.exit(1)
    except (StackError, ChatError, OutputsError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chat", description="Chat with the fine-tuned model.")
    parser.add_argument("--stack", default="local", help="default: local")
    parser.add_argument("--ask", metavar="QUESTION", help="ask once instead of chatting")
    parser.add_argument("--compare", action="store_true", help="ask the base model too, where it is deployed")
    parser.add_argument("--temperature", type=float, default=_TEMPERATURE, help=f"default: {_TEMPERATURE}")
    parser.add_argument("--max-new-tokens", type=int, default=128, metavar="N", help="default: 128")
    parser.add_argument("--json", action="store_true", help="questions and answers as lines of JSON (chat/lines.py)")
    parser.add_argument("--web", action="store_true", help="chat on a web page, on this machine only")
    parser.add_argument("--port", type=int, metavar="N", help="the page's port; 0 takes a free one (default: 8650)")
    parser.add_argument("--note", default="", metavar="TEXT", help="what is to be said about the models")
    parser.add_argument("--front-end", choices=front_ends.NAMES, help="default: the stack's flow.frontEnd")
    instead = parser.add_argument_group("instead of what the stack names")
    instead.add_argument("--connection", metavar="ID", help="a project's connection, by its Azure resource id")
    instead.add_argument("--endpoint", metavar="ID", default="", help="the endpoint, by its Azure resource id")
    instead.add_argument("--tuned", metavar="DEPLOYMENT", default="", help="the fine-tuned model's deployment")
    instead.add_argument("--base", metavar="DEPLOYMENT", default="", help="the base model's deployment")
    return parser


def _run(chosen: argparse.Namespace) -> bool:
    """Returns whether all questions were answered."""
    likely = chosen.front_end or front_ends.PROMPT_FLOW
    # A daemon: without outputs there is no reason to wait for it.
    threading.Thread(target=front_ends.load, args=(likely,), daemon=True).start()
    target = _target(chosen)
    python = front_ends.interpreter(target.front_end)
    if str(python) != sys.executable:
        _go_on_in(python, chosen, target)
    connection = read_connection(target.connection)
    contracts = deployments.learn(connection.endpoint, target.endpoint) if target.endpoint else {}
    note = chosen.note
    if deployments.differ(contracts, target.models.tuned, target.models.base):
        note = f"{note} {deployments.NOT_ALIKE}".lstrip()
    front_end = front_ends.front_end(target.front_end, connection)
    if connection.system:
        note = f"{note} System prompt: {connection.system}".lstrip()
    settings = ChatRequest(
        "", temperature=chosen.temperature, max_new_tokens=chosen.max_new_tokens, system=connection.system
    )
    if chosen.web:
        from chat.web.server import About, serve

        serve(front_end, About(target.models, settings, target.front_end, note), chosen.port)
        return True
    if chosen.json:
        import json

        from chat.lines import answer_lines

        lines = [json.dumps({"question": chosen.ask})] if chosen.ask is not None else sys.stdin
        return answer_lines(front_end, settings, lines, sys.stdout)
    console = plain_text.console(soft_wrap=True, highlight=False)
    conversation = Terminal(front_end, target.models, settings, console, compare="base" if chosen.compare else "")
    if chosen.ask is not None:
        conversation.ask(chosen.ask)
    else:
        import readline  # noqa: F401 - arrow keys and earlier questions at the prompt

        conversation.converse(note)
    return True


def _target(chosen: argparse.Namespace) -> Target:
    if chosen.connection:
        front_end = chosen.front_end or front_ends.PROMPT_FLOW
        return Target(chosen.connection, Models(chosen.tuned, chosen.base), front_end, chosen.endpoint)
    check_stack(chosen.stack, "chat")
    outputs = read(chosen.stack, *NEEDED)
    ids = [outputs[name] for name in NEEDED[:4]]
    models = Models(chosen.tuned or outputs["deployment"], chosen.base or outputs.get("baseDeployment") or "")
    endpoint = deployments.endpoint_id(*ids[:2], *(outputs[name] for name in NEEDED[5:]))
    front_end = chosen.front_end or outputs.get("frontEnd") or front_ends.PROMPT_FLOW
    return Target(connection_id(*ids), models, front_end, endpoint)


def _go_on_in(python: object, chosen: argparse.Namespace, target: Target) -> None:
    """Becomes the same chat in the front end's own environment, which need not read the outputs again."""
    given = {
        "--stack": chosen.stack,
        "--ask": chosen.ask,
        "--temperature": str(chosen.temperature),
        "--max-new-tokens": str(chosen.max_new_tokens),
        "--front-end": target.front_end,
        "--connection": target.connection,
        "--endpoint": target.endpoint,
        "--tuned": target.models.tuned,
        "--base": target.models.base,
        "--port": chosen.port,
        "--note": chosen.note,
    }
    options = [f"{name}={value}" for name, value in given.items() if value is not None]
    flags = [f"--{name}" for name in ("compare", "json", "web") if getattr(chosen, name)]
    os.execv(str(python), [str(python), "-m", "chat", *options, *flags])


if __name__ == "__main__":
    main()
