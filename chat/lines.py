"""The chat for programs: a question in JSON on each line of standard input, its answer on a line of standard output."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

from chat.phi_messages import ChatError, ChatRequest, Ending, InvalidInput, Turn

if TYPE_CHECKING:
    from chat.front_ends import FrontEnd

_KEYS: dict[str, tuple[type, ...]] = {
    "question": (str,),
    "deployment": (str,),
    "temperature": (int, float),
    "max_new_tokens": (int,),
    "reset": (bool,),
}


def answer_lines(front_end: FrontEnd, settings: ChatRequest, lines: Iterable[str], out: IO[str]) -> bool:
    """One conversation; ``"reset": true`` begins another. Returns whether every question got an answer.

    A line is ``{"question": ...}`` with any of deployment, temperature, max_new_tokens and reset. An answer is
    ``{"answer", "deployment", "seconds", "first_seconds", "tokens", "cut_off", "left_out", "pieces"}``, where
    ``left_out`` is how many of the first turns no longer fit into the context and were not sent; a failure is
    ``{"error": {"kind", "message", "retry_after", "text"}}`` and is not part of the conversation.
    """
    well = True
    history: tuple[Turn, ...] = ()
    for line in lines:
        if not line.strip():
            continue
        try:
            asked = _read(line)
            history = () if asked.pop("reset", False) else history
            request = replace(settings, history=history, **asked)
            said = next(end for _, end in timed(front_end, request) if end)
            history = (*history, Turn(request.question, said["answer"]))
        except ChatError as error:
            said, well = {"error": error_object(error)}, False
        print(json.dumps(said, ensure_ascii=False), file=out, flush=True)
    return well


def timed(front_end: FrontEnd, request: ChatRequest) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """The answer's pieces; with the last one, which has no text, what the answer was and took. Raises ChatError."""
    started = time.monotonic()
    times: list[float] = []
    for piece in front_end(request):
        times.append(time.monotonic() - started)
        if isinstance(piece, Ending):
            answer = piece.answer
            end = {
                "answer": answer.text,
                "deployment": answer.deployment,
                "seconds": round(times[-1], 3),
                "first_seconds": round(times[0], 3),
                "tokens": answer.tokens,
                "cut_off": answer.cut_off,
                "left_out": request.left_out,
                "pieces": len(times) - 1,
            }
            yield "", end
            return
        yield piece, None
    raise ChatError("The answer has no end.")


def error_object(error: ChatError) -> dict[str, Any]:
    """What a failure says, for programs and pages."""
    return {
        "kind": type(error).__name__,
        "message": str(error),
        "retry_after": error.retry_after,
        "text": error.text,
    }


def _read(line: str) -> dict[str, Any]:
    example = '{"question": "Who founded Microsoft?"}'
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        raise InvalidInput(f"A line is no JSON. One looks like {example}.") from None
    if not isinstance(asked, dict) or not isinstance(asked.get("question"), str):
        raise InvalidInput(f"A line has no question. One looks like {example}.")
    for key, value in asked.items():
        wanted = _KEYS.get(key)
        if wanted is None or not isinstance(value, wanted):
            raise InvalidInput(
                f"{key[:40]} is {repr(value)[:200]}; a line has {', '.join(_KEYS)}, for example {example}."
            )
    return asked
