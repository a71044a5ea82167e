"""Answering in NumPy: the network's scores, sampling, payloads, the model folder. No JAX but for the comparison."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from emulator.training.batches import fill
from emulator.training.errors import TrainingError
from emulator.training.model.answer import Answerer
from emulator.training.model.folder import Origin, StandIn, find, load, save, streams
from emulator.training.model.shape import Shape, initial_parameters
from emulator.training.model.tokenizer import ChatTokenizer, Message, read_texts, train_tokenizer
from emulator.training.serving import completions, generic
from emulator.training.serving.chat_model import ChatModel, Parameters, Piece
from emulator.training.serving.payload import BadPayload, read_payload
from emulator.training.serving.score import image_score
from jobs.release import contracts

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
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    # As the fine-tune component leaves it, but for the README and the weights' format.
    assert names == [
        "MLmodel",
        "README.md",
        "conda.yaml",
        "data/config/config.json",
        "data/model/config.json",
        "data/model/weights.npz",
        "data/tokenizer/tokenizer.json",
        "finetune_config.json",
        "python_env.yaml",
        "requirements.txt",
    ]
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / "copy" / name).read_bytes()
    (tmp_path / "copy" / "data" / "model" / "weights.npz").unlink()
    with pytest.raises(TrainingError, match="is not a model folder of the emulator: it has no"):
        load(tmp_path / "copy")
    (tmp_path / "copy" / "data" / "model" / "config.json").write_text("{}")
    with pytest.raises(TrainingError, match="is not a model folder of the emulator"):
        load(tmp_path / "copy")


def test_a_folder_made_before_it_looked_like_azures_is_read(folder: Path, tmp_path: Path) -> None:
    for name in ("MLmodel", "data/model/config.json", "data/model/weights.npz", "data/tokenizer/tokenizer.json"):
        shutil.copy(folder / name, tmp_path / Path(name).name)
    assert load(tmp_path).size == load(folder).size


def test_who_serves_a_model_is_in_its_metadata(folder: Path, tmp_path: Path) -> None:
    """Fine-tuning takes the image away, unless the base model's package says enable_vllm."""
    base = load(folder)
    for name, enabled in (("generic", False), ("image", True)):
        origin = dataclasses.replace(base.origin, recipe={"num_train_epochs": 1}, enable_vllm=enabled)
        save(dataclasses.replace(base, origin=origin), tmp_path / name)
    assert [streams(each) for each in (folder, tmp_path / "generic", tmp_path / "image")] == [True, False, True]
    contract = [contracts.read((each / "MLmodel").read_bytes()).name for each in (folder, tmp_path / "generic")]
    assert contract == ["chat-completions", "mlflow"]
    tuned = yaml.safe_load((tmp_path / "generic" / "MLmodel").read_text())
    assert set(tuned["flavors"]) == {"hftransformersv2", "python_function"} and "signature" not in tuned
    assert tuned["metadata"] == {
        "stand_in": "not Phi: a small network trained in the emulator",
        "base_model_asset_id": "azureml://registries/azureml/models/Phi-4-mini-instruct/versions/1",
        "base_model_name": "Phi-4-mini-instruct",
        "base_model_task": "chat-completion",
        "finetuning_task": "chat-completion",
        "is_acft_model": True,
        "is_finetuned_model": True,
        "model_provider_name": "microsoft",
    }


ANSWER = {"role": "assistant", "content": "Ada."}


@pytest.mark.parametrize(
    ("rows", "shape"),
    [
        ([QUESTION], "[{'0': '...'}]"),
        ([QUESTION, ANSWER, QUESTION], "['...']"),
        ([{"role": "system", "content": "Be short."}, QUESTION], "['...']"),
        ([[QUESTION, ANSWER, QUESTION]], "[{'0': '...'}]"),
    ],
)
def test_generic_scoring_answers_in_two_shapes(folder: Path, rows: Any, shape: str) -> None:
    (said,) = generic.score(ChatModel(folder), payload(rows, max_new_tokens=3))
    assert shape == ("['...']" if isinstance(said, str) else repr([dict.fromkeys(said, "...")]))


def test_generic_scoring_samples_unless_told_not_to(folder: Path) -> None:
    model = ChatModel(folder)
    certain = {str(generic.score(model, payload([QUESTION], max_new_tokens=9, do_sample=False))) for _ in range(4)}
    sampled = {str(generic.score(model, payload([QUESTION], max_new_tokens=9))) for _ in range(4)}
    assert len(certain) == 1 and len(sampled) > 1


@pytest.mark.parametrize(
    "body",
    [
        payload([QUESTION], temperature=0),
        payload([QUESTION], colour="red"),
        payload([QUESTION], return_full_text=False),
        payload([QUESTION], max_new_tokens=0),
        payload([QUESTION, ANSWER]),
        payload([QUESTION, QUESTION]),
        payload([QUESTION, {"role": "system", "content": "late"}, QUESTION]),
        payload([]),
        payload([{"role": "user"}]),
        '{"input_data": [1]}',
    ],
)
def test_generic_scoring_raises_without_a_reason(folder: Path, body: str) -> None:
    with pytest.raises(generic.Raised):
        generic.score(ChatModel(folder), body)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("[]", "POST body should be a JSON dictionary."),
        ('{"messages": []}', "A value is not provided for the 'input_data' parameter."),
        ("{", "not valid JSON"),
    ],
)
def test_generic_scoring_refuses_a_body_without_input_data(body: str, says: str) -> None:
    with pytest.raises(generic.NoInput) as caught:
        generic.read(body)
    assert says in str(caught.value)


def test_generic_scoring_puts_llamas_marks_around_a_system_message(folder: Path) -> None:
    class Model(ChatModel):
        def answer(self, messages: list[Message], parameters: Parameters) -> str:
            return repr((messages, parameters.max_new_tokens, parameters.temperature))

    ((said),) = generic.score(Model(folder), payload([{"role": "system", "content": " Be short. "}, QUESTION]))
    system = {"role": "system", "content": "<<SYS>>\nBe short.\n<</SYS>>\n\n"}
    assert said == repr(([system, dict(QUESTION)], 256, 0.7))


def test_the_chat_image_answers_nothing_where_it_fails(folder: Path) -> None:
    model = ChatModel(folder)
    assert set(image_score(model, payload([QUESTION], temperature=0, max_new_tokens=3))) == {"output"}
    assert image_score(model, payload([QUESTION, ANSWER])) == {}
    assert image_score(model, '{"messages": []}') == {}


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
