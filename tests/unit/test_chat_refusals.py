"""What an asker is told of each refusal, whole: what happened, where, and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from chat.phi_messages import (
    Busy,
    ChatRequest,
    InvalidInput,
    KeyRefused,
    ModelFailed,
    NoDeployment,
    ServerFailed,
    Turn,
    UnknownAnswer,
    Unreachable,
    answer_text,
    part,
    parts,
    read_json,
    refusal,
    turns,
)

ROTATED = (
    "If the keys were rotated just now, open the chat again; else `pulumi up` writes the current key into the "
    "connection."
)
NONE_THERE = (
    "(404). Where it is paused (`python -m jobs status` tells), `python -m jobs resume` brings the model back; `pulumi "
    "up` releases one; one that was released, and deleted by hand since, comes back with `pulumi up --replace "
    "'**::release'`."
)


@pytest.mark.parametrize(
    ("status", "said", "deployment", "kind", "told"),
    [
        (401, "no", "", KeyRefused, f"The endpoint phi refused the key (401). {ROTATED}"),
        (403, "no", "", KeyRefused, f"The endpoint phi refused the key (403). {ROTATED}"),
        (
            403,
            "Public_Network_Access is off",
            "",
            Unreachable,
            "The endpoint phi answers only in its own network (403): Public_Network_Access is off. Ask from a machine "
            "in that network, or in one connected with it, which resolves the private names.",
        ),
        (404, "", "", NoDeployment, f"The endpoint phi has no deployment with traffic {NONE_THERE}"),
        (404, "", "m1", NoDeployment, f"The endpoint phi has no deployment m1 {NONE_THERE}"),
        (424, "out of\n memory", "", ModelFailed, "The model behind phi raised an error (424): out of memory"),
        (408, "", "", ServerFailed, "The endpoint phi failed (408): it said nothing. Ask again."),
        (500, "x" * 300, "", ServerFailed, f"The endpoint phi failed (500): {'x' * 200}. Ask again."),
        (302, "", "", UnknownAnswer, "The endpoint phi redirects (302); the key is not sent elsewhere."),
        (399, "", "", UnknownAnswer, "The endpoint phi redirects (399); the key is not sent elsewhere."),
        (300, "", "", UnknownAnswer, "The endpoint phi redirects (300); the key is not sent elsewhere."),
        (400, "no", "", UnknownAnswer, "The endpoint phi refused the question (400): no"),
        (299, "no", "", UnknownAnswer, "The endpoint phi refused the question (299): no"),
        (401, "public network access", "", KeyRefused, f"The endpoint phi refused the key (401). {ROTATED}"),
    ],
)
def test_a_refusal(status: int, said: str, deployment: str, kind: type[Exception], told: str) -> None:
    error = refusal("phi", status, said, deployment)
    assert (type(error), str(error), error.text) == (kind, told, "")


@pytest.mark.parametrize(
    ("status", "header", "wait", "told"),
    [
        (429, "", 5.0, "The endpoint phi has too many requests at once (429). Ask again in 5 s."),
        (429, "2.5", 2.5, "The endpoint phi has too many requests at once (429). Ask again in 2.5 s."),
        (429, "2.5.1", 5.0, "The endpoint phi has too many requests at once (429). Ask again in 5 s."),
        (503, "9", 9.0, "The endpoint phi failed (503): no. Ask again."),
        (503, "soon", None, "The endpoint phi failed (503): no. Ask again."),
        (400, "9", None, "The endpoint phi refused the question (400): no"),
    ],
)
def test_how_long_to_wait(status: int, header: str, wait: float | None, told: str) -> None:
    error = refusal("phi", status, "no", "", header)
    assert (error.retry_after, str(error)) == (wait, told)
    assert isinstance(error, Busy) == (status == 429)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token(status: int) -> None:
    assert str(refusal("phi", status, "no", "", by_token=True)) == (
        f"The endpoint phi refused your token ({status}): no. Who asks it needs the action "
        "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action on it, which AzureML Data Scientist "
        "has; a role given just now takes minutes."
    )


@pytest.mark.parametrize(
    "key", ["output", "choices", "message", "content", "generated_text", "predictions", "text", "0"]
)
def test_an_answer_under_each_key(key: str) -> None:
    assert answer_text({"other": 1, key: "said"}) == "said"


def test_of_a_conversation_the_last_of_a_list_the_first() -> None:
    assert answer_text([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]) == "b"
    assert answer_text([{"role": "user", "content": "a"}, {"content": "b"}]) == "a"
    assert answer_text(["a", "b"]) == "a"
    assert answer_text({"text": "b", "output": "a"}) == "a"


@pytest.mark.parametrize(
    ("answer", "outline"),
    [
        ([], "an empty list"),
        ({}, "an object with no keys"),
        ({"b": 1, "a": 2}, "an object with a, b"),
        ({"x" * 120: 1}, f"an object with {'x' * 100}"),
        (7, "int"),
        (None, "NoneType"),
    ],
)
def test_an_answer_of_no_known_shape(answer: Any, outline: str) -> None:
    with pytest.raises(UnknownAnswer) as raised:
        answer_text(answer)
    assert str(raised.value) == (
        f"The endpoint's answer has a shape nobody here knows ({outline}); known are "
        '{"output": "..."}, {"choices": [...]} and a list of one of them. Was another kind of model deployed?'
    )


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"a": 1}', {"a": 1}),
        ('"{\\"a\\": 1}"', {"a": 1}),
        ('" [1]"', [1]),
        ('"{no"', "{no"),
        ('"text"', "text"),
        ('"\\"text\\""', '"text"'),
    ],
)
def test_a_body_of_json_and_json_within(body: bytes | str, found: Any) -> None:
    assert read_json(body) == found


def test_what_is_no_json() -> None:
    for body in ("<html>", "[" * 100_000):
        with pytest.raises(UnknownAnswer) as raised:
            read_json(body)
        assert str(raised.value) == "The endpoint's answer is not JSON. Is this a scoring URL?"


def event(**choice: Any) -> bytes:
    return b"data: " + str({"choices": [choice]}).replace("'", '"').encode()


def test_events_are_read_up_to_their_end() -> None:
    lines = [
        b": alive",
        b"id: 3",
        event(delta={"content": "a"}),
        b"",
        b"event: more",
        event(delta={}),
        b"data:[DONE]",
        b"data: x",
    ]
    assert list(parts(lines)) == [("a", None, None), ("", None, None), ("", "stop", None)]
    assert list(parts([])) == []


@pytest.mark.parametrize(
    ("lines", "kind", "told"),
    [
        ([b"event: error", b"data: out of memory"], ModelFailed, "The model stopped in mid-answer: out of memory"),
        (
            [b'data: {"error": "' + b"x" * 300 + b'"}'],
            ModelFailed,
            'The model stopped in mid-answer: {"error": "' + "x" * 189,
        ),
        (
            [b"data: no"],
            UnknownAnswer,
            "The endpoint streams events that are not JSON. Is this a chat model?",
        ),
        ([b"data: 3"], UnknownAnswer, "The endpoint streams events of a shape nobody here knows (int)."),
        (
            [b'data: {"logits": 1}'],
            UnknownAnswer,
            "The endpoint streams events of a shape nobody here knows (an object with logits).",
        ),
    ],
)
def test_events_that_are_no_answer(lines: list[bytes], kind: type[Exception], told: str) -> None:
    with pytest.raises(kind) as raised:
        list(parts(lines))
    assert str(raised.value) == told


def test_an_event_after_another_kind_of_event_is_read() -> None:
    assert next(parts([b"event: error", b"event: message", event(delta={"content": "a"})])) == ("a", None, None)


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ({"choices": []}, ("", None, None)),
        ({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}, ("a", "stop", None)),
        ({"choices": [{"delta": {"content": "a"}}], "usage": {"completion_tokens": 3}}, ("a", None, 3)),
        ({"choices": [{"delta": {"content": None}}], "usage": None}, ("", None, None)),
        ({"choices": [{"delta": {"content": "d"}, "message": {"content": "m"}}]}, ("d", None, None)),
    ],
)
def test_a_part(told: Any, read: Any) -> None:
    assert part(told) == read


HISTORY = [{"inputs": {"input_data": "a"}, "outputs": {"answer": 1}}]


def test_the_history_of_prompt_flow() -> None:
    assert turns(HISTORY) == (Turn("a", "1"),) and turns(None) == ()
    for wrong in ([{"inputs": {}}], [3]):
        with pytest.raises(InvalidInput) as raised:
            turns(wrong)  # type: ignore[arg-type]
        assert str(raised.value) == (
            'The chat history is not in prompt flow\'s shape [{"inputs": {"input_data": ...}, "outputs": {"answer": '
            "...}}]."
        )


def test_the_bodies_of_both_routes() -> None:
    request = ChatRequest("c", (Turn("a", "b"),), temperature=1, max_new_tokens=9, system="s")
    messages = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]
    parameters = {"temperature": 1.0, "max_new_tokens": 9}
    assert request.payload() == {"input_data": {"input_string": messages, "parameters": parameters}}
    assert request.completion() == {"messages": messages, "temperature": 1, "max_tokens": 9, "stream": True}
    cold = ChatRequest("c", temperature=0).payload()["input_data"]["parameters"]
    assert cold == {"do_sample": False, "max_new_tokens": 128}
    assert ChatRequest("c") == ChatRequest("c", (), "", 0.7, 128, "")


@pytest.mark.parametrize(
    ("length", "max_new_tokens", "system", "left_out"),
    [
        # Of 4,096 tokens 128 are for the answer, 4 for a question of two letters; a turn takes its bytes / 3 + 4 twice.
        (5910, 128, "", 0),
        (5943, 128, "", 1),
        (5910, 128, "x" * 90, 1),
        (3050, 4000, "", 0),
        (3090, 4000, "", 1),
    ],
)
def test_what_no_longer_fits_is_left_out(length: int, max_new_tokens: int, system: str, left_out: int) -> None:
    turn = Turn("x" * length, "é" * (length // 2))
    assert ChatRequest("hi", (turn,), max_new_tokens=max_new_tokens, system=system).left_out == left_out


def test_what_is_left_out_is_not_sent() -> None:
    long, short = Turn("x" * 9000, "y" * 9000), Turn("a", "b")
    request = ChatRequest("hi", (long, short), system="s")
    assert [each["content"] for each in request.messages()] == ["s", "a", "b", "hi"]
