"""The chat for programs: lines of JSON in, lines of JSON out."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from chat.lines import answer_lines
from chat.phi_messages import Answer, Busy, ChatRequest, Ending, Turn


class FrontEnd:
    """Says the question back; "fail" fails."""

    def __init__(self) -> None:
        self.asked: list[ChatRequest] = []

    def __call__(self, request: ChatRequest) -> Iterator[Any]:
        self.asked.append(request)
        if request.question == "fail":
            raise Busy("Too many at once.")
        yield request.question.upper()
        yield Ending(Answer(request.question.upper(), "blue", 1.0))


def said(*lines: str, front_end: FrontEnd | None = None) -> tuple[bool, list[dict[str, Any]]]:
    out = io.StringIO()
    well = answer_lines(front_end or FrontEnd(), ChatRequest("", temperature=0.2), lines, out)
    return well, [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_conversation_goes_on_until_it_is_reset() -> None:
    front_end = FrontEnd()
    well, answers = said(
        '{"question": "a"}',
        "  ",
        '{"question": "b", "deployment": "green", "temperature": 1, "max_new_tokens": 9}',
        '{"question": "c", "reset": true}',
        '{"question": "d", "reset": false}',
        front_end=front_end,
    )
    assert well and [answer["answer"] for answer in answers] == ["A", "B", "C", "D"]
    assert front_end.asked == [
        ChatRequest("a", temperature=0.2),
        ChatRequest("b", (Turn("a", "A"),), "green", temperature=1, max_new_tokens=9),
        ChatRequest("c", temperature=0.2),
        ChatRequest("d", (Turn("c", "C"),), temperature=0.2),
    ]


def test_a_failed_question_is_told_and_is_no_part_of_the_conversation() -> None:
    front_end = FrontEnd()
    well, answers = said('{"question": "fail"}', '{"question": "b"}', front_end=front_end)
    assert not well
    assert answers[0] == {"error": {"kind": "Busy", "message": "Too many at once.", "retry_after": None, "text": ""}}
    assert answers[1]["answer"] == "B" and front_end.asked[1].history == ()


EXAMPLE = '{"question": "Who founded Microsoft?"}'
KEYS = "a line has question, deployment, temperature, max_new_tokens, reset"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", f"A line is no JSON. One looks like {EXAMPLE}."),
        ("[]", f"A line has no question. One looks like {EXAMPLE}."),
        ('{"question": 1}', f"A line has no question. One looks like {EXAMPLE}."),
        ('{"question": "a", "top_p": 1}', f"top_p is 1; {KEYS}, for example {EXAMPLE}."),
        ('{"question": "a", "max_new_tokens": 1.5}', f"max_new_tokens is 1.5; {KEYS}, for example {EXAMPLE}."),
        ('{"question": "a", "reset": "yes"}', f"reset is 'yes'; {KEYS}, for example {EXAMPLE}."),
    ],
)
def test_a_line_that_is_no_question_is_refused(line: str, message: str) -> None:
    well, (answer,) = said(line)
    assert not well and (answer["error"]["kind"], answer["error"]["message"]) == ("InvalidInput", message)
