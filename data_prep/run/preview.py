"""The first rows as they are in the source, and as the model will see them: read, checked, in the chat template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import orjson

from data_prep.errors import DataError
from data_prep.request import Request
from data_prep.row.calls import learnable
from data_prep.row.reading import Read, Reader
from data_prep.row.remedies import REMEDIES
from data_prep.row.rules import problems, question, record, shown
from data_prep.row.split import point, side_of
from data_prep.run.opening import opened
from data_prep.run.scratch import scratch
from data_prep.run.targets import without_results
from data_prep.source.azureml import Workspace
from data_prep.source.locate import locate
from data_prep.source.tokens import Counter, Tokenizer, resolve, template_of
from settings.models import model

_ROWS = 3
_MOST = 300  # characters that are shown of a column
_SPECIAL = {"eos_token": "<|endoftext|>", "bos_token": ""}  # what a template may name besides the messages


def preview(request: Request, workspace: Workspace | None = None, rows: int = _ROWS) -> Iterator[str]:
    """Lines for people about the first ``rows`` rows; nothing is written. Raises :class:`DataError`."""
    results = request.within or request.directory
    source = without_results(locate(request.source, request.base), results)
    with ExitStack() as stack:
        place = stack.enter_context(scratch(results)) if source.kind == "azureml" else None
        found = opened(source, request, workspace, place)
        first = found.peek()[:rows]
    if not first:
        raise DataError(f"{found.label} holds no rows that can be read")
    tokenizer = resolve(request.tokenizer, model(request.model), online=source.kind == "hub")
    template, origin = template_of(model(request.model), tokenizer)
    yield f"{found.label}; chat template {origin if template else 'unknown, so the bare texts'}"
    reader = Reader(request.shape, request.columns, request.ignore, request.model)
    for number, row in enumerate(first, start=1):
        yield from _before(number, row)
        yield from _after(reader.read(row), request, tokenizer, template)
    yield "dry run: nothing was written"


def _before(number: int, row: Any) -> Iterator[str]:
    yield f"--- row {number} in the source"
    for key, value in row.items() if isinstance(row, Mapping) else [("row", row)]:
        text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode(errors="replace")
        yield f"{shown(str(key))}: {shown(text.replace(chr(10), ' '), _MOST)}"


def _after(read: Read, request: Request, tokenizer: Tokenizer, template: str | None) -> Iterator[str]:
    shape = f"taken as {read.shape}" if read.shape else "in no shape that is known"
    if read.aside:
        yield f"--- {shape}: set aside by its own mark ({read.aside})"
        return
    if broken := [*read.problems] or problems(read.row, learnable(request.model)):
        yield f"--- {shape}: cannot be used"
        for code, problem in {problem.code: problem for problem in reversed(broken)}.items():
            yield f"{problem.field} {problem.rule}"
            if code in REMEDIES:
                yield f"  {REMEDIES[code]}"
        return
    made = record(read.row)
    counter = Counter(tokenizer, model(request.model))
    side = side_of(point(question(made), request.seed), request.test_ratio, request.validation_ratio)
    about = "" if counter.exact else "about "
    unused = f"; not used: {', '.join(read.unused)}" if read.unused else ""
    yield f"--- {shape}: {side}, {about}{counter.count(made['messages'])} tokens{unused}"
    text = rendered(made["messages"], template) if template else _bare(made["messages"])
    yield from (shown(line, 2000) for line in text.splitlines())


def rendered(messages: list[dict[str, Any]], template: str) -> str:
    """``messages`` through a chat template, which is somebody else's program: so in a sandbox."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    try:
        made = environment.from_string(template)
        return made.render(messages=messages, add_generation_prompt=False, **_SPECIAL)
    # What the program of somebody else raises is anything: one that divides by a count raises ZeroDivisionError.
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise DataError(f"the model's chat template does not take these messages ({why})") from error


def _bare(messages: list[dict[str, Any]]) -> str:
    return "\n".join(f"{message['role']}: {message['content']}" for message in messages)
