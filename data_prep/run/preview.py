"""The first rows as the model will see them: adapted, checked, and with the chat template applied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from data_prep.errors import DataError
from data_prep.request import Request
from data_prep.row.rules import problems, question, record, shown
from data_prep.row.shapes import adapter
from data_prep.row.split import is_test
from data_prep.run.opening import opened
from data_prep.run.scratch import scratch
from data_prep.run.targets import without_results
from data_prep.source.azureml import Workspace
from data_prep.source.locate import locate
from data_prep.source.tokens import Counter, Tokenizer, resolve, template_of
from settings.models import model

_ROWS = 3
_SPECIAL = {"eos_token": "<|endoftext|>", "bos_token": ""}  # what a template may name besides the messages


def preview(request: Request, workspace: Workspace | None = None, rows: int = _ROWS) -> Iterator[str]:
    """Lines for people about the first ``rows`` rows; nothing is written. Raises :class:`DataError`."""
    source = without_results(locate(request.source, request.base), request.directory)
    with ExitStack() as stack:
        place = stack.enter_context(scratch(request.directory)) if source.kind == "azureml" else None
        found = opened(source, request, workspace, place)
        first = found.peek()[:rows]
        shape = found.shape(request.shape)
    if not first:
        raise DataError(f"{found.label} holds no rows that can be read")
    tokenizer = resolve(request.tokenizer, model(request.model), online=source.kind == "hub")
    template, origin = template_of(model(request.model), tokenizer)
    yield f"{found.label}, taken as {shape}; chat template {origin if template else 'unknown, so the bare texts'}"
    for number, row in enumerate(first, start=1):
        yield from _row(number, adapter(shape)(row), request, tokenizer, template)
    yield "dry run: nothing was written"


def _row(number: int, row: Any, request: Request, tokenizer: Tokenizer, template: str | None) -> Iterator[str]:
    broken = problems(row)
    if broken:
        yield f"--- row {number}: cannot be used"
        yield from (f"{problem.field} {problem.rule}" for problem in broken)
        return
    made = record(row)
    counter = Counter(tokenizer, model(request.model))
    side = "test" if is_test(question(made), request.seed, request.test_ratio) else "train"
    about = "" if counter.exact else "about "
    yield f"--- row {number}: {side}, {about}{counter.count(made['messages'])} tokens"
    text = rendered(made["messages"], template) if template else _bare(made["messages"])
    yield from (shown(line, 2000) for line in text.splitlines())


def rendered(messages: list[dict[str, Any]], template: str) -> str:
    """``messages`` through a chat template, which is somebody else's program: so in a sandbox."""
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    try:
        made = environment.from_string(template)
        return made.render(messages=messages, add_generation_prompt=False, **_SPECIAL)
    except TemplateError as error:
        raise DataError(f"the model's chat template does not take these messages: {error}") from error


def _bare(messages: list[dict[str, Any]]) -> str:
    return "\n".join(f"{message['role']}: {message['content']}" for message in messages)
