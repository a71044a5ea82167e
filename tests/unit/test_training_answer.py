"""Answering in NumPy: the network's scores, sampling, payloads, the model folder. No JAX but for the comparison."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from emulator.training import completions
from emulator.training.answer import Answerer
from emulator.training.batches import fill
from emulator.training.errors import TrainingError
from emulator.training.folder import Origin, StandIn, find, load, save
from emulator.training.score import BadPayload, ChatModel, Parameters, Piece, read_payload
from emulator.training.shape import Shape, initial_parameters
from emulator.training.tokenizer import ChatTokenizer, Message, read_texts, train_tokenizer

SHAPE = Shape(vocabulary=40, width=16, layers=2, heads=2, hidden=16, window=12)
QUESTION = Message(role="user", content="Who?")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "model"
    tokenizer = ChatTokenizer(train_tokenizer(read_texts(), 300))
    shape = Shape(tokenizer.size, width=16, layers=1, heads=2, hidden=16, window=48)
    save(StandIn(shape, initial_parameters(shape, 1), tokenizer, Origin("Phi-4-mini-instruct", "1")), path)
    return path


def test_numpy_answers_with_the_scores_jax_trained() -> None:
    from emulator.training.network import logits

    parameters = initial_parameters(SHAPE, 3)
    prompt = [5, 6, 7]
    answer = Answerer(SHAPE, parameters).continue_prompt(prompt, end=-1, limit=6).ids
    whole = prompt + answer
    # Packed behind another conversation, as in training: it must not see that one.
    rows = fill([[([9, 9, 9], [True] * 3), (whole, [True] * len(whole))]], rows=1, length=12, pad=0)
    scores = np.asarray(logits(parameters, rows, SHAPE))[0, 3:]
    assert answer == scores.argmax(axis=-1)[len(prompt) - 1 : len(whole) - 1].tolist()


def test_an_answer_stops_at_the_limit_the_end_token_and_the_window() -> None:
    answerer = Answerer(SHAPE, initial_parameters(SHAPE, 3))
    free = answerer.continue_prompt([5, 6, 7], end=-1, limit=100).ids
    assert len(free) == SHAPE.window - 3 + 1
    assert answerer.continue_prompt([5, 6, 7], end=-1, limit=2).ids == free[:2]
    end = free[0]
    assert answerer.continue_prompt([5, 6, 7], end=end, limit=100).ids == []


def test_temperature_seed_and_top_p() -> None:
    answerer = Answerer(SHAPE, initial_parameters(SHAPE, 3))

    def ids(temperature: float, top_p: float, seed: int) -> list[int]:
        return answerer.continue_prompt([5], -1, 8, temperature, top_p, seed).ids

    assert ids(0.0, 1.0, 1) == ids(0.0, 1.0, 2)
    assert ids(5.0, 1.0, 1) == ids(5.0, 1.0, 1) != ids(5.0, 1.0, 2)
    assert ids(5.0, 1e-9, 1) == ids(0.0, 1.0, 1), "a tiny top_p leaves the likeliest token only"


def payload(messages: object, **parameters: object) -> str:
    return json.dumps({"input_data": {"input_string": messages, "parameters": parameters}})


def test_the_tutorials_payload_is_read(folder: Path) -> None:
    messages, parameters = read_payload(payload([QUESTION], temperature=0, max_new_tokens=5, return_full_text=False))
    assert messages == [QUESTION]
    assert (parameters.temperature, parameters.max_new_tokens) == (0.0, 5)
    model = ChatModel(folder)
    assert model.answer(messages, parameters) == model.answer(messages, parameters)
    history = [QUESTION, Message(role="assistant", content="Ada."), QUESTION]
    assert isinstance(model.answer(history, Parameters(temperature=1.0, max_new_tokens=3)), str)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "the body is not JSON"),
        ("[]", "no input_data.input_string"),
        ('{"input_data": 1}', "no input_data.input_string"),
        (payload([]), "input_string is empty"),
        (payload("Who?"), "must be a list"),
        (payload([{"role": "user"}]), "message 1 has no content"),
        (payload([QUESTION, {"role": "assistant", "content": "Ada."}]), "the last message must be the user's"),
        (payload([QUESTION], temperature=-1), "temperature is -1"),
        (payload([QUESTION], max_new_tokens="many"), "max_new_tokens is 'many'"),
        (payload([QUESTION], top_p=0), "top_p is 0"),
    ],
)
def test_a_bad_payload_is_refused_with_the_reason(body: str, message: str) -> None:
    with pytest.raises(BadPayload) as caught:
        read_payload(body)
    assert message in str(caught.value)


def test_a_folder_is_found_where_a_deployment_mounts_it(folder: Path) -> None:
    assert find(folder) == folder
    assert find(folder.parent) == folder
    with pytest.raises(TrainingError, match="no MLmodel"):
        find(folder / "nothing")


def test_the_same_model_is_the_same_bytes_and_another_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    save(load(folder), tmp_path / "copy")
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "copy" / path.name).read_bytes()
    (tmp_path / "copy" / "weights.npz").unlink()
    with pytest.raises(TrainingError, match="is not a model folder of the emulator: it has no"):
        load(tmp_path / "copy")
    (tmp_path / "copy" / "config.json").write_text("{}")
    with pytest.raises(TrainingError, match="is not a model folder of the emulator"):
        load(tmp_path / "copy")


def test_pieces_make_up_the_answer_and_say_how_it_ended(folder: Path) -> None:
    model = ChatModel(folder)
    parameters = Parameters(temperature=0, max_new_tokens=9)
    *texts, last = model.pieces([QUESTION], parameters)
    assert "".join(piece.text for piece in texts) == model.answer([QUESTION], parameters)
    assert (last.text, last.finish_reason, last.completion_tokens) == ("", "length", 9)
    assert all(piece.text and piece.finish_reason is None for piece in texts)


def test_a_chat_completion_as_events_and_as_one_object() -> None:
    def pieces() -> Iterator[Piece]:
        yield Piece("Bill")
        yield Piece(" Gates")
        yield Piece("", "stop", 5, 2)

    *lines, done = [event.removeprefix("data: ").strip() for event in completions.events(pieces())]
    chunks = [json.loads(line) for line in lines]
    assert done == "[DONE]"
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": "Bill"},
        {"content": " Gates"},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, "stop"]
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    assert chunks[-1]["usage"] == usage
    whole = completions.completion(pieces())
    assert whole["choices"][0]["message"] == {"role": "assistant", "content": "Bill Gates"}
    assert whole["usage"] == usage


@pytest.mark.parametrize("body", ["{", "{}", '{"messages": []}', '{"messages": [{"role": "user"}]}'])
def test_bad_chat_completions_are_refused(body: str) -> None:
    with pytest.raises(BadPayload):
        completions.read_request(body)


def test_a_chat_completions_parameters() -> None:
    body = {"messages": [QUESTION], "max_tokens": 5, "temperature": 0, "stream": True, "model": "x"}
    messages, parameters, stream = completions.read_request(json.dumps(body))
    assert (messages, parameters.max_new_tokens, parameters.temperature, stream) == ([QUESTION], 5, 0, True)
